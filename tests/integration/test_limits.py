"""The day's limits halt trading, are latched, told once, and left by a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from bot.i18n import words_for
from bot.notices import Reader, Render
from bot.views import people as people_views
from broker.instruments import instrument
from engine.domain.approval import Ending
from engine.domain.idea import IdeaStatus
from engine.domain.notice import Kind
from engine.domain.order import OrderState
from engine.domain.person import Role
from engine.domain.state import HaltReason, Mode, TradingState
from engine.errors import BrokerSilent, HistoryBroken, InvalidInput, WouldHalt
from engine.flow.approvals import Choice
from engine.flow.overview import ReadToday
from storage.models import OutboxRow
from tests.builders import account, candle, closed_trade
from tests.conftest import Database
from tests.fakes import HandMarket
from tests.integration.conftest import ANN, LUIS, Desk


@dataclass
class Venue:
    """A venue whose equity is set by hand."""

    equity: str = "10000.00"
    account_id: str = "paper-1"
    silent: bool = False

    async def account(self) -> Any:
        if self.silent:
            raise BrokerSilent("no answer")
        return account(id=self.account_id, equity=self.equity)

    async def positions(self) -> tuple[()]:
        return ()

    async def closed_since(self, after: datetime) -> tuple[()]:
        return ()


def at(market: HandMarket, *instants: str) -> None:
    """The market closes candles at these instants."""
    for text in instants:
        market.close(candle(datetime.fromisoformat(text) - timedelta(hours=1)))


def hand_market(instant: str) -> HandMarket:
    market = HandMarket(instrument("EURUSD"), ())
    at(market, instant)
    return market


async def control_of(desk: Desk) -> Any:
    async with desk.world.store.begin() as tx:
        return await tx.controls.read()


async def records(desk: Desk, action: str) -> Sequence[Any]:
    async with desk.world.store.begin() as tx:
        found = await tx.history.list(limit=1000)
    return [d.entry for d in reversed(found) if d.entry.action == action]


@pytest.fixture
def mode() -> Mode:
    """Autonomous, so that trades come by themselves."""
    return Mode.AUTONOMOUS


async def lose_until_halted(desk: Desk) -> None:
    for _ in range(300):
        await desk.next_candle()
        if (await desk.talk.read_status(None)).control.state is TradingState.HALTED:
            return
        await desk.send_all()
    raise AssertionError("no limit was reached in 300 candles")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_daily_loss_percent": Decimal("0.20")}, HaltReason.DAILY_LOSS),
        ({"max_drawdown_amount": Decimal("20")}, HaltReason.MAX_DRAWDOWN),
        ({"daily_profit_target": Decimal("15")}, HaltReason.DAILY_TARGET_REACHED),
    ],
)
async def test_limit_reached_latches_the_halt_and_tells_it_once(
    desk: Desk, limits: dict[str, Decimal], reason: HaltReason
) -> None:
    await desk.change_risk(**limits)
    await lose_until_halted(desk)
    control = (await desk.talk.read_status(None)).control
    assert control.reason == reason
    for _ in range(3):
        await desk.work.sync_broker()
    assert await OutboxRow.filter(kind="halt", person_id=ANN.id).count() == 1
    assert (await desk.actions()).count("ai_halted") == 1
    # Source 004, section 14.2, word for word.
    (halted,) = await records(desk, "ai_halted")
    assert (halted.symbol, halted.rationale) == (None, f"AI halted due to {reason}")
    assert halted.risk_check_result == f"fail:{reason}"


async def test_halted_trading_still_records_what_it_would_have_done(desk: Desk) -> None:
    await desk.change_risk(max_drawdown_amount=Decimal("20"))
    await lose_until_halted(desk)
    idea = await desk.until_idea(IdeaStatus.HALTED_BY_RISK)
    async with desk.world.store.begin() as tx:
        assert await tx.orders.of_idea(idea.id) is None


async def test_limit_that_is_switched_off_does_not_halt(desk: Desk) -> None:
    await desk.change_risk(max_drawdown_amount=Decimal("20"), halt_on_drawdown=False)
    for _ in range(120):
        await desk.next_candle()
        await desk.send_all()
    assert (await desk.talk.read_status(None)).control.state is TradingState.RUNNING


async def test_equity_is_measured_from_the_brokers_day_start(desk: Desk) -> None:
    for _ in range(60):
        await desk.next_candle()
        await desk.send_all()
        status = await desk.talk.read_status(None)
        assert status.day is not None
        assert status.account is not None
        assert status.day.day == status.instant.date()
        assert status.day.peak_equity >= status.day.start_equity
        assert status.day.peak_equity >= status.account.equity


LIMITS = {
    "max_daily_loss_percent": Decimal(3),
    "max_drawdown_amount": Decimal(400),
    "daily_profit_target": Decimal(500),
}


@pytest.mark.parametrize(
    ("equities", "reason"),
    [
        (("9700.01",), None),
        (("9700.00",), HaltReason.DAILY_LOSS),
        (("10300.00", "9900.01"), None),
        (("10300.00", "9900.00"), HaltReason.MAX_DRAWDOWN),
        (("10499.99",), None),
        (("10500.00",), HaltReason.DAILY_TARGET_REACHED),
        # Both at once: the first in the order of the limits is named.
        (("10000.00", "9600.00"), HaltReason.DAILY_LOSS),
    ],
)
async def test_limit_is_reached_at_its_figure_and_not_a_cent_before(
    desk: Desk, equities: tuple[str, ...], reason: HaltReason | None
) -> None:
    await desk.change_risk(**LIMITS)
    venue = Venue()
    sync = replace(desk.work.sync_broker, broker=venue)
    for equity in ("10000.00", *equities):
        venue.equity = equity
        await sync()
    control = await control_of(desk)
    if reason is None:
        assert control.state is TradingState.RUNNING
    else:
        assert (control.state, control.reason) == (TradingState.HALTED, reason)


async def test_limits_are_measured_on_each_account_by_its_own_day(desk: Desk) -> None:
    await desk.change_risk(**LIMITS)
    for id_, equity in (("small", "100.00"), ("large", "1000000.00"), ("small", "97.01")):
        venue = Venue(equity=equity, account_id=id_)
        await replace(desk.work.sync_broker, broker=venue)()
    assert (await control_of(desk)).state is TradingState.RUNNING
    await replace(desk.work.sync_broker, broker=Venue("97.00", "small"))()
    assert (await control_of(desk)).reason == HaltReason.DAILY_LOSS


@pytest.mark.parametrize(
    ("zone", "instants", "begins_anew"),
    [
        ("UTC", ("2027-06-09T23:00:00+00:00", "2027-06-10T00:00:00+00:00"), True),
        ("UTC", ("2027-06-09T21:00:00+00:00", "2027-06-09T23:59:59+00:00"), False),
        ("Europe/Athens", ("2027-06-09T20:00:00+00:00", "2027-06-09T21:00:00+00:00"), True),
        ("Europe/Athens", ("2027-06-09T21:00:00+00:00", "2027-06-10T20:59:59+00:00"), False),
        # Winter: the same midnight is an hour later in UTC.
        ("Europe/Athens", ("2027-12-09T21:00:00+00:00", "2027-12-09T21:59:59+00:00"), False),
        ("Europe/Athens", ("2027-12-09T21:00:00+00:00", "2027-12-09T22:00:00+00:00"), True),
        ("America/New_York", ("2027-06-10T00:00:00+00:00", "2027-06-10T03:59:59+00:00"), False),
        ("America/New_York", ("2027-06-10T00:00:00+00:00", "2027-06-10T04:00:00+00:00"), True),
    ],
)
async def test_day_begins_at_the_brokers_midnight(
    desk: Desk, zone: str, instants: tuple[str, str], begins_anew: bool
) -> None:
    market, venue = hand_market(instants[0]), Venue("10000.00", "elsewhere")
    sync = replace(desk.work.sync_broker, broker=venue, market=market, zone=ZoneInfo(zone))
    await sync()
    at(market, instants[1])
    venue.equity = "9900.00"
    await sync()
    async with desk.world.store.begin() as tx:
        day = await tx.settings.day("elsewhere")
    assert day is not None
    assert day.start_equity == Decimal("9900.00" if begins_anew else "10000.00")


async def test_today_holds_the_trades_since_the_brokers_midnight(desk: Desk) -> None:
    market = hand_market("2027-06-10T10:00:00+00:00")
    async with desk.world.store.begin() as tx:
        for number, closed in enumerate(("09T20:59", "09T21:00", "10T00:00")):
            time = datetime.fromisoformat(f"2027-06-{closed}:00+00:00")
            await tx.orders.close_position(
                closed_trade(position_id=f"p{number}", client_id=None, closed_at=time)
            )
    status = replace(desk.talk.read_status, market=market)
    read = ReadToday(store=desk.world.store, read_status=status, zone=ZoneInfo("Europe/Athens"))
    assert {trade.position_id for trade in (await read(ANN.id)).trades} == {"p1", "p2"}


async def test_daily_loss_ends_the_autonomous_mode_with_a_record_of_its_own(desk: Desk) -> None:
    await desk.change_risk(**LIMITS)
    await replace(desk.work.sync_broker, broker=Venue("9700.00"))()
    control = await control_of(desk)
    assert (control.state, control.mode) == (TradingState.HALTED, Mode.SUPERVISED)
    assert (await desk.actions())[-2:] == ["mode_changed", "ai_halted"]
    (demoted,) = await records(desk, "mode_changed")
    assert demoted.actor == "system"
    assert demoted.rationale == "running/autonomous -> running/supervised: daily_loss"
    (halted,) = await records(desk, "ai_halted")
    assert halted.risk_check_result == "fail:daily_loss"
    row = await OutboxRow.get(kind=Kind.HALT, person_id=LUIS.id)
    render = Render(store=desk.world.store, broker=desk.world.broker)
    parcel = await render(Kind.HALT, row.payload["detail"], Reader(words_for("es"), Role.ADMIN))
    assert parcel is not None
    assert "Pérdida diaria (%): 3,00, límite 3" in parcel.text
    assert "supervisado" in parcel.text


@pytest.mark.parametrize("equity", ["9601.00", "10500.00"])
async def test_other_limits_leave_the_mode_as_it_is(desk: Desk, equity: str) -> None:
    limits = {**LIMITS, "max_drawdown_amount": Decimal(399), "max_daily_loss_percent": Decimal(50)}
    await desk.change_risk(**limits)
    await replace(desk.work.sync_broker, broker=Venue(equity))()
    control = await control_of(desk)
    assert (control.state, control.mode) == (TradingState.HALTED, Mode.AUTONOMOUS)
    assert await records(desk, "mode_changed") == []


async def test_limit_reached_while_paused_halts_and_needs_a_confirmation(desk: Desk) -> None:
    await desk.change_risk(**LIMITS)
    await desk.talk.change_control.pause(ANN.id)
    venue = Venue("9700.00")
    await replace(desk.work.sync_broker, broker=venue)()
    control = await control_of(desk)
    assert (control.state, control.reason) == (TradingState.HALTED, HaltReason.DAILY_LOSS)
    assert await OutboxRow.filter(kind=Kind.HALT, person_id=ANN.id).count() == 1


async def test_halt_cancels_what_is_queued_in_the_same_commit(
    desk: Desk, database: Database
) -> None:
    idea = await desk.until_idea(IdeaStatus.AUTO_EXECUTED)
    await desk.change_risk(**LIMITS)
    sync = replace(desk.work.sync_broker, broker=Venue("9000.00"))

    async def queued() -> tuple[Any, Any, Any]:
        async with desk.world.store.begin() as tx:
            order = await tx.orders.of_idea(idea.id)
            control = await tx.controls.read()
        assert order is not None
        return control.state, order.state, order.reason

    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("ALTER TABLE history_head DISABLE TRIGGER ALL")
    head = await owner.fetchrow("DELETE FROM history_head RETURNING *")
    with pytest.raises(HistoryBroken):
        await sync()
    assert await queued() == (TradingState.RUNNING, OrderState.INTENT, None)
    await owner.execute("INSERT INTO history_head VALUES ($1, $2, $3)", *head.values())
    await owner.close()
    await sync()
    assert await queued() == (TradingState.HALTED, OrderState.CANCELLED, "halted")
    assert (await desk.actions())[-3:] == ["mode_changed", "ai_halted", "order_cancelled"]


async def test_resume_into_a_reached_limit_is_refused_with_the_figure_and_what_to_do(
    desk: Desk,
) -> None:
    await desk.change_risk(**LIMITS)
    market, venue = hand_market("2027-06-09T10:00:00+00:00"), Venue()
    parts: dict[str, Any] = {"broker": venue, "market": market, "zone": ZoneInfo("Europe/Athens")}
    sync = replace(desk.work.sync_broker, **parts)
    change = replace(desk.talk.change_control, **parts)
    await sync()
    venue.equity = "9680.00"
    await sync()
    with pytest.raises(WouldHalt, match="max_daily_loss_percent=") as caught:
        await change.resume(ANN.id)
    english, spanish = (people_views.error(words_for(code), caught.value) for code in ("en", "es"))
    assert "Daily loss (%): 3.20, limit 3." in english
    assert "(9 Jun 21:00)" in english
    assert "Pérdida diaria (%): 3,20, límite 3." in spanish
    assert max(len(english), len(spanish)) <= 200
    assert (await control_of(desk)).state is TradingState.HALTED

    # The broker's next day measures from the equity it begins with.
    at(market, "2027-06-09T21:00:00+00:00")
    assert (await change.resume(ANN.id)).state is TradingState.RUNNING
    await sync()
    assert (await control_of(desk)).state is TradingState.RUNNING


async def test_raised_limit_lets_trading_resume_the_same_day(desk: Desk) -> None:
    await desk.change_risk(**LIMITS)
    venue = Venue("9580.00")
    sync = replace(desk.work.sync_broker, broker=venue)
    change = replace(desk.talk.change_control, broker=venue)
    await sync()
    await desk.change_risk(max_daily_loss_percent=Decimal("4.3"))
    with pytest.raises(WouldHalt) as caught:
        await change.resume(None)
    # What halted is put right; what it hid is named.
    assert caught.value.details["reason"] == HaltReason.MAX_DRAWDOWN
    await desk.change_risk(max_drawdown_amount=Decimal("420.01"))
    assert (await change.resume(None)).state is TradingState.RUNNING
    await sync()
    assert (await control_of(desk)).state is TradingState.RUNNING


async def test_broker_that_does_not_answer_is_no_reason_against_a_resume(desk: Desk) -> None:
    await desk.talk.change_control.pause(ANN.id)
    change = replace(desk.talk.change_control, broker=Venue(silent=True))
    assert (await change.resume(ANN.id)).state is TradingState.RUNNING


async def test_resume_after_a_halt_is_a_persons_and_recorded(desk: Desk) -> None:
    await desk.change_risk(max_drawdown_amount=Decimal("20"))
    await lose_until_halted(desk)
    await desk.change_risk(max_drawdown_amount=Decimal("5000"))
    control = await desk.talk.change_control.resume(ANN.id)
    assert control.state is TradingState.RUNNING
    assert control.changed_by == "Ann"
    assert (await desk.actions())[-1] == "ai_resumed"
    (resumed,) = await records(desk, "ai_resumed")
    assert (resumed.rationale, resumed.human_override) == ("Human resumed after review", True)
    assert (resumed.detail["before"]["state"], resumed.detail["after"]["state"]) == (
        "halted",
        "running",
    )


async def test_paused_symbol_stops_alone(desk: Desk) -> None:
    await desk.talk.change_control.symbol(ANN.id, "EURUSD", paused=True)
    idea = await desk.until_idea(IdeaStatus.HALTED_BY_RISK)
    async with desk.world.store.begin() as tx:
        decision = (await tx.history.list(idea_id=idea.id, limit=1))[0]
    assert decision.entry.risk_check_result == "fail:symbol_paused"


async def test_books_and_venue_agree_after_many_trades(desk: Desk) -> None:
    for _ in range(150):
        await desk.next_candle()
        await desk.send_all()
    account = await desk.world.broker.account()
    async with desk.world.store.begin() as tx:
        closed = await tx.orders.closed(since=None, limit=1000)
        acked = await tx.orders.in_state(OrderState.ACKED)
    positions = await desk.world.broker.positions()
    assert len(closed) > 3
    assert account.balance == Decimal(10_000) + sum((t.profit for t in closed), Decimal(0))
    assert {t.client_id for t in closed} | {p.client_id for p in positions} == {
        order.client_id for order in acked
    }


async def test_candle_is_judged_once_however_often_it_is_asked(desk: Desk) -> None:
    assert await desk.next_candle()
    assert await desk.work.run_cycle("EURUSD", desk.world.market.recording.timeframe) == ()


async def test_half_size_of_the_smallest_lot_is_refused_and_the_idea_waits_on(desk: Desk) -> None:
    await desk.talk.change_control.mode(ANN.id, Mode.SUPERVISED)
    await desk.change_risk(max_lot_size=Decimal("0.01"))
    idea = await desk.until_idea()
    tap = {"person_id": ANN.id, "chat_id": ANN.chat_id}
    with pytest.raises(InvalidInput, match=r"choose 0\.01 or more") as refused:
        await desk.talk.decide_idea(idea.id, Choice.HALF, **tap)
    assert refused.value.details["field"] == "lot_size"
    decided = await desk.talk.decide_idea(idea.id, Choice.APPROVE, **tap)
    assert decided.approval.ending is Ending.APPROVED
