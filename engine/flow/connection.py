"""The venue as people see it: the account, what it can do, if it answers, what is in doubt."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.domain.account import Account
from engine.domain.order import Order, OrderState
from engine.domain.person import Role
from engine.errors import BrokerSilent, FeedError, NotFound
from engine.flow.people import person_at_least
from engine.flow.watch import Lost, Part, last_seen, lost_parts
from engine.ports import Broker, MarketData, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the venue stands. ``account`` is None while it does not answer; ``latency`` is in
    seconds; ``leverage`` is what one unit of own money moves, by symbol; ``synced`` is when its
    books were last read and ``lost`` that it is silent; ``abilities`` are codes of what it can do.
    """

    account_id: str
    is_live: bool
    account: Account | None
    latency: Decimal
    leverage: Sequence[tuple[str, Decimal]]
    abilities: tuple[str, ...]
    synced: datetime | None
    lost: Lost | None
    unknown: Sequence[Order]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadConnection:
    """Ask the venue now, and say how long it took. ``timer`` counts seconds from anywhere."""

    store: Store
    broker: Broker
    market: MarketData
    part: Part
    symbols: tuple[str, ...]
    abilities: tuple[str, ...]
    timer: Callable[[], float]

    async def __call__(self, person_id: int) -> Connection:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            unknown = await tx.orders.in_state(OrderState.UNKNOWN)
            lost = await lost_parts(tx, (self.part,))
            synced = last_seen(await tx.heartbeats.seen(), self.part.heartbeat)
        began = self.timer()
        account = await self._account()
        return Connection(
            account_id=self.broker.account_id,
            is_live=self.broker.is_live,
            account=account,
            latency=Decimal(repr(self.timer() - began)),
            leverage=await self._leverages(),
            abilities=self.abilities,
            synced=synced,
            lost=lost[0] if lost else None,
            unknown=unknown,
        )

    async def _account(self) -> Account | None:
        try:
            return await self.broker.account()
        except BrokerSilent:
            return None

    async def _leverages(self) -> list[tuple[str, Decimal]]:
        found: list[tuple[str, Decimal]] = []
        # People look here when the venue is away; one that does not answer is not asked on.
        with suppress(FeedError):
            for symbol in self.symbols:
                found += await self._leverage(symbol)
        return found

    async def _leverage(self, symbol: str) -> list[tuple[str, Decimal]]:
        """A symbol the market has, with one over the part of its value that is asked as margin."""
        try:
            rate = (await self.market.instrument(symbol)).margin_rate
        except NotFound:
            return []
        return [(symbol, 1 / rate)] if rate > 0 else []
