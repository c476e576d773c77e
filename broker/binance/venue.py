"""The port ``Broker`` over Binance spot: bought once, looked up when in doubt, guarded there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from broker.binance.client import RECV_WINDOW
from broker.binance.guards import guarded
from broker.binance.intake import ID, checked, wrong
from broker.binance.keeper import Keeper
from broker.binance.market import at as instant
from broker.binance.notes import money
from broker.binance.rules import Rules
from broker.turns import Books, turn
from engine.domain.account import Account, Direction, Position
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound, VenueLedger
from engine.snapshot.canonical import restore

_LEAST_WINDOW = 500


@dataclass(frozen=True, kw_only=True)
class BinanceBroker:
    """A spot account, long only: what is bought is owned, nothing else can be sold.

    Every call first makes what it is about equal to the exchange's in the venue's own books; an
    exit of one position waits for no other. ``symbols`` are those that are traded: the quote
    currency of the first is the account's, and so must the others' be. Coins that were not bought
    by an order of ours are no positions and never sold.
    """

    keeper: Keeper
    ledger: VenueLedger
    symbols: tuple[str, ...]
    account_id: str
    is_live: bool = False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Books]:
        clock = self.keeper.desk.client.clock
        async with turn(self.ledger, f"binance:{self.account_id}", clock) as books:
            yield books

    @asynccontextmanager
    async def _settled(self) -> AsyncIterator[Books]:
        async with self._turn() as books:
            await self.keeper.settle(books)
            yield books

    # ---- orders

    async def submit(self, order: Order) -> Fill:
        """Buy at the market under the order's own id, and place its stop and targets."""
        rules, levels = await checked(self.keeper.desk, self.symbols[0], order)
        async with self._turn() as books:
            books.is_new(order.client_id, books.orders)
            at, window = await self._window(order)
            known = {
                "sent": at, "symbol": rules.symbol, "strategy_id": order.strategy_id,
                "time_limit_min": order.time_limit_min, "asked": str(order.volume), **levels,
            }  # fmt: skip
            books.orders[order.client_id] = known
            await books.save()
            try:
                deal = await self.keeper.desk.deal_at_market(
                    rules, "BUY", order.volume, order.client_id, at, window
                )
            except BrokerRefused:
                books.orders[order.client_id] = None
                await books.save()
                raise
            fill = await self.keeper.notes.enter(books, order.client_id, known, deal, rules)
            await self._guard(books, books.held[-1], rules)
        return fill

    async def _guard(self, books: Books, held: dict[str, Any], rules: Rules) -> None:
        """Place the stop; where that fails it is placed, or the position closed, by the next call
        of any process: what was done stays done.
        """
        try:
            await self.keeper.keep_guarded(books, held, rules)
        except (BrokerRefused, BrokerSilent) as error:
            self.keeper.complain(held, error)

    async def _window(self, order: Order) -> tuple[int, int]:
        """The order's timestamp, and how long after it the exchange may take it."""
        client = self.keeper.desk.client
        try:
            at = await client.time()
        except BrokerSilent as error:
            raise BrokerRefused(f"nothing was sent: {error}") from error
        left = int((order.valid_until - client.clock()) / timedelta(milliseconds=1))
        if not left >= _LEAST_WINDOW:
            raise BrokerRefused("the order has expired")
        return at, min(RECV_WINDOW, left)

    async def look_up(self, client_id: str) -> Found | NotFound:
        """What the books and the exchange know of an order. One that was never sent is struck off:
        it never will be. One that was sent is proven absent when its time is long over.
        """
        async with self._turn() as books:
            if client_id not in books.orders:
                await self._never_sent(client_id)
            await self.keeper.chase(books, client_id)
            known = books.orders.setdefault(client_id, None)
            fill = books.fill(client_id)
            return NotFound(proven=known is None) if fill is None else Found(fill)

    async def _never_sent(self, client_id: str) -> None:
        """What the books do not know was never sent, unless they were restored from a backup: then
        the exchange may know it, and nothing is proven.
        """
        if not ID.fullmatch(client_id):
            return
        for symbol in self.symbols:
            if await self.keeper.desk.shown(symbol, client_id) is not None:
                raise BrokerSilent(f"the exchange knows {client_id}, and our books do not")

    # ---- positions

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Sell at the market; the stop and the targets are taken away before and put back after."""
        async with self._change(position_id, client_id) as (books, held, rules):
            volume = Decimal(held["volume"]) - volume_left
            stop = Decimal(held["stop_loss"])
            if not (volume_left >= 0 and volume > 0):
                raise BrokerRefused(f"position {position_id} has {held['volume']} only")
            if rules.whole(volume) != volume or (
                volume_left and not volume_left >= rules.least_at(stop)
            ):
                raise BrokerRefused(f"{volume_left} could not be sold at its stop any more")
            await self.keeper.guards.unguard(books, held, rules)
            volume = Decimal(held["volume"]) - volume_left
            if not volume > 0:
                raise BrokerRefused(f"position {position_id} was closed meanwhile")
            try:
                change = await self.keeper.sell(books, held, rules, volume, "manual", client_id)
            except BrokerRefused:
                await self._guard(books, held, rules)
                raise
            if held in books.held:
                await self._guard(books, held, rules)
        return change

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        """Another pair of orders in place of the one there is: the exchange replaces no pair, so
        that between two requests, one after the other, there is none.
        """
        async with self._change(position_id, client_id) as (books, held, rules):
            quote = await self.keeper.desk.quote(rules.symbol)
            if quote is None:
                raise BrokerRefused(f"{rules.symbol} is not traded")
            before = {name: held[name] for name in ("stop_loss", "targets")}
            stop = rules.price_up(stop_loss or Decimal(held["stop_loss"]))
            targets = take_profit or tuple(Decimal(target) for target in held["targets"])
            targets = tuple(rules.price_down(target) for target in targets)
            if (refusal := wrong(stop, targets, quote.bid)) is not None:
                raise BrokerRefused(refusal)
            await self.keeper.guards.unguard(books, held, rules)
            at = await self.keeper.desk.client.time()
            books.changes[client_id] = {"sent": at, "before": before}
            held["pending"], held["stop_loss"] = client_id, str(stop)
            held["targets"] = [str(target) for target in targets]
            await books.save()
            try:
                await self.keeper.keep_guarded(books, held, rules)
            except BrokerRefused:
                await self.keeper.revert(books, held, rules)
                await self._guard(books, held, rules)
                raise
            if guarded(held) < Decimal(held["volume"]):
                raise BrokerSilent("the exchange does not quote the symbol any more")
            return self.keeper.notes.done(books, held, client_id, instant(at))

    @asynccontextmanager
    async def _change(
        self, position_id: str, client_id: str
    ) -> AsyncIterator[tuple[Books, dict[str, Any], Rules]]:
        if not ID.fullmatch(client_id):
            raise BrokerRefused("an id has up to 30 letters and digits")
        async with self._turn() as books:
            books.is_new(client_id, books.changes)
            held = books.find(position_id)
            if held is not None:
                await self.keeper.refresh(books, held)
            if held is None or held not in books.held:
                raise BrokerRefused(f"position {position_id} is not open")
            if held["pending"] is not None:
                raise BrokerRefused(f"position {position_id} is being changed")
            yield books, held, await self.keeper.desk.symbols.needed(held["symbol"])

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        """What the books and the exchange know of a change; as with orders."""
        async with self._turn() as books:
            if client_id not in books.changes:
                await self._never_sent(client_id)
            for held in [held for held in books.held if held["pending"] == client_id]:
                await self.keeper.refresh(books, held)
            known = books.changes.setdefault(client_id, None)
            return books.change(client_id) or NotFound(proven=known is None)

    # ---- what there is

    async def account(self) -> Account:
        """Money in the quote currency: what is there of it, and what the positions are worth."""
        desk = self.keeper.desk
        async with self._settled() as books:
            rules = await desk.symbols.needed(self.symbols[0])
            free, locked = (await desk.balances()).get(rules.quote, (Decimal(0), Decimal(0)))
            positions = [await self._position(held) for held in books.held]
            paid = sum((Decimal(held["paid"]) for held in books.held), Decimal(0))
        open_profit = sum((position.profit for position in positions), Decimal(0))
        return Account(
            id=self.account_id,
            currency=rules.quote,
            balance=money(free + locked + paid),
            equity=money(free + locked + paid + open_profit),
            margin_used=money(paid),
            margin_free=money(free),
            open_profit=money(open_profit),
            captured_at=instant(await desk.client.time()),
        )

    async def positions(self) -> tuple[Position, ...]:
        async with self._settled() as books:
            return tuple([await self._position(held) for held in books.held])

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        async with self._settled() as books:
            trades = [restore(ClosedTrade, closed) for closed in books.closed]
        return tuple(trade for trade in trades if trade.closed_at > after)

    async def _position(self, held: dict[str, Any]) -> Position:
        """A position; its stop is None while the exchange is not known to hold one for all of it:
        nobody shall believe in a stop that is not there.
        """
        quote = await self.keeper.desk.quote(held["symbol"])
        volume, entry = Decimal(held["volume"]), Decimal(held["entry_price"])
        worth = volume * (entry if quote is None else quote.bid)
        placed = guarded(held) >= volume and all(g["sent"] is None for g in held["guards"])
        return Position(
            id=held["id"],
            symbol=held["symbol"],
            direction=Direction.BUY,
            volume=volume,
            entry_price=entry,
            stop_loss=Decimal(held["stop_loss"]) if placed else None,
            take_profit=min(map(Decimal, held["targets"])) if placed else None,
            opened_at=datetime.fromisoformat(held["opened_at"]),
            profit=money(worth - Decimal(held["paid"])),
            client_id=held["client_id"],
            strategy_id=held["strategy_id"],
        )
