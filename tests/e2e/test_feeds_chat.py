"""Today's calendar and news, from a server of the web to the chat."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from tortoise import connections
from tortoise.exceptions import OperationalError

from bot import jobs
from bot.feed_settings import outside_of
from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_work
from bot.world import build_world, now
from broker.feeds.recorded import RecordedMarket, shipped_recording
from engine.domain.settings import RiskSettings
from engine.domain.state import Control, TradingState
from engine.strategies.documents import shipped
from storage.seed import seed
from storage.transaction import PostgresLedger
from tests.conftest import Database
from tests.e2e.conftest import Chat
from tests.feed_server import Site, answer, served
from tests.integration.conftest import ANN, EVE, LUIS, START, Desk, RecordingBell

SOON = timedelta(hours=2)


class Today(RecordedMarket):
    """Recorded candles in a market whose time is the wall's, as a real venue's is."""

    async def instant(self) -> datetime:
        return now()


def week(at: datetime, title: str = "Core CPI m/m") -> bytes:
    row = {
        "title": title, "country": "USD", "date": at.isoformat(timespec="seconds"),
        "impact": "High", "forecast": "0.3%", "previous": "0.2%",
    }  # fmt: skip
    # The second one keeps this moment inside what the file knows, whatever day it is.
    ahead = (at + timedelta(days=8)).isoformat(timespec="seconds")
    behind = (at - timedelta(days=8)).isoformat(timespec="seconds")
    return json.dumps(
        [row, *({**row, "title": "GDP", "date": d} for d in (ahead, behind))]
    ).encode()


def rss(headline: str) -> bytes:
    at = format_datetime(now() - timedelta(minutes=5))
    return (
        f'<rss version="2.0"><channel><title>Wire</title><item><title>{headline}</title>'
        f"<guid>{headline}</guid><pubDate>{at}</pubDate></item></channel></rss>"
    ).encode()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served() as found:
        found.pages["/week.json"] = answer(week(now() + SOON))
        found.pages["/rss"] = answer(rss("ECB &lt;b&gt;holds&lt;/b&gt; rates"))
        yield found


@pytest.fixture
async def desk(opened: Database, site: Site) -> Desk:
    """Trading is on; the calendar and the news come from the site."""
    control = Control(state=TradingState.RUNNING, reason="test", changed_at=START)
    await seed(shipped(), RiskSettings(daily_profit_target=Decimal(0)), control)
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None, market_start=306, feeds_allow_private=True,
        calendar_url=site.url("/week.json"), news_feeds=site.url("/rss"),
    )  # fmt: skip
    world = build_world(settings)
    world = replace(
        world,
        market=Today(shipped_recording(), PostgresLedger(), start=306),
        outside=outside_of(settings, world.store, world.watched),
    )
    async with world.store.begin() as tx:
        for person in (ANN, LUIS, EVE):
            await tx.people.save(person)
    bell = RecordingBell()
    work, talk = build_work(world, bell), build_talk(world, bell, claim_code="code-of-the-test")
    return Desk(world, work, talk, bell)


async def poll(chat: Chat) -> None:
    """As the clocks of three workers do, when everything is due."""
    await connections.get("default").execute_query("UPDATE feed SET not_before = now()")
    await asyncio.gather(*(jobs.poll_feeds({"work": chat.desk.work}) for _ in range(3)))


async def doctor(chat: Chat) -> set[str]:
    return {finding.code for finding in await chat.desk.talk.diagnose(None)}


async def test_calendar_and_news_reach_the_chat_and_every_decision(chat: Chat, site: Site) -> None:
    assert {"calendar_never", "no_news"} <= await doctor(chat)
    assert "not available" in (await chat.say("/calendar"))[0]["text"]
    assert "last three days" in (await chat.say("/news"))[0]["text"]
    await poll(chat)
    assert len(site.asked) == 2
    (calendar,) = await chat.say("/calendar")
    for part in ("Core CPI m/m", "USD", "0.3%", "0.2%", "🔴"):
        assert part in calendar["text"]
    (news,) = await chat.say("/news EURUSD")
    assert "ECB holds rates" in news["text"]
    assert "Wire" in news["text"]
    bundle, _ = await chat.desk.talk.read_market.evaluate(1001, "EURUSD")
    assert bundle.calendar is not None
    assert [event.title for event in bundle.calendar.events] == ["Core CPI m/m"]
    assert [(h.text, h.symbols) for h in bundle.news] == [("ECB holds rates", ("EURUSD",))]
    async with chat.desk.world.store.begin() as tx:
        assert await tx.bundles.get(await tx.bundles.put(bundle)) == bundle
    assert not {"calendar_never", "calendar_old", "no_news"} & await doctor(chat)
    await chat.desk.work.run_cycle("EURUSD", bundle.timeframe)
    rows = await connections.get("default").execute_query_dict(
        "SELECT headline, source, symbols::text AS symbols FROM snapshot_news"
    )
    assert [tuple(row.values()) for row in rows] == [("ECB holds rates", "Wire", '["EURUSD"]')]


async def test_an_old_calendar_is_none_until_it_is_back(chat: Chat, site: Site) -> None:
    await poll(chat)
    await connections.get("default").execute_query(
        "UPDATE feed SET good_at = good_at - interval '5 hours'"
    )
    site.pages["/week.json"] = answer(b"<html>Request Denied", status="429 Too Many Requests")
    await poll(chat)
    assert {"calendar_old", "feed_busy"} <= await doctor(chat)
    assert "not available" in (await chat.say("/calendar"))[0]["text"]
    (told,) = await chat.say("/doctor")
    assert "127.0.0.2" in told["text"]
    assert "week.json" not in told["text"]
    site.pages["/week.json"] = answer(week(now() + 2 * SOON, "Core PCE"))
    await poll(chat)
    assert "Core PCE" in (await chat.say("/calendar"))[0]["text"]
    assert not {"calendar_old", "feed_busy"} & await doctor(chat)
    rows = await connections.get("default").execute_query_dict(
        "SELECT title, listed FROM calendar_release WHERE title LIKE 'Core%' ORDER BY id"
    )
    assert [(row["title"], row["listed"]) for row in rows] == [
        ("Core CPI m/m", True), ("Core PCE", True), ("Core CPI m/m", False)
    ]  # fmt: skip
    with pytest.raises(OperationalError, match="permission denied"):
        await connections.get("default").execute_query("DELETE FROM calendar_release")
