"""Open trades are led by their rules: asked for once, sent once, whatever dies in between."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from broker.instruments import instrument
from broker.paper import PaperBroker
from broker.terms import Terms
from engine.domain.market import Timeframe
from engine.domain.order import OrderState
from engine.domain.position_orders import Deed, PositionOrder, PositionOrderState, Rule
from engine.domain.settings import RiskSettings
from engine.domain.state import TradingState
from engine.domain.strategy import BreakEven, ExitRules, PartialClose, Trailing
from engine.errors import BrokerRefused, BrokerSilent
from engine.flow.managing import ManagePositions
from engine.flow.position_records import TIME_LIMIT
from engine.flow.position_sending import ResolvePositionOrders, SendPositionOrder
from engine.flow.reconcile import SyncBroker
from tests.builders import HOUR, NOW, candle, candles, control, idea, order, strategy
from tests.fakes import HandMarket, MemoryLedger
from tests.integration.conftest import ANN, RecordingBell
from tests.memory import MemoryStore
from tests.unit.test_management import order as position_order

D, S = Decimal, PositionOrderState
EVEN = ExitRules("2 * atr", ("RR>=2",), break_even=BreakEven("1 R"))
LED = ExitRules(
    "2 * atr", ("RR>=2",),
    break_even=BreakEven("1 R"),
    trailing=Trailing("1 R", "1.5 R", "0.5 R"),
    partial_close=(PartialClose("1 R", 50),),
)  # fmt: skip


class Clock:
    """The database's, moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


@dataclass
class Trade:
    """A buy of 0.10 lots from 1.10011, stop 1.09800 (1 R is 21.1 pips), target 1.10600."""

    clock: Clock
    store: MemoryStore
    market: HandMarket
    broker: Any
    bell: RecordingBell = field(default_factory=RecordingBell)

    @property
    def parts(self) -> dict[str, Any]:
        return {"store": self.store, "broker": self.broker, "bell": self.bell}

    async def manage(self) -> tuple[PositionOrder, ...]:
        return await ManagePositions(**self.parts, market=self.market)()

    async def send(self, asked: Sequence[PositionOrder]) -> list[PositionOrder]:
        send = SendPositionOrder(**self.parts, market=self.market)
        return [await send(one.client_id) for one in asked]

    async def lead(self) -> list[str]:
        """Ask and send, till nothing more is wanted; what became of each."""
        found: list[str] = []
        while asked := await self.manage():
            found += [f"{one.rule}:{one.step}:{one.state}" for one in await self.send(asked)]
        return found

    async def hour(self, close: str, high: str | None = None, low: str | None = None) -> None:
        """An hour ends."""
        first = self.market.played[-1].close
        top = max(D(high or close), first, D(close))
        bottom = min(D(low or close), first, D(close))
        opened = self.market.played[-1].time + HOUR
        self.market.close(
            candle(opened, open=f"{first}", high=f"{top}", low=f"{bottom}", close=close)
        )

    async def held(self) -> Any:
        (position,) = await self.broker.positions()
        return position

    async def sync(self) -> Any:
        return await SyncBroker(**self.parts, market=self.market)()

    async def switch(self, state: TradingState) -> None:
        async with self.store.begin() as tx:
            await tx.controls.save(control(state=state))


async def opened(rules: ExitRules = EVEN, *, terms: Terms | None = None, **values: Any) -> Trade:
    clock = Clock()
    store, market = MemoryStore(clock), HandMarket(instrument("EURUSD"), candles())
    broker = PaperBroker(
        market=market, ledger=MemoryLedger(), timeframe=Timeframe.H1, terms=terms or Terms()
    )
    sent = order(take_profit=(D("1.10600"),), **values)
    fill = await broker.submit(sent)
    async with store.begin() as tx:
        await tx.controls.save(control())
        await tx.people.save(ANN)
        await tx.settings.save_risk(RiskSettings(), by="test", reason="test")
        made = strategy(exit_rules=rules)
        saved = await tx.settings.save_strategy(made, by="test", reason="test")
        await tx.ideas.add(idea(strategy_version=saved.version))
        await tx.orders.add(replace(sent, state=OrderState.ACKED, fill_price=fill.price))
    return Trade(clock, store, market, broker)


async def test_the_stop_goes_to_break_even_and_a_part_is_closed_each_once():
    trade = await opened(LED)
    await trade.hour("1.10100")
    assert await trade.lead() == []
    await trade.hour("1.10225")
    assert await trade.lead() == ["break_even:0:done", "partial_target:0:done"]
    held = await trade.held()
    assert (held.stop_loss, held.volume) == (D("1.10011"), D("0.05"))
    assert await trade.lead() == []
    await trade.hour("1.10400")
    assert await trade.lead() == ["trailing:3:done"]
    # 60 pips beyond the first stop, less 21.1: three steps of 10.55.
    assert (await trade.held()).stop_loss == D("1.10116")


async def test_the_trailing_stop_comes_nearer_and_never_back():
    trade = await opened(LED)
    stops = []
    for close in ("1.10225", "1.10440", "1.10380", "1.10350", "1.10560"):
        await trade.hour(close)
        await trade.lead()
        stops.append((await trade.held()).stop_loss)
    assert stops == sorted(stops)
    assert stops[0] == D("1.10011")
    assert stops[-1] > stops[1] > stops[0]
    await trade.hour("1.10150", low="1.10100")
    assert await trade.broker.positions() == ()
    trades = await trade.broker.closed_since(NOW - HOUR)
    assert trades[-1].reason == "stop_loss"
    assert trades[-1].exit_price == stops[-1]
    assert all(closed.profit > 0 for closed in trades)


async def test_break_even_counts_what_the_trade_costs():
    trade = await opened(EVEN, terms=Terms(commission_per_lot=D("3.5")))
    await trade.hour("1.10300")
    await trade.lead()
    # Both sides of 0.10 lots cost 0.70: 0.7 pips.
    assert (await trade.held()).stop_loss == D("1.10018")
    await trade.hour("1.10000", low="1.09990")
    (closed,) = await trade.broker.closed_since(NOW - HOUR)
    assert closed.profit == D("0.00")


async def test_atr_is_that_of_the_last_closed_candle():
    trade = await opened(ExitRules("2 * atr", ("RR>=2",), trailing=Trailing("1 * atr")))
    await trade.hour("1.10300")
    (asked,) = await trade.manage()
    assert asked.rule is Rule.TRAILING
    assert asked.stop_loss is not None
    # Quiet hours of ten pips and one of 30: the ATR is near 11 pips, the stop further away.
    assert D("1.10140") < asked.stop_loss < D("1.10200")


async def test_two_workers_ask_for_a_step_once():
    trade = await opened(LED)
    await trade.hour("1.10225")
    both = await asyncio.gather(*(trade.manage() for _ in range(4)))
    asked = [one for some in both for one in some]
    assert sorted(one.rule or "" for one in asked) == ["break_even", "partial_target"]
    await asyncio.gather(*(trade.send(asked) for _ in range(3)))
    assert (await trade.held()).volume == D("0.05")
    assert await trade.lead() == []


async def test_the_id_of_a_step_is_made_of_the_trade_the_rule_and_the_step_alone():
    ids = []
    for late in (0, 90):
        trade = await opened(LED)
        trade.clock.now += timedelta(seconds=late)
        await trade.hour("1.10225", high=f"1.1022{5 + late // 30}")
        ids.append({one.rule: one.client_id for one in await trade.manage()})
    assert ids[0] == ids[1]
    assert len(set(ids[0].values())) == 2


async def test_a_crash_between_decision_and_send_neither_loses_nor_repeats_it():
    trade = await opened(LED)
    await trade.hour("1.10225")
    before = await trade.manage()
    trade.bell.rung.clear()
    assert await trade.manage() == ()
    async with trade.store.begin() as tx:
        waiting = await tx.position_orders.in_state(S.INTENT)
    assert {one.client_id for one in waiting} == {one.client_id for one in before}
    assert [one.state for one in await trade.send(waiting)] == [S.DONE, S.DONE]
    assert await trade.lead() == []
    assert ((await trade.held()).stop_loss, (await trade.held()).volume) == (
        D("1.10011"), D("0.05"),
    )  # fmt: skip


@dataclass
class Broken:
    """A venue whose next change fails, before or after it is done."""

    inner: Any
    error: Exception | None
    does: bool

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def close(self, *args: Any, **values: Any) -> Any:
        return await self._fail(self.inner.close(*args, **values))

    async def modify(self, *args: Any, **values: Any) -> Any:
        return await self._fail(self.inner.modify(*args, **values))

    async def _fail(self, call: Any) -> Any:
        if self.error is None:
            return await call
        if self.does:
            await call
        else:
            call.close()
        raise self.error


@pytest.mark.parametrize("does", [True, False])
async def test_a_lost_answer_is_looked_up_and_the_part_is_closed_once(does):
    trade = await opened(replace(LED, break_even=None, trailing=None))
    trade.broker = Broken(trade.broker, BrokerSilent("the line is dead"), does)
    await trade.hour("1.10225")
    assert await trade.lead() == ["partial_target:0:unknown"]
    assert await trade.manage() == ()
    (found,) = await ResolvePositionOrders(**trade.parts)()
    assert found.state is (S.DONE if does else S.ABSENT)
    trade.broker.error = None
    assert await trade.manage() == ()
    trade.clock.now += timedelta(minutes=2)
    assert await trade.lead() == ([] if does else ["partial_target:0:done"])
    assert (await trade.held()).volume == D("0.05")


async def test_a_refused_step_is_asked_for_again_later_and_told_once():
    trade = await opened(EVEN)
    trade.broker = Broken(trade.broker, BrokerRefused("the market is frozen"), does=False)
    await trade.hour("1.10300")
    assert await trade.lead() == ["break_even:0:rejected"]
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        trade.clock.now += timedelta(minutes=minutes, seconds=-1)
        assert await trade.lead() == []
        trade.clock.now += timedelta(seconds=1)
        assert await trade.lead() == ["break_even:0:rejected"]
    trade.broker.error = None
    trade.clock.now += timedelta(hours=1)
    assert await trade.lead() == ["break_even:0:done"]
    told = [row.notice for row in trade.store.all("outbox")]
    assert [notice.key.rpartition(":")[2] for notice in told] == ["rejected", "done"]
    assert told[0].key == "position:paper-1:1:break_even:0:rejected"


@pytest.mark.parametrize("state", [TradingState.PAUSED, TradingState.HALTED])
async def test_rules_go_on_while_trading_is_paused_or_halted(state):
    trade = await opened(LED)
    await trade.switch(state)
    await trade.hour("1.10225")
    assert await trade.lead() == ["break_even:0:done", "partial_target:0:done"]


async def test_an_emergency_stop_leaves_trades_to_people():
    trade = await opened(LED)
    await trade.hour("1.10225")
    asked = await trade.manage()
    await trade.switch(TradingState.EMERGENCY_STOP)
    assert {one.state for one in await trade.send(asked)} == {S.CANCELLED}
    trade.clock.now += timedelta(minutes=5)
    assert await trade.manage() == ()
    assert ((await trade.held()).stop_loss, (await trade.held()).volume) == (
        D("1.09800"), D("0.10"),
    )  # fmt: skip


async def test_a_persons_stop_stays_until_a_further_step():
    trade = await opened(LED)
    await trade.hour("1.10225")
    await trade.lead()
    await trade.broker.modify("1", stop_loss=D("1.09900"), client_id="hand")
    assert await trade.lead() == []
    await trade.hour("1.10440")
    assert [done.split(":")[0] for done in await trade.lead()] == ["trailing"]
    assert (await trade.held()).stop_loss > D("1.09900")


async def test_what_a_person_has_under_way_comes_first():
    trade = await opened(EVEN)
    await trade.hour("1.10300")
    mine = position_order(
        client_id="ap-hand", position_id="1", account_id="paper-1", deed=Deed.STOP,
        state=S.INTENT, stop_loss=D("1.09900"), seen=await trade.held(),
    )  # fmt: skip
    async with trade.store.begin() as tx:
        await tx.position_orders.add(mine)
    assert await trade.manage() == ()
    await trade.send([mine])
    assert await trade.lead() == ["break_even:0:done"]


async def test_a_stop_that_changed_after_the_decision_is_not_moved_by_it():
    trade = await opened(EVEN)
    await trade.hour("1.10300")
    asked = await trade.manage()
    await trade.broker.modify("1", stop_loss=D("1.10100"), client_id="hand")
    (sent,) = await trade.send(asked)
    assert (sent.state, sent.reason) == (S.CANCELLED, "changed")
    assert (await trade.held()).stop_loss == D("1.10100")


async def test_a_trade_keeps_the_rules_it_was_made_with():
    trade = await opened(EVEN)
    plain = ExitRules("2 * atr", ("RR>=2",))
    async with trade.store.begin() as tx:
        await tx.settings.save_strategy(
            strategy(exit_rules=plain), by="test", reason="test", expected=1
        )
    await trade.hour("1.10300")
    assert await trade.lead() == ["break_even:0:done"]


async def test_a_trade_without_rules_or_not_ours_is_left_alone():
    trade = await opened(ExitRules("2 * atr", ("RR>=2",)))
    await trade.broker.submit(order(client_id="at-theirs"))
    await trade.hour("1.10300")
    assert await trade.manage() == ()


async def test_what_was_before_the_trade_does_not_count():
    trade = await opened(EVEN)
    trade.market.played[-1] = candle(NOW - HOUR, high="1.10500")
    await trade.hour("1.10050")
    assert await trade.manage() == ()
    await trade.hour("1.10060", high="1.10230")
    assert len(await trade.manage()) == 1


async def test_a_venue_or_market_that_is_silent_is_asked_again_later():
    trade = await opened(EVEN)
    await trade.hour("1.10300")
    trade.market.quoted = False
    assert await trade.manage() == ()
    trade.market.quoted = True
    assert len(await trade.manage()) == 1


async def test_history_says_which_rule_and_where_the_trade_was():
    trade = await opened(LED)
    await trade.hour("1.10225")
    await trade.lead()
    async with trade.store.begin() as tx:
        records = [record.entry for record in await tx.history.list(limit=10)]
    ordered = [entry for entry in records if entry.action == "position_ordered"]
    assert {entry.rationale for entry in ordered} == {
        "break_even: it was at 1.01 R", "partial_target: it was at 1.01 R",
    }  # fmt: skip
    assert {(entry.actor, entry.human_override) for entry in ordered} == {("system", False)}
    rule = {entry.detail["position_order"]["rule"] for entry in ordered}
    assert rule == {"break_even", "partial_target"}


async def test_a_part_closed_by_rule_has_that_as_its_reason_and_a_persons_has_not():
    trade = await opened(LED)
    await trade.hour("1.10225")
    await trade.lead()
    (closed,) = await trade.sync()
    assert (closed.reason, closed.volume) == ("partial_target", D("0.05"))
    await trade.broker.close("1", volume_left=D("0.02"), client_id="hand")
    (closed,) = await trade.sync()
    assert closed.reason == "manual"


@pytest.mark.parametrize(
    ("state", "reason"), [(S.DONE, "time_limit"), (S.REJECTED, "manual"), (S.CANCELLED, "manual")]
)
async def test_a_close_by_the_time_limit_has_that_as_its_reason(state, reason):
    trade = await opened(EVEN)
    close = position_order(
        client_id="ap-time", position_id="1", account_id="paper-1", deed=Deed.CLOSE, state=state,
        asked_by=None, asked_name=TIME_LIMIT, volume_left=D(0), seen=await trade.held(),
    )  # fmt: skip
    async with trade.store.begin() as tx:
        await tx.position_orders.add(close)
    await trade.broker.close("1", volume_left=D(0), client_id="ap-time")
    (closed,) = await trade.sync()
    assert closed.reason == reason
