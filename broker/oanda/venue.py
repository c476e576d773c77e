"""The port ``Broker`` over OANDA: dealt once with its stop and target, looked up when in doubt."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from broker.oanda.facts import Json, account_of, extension, position_of, understood
from broker.oanda.intake import ID, Intake
from broker.oanda.log import Log, begun, pending
from broker.oanda.refusals import TAKEN, meant
from broker.oanda.rules import Rules
from broker.turns import Books, turn
from engine.domain.account import Account, Position
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused, BrokerSilent, InvalidInput
from engine.ports import Found, NotFound, VenueLedger
from engine.snapshot.canonical import restore

#: An order whose answer was lost is called absent when OANDA's clock is so much later, and neither
#: its log nor its orders nor its trades show it.
PROOF = timedelta(minutes=5)
_LEAST = timedelta(seconds=0.5)
#: OANDA shows so many trades at once.
_TRADES = "500"


@dataclass(frozen=True, kw_only=True)
class OandaBroker:
    """One account. Trades that nobody here ordered are shown too, and can be closed and moved.

    OANDA refuses an id that is given again only while its order is pending or its trade open. What
    keeps an order from being dealt twice is that it is sent once: written down before, and looked
    up afterwards in OANDA's log of everything that happened to the account.
    """

    intake: Intake
    log: Log
    ledger: VenueLedger
    account_id: str
    is_live: bool = False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Books]:
        client = self.intake.client
        async with turn(self.ledger, f"oanda:{client.account}", client.clock) as books:
            yield books

    async def _read(self, path: str, **asked: str) -> Any:
        return await self.intake.client.read(self.intake.client.of_account(path), asked)

    async def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Json:
        told = await self.intake.client.write(method, self.intake.client.of_account(path), body)
        with understood():
            return dict(told)

    # ---- orders

    async def submit(self, order: Order) -> Fill:
        """Deal at the market under the order's own id, its stop and its nearest target with it: a
        trade at OANDA has one of each.
        """
        rules, body = await self.intake.checked(order)
        async with self._turn() as books:
            books.is_new(order.client_id, books.orders)
            sent = await self._begin(books, order)
            books.orders[order.client_id] = {"sent": sent.isoformat()}
            await books.save()
            try:
                told = await self._write("POST", "/orders", {"order": body})
                self._note(books, told, rules)
                _cancelled(told)
            except BrokerRefused:
                books.orders[order.client_id] = None
                await books.save()
                raise
            fill = books.fill(order.client_id)
            if fill is None:
                raise BrokerSilent("OANDA has taken the order and not dealt it")
        return fill

    async def _begin(self, books: Books, order: Order) -> datetime:
        """The instant of OANDA at which the order leaves; what OANDA did before it is in the books
        then.
        """
        client = self.intake.client
        try:
            await self.log.catch_up(books)
            sent = await client.time()
        except BrokerSilent as error:
            raise BrokerRefused(f"nothing was sent: {error}") from error
        if not order.valid_until - client.clock() >= _LEAST:
            raise BrokerRefused("the order has expired")
        return sent

    def _note(self, books: Books, told: Json, rules: Rules) -> None:
        """Note what an answer's transactions say."""
        with understood():
            for name, row in told.items():
                if name.endswith("Transaction"):
                    self.log.note(books, row, rules)

    async def look_up(self, client_id: str) -> Found | NotFound:
        """What the books and OANDA know of an order. One that was never sent is struck off: it
        never will be. One that was sent is proven absent when its time is long over.
        """
        async with self._turn() as books:
            await self.log.catch_up(books)
            known = books.orders.get(client_id, {})
            if known is not None and ("sent" in known or client_id not in books.orders):
                await self._prove(books, client_id)
            fill = books.fill(client_id)
            if fill is not None:
                return Found(fill)
            return NotFound(proven=books.orders.setdefault(client_id, None) is None)

    async def _prove(self, books: Books, client_id: str) -> None:
        """Strike off an order that no place shows. What the books do not know was never sent,
        unless they were restored from a backup: then OANDA may show it, and nothing is proven.
        """
        known = books.orders.get(client_id)
        # The clocks were compared by the answer that has just come.
        now = await self.intake.client.time()
        late = known is None or now > datetime.fromisoformat(known["sent"]) + PROOF
        if not late or not ID.fullmatch(client_id):
            return
        shown = await self._is_shown(client_id)
        await self.log.catch_up(books)
        if books.orders.get(client_id) == known:
            if shown:
                raise BrokerSilent(f"OANDA knows {client_id}, and its log did not show it")
            books.orders[client_id] = None

    async def _is_shown(self, client_id: str) -> bool:
        client = self.intake.client
        if await client.find(client.of_account(f"/orders/@{client_id}")) is not None:
            return True
        shown = await self._read("/trades", state="ALL", count=_TRADES)
        with understood():
            return any(extension(trade) == client_id for trade in shown["trades"])

    # ---- positions

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Close at the market, all of a trade or a part of it."""
        async with self._change(position_id, client_id) as (books, trade, rules):
            # Were the lost one to come late, both would be dealt.
            if "close" in pending(books, position_id):
                raise BrokerRefused(f"position {position_id} is being closed")
            held = position_of(trade, rules)
            volume = held.volume - volume_left
            if not (volume_left >= 0 and volume > 0):
                raise BrokerRefused(f"position {position_id} has {held.volume} lots only")
            units = _units(rules, volume)
            wanted = rules.text(units) if volume_left else "ALL"
            change = {"kind": "close", "units": str(units), "left": str(volume_left)}
            return await self._changed(
                books, rules, client_id, {**change, "trade": position_id},
                f"/trades/{position_id}/close", {"units": wanted},
            )  # fmt: skip

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        """Another stop, or another target: a trade at OANDA has one."""
        async with self._change(position_id, client_id) as (books, trade, rules):
            if pending(books, position_id):
                raise BrokerRefused(f"position {position_id} is being changed")
            held = position_of(trade, rules)
            body = await self.intake.levels(held, rules, stop_loss, take_profit[:1], client_id)
            change = {
                "kind": "levels", "trade": position_id, "left": str(held.volume),
                "want": [str(order["clientExtensions"]["id"])[-1] for order in body.values()],
            }  # fmt: skip
            path = f"/trades/{position_id}/orders"
            return await self._changed(books, rules, client_id, change, path, body)

    @asynccontextmanager
    async def _change(
        self, position_id: str, client_id: str
    ) -> AsyncIterator[tuple[Books, Json, Rules]]:
        if not ID.fullmatch(client_id):
            raise BrokerRefused("an id has up to 60 letters and digits")
        async with self._turn() as books:
            books.is_new(client_id, books.changes)
            try:
                trade, rules = await self._held(books, position_id)
            except BrokerSilent as error:
                raise BrokerRefused(f"nothing was sent: {error}") from error
            yield books, trade, rules

    async def _held(self, books: Books, position_id: str) -> tuple[Json, Rules]:
        await self.log.settle(books)
        trade = await self.log.trade(position_id) if _is_number(position_id) else None
        if trade is None or trade.get("state") != "OPEN":
            raise BrokerRefused(f"position {position_id} is not open")
        with understood():
            name = str(trade["instrument"])
        return trade, await self.intake.symbols.of(name)

    async def _changed(
        self, books: Books, rules: Rules, client_id: str, change: dict[str, Any], path: str,
        body: Mapping[str, Any],
    ) -> PositionChange:  # fmt: skip
        """Write a change down, and have it done, once."""
        sent = await self.intake.client.time()
        books.changes[client_id] = {**change, "sent": sent.isoformat()}
        await books.save()
        try:
            told = await self._write("PUT", path, body)
            self._note(books, told, rules)
            _cancelled(told)
        except BrokerRefused as error:
            await self.log.catch_up(books)
            if begun(books.changes[client_id]):
                raise BrokerSilent(f"a part of it was done: {error}") from error
            books.changes[client_id] = None
            await books.save()
            raise
        done = books.change(client_id)
        if done is None:
            raise BrokerSilent("OANDA does not say what it did")
        return done

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        """What OANDA's log says of a change; as with orders."""
        async with self._turn() as books:
            await self.log.settle(books)
            known = books.changes.setdefault(client_id, None)
            return books.change(client_id) or NotFound(proven=known is None)

    # ---- what there is

    async def account(self) -> Account:
        told = await self._read("/summary")
        now = await self.intake.client.time()
        with understood():
            return account_of(told["account"], self.account_id, now)

    async def positions(self) -> tuple[Position, ...]:
        told = await self._read("/openTrades")
        with understood():
            names = {str(trade["instrument"]) for trade in told["trades"]}
        rules = {name: await self.intake.symbols.of(name) for name in sorted(names)}
        with understood():
            found = [position_of(trade, rules[trade["instrument"]]) for trade in told["trades"]]
        return tuple(sorted(found, key=lambda position: position.opened_at))

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        async with self._turn() as books:
            await self.log.catch_up(books)
            trades = [restore(ClosedTrade, closed) for closed in books.closed]
        return tuple(trade for trade in trades if trade.closed_at > after)


def _cancelled(told: Json) -> None:
    """An order that OANDA took and could not deal is over: FOK leaves nothing behind."""
    if told.get("orderFillTransaction"):
        return
    cancelled = told.get("orderCancelTransaction") if "orderCreateTransaction" in told else None
    if isinstance(cancelled, dict):
        code = str(cancelled.get("reason"))
        if code in TAKEN:
            raise BrokerSilent(f"OANDA cancelled the order: {meant(code)}", code=code)
        raise BrokerRefused(f"OANDA cancelled the order: {meant(code)}", code=code)


def _units(rules: Rules, volume: Decimal) -> Decimal:
    try:
        return rules.units(volume)
    except InvalidInput as error:
        raise BrokerRefused(str(error)) from error


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18
