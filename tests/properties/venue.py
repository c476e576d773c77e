"""A venue that refuses, is silent, loses answers, fills late, and fills a repeated id again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from engine.domain.account import Account, Position
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.properties.market import Stage

START = Decimal("10000.00")


class Killed(BaseException):
    """The process dies here."""


class Fate(StrEnum):
    """What becomes of the next order that is sent."""

    FILLED = "filled"
    REFUSED = "refused"
    ANSWER_LOST = "answer lost"
    NEVER_ARRIVED = "never arrived"
    LATE = "late"
    TIMED_OUT = "timed out"
    WE_DIE = "we die"
    WE_DIE_AND_IT_ARRIVES = "we die and it arrives"


@dataclass
class Venue:
    """The port ``Broker``; money is set by hand, so that a limit can be met to the cent."""

    market: Stage
    point: Callable[[], Awaitable[None]]
    witness: Callable[[Order], None]
    account_id: str = "paper-1"
    is_live: bool = False
    fate: Fate = Fate.FILLED
    deaf: bool = False
    proves: bool = True
    equity: Decimal = START
    margin_free: Decimal = START
    fills: dict[str, Fill] = field(default_factory=dict)
    late: dict[str, Order] = field(default_factory=dict)
    struck: set[str] = field(default_factory=set)
    held: dict[str, Position] = field(default_factory=dict)
    closed: list[ClosedTrade] = field(default_factory=list)
    changes: dict[str, PositionChange] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    taken: dict[str, Decimal] = field(default_factory=dict)
    number: int = 0

    async def submit(self, order: Order) -> Fill:
        self.witness(order)
        fate, self.fate = self.fate, Fate.FILLED
        await self.point()
        if order.client_id in self.struck or fate is Fate.REFUSED:
            raise BrokerRefused("the venue does not take it")
        if fate is Fate.LATE:
            self.late[order.client_id] = order
        if fate in (Fate.FILLED, Fate.ANSWER_LOST, Fate.WE_DIE_AND_IT_ARRIVES):
            self._enter(order)
        if fate in (Fate.WE_DIE, Fate.WE_DIE_AND_IT_ARRIVES):
            raise Killed
        if fate is Fate.TIMED_OUT:
            raise TimeoutError
        if fate is not Fate.FILLED:
            raise BrokerSilent("no answer")
        return self.fills[order.client_id]

    def arrive(self) -> None:
        """What was under way comes in, unless it was struck off."""
        for client_id, order in self.late.items():
            if client_id not in self.struck:
                self._enter(order)
        self.late.clear()

    def _enter(self, order: Order) -> None:
        self.number += 1
        book = self.market.books[order.symbol]
        price = book.bid + book.spread if order.direction.sign > 0 else book.bid
        self.fills[order.client_id] = Fill(
            client_id=order.client_id,
            broker_id=str(self.number),
            price=price,
            volume=order.volume,
            time=self.market.now,
        )
        self.held[str(self.number)] = Position(
            id=str(self.number),
            symbol=order.symbol,
            direction=order.direction,
            volume=order.volume,
            entry_price=price,
            stop_loss=order.stop_loss,
            take_profit=order.take_profit[0],
            opened_at=self.market.now,
            profit=Decimal(0),
            client_id=order.client_id,
            strategy_id=order.strategy_id,
        )

    def end(self, position_id: str, profit: Decimal) -> None:
        """A trade ends at the venue."""
        held = self.held.pop(position_id)
        self.equity += profit
        self.closed.append(
            ClosedTrade(
                position_id=held.id,
                client_id=held.client_id,
                symbol=held.symbol,
                direction=held.direction,
                volume=held.volume,
                entry_price=held.entry_price,
                exit_price=held.entry_price,
                profit=profit,
                opened_at=held.opened_at,
                closed_at=self.market.now,
                reason="manual",
            )
        )

    async def look_up(self, client_id: str) -> Found | NotFound:
        await self._answer()
        if client_id in self.fills:
            return Found(self.fills[client_id])
        if self.proves:
            self.struck.add(client_id)
        return NotFound(proven=self.proves)

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        held = self._change(position_id, client_id)
        fate, self.fate = self.fate, Fate.FILLED
        await self.point()
        if fate is Fate.REFUSED or not 0 <= volume_left < held.volume:
            raise BrokerRefused("the venue does not do it")
        if fate in (Fate.FILLED, Fate.ANSWER_LOST, Fate.WE_DIE_AND_IT_ARRIVES):
            closed = held.volume - volume_left
            if volume_left:
                self.held[position_id] = replace(held, volume=volume_left)
            else:
                self.end(position_id, Decimal(0))
            self.taken[position_id] = self.taken.get(position_id, Decimal(0)) + closed
            self.changes[client_id] = PositionChange(
                client_id=client_id,
                position_id=position_id,
                volume_left=volume_left,
                time=self.market.now,
                price=held.entry_price,
                volume_closed=closed,
            )
        self._die_or_fall_silent(fate)
        return self.changes[client_id]

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        held = self._change(position_id, client_id)
        fate, self.fate = self.fate, Fate.FILLED
        await self.point()
        if fate is Fate.REFUSED:
            raise BrokerRefused("the venue does not do it")
        if fate in (Fate.FILLED, Fate.ANSWER_LOST, Fate.WE_DIE_AND_IT_ARRIVES):
            self.held[position_id] = replace(
                held,
                stop_loss=stop_loss or held.stop_loss,
                take_profit=take_profit[0] if take_profit else held.take_profit,
            )
            self.changes[client_id] = PositionChange(
                client_id=client_id,
                position_id=position_id,
                volume_left=held.volume,
                time=self.market.now,
            )
        self._die_or_fall_silent(fate)
        return self.changes[client_id]

    def _change(self, position_id: str, client_id: str) -> Position:
        self.changed.append(client_id)
        if position_id not in self.held or client_id in self.struck:
            raise BrokerRefused("the venue does not know it")
        return self.held[position_id]

    def _die_or_fall_silent(self, fate: Fate) -> None:
        if fate in (Fate.WE_DIE, Fate.WE_DIE_AND_IT_ARRIVES):
            raise Killed
        if fate is Fate.TIMED_OUT:
            raise TimeoutError
        if fate is not Fate.FILLED:
            raise BrokerSilent("no answer")

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        await self._answer()
        if client_id in self.changes:
            return self.changes[client_id]
        if self.proves:
            self.struck.add(client_id)
        return NotFound(proven=self.proves)

    async def account(self) -> Account:
        await self._answer()
        return Account(
            id=self.account_id,
            currency="USD",
            balance=self.equity,
            equity=self.equity,
            margin_used=Decimal(0),
            margin_free=self.margin_free,
            open_profit=Decimal(0),
            captured_at=self.market.now,
        )

    async def positions(self) -> tuple[Position, ...]:
        await self._answer()
        return tuple(replace(position) for position in self.held.values())

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        await self._answer()
        return tuple(trade for trade in self.closed if trade.closed_at > after)

    async def _answer(self) -> None:
        await self.point()
        if self.deaf:
            raise BrokerSilent("no answer")
