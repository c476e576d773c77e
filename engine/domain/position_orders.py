"""What a person asks of an open trade: written down before it is sent, sent once, never again.

Every goal is absolute: "leave 0.10 lots", never "close half". Doing it twice changes nothing, and
whether it was done can be read off the position itself.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from engine.domain.account import Position
from engine.errors import IllegalMove


class Deed(StrEnum):
    """What is wanted. FLATTEN names no position: it becomes a close of each one that is open."""

    CLOSE = "close"
    STOP = "stop"
    TARGETS = "targets"
    FLATTEN = "flatten"


class Rule(StrEnum):
    """The rule of a strategy that asked for it; a name among the words for actors."""

    BREAK_EVEN = "break_even"
    TRAILING = "trailing"
    PARTIAL_TARGET = "partial_target"


class PositionOrderState(StrEnum):
    """ASKED waits for a person's second tap; from INTENT on it is an order like any other."""

    ASKED = "asked"
    INTENT = "intent"
    SENDING = "sending"
    DONE = "done"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    ABSENT = "absent"
    CANCELLED = "cancelled"


_S = PositionOrderState
_MOVES: dict[PositionOrderState, frozenset[PositionOrderState]] = {
    _S.ASKED: frozenset((_S.INTENT, _S.CANCELLED)),
    _S.INTENT: frozenset((_S.SENDING, _S.CANCELLED)),
    _S.SENDING: frozenset((_S.DONE, _S.REJECTED, _S.UNKNOWN)),
    _S.UNKNOWN: frozenset((_S.DONE, _S.REJECTED, _S.ABSENT)),
}
#: A flatten is never sent itself: it is in force from INTENT to its end.
_FLATTEN_MOVES = {_S.INTENT: frozenset((_S.DONE, _S.CANCELLED))}

#: States in which the venue may have done it, or may still do it.
UNDER_WAY = frozenset((_S.SENDING, _S.UNKNOWN))
#: States in which it is not over yet.
OPEN = frozenset((_S.INTENT, *UNDER_WAY))


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionOrder:
    """One thing that one person wants of one position; ``seen`` is the position they looked at,
    ``number`` the one people say of its idea. ``rule`` and its ``step`` asked for it where no
    person did.

    ``volume_left`` belongs to a close, ``stop_loss`` to a stop, ``take_profit``, the nearest first,
    to targets. ``valid_until`` is the last instant at which it may leave, None for as long as it
    takes. ``asked_by`` None is the command line. ``price`` is where a close was dealt, ``reason``
    the code of why it did not happen, with its ``facts``.
    """

    client_id: str
    account_id: str
    position_id: str
    symbol: str
    deed: Deed
    state: PositionOrderState
    asked_by: int | None
    asked_name: str
    created_at: datetime
    valid_until: datetime | None
    seen: Position | None = None
    idea_id: UUID | None = None
    number: int | None = None
    flatten_id: str | None = None
    volume_left: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: tuple[Decimal, ...] = ()
    sending_at: datetime | None = None
    price: Decimal | None = None
    volume_closed: Decimal | None = None
    reason: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    rule: Rule | None = None
    step: int = 0

    @property
    def closes_all(self) -> bool:
        """Whether nothing is to be left: the one thing an emergency stop allows."""
        return self.deed is Deed.CLOSE and self.volume_left == 0

    def reached(self, position: Position | None) -> bool:
        """Whether the position at the venue, None when it is not open, is as it is wanted."""
        if position is None:
            return self.deed is Deed.CLOSE
        if self.deed is Deed.CLOSE:
            return self.volume_left is not None and position.volume <= self.volume_left
        if self.deed is Deed.STOP:
            return position.stop_loss == self.stop_loss
        # A position shows its nearest target only: if that was to stay, nothing can be told.
        unchanged = self.seen is not None and self.seen.take_profit == position.take_profit
        return self.take_profit[:1] == (position.take_profit,) and not unchanged

    def excludes(self, other: "PositionOrder") -> bool:
        """Whether this one must wait for another one of its position: a close for another close, so
        that nothing is closed twice, a level for anything. An exit never waits for a level.
        """
        if other.client_id == self.client_id:
            return False
        return self.deed is not Deed.CLOSE or other.deed is Deed.CLOSE

    def move(
        self,
        state: PositionOrderState,
        *,
        reason: str | None = None,
        facts: dict[str, str] | None = None,
    ) -> "PositionOrder":
        """The order in its next state; an illegal move raises :class:`IllegalMove`."""
        moves = _FLATTEN_MOVES if self.deed is Deed.FLATTEN else _MOVES
        if state not in moves.get(self.state, frozenset()):
            raise IllegalMove(
                f"position order {self.client_id} is {self.state} and cannot become {state}",
                state=self.state, wanted=state,
            )  # fmt: skip
        return replace(self, state=state, reason=reason or self.reason, facts=facts or self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChange:
    """What a venue did to an open position. ``price`` is None when nothing was dealt."""

    client_id: str
    position_id: str
    volume_left: Decimal
    time: datetime
    price: Decimal | None = None
    volume_closed: Decimal | None = None
