"""How a paper account stands: since when, what its trades made, and source 002's checklist."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum

from engine.domain.account import Account, Position
from engine.domain.decision import Action
from engine.domain.person import Role
from engine.domain.settings import RiskSettings
from engine.errors import BrokerSilent, NotFound
from engine.flow.people import person_at_least
from engine.flow.performance import in_risk, whole
from engine.ports import Broker, Store, Transaction
from engine.scoring.metrics import Metrics, Trade, measure

#: Source 002: trading halts at a loss of so many percent in a day, or earlier.
MOST_LOSS = 3
_IDEAS = (Action.AI_AUTO_EXECUTED, Action.AI_PROPOSED, Action.RISK_REJECTED)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Trades and fills that are looked at.
_MOST = 5_000


class Item(StrEnum):
    """A line of the checklist."""

    RECORDED = "recorded"
    ENTERED_ONCE = "entered_once"
    DAILY_LOSS = "daily_loss"
    NO_MONEY = "no_money"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperState:
    """The account. ``account`` is None while the market does not answer, ``since`` when the first
    decision was made by the market's clock, None before one; ``ideas`` counts those on record,
    entered or not. ``metrics`` are of all whole closed trades. ``checks`` say what holds.
    """

    name: str
    is_live: bool
    since: datetime | None
    account: Account | None
    positions: Sequence[Position]
    ideas: int
    metrics: Metrics
    settings: RiskSettings
    checks: Sequence[tuple[Item, bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPaper:
    """Read it, a trader's right."""

    store: Store
    broker: Broker
    zone: tzinfo = UTC

    async def __call__(self, person_id: int) -> PaperState:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.TRADER)
            closed = await tx.orders.closed(since=_EPOCH, limit=_MOST)
            ids = {trade.client_id for trade in closed if trade.client_id is not None}
            orders = {order.client_id: order for order in await tx.orders.many(sorted(ids))}
            _, settings = await tx.settings.risk()
            counts = await tx.history.count(_IDEAS, _EPOCH)
            filled = await tx.history.list(actions=[Action.ORDER_FILLED], limit=_MOST)
            since = await _began(tx)
        account, positions = await self._venue()
        profit = sum((trade.profit for trade in closed), Decimal(0))
        start = Decimal(0) if account is None else account.balance - profit
        trades = [
            Trade(
                closed_at=each.closed_at, profit=each.profit,
                r=in_risk(each, orders.get(each.client_id or "")),
            )
            for each in whole(closed[::-1])
        ]  # fmt: skip
        ideas, entered = sum(counts.values()), [each.entry.idea_id for each in filled]
        return PaperState(
            name=self.broker.account_id,
            is_live=self.broker.is_live,
            since=since,
            account=account,
            positions=positions,
            ideas=ideas,
            metrics=measure(trades, start=start, zone=self.zone),
            settings=settings,
            checks=(
                (Item.RECORDED, bool(ideas and trades)),
                (Item.ENTERED_ONCE, len(set(entered)) == len(entered)),
                (Item.DAILY_LOSS, 0 < settings.max_daily_loss_percent <= MOST_LOSS),
                (Item.NO_MONEY, not self.broker.is_live),
            ),
        )

    async def _venue(self) -> tuple[Account | None, Sequence[Position]]:
        try:
            return await self.broker.account(), await self.broker.positions()
        except BrokerSilent:
            return None, ()


async def _began(tx: Transaction) -> datetime | None:
    try:
        first = (await tx.history.get(1)).entry
    except NotFound:
        return None
    return first.market_time or first.occurred_at
