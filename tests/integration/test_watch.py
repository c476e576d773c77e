"""What must stay alive is watched: silence ends the autonomous mode, then halts, and is named."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tortoise import connections

from bot.i18n import words_for
from bot.notices import Reader, Render
from bot.views import people as people_views
from broker.instruments import instrument
from engine.domain.market import Quote, Timeframe
from engine.domain.notice import Kind
from engine.domain.person import Role
from engine.domain.state import HaltReason, Mode, TradingState
from engine.errors import BrokerSilent, FeedError, WouldHalt
from engine.flow import latch, watch
from storage.heartbeats import beat
from storage.models import HeartbeatRow, OutboxRow
from tests.builders import candle
from tests.fakes import HandMarket
from tests.integration.conftest import ANN, LUIS, Desk

BROKER, FEED = "broker:paper-1", "feed:EURUSD"


@pytest.fixture
def mode() -> Mode:
    """Autonomous, so that there is a mode to fall back from."""
    return Mode.AUTONOMOUS


async def passed(seconds: float, *names: str, watched: bool = True) -> None:
    """Time goes by: these names are not heard of meanwhile, and somebody watches, or nobody."""
    await connections.get("default").execute_query(
        "UPDATE heartbeat SET at = at - make_interval(secs => $1) WHERE name = ANY($2)",
        [float(seconds), list(names)],
    )
    for row in await HeartbeatRow.filter(name__startswith="watch:"):
        since = datetime.fromisoformat(row.detail["since"]) - timedelta(seconds=seconds)
        row.detail = {"since": since.isoformat()}
        if not watched:
            row.at -= timedelta(seconds=seconds)
        await row.save()


async def control_of(desk: Desk) -> Any:
    async with desk.world.store.begin() as tx:
        return await tx.controls.read()


async def watched(desk: Desk) -> Any:
    """The workers' watch, which has looked once while all was well."""
    look = desk.work.watch_heartbeats
    assert await look() == ()
    return look


async def test_broker_that_answers_is_heard_and_nothing_happens(desk: Desk) -> None:
    look = await watched(desk)
    for _ in range(3):
        await passed(60, BROKER)
        await desk.work.sync_broker()
        assert await look() == ()
    control = await control_of(desk)
    assert (control.state, control.mode) == (TradingState.RUNNING, Mode.AUTONOMOUS)


async def test_silent_broker_ends_the_autonomous_mode_at_once_and_later_halts(desk: Desk) -> None:
    look = await watched(desk)
    await passed(14, BROKER)
    assert await look() == ()
    await passed(2, BROKER)
    (lost,) = await look()
    assert lost.part.name == "broker"
    control = await control_of(desk)
    assert (control.state, control.mode) == (TradingState.RUNNING, Mode.SUPERVISED)
    assert (await desk.actions())[-1] == "mode_changed"

    await passed(100, BROKER)
    await look()
    assert (await control_of(desk)).state is TradingState.RUNNING
    await passed(10, BROKER)
    await look()
    control = await control_of(desk)
    assert (control.state, control.reason) == (TradingState.HALTED, HaltReason.HEARTBEAT_LOST)
    assert (await desk.actions())[-2:] == ["mode_changed", "ai_halted"]


async def test_alert_names_the_part_and_since_when_and_is_sent_once(desk: Desk) -> None:
    look = await watched(desk)
    await passed(130, BROKER)
    seen = (await HeartbeatRow.get(name=BROKER)).at
    await asyncio.gather(*(look() for _ in range(4)))
    await look()
    (row,) = await OutboxRow.filter(kind=Kind.HALT, person_id=LUIS.id)
    render = Render(store=desk.world.store, broker=desk.world.broker)
    english = await render(Kind.HALT, row.payload["detail"], Reader(words_for("en"), Role.ADMIN))
    spanish = await render(Kind.HALT, row.payload["detail"], Reader(words_for("es"), Role.ADMIN))
    assert english is not None
    assert spanish is not None
    assert f"No sign of life: the broker, since {words_for('en').moment(seen)}." in english.text
    assert f"Sin señales de vida: el bróker, desde {words_for('es').moment(seen)}." in spanish.text
    assert "fell back to supervised" in english.text
    assert (await desk.actions()).count("ai_halted") == 1
    assert (await desk.actions()).count("mode_changed") == 1


async def test_timeout_is_the_setting_that_people_change(desk: Desk) -> None:
    await desk.change_risk(heartbeat_timeout_seconds=600)
    look = await watched(desk)
    await passed(590, BROKER)
    await look()
    assert (await control_of(desk)).state is TradingState.RUNNING
    await passed(15, BROKER)
    await look()
    assert (await control_of(desk)).state is TradingState.HALTED


async def test_night_in_which_nothing_ran_is_held_against_nobody(desk: Desk) -> None:
    look = await watched(desk)
    await passed(8 * 3600, BROKER, FEED, watched=False)
    assert await look() == ()
    assert (await control_of(desk)).mode is Mode.AUTONOMOUS
    # From here on its silence counts, from the start and not from the evening before.
    await passed(100, BROKER)
    (lost,) = await look()
    assert timedelta(seconds=100) <= lost.silent < timedelta(seconds=110)
    assert (await control_of(desk)).state is TradingState.RUNNING
    await passed(21, BROKER)
    await look()
    assert (await control_of(desk)).reason == HaltReason.HEARTBEAT_LOST


async def test_broker_that_never_answered_since_the_installation_is_not_lost(desk: Desk) -> None:
    await HeartbeatRow.filter(name=BROKER).delete()
    look = await watched(desk)
    await passed(900)
    assert await look() == ()


async def test_workers_are_watched_by_the_bot_and_one_that_is_alive_is_enough(desk: Desk) -> None:
    look = desk.talk.watch_heartbeats
    for name in ("worker:a", "worker:b"):
        await beat(name)
    assert await look() == ()
    await passed(300, "worker:a")
    assert await look() == ()
    await passed(60, "worker:b")
    (lost,) = await look()
    assert lost.part.name == "worker"
    # A worker that is being replaced is no reason to leave the autonomous mode.
    assert (await control_of(desk)).mode is Mode.AUTONOMOUS
    await passed(65, "worker:b")
    await look()
    control = await control_of(desk)
    assert (control.state, control.mode) == (TradingState.HALTED, Mode.SUPERVISED)


async def test_workers_say_nothing_of_the_worker_and_the_bot_nothing_of_the_broker(
    desk: Desk,
) -> None:
    await beat("worker:a")
    await watched(desk)
    await desk.talk.watch_heartbeats()
    await passed(600, BROKER)
    assert await desk.talk.watch_heartbeats() == ()
    await desk.work.sync_broker()
    await passed(600, "worker:a")
    assert await desk.work.watch_heartbeats() == ()


async def test_lost_part_halts_a_pause_too_and_leaves_a_stop_alone(desk: Desk) -> None:
    look = await watched(desk)
    await desk.talk.change_control.pause(ANN.id)
    await passed(130, BROKER)
    await look()
    assert (await control_of(desk)).state is TradingState.HALTED
    await desk.talk.change_control.stop(ANN.id)
    await look()
    assert (await control_of(desk)).state is TradingState.EMERGENCY_STOP


async def test_resume_is_refused_while_the_part_is_still_lost(desk: Desk) -> None:
    look = await watched(desk)
    await passed(130, BROKER)
    await look()
    with pytest.raises(WouldHalt) as caught:
        await desk.talk.change_control.resume(ANN.id)
    for code, text in (("en", "No sign of life: the broker"), ("es", "Sin señales de vida: el br")):
        said = people_views.error(words_for(code), caught.value)
        assert text in said
        assert len(said) <= 200
    await desk.work.sync_broker()
    assert (await desk.talk.change_control.resume(ANN.id)).state is TradingState.RUNNING
    await look()
    assert (await control_of(desk)).state is TradingState.RUNNING


async def test_silence_is_noticed_through_the_real_reading_of_the_venue(desk: Desk) -> None:
    class Silent:
        account_id = "paper-1"

        async def account(self) -> Any:
            raise BrokerSilent("no answer")

    look = await watched(desk)
    await passed(130, BROKER)
    with pytest.raises(BrokerSilent):
        await replace(desk.work.sync_broker, broker=Silent())()
    await look()
    assert (await control_of(desk)).reason == HaltReason.HEARTBEAT_LOST


class Feed(HandMarket):
    """A live feed: the market's clock goes on by itself, quotes come or do not."""

    now = datetime(2027, 6, 9, 10, 0, tzinfo=UTC)
    quoted_at = now
    fault: Exception | None = None

    async def instant(self) -> datetime:
        return self.now

    async def quote(self, symbol: str) -> Quote | None:
        if self.fault is not None:
            raise self.fault
        found = await super().quote(symbol)
        return None if found is None else replace(found, time=self.quoted_at)


def feed() -> Feed:
    return Feed(instrument("EURUSD"), (candle(),))


def looking(desk: Desk, market: Feed) -> Any:
    return replace(desk.work.watch_heartbeats, market=market, feeds=(("EURUSD", Timeframe.H1),))


async def test_old_quotes_of_an_open_market_are_a_lost_feed(desk: Desk) -> None:
    market = feed()
    look = looking(desk, market)
    await look()
    market.now += timedelta(hours=3)
    await passed(20, FEED)
    assert await look() == ()
    market.now += timedelta(seconds=1)
    await passed(20, FEED)
    (lost,) = await look()
    assert lost.part.name == "feed"
    assert (await control_of(desk)).mode is Mode.SUPERVISED
    await passed(105, FEED)
    await desk.work.sync_broker()
    await look()
    assert (await control_of(desk)).reason == HaltReason.HEARTBEAT_LOST


@pytest.mark.parametrize("fault", [FeedError("gone"), OSError("refused"), None])
async def test_feed_that_fails_or_quotes_nothing_is_lost_too(
    desk: Desk, fault: Exception | None
) -> None:
    market = feed()
    look = looking(desk, market)
    await look()
    market.fault, market.quoted = fault, False
    await passed(20, FEED)
    assert [lost.part.name for lost in await look()] == ["feed"]


@pytest.mark.parametrize("asked", ["instant", "quote"])
async def test_feed_that_never_answers_is_lost_and_halts_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    for module in (latch, watch):
        monkeypatch.setattr(module, "ANSWERS_WITHIN", 0.05)
    market = feed()
    look = looking(desk, market)
    await look()
    monkeypatch.setattr(market, asked, hang)
    await passed(130, FEED)
    assert [lost.part.name for lost in await look()] == ["feed"]
    assert (await control_of(desk)).reason == HaltReason.HEARTBEAT_LOST


async def test_closed_market_owes_no_quotes(desk: Desk) -> None:
    market = feed()
    look = looking(desk, market)
    await look()
    market.now = datetime(2027, 6, 12, 12, 0, tzinfo=UTC)
    market.quoted = False
    await passed(600, FEED)
    await desk.work.sync_broker()
    assert await look() == ()


async def test_recording_that_is_held_or_has_ended_is_not_lost(desk: Desk) -> None:
    look = await watched(desk)
    await passed(600, FEED)
    await desk.work.sync_broker()
    assert await look() == ()
    assert (await control_of(desk)).state is TradingState.RUNNING
