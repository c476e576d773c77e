"""Approve or reject an idea and learn how it ended (source 004 §6.4): for callers who wait."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from engine.domain.approval import Ending
from engine.domain.order import Order, OrderState
from engine.domain.person import Role
from engine.errors import IllegalMove, NotFound
from engine.flow.approvals import Choice, Decided, DecideIdea
from engine.flow.people import person_at_least
from engine.ports import Store

#: Source 004's word for a check of ours; the others are told by their own codes.
_CODES = {"max_concurrent_trades": "max_concurrent_trades_exceeded"}
#: How long is waited for the venue, and between two looks, in seconds.
_PATIENCE, _PAUSE = 10.0, 0.1
_UNDER_WAY = frozenset((OrderState.INTENT, OrderState.SENDING))


class Became(StrEnum):
    """What became of an approval: the venue took the order; it is on its way; the gate, the price
    or the venue refused; or nobody knows, which is found out by itself.
    """

    EXECUTED = "executed"
    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """How an approval stands; ``order`` is None where there is none, ``reason`` is a code."""

    became: Became
    order: Order | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveIdea:
    """Approve an idea and wait for the venue, for at most ``patience`` seconds.

    The same person may ask again and is answered how it stands; somebody else, or a person who
    answered otherwise, raises :class:`IllegalMove` with who was first. Raises as
    :class:`DecideIdea` does.
    """

    store: Store
    decide_idea: DecideIdea
    timer: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]
    patience: float = _PATIENCE

    async def __call__(
        self, wanted: UUID | int, *, person_id: int, chat_id: int, at_most: Decimal | None
    ) -> Approved:
        idea_id = await idea_by(self.store, wanted, person_id)
        decided = await self.decide_idea(
            idea_id, Choice.APPROVE, person_id=person_id, chat_id=chat_id, at_most=at_most
        )
        approval = decided.approval
        if not decided.mine and (
            approval.decided_by != person_id or approval.ending is Ending.REJECTED
        ):
            raise taken(decided)
        if approval.ending is not Ending.APPROVED:
            return Approved(became=Became.BLOCKED, reason=code_of(decided))
        return _became(await self._settled(idea_id))

    async def _settled(self, idea_id: UUID) -> Order:
        """The idea's order once the venue has answered, or as it is when patience ends."""
        began = self.timer()
        while True:
            async with self.store.begin() as tx:
                order = await tx.orders.of_idea(idea_id)
            if order is None:
                raise NotFound(f"idea {idea_id} has no order")
            if order.state not in _UNDER_WAY or self.timer() - began >= self.patience:
                return order
            await self.sleep(_PAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectIdea:
    """Reject an idea; raises :class:`IllegalMove` where somebody answered it otherwise before."""

    store: Store
    decide_idea: DecideIdea

    async def __call__(self, wanted: UUID | int, *, person_id: int, chat_id: int) -> Decided:
        idea_id = await idea_by(self.store, wanted, person_id)
        decided = await self.decide_idea(
            idea_id, Choice.REJECT, person_id=person_id, chat_id=chat_id
        )
        if decided.approval.ending is not Ending.REJECTED:
            raise taken(decided)
        if not decided.mine and decided.approval.decided_by != person_id:
            raise taken(decided)
        return decided


async def idea_by(store: Store, wanted: UUID | int, person_id: int) -> UUID:
    """The id of an idea that is there, by its id or by the number people say."""
    async with store.begin() as tx:
        await person_at_least(tx, person_id, Role.TRADER)
        by_number = isinstance(wanted, int)
        found = await (tx.ideas.by_number(wanted) if by_number else tx.ideas.get(wanted))  # type: ignore[arg-type]
    return found.id


def code_of(decided: Decided) -> str:
    """Why an approval did not become an order: the check that closed, or how it ended."""
    code = decided.approval.detail or str(decided.approval.ending)
    return _CODES.get(code, code)


def taken(decided: Decided) -> IllegalMove:
    """Somebody was first, or it was too late."""
    approval, number = decided.approval, decided.idea.number
    by = "nobody in time" if approval.decided_name is None else approval.decided_name
    return IllegalMove(
        f"idea {number} was answered by {by}: {approval.ending}",
        ending=str(approval.ending),
        answered_by=approval.decided_name,
        idea=number,
    )


def _became(order: Order) -> Approved:
    if order.state is OrderState.ACKED:
        return Approved(became=Became.EXECUTED, order=order)
    if order.state in _UNDER_WAY:
        return Approved(became=Became.ACCEPTED, order=order)
    if order.state is OrderState.UNKNOWN:
        return Approved(became=Became.UNKNOWN, order=order)
    return Approved(became=Became.BLOCKED, order=order, reason=order.reason or str(order.state))
