"""Source 001's approvals: ideas that wait for a person, and how they ended."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bot.api.fields import Instant, Number, Told
from bot.api.records import RecordTold, record_of
from bot.api.routing import Answer, Call, Routes
from bot.api.shapes import next_page
from engine.domain.account import Direction
from engine.domain.approval import Approval, Ending
from engine.domain.decision import Action
from engine.domain.idea import Idea
from engine.domain.person import Role
from engine.flow.approvals import Choice, Decided

routes = Routes("approvals")

#: An idea, by its id or by the number that people say.
IdeaRef = UUID | Annotated[int, Field(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Field(ge=1, le=500)]
Page = Annotated[int, Field(ge=1, le=2**53)]

#: What has to do with putting something to people and their answer.
_EVENTS = (
    Action.AI_PROPOSED,
    Action.HUMAN_PROPOSED,
    Action.HUMAN_APPROVED,
    Action.HUMAN_REJECTED,
    Action.RISK_REJECTED,
    Action.IDEA_EXPIRED,
    Action.PROPOSAL_MADE,
    Action.PROPOSAL_APPROVED,
    Action.PROPOSAL_REJECTED,
    Action.PROPOSAL_EXPIRED,
    Action.PROPOSAL_STALE,
)


class ApprovalTold(Told):
    """A question to people: ``status`` is pending, or how it ended; ``detail`` the check that ended
    it, where one did. Prices are those of the proposal and of the answer.
    """

    id: UUID
    number: int
    symbol: str
    direction: Direction
    entry_price: Number
    stop_loss: Number
    take_profit: list[Number]
    lot_size: Number
    confidence_score: Number
    status: Ending
    expires_at: Instant
    decided_by: str | None
    decided_at: datetime | None
    tap_price: Number | None
    approved_lot_size: Number | None
    detail: str | None


class AnsweredTold(Told):
    """What became of an answer. ``effective`` is whether it was this one that ended the question;
    ``reason`` is the check that blocked an approval.
    """

    status: Literal["approved", "rejected", "blocked", "expired", "answered"]
    effective: bool
    reason: str | None
    approval: ApprovalTold


class ExpiredTold(Told):
    """The ideas that were past their time, and the proposals to change the configuration."""

    expired: list[UUID]
    count: int
    proposals: list[int]


@routes.get("/v1/ai/approvals", role=Role.VIEWER)
async def approvals(
    call: Call,
    status: Literal["pending", "ended"] | None = None,
    limit: Limit = 100,
    before: Page | None = None,
) -> Answer[list[ApprovalTold]]:
    """Approvals, newest first; ``before`` an idea's number is the next page."""
    pending = None if status is None else status == "pending"
    found = await call.uses.acts.list_approvals(
        call.person_id, pending=pending, before=before, limit=limit
    )
    headers = next_page(call, len(found) == limit, found[-1][0].number if found else None)
    return Answer([_approval(*one) for one in found], headers=headers)


@routes.post("/v1/ai/approvals/{idea_id}/approve", role=Role.TRADER)
async def approve(call: Call, idea_id: IdeaRef) -> AnsweredTold:
    """Approve an idea, by its id or number; every check runs again with the data of now."""
    return _answered(await call.uses.acts.answer_approval(call.person_id, idea_id, Choice.APPROVE))


@routes.post("/v1/ai/approvals/{idea_id}/reject", role=Role.TRADER)
async def reject(call: Call, idea_id: IdeaRef) -> AnsweredTold:
    """Reject an idea, by its id or number."""
    return _answered(await call.uses.acts.answer_approval(call.person_id, idea_id, Choice.REJECT))


@routes.post("/v1/ai/approvals/expire-check", role=Role.TRADER)
async def expire_check(call: Call) -> ExpiredTold:
    """End what nobody answered in time; workers do so by themselves every two seconds."""
    expired, proposals = await call.uses.acts.expire_now(call.person_id)
    return ExpiredTold(expired=list(expired), count=len(expired), proposals=list(proposals))


@routes.get("/v1/ai/events", role=Role.VIEWER)
async def events(
    call: Call, limit: Limit = 100, before: Page | None = None
) -> Answer[list[RecordTold]]:
    """Proposals, answers and refusals as the history holds them; ``before`` is a ``seq``."""
    found = await call.uses.talk.list_history(
        call.person_id, actions=_EVENTS, before=before, limit=limit
    )
    headers = next_page(call, len(found) == limit, found[-1].seq if found else None)
    return Answer([record_of(one) for one in found], headers=headers)


def _approval(idea: Idea, approval: Approval) -> ApprovalTold:
    proposal = idea.proposal
    return ApprovalTold(
        id=idea.id,
        number=idea.number,
        symbol=proposal.symbol,
        direction=proposal.direction,
        entry_price=proposal.entry,
        stop_loss=proposal.stop_loss,
        take_profit=list(proposal.take_profit),
        lot_size=idea.sizing.volume,
        confidence_score=idea.confidence.score,
        status=approval.ending,
        expires_at=approval.expires_at,
        decided_by=approval.decided_name,
        decided_at=approval.decided_at,
        tap_price=approval.tap_price,
        approved_lot_size=approval.volume,
        detail=approval.detail,
    )


_BLOCKED = (Ending.PRICE_MOVED, Ending.GATE_CLOSED, Ending.HALTED)


def _answered(decided: Decided) -> AnsweredTold:
    ending = decided.approval.ending
    status = "answered"
    if ending is Ending.EXPIRED:
        status = "expired"
    elif decided.mine:
        status = "blocked" if ending in _BLOCKED else str(ending)
    reason = decided.approval.detail or str(ending) if ending in _BLOCKED else None
    told = {"status": status, "effective": decided.mine, "reason": reason}
    return AnsweredTold.model_validate(
        {**told, "approval": _approval(decided.idea, decided.approval)}
    )
