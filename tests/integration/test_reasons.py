"""Every reason there is comes out of the real pipeline, and the chat has words for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from bot.i18n import words_for
from bot.views import history as views
from engine.domain.account import Direction
from engine.domain.decision import Action, Decision
from engine.domain.idea import IdeaStatus
from engine.domain.market import Timeframe
from engine.domain.order import Order, OrderState
from engine.domain.state import Mode, TradingState
from engine.domain.strategy import Condition, ForbiddenConditions, MarketState, Side, Strategy
from engine.errors import BrokerRefused, BrokerSilent
from engine.flow.approvals import Choice, ExpireIdeas
from tests import builders
from tests.integration.conftest import ANN, START, Desk

Arrange = Callable[["Stage"], Awaitable[None]]


class Bent:
    """A market or a venue, with some of its answers replaced."""

    def __init__(self, inner: object, **answers: object) -> None:
        self._inner = inner
        self._answers = answers

    def __getattr__(self, name: str) -> object:
        if name not in self._answers:
            return getattr(self._inner, name)

        async def answer(*args: object, **kwargs: object) -> object:
            found = self._answers[name]
            if isinstance(found, Exception):
                raise found
            return found

        return answer


@dataclass
class Stage:
    """A desk whose only strategy always has a setup to buy."""

    desk: Desk
    strategy: Strategy

    async def change(self, **values: object) -> None:
        """Edit the strategy."""
        async with self.desk.world.store.begin() as tx:
            self.strategy = await tx.settings.save_strategy(
                replace(self.strategy, **values), by="test", reason="test"
            )

    def bend(self, part: str, **answers: object) -> None:
        """Replace answers of the market, the calendar or the venue that a picture is taken of."""
        collect = self.desk.work.run_cycle.collect
        object.__setattr__(collect, part, Bent(getattr(collect, part), **answers))

    async def instrument(self, **values: object) -> None:
        """Another specification of the symbol."""
        known = await self.desk.world.market.instrument("EURUSD")
        self.bend("market", instrument=replace(known, **values))

    async def order(self, state: OrderState, **values: object) -> None:
        """An order of ours to sell, in this state."""
        order: Order = builders.order(
            state=state, direction=Direction.SELL, strategy_id="another", **values
        )
        async with self.desk.world.store.begin() as tx:
            await tx.orders.add(order)

    async def judged(self) -> Decision:
        """What the next candle makes of the setup."""
        decisions = await self.desk.next_candle()
        return next(d for d in decisions if d.entry.strategy_id == self.strategy.id)

    async def asked(self) -> None:
        """An idea before this one, which nobody answered."""
        idea = await self.desk.until_idea()
        assert idea.strategy_id == self.strategy.id


@pytest.fixture
async def stage(desk: Desk) -> Stage:
    async with desk.world.store.begin() as tx:
        for known in await tx.settings.strategies():
            await tx.settings.save_strategy(
                replace(known, is_active=False), by="test", reason="test"
            )
    made = Stage(desk, builders.strategy())
    await made.change(
        direction=Side.BUY,
        entry_conditions=(Condition("adx_above", "0"),),
        nice_to_have=(Condition("rsi_above", "100"),),
        forbidden_conditions=ForbiddenConditions(60, (), ()),
        session_windows=(builders.window("00:00", "23:59"), builders.window("23:59", "00:00")),
    )
    await desk.change_risk(max_spread_pips=Decimal(5))
    return made


def risk(**values: object) -> Arrange:
    async def arrange(stage: Stage) -> None:
        await stage.desk.change_risk(**values)

    return arrange


def edited(**values: object) -> Arrange:
    async def arrange(stage: Stage) -> None:
        await stage.change(**values)

    return arrange


def bent(part: str, **answers: object) -> Arrange:
    async def arrange(stage: Stage) -> None:
        stage.bend(part, **answers)

    return arrange


def spec(**values: object) -> Arrange:
    async def arrange(stage: Stage) -> None:
        await stage.instrument(**values)

    return arrange


def another_order(state: OrderState, **settings: object) -> Arrange:
    async def arrange(stage: Stage) -> None:
        await stage.order(state)
        await stage.desk.change_risk(**settings)

    return arrange


def after_one(**settings: object) -> Arrange:
    async def arrange(stage: Stage) -> None:
        await stage.asked()
        await stage.desk.change_risk(**settings)

    return arrange


async def paused(stage: Stage) -> None:
    await stage.desk.talk.change_control.pause(None)


async def symbol_paused(stage: Stage) -> None:
    await stage.desk.talk.change_control.symbol(None, "EURUSD", paused=True)


async def strategy_is_busy(stage: Stage) -> None:
    await stage.desk.change_risk(max_trades_per_direction=5)
    order = builders.order(
        state=OrderState.SENDING,
        direction=Direction.SELL,
        strategy_id=str(stage.strategy.id),
    )
    async with stage.desk.world.store.begin() as tx:
        await tx.orders.add(order)


async def trade_is_open(stage: Stage) -> None:
    order = builders.order(state=OrderState.SENDING, direction=Direction.BUY)
    async with stage.desk.world.store.begin() as tx:
        await tx.orders.add(order)


async def no_margin(stage: Stage) -> None:
    account = await stage.desk.world.broker.account()
    stage.bend("broker", account=replace(account, margin_free=Decimal("10.00")))


async def spot_is_sold(stage: Stage) -> None:
    await stage.change(direction=Side.SELL)
    await stage.instrument(spot=True)


async def stop_is_wrong(stage: Stage) -> None:
    exits = replace(stage.strategy.exit_rules, stop_loss="swing_high + 500 pips")
    await stage.change(exit_rules=replace(exits, take_profit=("300 pips",)))


async def stale(stage: Stage) -> None:
    quote = await stage.desk.world.market.quote("EURUSD")
    assert quote is not None
    stage.bend("market", quote=quote)
    for _ in range(4):
        await stage.desk.world.market.advance(lambda: START, builders.HOUR * 0)


#: reason -> how it comes about. The reasons are those of sources 000 to 004, and ours.
REFUSALS: dict[str, Arrange] = {
    "fail:state": paused,
    "fail:symbol_paused": symbol_paused,
    "fail:stop_loss": stop_is_wrong,
    "blocked:session": edited(session_windows=(builders.window("00:00", "00:01"),)),
    "blocked:spread": risk(max_spread_pips=Decimal("0.1")),
    "blocked:news": bent("calendar", around=None),
    "blocked:open_position": trade_is_open,
    "blocked:market_state": edited(
        forbidden_conditions=ForbiddenConditions(60, (), tuple(MarketState))
    ),
    "none:condition:rsi_above": edited(entry_conditions=(Condition("rsi_above", "100"),)),
    "none:no_exit_level": edited(
        exit_rules=replace(builders.strategy().exit_rules, take_profit=("swing_low - 90 pips",))
    ),
    "fail:data_ready": risk(min_candles=600),
    "fail:account": bent("broker", account=BrokerSilent("no answer")),
    "fail:long_flat": spot_is_sold,
    "fail:unknown_order": another_order(OrderState.UNKNOWN),
    "fail:max_exposure_reached": risk(max_exposure_percent=Decimal(10)),
    "fail:currency_exposure": risk(max_currency_exposure_percent=Decimal(10)),
    "fail:margin": no_margin,
    "fail:lot_size": risk(max_lot_size=Decimal("0.001")),
    "fail:stops_level": spec(stops_level=Decimal(1)),
    "fail:max_concurrent_trades": another_order(OrderState.SENDING, max_concurrent_trades=1),
    "fail:strategy_positions": strategy_is_busy,
    "fail:reward_ratio": edited(rr_expectation=Decimal(10)),
    "fail:strategy_max_candles_exceeded": risk(strategy_max_candles=50),
    "fail:strategy_cooldown_active": after_one(strategy_min_interval_seconds=86_400),
    "fail:strategy_duplicate_request": after_one(strategy_dedup_ttl_seconds=86_400),
    "fail:strategy_daily_budget_exceeded": after_one(strategy_daily_budget=1),
    "fail:confidence_floor": risk(
        confidence_floor=Decimal(100), min_confidence_threshold=Decimal(100)
    ),
}


def said(decision: Decision) -> list[str]:
    """The line of the history in both languages; a code without words is printed as code."""
    lines = [str(views.line(words_for(language), decision)) for language in ("en", "es")]
    # The number in front is set in type of its own; a reason never is.
    assert not any("<code>" in line.partition("·")[2] for line in lines), lines
    assert lines[0] != lines[1]
    return lines


@pytest.mark.parametrize("reason", REFUSALS)
async def test_a_reason_comes_out_of_the_pipeline_and_has_words(stage: Stage, reason: str) -> None:
    await REFUSALS[reason](stage)
    decision = await stage.judged()
    assert decision.entry.risk_check_result == reason
    said(decision)
    replayed = await stage.desk.talk.replay_decision(decision.seq, person_id=ANN.id)
    assert replayed.differences == ()
    for language in ("en", "es"):
        told = str(views.replay(words_for(language), replayed).text)
        assert "✓ <code>" not in told
        assert "✗ <code>" not in told


async def test_too_many_ideas_in_a_minute_are_refused_by_their_own_code(stage: Stage) -> None:
    symbols = ("EURUSD", "GBPUSD")
    await stage.change(allowed_symbols=symbols)
    await stage.desk.change_risk(strategy_rate_limit_per_min=1)
    market = stage.desk.world.market

    class Twins:
        """A market in which the pound is the euro by another name."""

        def __getattr__(self, name: str) -> object:
            return getattr(market, name)

        async def instrument(self, symbol: str) -> object:
            return replace(await market.instrument("EURUSD"), symbol=symbol, base=symbol[:3])

        async def candles(self, symbol: str, *rest: object) -> object:
            return await market.candles("EURUSD", *rest)

        async def quote(self, symbol: str) -> object:
            return await market.quote("EURUSD")

    object.__setattr__(stage.desk.work.run_cycle.collect, "market", Twins())
    await market.advance(lambda: START, builders.HOUR * 0)
    await stage.desk.work.sync_broker()
    decisions, _ = await stage.desk.work.run_cycle.over([(s, Timeframe.H1) for s in symbols])
    assert [d.entry.risk_check_result for d in decisions] == [
        "pass", "fail:strategy_rate_limit_exceeded",
    ]  # fmt: skip
    said(decisions[1])


async def test_old_prices_are_refused_by_their_own_code(stage: Stage) -> None:
    await stale(stage)
    await stage.desk.change_risk(max_data_age_candles=1)
    decision = await stage.judged()
    # Without a fresh price there is no rate either; both are on the record.
    checks = decision.entry.detail["outcome"]["before"]
    closed = {check["code"] for check in checks if not check["passed"]}
    assert "stale_data" in closed
    assert decision.entry.risk_check_result == "blocked:stale_data"
    said(decision)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"max_daily_loss_percent": Decimal("0.01")}, "daily_loss"),
        ({"max_drawdown_amount": Decimal("0.01")}, "max_drawdown"),
        ({"daily_profit_target": Decimal("0.01")}, "daily_target_reached"),
    ],
)
async def test_a_limit_that_is_reached_halts_with_its_reason(
    stage: Stage, limit: dict[str, Decimal], reason: str
) -> None:
    async with stage.desk.world.store.begin() as tx:
        day = await tx.settings.day(stage.desk.world.broker.account_id)
        assert day is not None
        other = Decimal(-5) if reason == "daily_target_reached" else Decimal(5)
        start = day.start_equity + other
        await tx.settings.save_day(
            replace(day, start_equity=start, peak_equity=max(start, day.peak_equity))
        )
    await stage.desk.change_risk(**limit)
    await stage.desk.work.sync_broker()
    async with stage.desk.world.store.begin() as tx:
        (halted,) = await tx.history.list(actions=(Action.AI_HALTED,), limit=1)
        assert (await tx.controls.read()).state is TradingState.HALTED
    assert halted.entry.risk_check_result == f"fail:{reason}"
    said(halted)
    # What comes while it stands halted is recorded as that.
    decision = await stage.judged()
    assert decision.entry.risk_check_result == "fail:state"
    async with stage.desk.world.store.begin() as tx:
        assert decision.entry.idea_id is not None
        assert (await tx.ideas.get(decision.entry.idea_id)).status is IdeaStatus.HALTED_BY_RISK


@pytest.mark.parametrize(
    ("settings", "mode", "first"),
    [
        ({"watchlist": ("GBPUSD",)}, Mode.AUTONOMOUS, "watchlist"),
        ({"min_confidence_threshold": Decimal(100)}, Mode.AUTONOMOUS, "confidence_threshold"),
        ({}, Mode.SUPERVISED, "mode"),
    ],
)
async def test_what_only_asks_is_told_on_the_card(
    stage: Stage, settings: dict[str, object], mode: Mode, first: str
) -> None:
    assert (await stage.desk.talk.read_status(None)).control.mode is mode
    await stage.desk.change_risk(**settings)
    decision = await stage.judged()
    assert (decision.entry.action, decision.entry.risk_check_result) == (
        Action.AI_PROPOSED, "pass",
    )  # fmt: skip
    checks = decision.entry.detail["outcome"]["report"]["checks"]
    assert next(check["code"] for check in checks if not check["passed"]) == first
    said(decision)


async def test_the_endings_of_an_idea_each_have_their_words(stage: Stage) -> None:
    desk = stage.desk
    await desk.change_risk(idea_ttl_seconds=15)
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.REJECT, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.change_risk(idea_ttl_seconds=900)
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    refusing = Bent(desk.world.broker, submit=BrokerRefused("not enough money"))
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
        assert order is not None
    await replace(desk.work.send_order, broker=refusing)(order.client_id)  # type: ignore[arg-type]
    async with desk.world.store.begin() as tx:
        records = {d.entry.action: d for d in await tx.history.list(limit=500)}
    assert records[Action.ORDER_REJECTED].entry.risk_check_result == "fail:rejected"
    for action in (
        Action.HUMAN_REJECTED, Action.HUMAN_APPROVED, Action.ORDER_SENDING, Action.ORDER_REJECTED,
    ):  # fmt: skip
        said(records[action])
    assert isinstance(desk.work.expire_ideas, ExpireIdeas)
