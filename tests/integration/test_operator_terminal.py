"""``ai-trader command``: what a script gives, and what it sees of it."""

import json
from typing import Any

import pytest

from bot import operator_reports
from bot.reports import CLEAN, FAULTY
from bot.settings import Settings
from engine.errors import IllegalMove, InvalidInput, NotFound
from storage.database import open_database
from tests.conftest import Database
from tests.integration.conftest import Desk


async def run(database: Database, work: Any, *arguments: Any, **values: Any) -> tuple[int, str]:
    said: list[str] = []
    settings = Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]
    code = await work(settings, *arguments, **values, say=said.append)
    return code, "\n".join(said)


async def enqueue(database: Database, kind: str, **values: Any) -> tuple[int, str]:
    wanted = {"pair": None, "mode": None, "key": None, "wait": 0, **values}
    return await run(database, operator_reports.enqueue, kind, **wanted)


async def carry_out(desk: Desk, database: Database) -> None:
    """What a worker does; a command of the terminal leaves no open database behind."""
    async with open_database(database.url):
        await desk.work.execute_commands()


async def test_a_command_is_given_listed_and_shown(desk: Desk, opened: Database) -> None:
    code, said = await enqueue(opened, "pause_pair", pair="EUR_USD", mode="paper", key="k")
    assert code == CLEAN
    assert "PENDING    PAUSE_PAIR     EURUSD  by cli" in said
    assert "ai-trader command show 1" in said
    await carry_out(desk, opened)
    assert (
        "SUCCEEDED"
        in (await enqueue(opened, "PAUSE_PAIR", pair="EURUSD", mode="PAPER", key="k"))[1]
    )
    await enqueue(opened, "RESUME_PAIR", pair="EURUSD")
    _, listed = await run(opened, operator_reports.list_all, None, limit=9)
    assert [line.split()[0] for line in listed.splitlines()] == ["2", "1"]
    _, failed = await run(opened, operator_reports.list_all, "failed", limit=9)
    assert failed == "no commands"
    _, shown = await run(opened, operator_reports.show, 1)
    document = json.loads(shown)
    assert (document["status"], document["idempotency_key"]) == ("SUCCEEDED", "k")
    assert document["result"]["actions"][0]["symbol"] == "EURUSD"


async def test_who_waits_hears_whether_it_ended_well(desk: Desk, opened: Database) -> None:
    code, said = await enqueue(opened, "PAUSE_PAIR", pair="USDJPY", key="k", wait=0.01)
    assert (code, "PENDING" in said) == (FAULTY, True)
    await carry_out(desk, opened)
    code, said = await enqueue(opened, "PAUSE_PAIR", pair="USDJPY", key="k", wait=5)
    assert code == FAULTY
    assert said.endswith("FAILED     PAUSE_PAIR     USDJPY  by cli  not_watched")


async def test_what_makes_no_sense_is_said(desk: Desk, opened: Database) -> None:
    for kind, values in (
        ("PAUSE", {}), ("PAUSE_ALL", {"mode": "demo"}), ("PAUSE_PAIR", {}),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            await enqueue(opened, kind, **values)
    await enqueue(opened, "PAUSE_ALL", key="k")
    with pytest.raises(IllegalMove):
        await enqueue(opened, "CLOSE_ALL", key="k")
    with pytest.raises(NotFound):
        await run(opened, operator_reports.show, 99)
