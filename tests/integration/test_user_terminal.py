"""``ai-trader user``: the way back in when no admin is left in the chat."""

import asyncio
import os
import sys
from typing import Any

import pytest

from bot import user_reports
from bot.settings import Settings
from engine.domain.person import Person, Role
from engine.errors import InvalidInput, LastAdmin, NotFound
from storage.database import open_database
from storage.transaction import PostgresStore
from tests.builders import NOW
from tests.conftest import Database
from tests.integration.conftest import ANN, LUIS

SAM = Person(id=1004, name="Sam", role=Role.PENDING, chat_id=1004, unreachable_since=NOW)


async def run(database: Database, work: Any, *arguments: Any) -> list[str]:
    said: list[str] = []
    settings = Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]
    await work(settings, *arguments, say=said.append)
    return said


async def seated(database: Database, *people: Person) -> None:
    async with open_database(database.url), PostgresStore().begin() as tx:
        for person in people:
            await tx.people.save(person)


async def test_people_are_listed_added_changed_and_removed(database: Database) -> None:
    assert "Nobody yet" in (await run(database, user_reports.list_all))[0]
    told = await run(database, user_reports.add, 1001, "Ann", "admin", "en")
    assert told == ["Ann (1001) is admin. They press Start in the chat."]
    await seated(database, LUIS, SAM)
    assert await run(database, user_reports.list_all) == [
        "1004  pending  Sam   en  UTC  never seen, blocked the bot",
        "1001  admin    Ann   en  UTC  never seen",
        "1002  trader   Luis  es  UTC  never seen",
    ]
    assert await run(database, user_reports.change, 1004, "viewer") == ["Sam (1004): viewer"]
    assert await run(database, user_reports.change, 1002, "refused") == ["Luis (1002): removed"]
    async with open_database(database.url), PostgresStore().begin() as tx:
        records = await tx.history.list(limit=9)
    assert [str(one.entry.action) for one in records] == [
        "person_removed", "person_joined", "person_joined",
    ]  # fmt: skip
    assert {one.entry.actor for one in records} == {"cli"}


async def test_what_cannot_be_is_refused_in_words(database: Database) -> None:
    await seated(database, ANN)
    for problem, work, arguments in (
        (LastAdmin, user_reports.change, (1001, "refused")),
        (LastAdmin, user_reports.change, (1001, "trader")),
        (NotFound, user_reports.change, (77, "viewer")),
        (InvalidInput, user_reports.change, (1001, "king")),
        (InvalidInput, user_reports.change, (1001, "pending")),
        (InvalidInput, user_reports.add, (1001, "Ann", "admin", "en")),
        (InvalidInput, user_reports.add, (77, "X", "admin", "fr")),
    ):
        with pytest.raises(problem):
            await run(database, work, *arguments)


async def test_the_command_line_has_it(database: Database) -> None:
    environ = {**os.environ, "DATABASE_URL": database.url}
    for words, code, said in (
        (["list"], 0, b"Nobody yet"),
        (["remove", "77"], 2, b"there is no person 77"),
    ):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-m", "bot", "user", *words,
            env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, problem = await process.communicate()
        assert process.returncode == code, problem
        assert said in out + problem
