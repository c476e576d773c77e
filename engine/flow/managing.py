"""Lead open trades by their strategy's rules: stop to break-even, trailing stop, a part closed.

Each step becomes an order like one that a person asked for: written down, sent once, looked up. Its
id is made of the trade, the rule and the step, so that two workers, or one that comes back from a
crash, ask for it once.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.domain.account import Position
from engine.domain.decision import Entry
from engine.domain.idea import Idea
from engine.domain.market import Candle, Timeframe
from engine.domain.order import Order
from engine.domain.position_orders import OPEN, Deed, PositionOrder, PositionOrderState, Rule
from engine.domain.state import TradingState
from engine.domain.strategy import ExitRules
from engine.domain.values import quantize
from engine.errors import BrokerSilent, FeedError, NotFound
from engine.flow.position_records import INTENT_LIFE, entry, position_client_id
from engine.flow.strategies import version_of
from engine.flow.trades import rate_of
from engine.gate.management import costs
from engine.gate.steward import Held, Wish, best_price, wishes
from engine.ports import Bell, Broker, MarketData, Store, Transaction
from engine.snapshot.indicators import WINDOW, compute
from engine.strategies.stages import needs_atr

#: A step that was refused, or could not leave, is asked for again after so long; and at most.
_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_FAILED = (
    PositionOrderState.REJECTED,
    PositionOrderState.CANCELLED,
    PositionOrderState.ABSENT,
)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Ours:
    """A trade of ours: the order that opened it, its idea, and the rules of that version."""

    order: Order
    idea: Idea
    rules: ExitRules


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagePositions:
    """Ask for what the rules want of every open trade of ours, by what the market shows now.

    The rules are those of the strategy version that made the trade. A pause or a halt changes
    nothing here, because a stop that comes nearer and a part that is closed make less risk; in an
    emergency stop nothing is asked for.
    """

    store: Store
    broker: Broker
    market: MarketData
    bell: Bell

    async def __call__(self) -> tuple[PositionOrder, ...]:
        """The orders that were added; none while the venue or the market does not answer."""
        try:
            positions = await self.broker.positions()
            found = [(held, await self._ours(held)) for held in positions if held.client_id]
            led = [(position, ours) for position, ours in found if ours is not None]
            if not led:
                return ()
            currency = (await self.broker.account()).currency
            instant = await self.market.instant()
        except (BrokerSilent, FeedError):
            return ()
        added: list[PositionOrder] = []
        for position, ours in led:
            try:
                held = await self._look(position, ours, currency)
            except (BrokerSilent, FeedError, NotFound):
                continue
            if held is not None:
                added += await self._ask(ours, held, instant)
        for order in added:
            await self.bell.ring("send_position_order", order.client_id)
        return tuple(added)

    async def _ours(self, position: Position) -> _Ours | None:
        """The story of a trade that is led by rules; None for any other."""
        async with self.store.begin() as tx:
            order = await tx.orders.find(position.client_id) if position.client_id else None
            if order is None:
                return None
            idea = await tx.ideas.get(order.idea_id)
            versions = await tx.settings.strategy_versions(idea.strategy_id)
        if not versions:
            return None
        try:
            rules = version_of(versions, idea.strategy_version).strategy.exit_rules
        except NotFound:
            return None
        return _Ours(order, idea, rules) if rules.distances else None

    async def _look(self, position: Position, ours: _Ours, currency: str) -> Held | None:
        """The trade as its rules see it; None without a quote."""
        quote = await self.market.quote(position.symbol)
        if quote is None:
            return None
        known = await self.market.instrument(position.symbol)
        rate = await rate_of(self.market, position, known, quote, currency)
        timeframe = ours.idea.proposal.timeframe
        candles = await self._since(position, timeframe)
        atr = None
        if any(needs_atr(text) for text in ours.rules.distances):
            seen = await self.market.candles(position.symbol, timeframe, WINDOW)
            atr = compute(seen, digits=known.digits)[0].atr_14 if len(seen) > 1 else None
        return Held(
            position=position,
            instrument=known,
            quote=quote,
            first_stop=ours.order.stop_loss,
            targets=ours.order.take_profit,
            best=best_price(position, quote, candles),
            atr=atr,
            charged=None if rate is None else costs(position, quote, known, rate),
        )

    async def _since(self, position: Position, timeframe: Timeframe) -> Sequence[Candle]:
        """The candles that opened since the trade did: one that was open already may have been at
        its best before. None where they are not watched any more; the quote is there still.
        """
        try:
            return await self.market.candles_since(
                position.symbol, timeframe, position.opened_at - _INSTANT
            )
        except (FeedError, NotFound):
            return ()

    async def _ask(self, ours: _Ours, held: Held, instant: datetime) -> list[PositionOrder]:
        account_id, position = self.broker.account_id, held.position
        added: list[PositionOrder] = []
        records: list[Entry] = []
        async with self.store.begin() as tx:
            if await _is_stopped(tx):
                return []
            now = await tx.now()
            asked = await tx.position_orders.of_position(account_id, position.id)
            for wish in wishes(ours.rules, held, _done(asked, now)):
                tries = sum((known.rule, known.step) == (wish.rule, wish.step) for known in asked)
                order = _order(account_id, ours.idea, held, wish, tries, now)
                if any(known.state in OPEN and order.excludes(known) for known in asked):
                    continue
                if await tx.position_orders.add(order):
                    added.append(order)
                    why = f"{wish.rule}: it was at {quantize(held.best_r, 2)} R"
                    records.append(entry(order, now, rationale=why, market_time=instant))
            if records:
                await tx.history.extend(records)
        return added


def _done(asked: Sequence[PositionOrder], now: datetime) -> set[tuple[Rule, int]]:
    """Steps that took effect, are under way, or failed not long enough ago: each failure doubles
    the pause, so that what a venue never takes does not fill the history.
    """
    tried: defaultdict[tuple[Rule, int], list[PositionOrder]] = defaultdict(list)
    for order in asked:
        if order.rule is not None:
            tried[order.rule, order.step].append(order)
    return {step for step, orders in tried.items() if not _may_try(orders, now)}


def _may_try(orders: Sequence[PositionOrder], now: datetime) -> bool:
    """Whether a step may be asked for again; ``orders`` are those for it, the newest first."""
    if any(order.state not in _FAILED for order in orders):
        return False
    pause = min(_PAUSE * (1 << min(len(orders) - 1, 10)), _LONGEST_PAUSE)
    return now - orders[0].created_at >= pause


def _order(
    account_id: str, idea: Idea, held: Held, wish: Wish, tries: int, now: datetime
) -> PositionOrder:
    position = held.position
    facts = {"best": f"{held.best:f}", "r": f"{quantize(held.best_r, 2):f}"}
    return PositionOrder(
        client_id=position_client_id(account_id, position.id, wish.rule, wish.step, tries),
        account_id=account_id,
        position_id=position.id,
        symbol=position.symbol,
        deed=Deed.CLOSE if wish.stop_loss is None else Deed.STOP,
        state=PositionOrderState.INTENT,
        asked_by=None,
        asked_name=wish.rule,
        created_at=now,
        valid_until=now + INTENT_LIFE,
        seen=position,
        idea_id=idea.id,
        number=idea.number,
        volume_left=wish.volume_left,
        stop_loss=wish.stop_loss,
        facts=facts,
        rule=wish.rule,
        step=wish.step,
    )


async def _is_stopped(tx: Transaction) -> bool:
    return (await tx.controls.read()).state is TradingState.EMERGENCY_STOP
