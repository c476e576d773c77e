"""An order's life: written down before it is sent, sent once, never again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from engine.domain.account import Direction
from engine.domain.values import quantize
from engine.errors import IllegalMove


class OrderState(StrEnum):
    """INTENT was never sent; SENDING may have been; UNKNOWN waits for proof."""

    INTENT = "intent"
    SENDING = "sending"
    ACKED = "acked"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    ABSENT = "absent"


_MOVES: dict[OrderState, frozenset[OrderState]] = {
    OrderState.INTENT: frozenset((OrderState.SENDING, OrderState.CANCELLED)),
    OrderState.SENDING: frozenset((OrderState.ACKED, OrderState.REJECTED, OrderState.UNKNOWN)),
    OrderState.UNKNOWN: frozenset((OrderState.ACKED, OrderState.REJECTED, OrderState.ABSENT)),
}

#: States in which the venue may hold the trade although it is not proven.
UNPROVEN = frozenset((OrderState.INTENT, OrderState.SENDING, OrderState.UNKNOWN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A market order with its stop and its targets, the nearest first, each of which takes an equal
    share; after ``time_limit_min`` minutes of the market what is left is closed.

    ``client_id`` is derived from the idea and is the same on both sides; ``valid_until`` is the
    last instant at which it may leave. ``volume`` is what was filled once it is, ``unfilled`` what
    was cancelled of it then.
    """

    client_id: str
    idea_id: UUID
    account_id: str
    symbol: str
    direction: Direction
    volume: Decimal
    stop_loss: Decimal
    take_profit: tuple[Decimal, ...]
    strategy_id: str
    state: OrderState
    created_at: datetime
    valid_until: datetime
    time_limit_min: int | None = None
    sending_at: datetime | None = None
    broker_id: str | None = None
    fill_price: Decimal | None = None
    filled_at: datetime | None = None
    reason: str | None = None
    unfilled: Decimal = Decimal(0)

    def move(self, state: OrderState, *, reason: str | None = None) -> "Order":
        """The order in its next state; an illegal move raises :class:`IllegalMove`."""
        if state not in _MOVES.get(self.state, frozenset()):
            raise IllegalMove(
                f"order {self.client_id} is {self.state} and cannot become {state}",
                state=self.state, wanted=state,
            )  # fmt: skip
        return replace(self, state=state, reason=reason or self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """What the venue did with an order; ``unfilled`` is what it says that it cancelled of it."""

    client_id: str
    broker_id: str
    price: Decimal
    volume: Decimal
    time: datetime
    unfilled: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """A position's end, as the venue reports it. ``reason`` is stop_loss, take_profit, time_limit,
    stop_out, partial_target (a rule closed a part) or manual. What a target took of a position is a
    trade of its own. ``profit`` is in account currency after ``commission`` and ``swap``, which are
    below zero where they cost.
    """

    position_id: str
    client_id: str | None
    symbol: str
    direction: Direction
    volume: Decimal
    entry_price: Decimal
    exit_price: Decimal
    profit: Decimal
    opened_at: datetime
    closed_at: datetime
    reason: str
    commission: Decimal = Decimal(0)
    swap: Decimal = Decimal(0)

    @property
    def gross(self) -> Decimal:
        """What the prices alone made."""
        return self.profit - self.commission - self.swap


def together(trades: Sequence[ClosedTrade]) -> ClosedTrade:
    """The trades of one order, oldest first, as the one trade they were: the whole volume and
    profit, the mean exit price by volume, and the reason of the last.
    """
    last = trades[-1]
    volume = sum((trade.volume for trade in trades), Decimal(0))
    paid = sum((trade.exit_price * trade.volume for trade in trades), Decimal(0))
    places = max(-int(trade.exit_price.as_tuple().exponent) for trade in trades)
    return replace(
        last,
        position_id=last.position_id.partition("/")[0],
        volume=volume,
        exit_price=quantize(paid / volume, places),
        profit=sum((trade.profit for trade in trades), Decimal(0)),
        commission=sum((trade.commission for trade in trades), Decimal(0)),
        swap=sum((trade.swap for trade in trades), Decimal(0)),
    )
