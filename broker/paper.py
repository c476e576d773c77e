"""The paper broker: a simulated venue with its own books, filled at bid and ask."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from broker.books import Books
from broker.dealer import Dealer, House
from broker.still import stand_still
from broker.terms import FREE, Terms
from engine.domain.account import Account, Position
from engine.domain.market import Timeframe
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused
from engine.ports import Found, MarketData, NotFound, VenueLedger
from engine.snapshot.canonical import plain, restore


@dataclass(frozen=True, kw_only=True)
class PaperBroker:
    """The port ``Broker`` without a venue behind it.

    Every call first plays what the market did since the last one: a stop or target inside a candle
    is hit at its price, or at the open when the market jumped over it; each of several targets
    takes its share. Its books are one locked document, so that an order is either in them or
    provably not.

    Results are turned into account currency as they would have to be paid: a loss at the worse side
    of the other pairs, a gain too. An account for which there is no rate does not answer. What a
    trade costs is paid when it ends, and counted in its result from its first moment: the balance
    is the start and what all closed trades made, the equity that and what the open ones would make.
    ``zone`` is the broker's, whose midnights are the nights that a swap is charged for.
    """

    market: MarketData
    ledger: VenueLedger
    timeframe: Timeframe
    account_id: str = "paper-1"
    currency: str = "USD"
    starting_balance: Decimal = Decimal("10000.00")
    slippage_pips: Decimal = Decimal("0.1")
    terms: Terms = FREE
    zone: tzinfo = UTC
    is_live: bool = field(default=False, init=False)

    @asynccontextmanager
    async def _open(self, order_of: str | None = None) -> AsyncIterator[tuple[Dealer, Books]]:
        """The books, locked and played, and the house in the market of that one moment."""
        async with self.ledger.open(f"paper:{self.account_id}") as document:
            books = Books.load(document, self.starting_balance)
            now = await stand_still(
                self.market, books.positions,
                timeframe=self.timeframe, currency=self.currency, order_of=order_of,
            )  # fmt: skip
            dealer = Dealer(self._house, now)
            dealer.catch_up(books)
            yield dealer, books
            books.save(document)

    @property
    def _house(self) -> House:
        return House(
            timeframe=self.timeframe, account_id=self.account_id, currency=self.currency,
            slippage_pips=self.slippage_pips, terms=self.terms, zone=self.zone,
        )  # fmt: skip

    async def submit(self, order: Order) -> Fill:
        """Fill at the ask or bid plus slippage, or refuse with the reason.

        What one quote does not fill is cancelled at once, or the whole order is refused.
        """
        async with self._open(order.symbol) as (dealer, books):
            if order.client_id in books.orders:
                raise BrokerRefused(f"order {order.client_id} was given before")
            fill = dealer.fill(books, order)
            books.orders[order.client_id] = plain(fill)
        return fill

    async def look_up(self, client_id: str) -> Found | NotFound:
        """Find an order. One that is not there is struck off: should a late attempt still
        arrive, it is refused, which is what makes its absence proven.
        """
        return (await self.look_up_many([client_id]))[client_id]

    async def look_up_many(self, client_ids: Sequence[str]) -> Mapping[str, Found | NotFound]:
        """The same for many orders, in one reading of the books."""
        async with self._open() as (_, books):
            return {name: _answer(books.orders.setdefault(name, None)) for name in client_ids}

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Close at the bid or ask less slippage, or refuse with the reason."""
        async with self._open() as (dealer, books):
            return dealer.close(books, position_id, volume_left, client_id)

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        """Another stop or other targets; what is not named stays as it is."""
        async with self._open() as (dealer, books):
            return dealer.modify(books, position_id, stop_loss, take_profit, client_id)

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        """Find a change; one that is not there is struck off, as an order is."""
        async with self._open() as (_, books):
            known = books.changes.setdefault(client_id, None)
            return NotFound(proven=True) if known is None else restore(PositionChange, known)

    async def account(self) -> Account:
        return (await self.both())[0]

    async def positions(self) -> tuple[Position, ...]:
        return (await self.both())[1]

    async def both(self) -> tuple[Account, tuple[Position, ...]]:
        """The account and what is open, in one look."""
        async with self._open() as (dealer, books):
            return dealer.look(books)

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        async with self._open() as (_, books):
            trades = [*(restore(ClosedTrade, closed) for closed in books.closed), *books.ended]
        return tuple(trade for trade in trades if trade.closed_at > after)


def _answer(known: dict[str, Any] | None) -> Found | NotFound:
    return NotFound(proven=True) if known is None else Found(restore(Fill, known))
