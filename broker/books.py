"""The paper broker's books, and what closing by hand or another stop does to a held position."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from broker.held import Held, carve, shares
from engine.domain.account import Direction
from engine.domain.market import Instrument, Quote
from engine.domain.order import ClosedTrade
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused
from engine.snapshot.canonical import plain, restore

_KEPT = 1_000

#: What this venue can do with a trade; what it cannot is not in it.
ABILITIES = ("stop_loss", "several_targets", "time_limit", "partial_close")


@dataclass(slots=True)
class Books:
    """The venue's books while they are open; amounts in account currency.

    ``changes`` are closes and modifications by their client id; None is struck off. ``ended`` are
    the trades that ended while the books were open, ``closed`` those before.
    """

    balance: Decimal
    positions: list[Held]
    closed: list[dict[str, Any]]
    orders: dict[str, Any]
    number: int
    changes: dict[str, Any]
    ended: list[ClosedTrade] = field(default_factory=list)

    @classmethod
    def load(cls, document: dict[str, Any], starting_balance: Decimal) -> "Books":
        """The books of a document; a new account starts with its balance and nothing else."""
        return cls(
            Decimal(document.get("balance", starting_balance)),
            [restore(Held, held) for held in document.get("positions", ())],
            document.get("closed", []),
            document.get("orders", {}),
            document.get("number", 0),
            document.get("changes", {}),
        )

    def save(self, document: dict[str, Any]) -> None:
        """Write the books back."""
        document.update(
            balance=str(self.balance),
            positions=[plain(held) for held in self.positions],
            closed=[*self.closed, *map(plain, self.ended)][-_KEPT:],
            orders=self.orders,
            number=self.number,
            changes=self.changes,
        )

    def held(self, position_id: str, client_id: str) -> Held:
        """The open position a change is for; refuses an id that was given before, or struck off,
        and a position that is not open.
        """
        if client_id in self.changes:
            raise BrokerRefused(f"change {client_id} was given before")
        for held in self.positions:
            if held.id == position_id:
                return held
        raise BrokerRefused(f"position {position_id} is not open")

    def note(
        self, client_id: str, position_id: str, left: Decimal, at: datetime, **dealt: Decimal
    ) -> PositionChange:
        """Write a change down under its id, which is never taken again."""
        done = PositionChange(
            client_id=client_id, position_id=position_id, volume_left=left, time=at, **dealt
        )
        self.changes[client_id] = plain(done)
        return done


def take_part(held: Held, volume: Decimal, known: Instrument) -> Held:
    """The part of a position that is closed by hand, by a number of its own; what stays held is
    shared among its targets anew.
    """
    part = carve(held, volume)
    retarget(held, held.targets, known)
    return part


def retarget(held: Held, targets: tuple[Decimal, ...], known: Instrument) -> None:
    """Share a position among these targets; when there is too little, the farthest get none."""
    held.shares = shares(held.volume, len(targets), step=known.volume_step, least=known.volume_min)
    held.targets = targets[: len(held.shares)]


def check_levels(
    held: Held,
    stop_loss: Decimal | None,
    take_profit: tuple[Decimal, ...],
    quote: Quote,
    known: Instrument,
) -> None:
    """Refuse a stop or a target that would be hit where it stands, or nearer than the venue lets
    them be.
    """
    direction = held.direction
    price = quote.bid if direction is Direction.BUY else quote.ask
    if stop_loss is not None:
        away = direction.sign * (price - stop_loss)
        if not (away > 0 and away >= known.stops_level):
            raise BrokerRefused(f"stop {stop_loss} is too near to {price}, or beyond it")
    for target in take_profit:
        away = direction.sign * (target - price)
        if not (away > 0 and away >= known.stops_level):
            raise BrokerRefused(f"target {target} is too near to {price}, or beyond it")
