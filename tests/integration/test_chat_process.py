"""The chat's process: one that answers at a time, and what people are told after a time away."""

# ruff: noqa: ASYNC110 -- what is waited for happens elsewhere

import asyncio
import re
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from tortoise import connections

from bot.chat import alone
from bot.i18n import LANGUAGES, Html, words_for
from bot.notices import Reader, Render
from bot.processes import announce
from bot.views import away as away_views
from engine.domain.notice import Kind
from engine.domain.person import Role
from storage.locks import Lock
from storage.models import OutboxRow
from storage.sole import Sole
from tests.conftest import Database
from tests.integration.conftest import Desk


async def last_seen(ago: str) -> None:
    await connections.get("default").execute_query(
        "INSERT INTO heartbeat (name, at, detail)"
        f" VALUES ('bot', clock_timestamp() - interval '{ago}', '{{}}')"
    )


async def test_after_a_time_away_the_start_says_so_with_a_button_for_each_idea(desk: Desk) -> None:
    idea = await desk.until_idea()
    await last_seen("29 minutes")
    await announce(desk.world)
    (row, *_) = await OutboxRow.filter(kind="started", person_id=1001)
    render = Render(store=desk.world.store, broker=desk.world.broker)
    to = Reader(words_for("en"), Role.ADMIN)
    parcel = await render(Kind.STARTED, row.payload["detail"], to)
    assert parcel is not None
    assert "I was away from" in parcel.text
    assert "1 idea waits:" in parcel.text
    assert [[b["callback_data"] for b in r] for r in parcel.buttons] == [[f"v1:card:{idea.id.hex}"]]
    assert not parcel.silent


@pytest.mark.parametrize("ago", [None, "90 seconds"])
async def test_short_absence_and_a_first_start_are_no_news(desk: Desk, ago: str | None) -> None:
    if ago:
        await last_seen(ago)
    await announce(desk.world)
    rows = await OutboxRow.filter(kind="started")
    assert rows
    assert all("away" not in row.payload["detail"] for row in rows)


@pytest.mark.parametrize("language", LANGUAGES)
def test_time_away_names_the_day_when_it_was_another(language: str) -> None:
    since = datetime(2026, 3, 1, 23, 50, tzinfo=UTC)
    detail = {"since": since.isoformat(), "until": (since + timedelta(minutes=30)).isoformat()}
    words = words_for(language)
    text = str(away_views.back(words, Html("up"), detail, []).text)
    assert "23:50" in text
    assert re.search("0?0:20", text)
    assert words.time(since, "d MMM") in text


async def test_only_one_process_answers_and_the_next_takes_over_when_its_lock_is_gone(
    database: Database,
) -> None:
    running: list[str] = []

    def part(name: str):
        async def run() -> None:
            running.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                running.remove(name)

        return run

    first, second = (Sole(database.url, Lock.CHAT) for _ in range(2))
    tasks = [asyncio.ensure_future(alone(first, [part("first")]))]
    async with asyncio.timeout(20):
        while running != ["first"]:
            await asyncio.sleep(0.02)
        tasks.append(asyncio.ensure_future(alone(second, [part("second")])))
        await asyncio.sleep(1.5)
        assert running == ["first"]
        owner = await asyncpg.connect(database.owner_url)
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        await owner.close()
        while "second" not in running and running != ["first"]:
            await asyncio.sleep(0.02)
        assert len(running) <= 1
        while len(running) != 1:
            await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await first.close()
    await second.close()
