"""Proposals to change the configuration: source 001's ``ai/proposals`` and the answers to them."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from bot.api.fields import Given, Instant, Number, Text, Told, Whole
from bot.api.routing import Answer, Call, Routes
from bot.api.settings import KINDS, as_text, taken
from bot.api.shapes import Before, Limit, next_page
from bot.i18n import words_for
from bot.views.proposals import grounds
from engine.domain.change_proposal import (
    ChangeProposal,
    FoldFigures,
    ProposalState,
    Source,
    Target,
)
from engine.domain.person import Role
from engine.flow.change_answers import Settled

routes = Routes("proposals")

#: A proposal by the number that people say.
ProposalId = Annotated[int, Field(ge=1, le=2**53)]

_Wanted: Any = create_model(  # type: ignore[call-overload]
    "_Wanted",
    __base__=Given,
    **{name: (taken(name) | None, None) for name in KINDS},
)


class ChangesWanted(_Wanted):  # type: ignore[misc]
    """Other values of settings, why, and the version of the settings that was looked at."""

    version: Annotated[Whole, Field(ge=1, le=10**9)]
    reason: Annotated[Text, Field(min_length=1, max_length=200)]


class ChangeTold(Told):
    """A field by its name or path; null where it is not there."""

    field: str
    before: str | None
    after: str | None


class EvidenceTold(Told):
    """A figure that a proposal rests on, under the code of what it speaks for."""

    ground: str
    name: str
    value: str


class FoldTold(Told):
    """A step of a walk-forward search; results are means in units of risk."""

    train_from: Instant
    train_until: Instant
    test_from: Instant
    test_until: Instant
    inside: Number | None
    outside: Number | None
    baseline: Number | None
    trades_inside: int
    trades_outside: int


class ProposalTold(Told):
    """A proposal: what it changes in which version, why, and how it stands. ``stops`` is whether
    trading stops when nobody answers until ``expires_at``.
    """

    id: int
    status: ProposalState
    source: Source
    by: str
    target: Target
    subject: str
    subject_version: int
    changes: list[ChangeTold]
    rationale: str
    evidence: list[EvidenceTold]
    folds: list[FoldTold]
    document: str | None
    created_at: Instant
    expires_at: Instant
    stops: bool
    decided_by: str | None
    decided_at: Instant | None
    applied_version: int | None


class GeneratedTold(Told):
    """What the advisor proposes anew."""

    proposals: list[ProposalTold]
    count: int


class SettledTold(Told):
    """What became of an answer: ``effective`` is whether it was this one that ended the proposal,
    ``status`` how it ended.
    """

    status: ProposalState
    effective: bool
    proposal: ProposalTold


@routes.get("/v1/ai/proposals", role=Role.VIEWER)
async def proposals(
    call: Call,
    status: Literal["pending", "ended"] | None = None,
    limit: Limit = 100,
    before: Before | None = None,
) -> Answer[list[ProposalTold]]:
    """Proposals, newest first; ``before`` a number is the next page."""
    pending = None if status is None else status == "pending"
    found = await call.uses.talk.read_changes(
        call.person_id, pending=pending, before=before, limit=limit
    )
    headers = next_page(call, len(found) == limit, found[-1].id if found else None)
    return Answer([told(one) for one in found], headers=headers)


@routes.post("/v1/ai/proposals", role=Role.TRADER, status=201, statuses=(409,))
async def propose(call: Call, body: ChangesWanted) -> ProposalTold:
    """Propose other settings, for an admin to approve."""
    given = body.model_dump(include=set(KINDS), exclude_none=True)
    made = await call.uses.acts.changes.propose_settings(
        call.person_id,
        {name: as_text(value) for name, value in given.items()},
        reason=body.reason,
        expected=body.version,
    )
    return told(made)


@routes.post("/v1/ai/proposals/generate", role=Role.TRADER)
async def generate(call: Call) -> GeneratedTold:
    """Ask the advisor's rules now.

    What is proposed already, or was not wanted lately, is not proposed again.
    """
    made = await call.uses.talk.advise(call.person_id)
    return GeneratedTold(proposals=[told(one) for one in made], count=len(made))


@routes.post("/v1/ai/proposals/{proposal_id}/approve", role=Role.ADMIN, statuses=(409,))
async def approve(call: Call, proposal_id: ProposalId) -> SettledTold:
    """Put a proposal in force, in the version it was made for and no other."""
    return _settled(await call.uses.talk.answer_change.approve(call.person_id, proposal_id))


@routes.post("/v1/ai/proposals/{proposal_id}/reject", role=Role.TRADER)
async def reject(call: Call, proposal_id: ProposalId) -> SettledTold:
    """Leave everything as it is."""
    return _settled(await call.uses.talk.answer_change.reject(call.person_id, proposal_id))


def _settled(found: Settled) -> SettledTold:
    status = found.proposal.state
    return SettledTold(status=status, effective=found.mine, proposal=told(found.proposal))


def told(seen: ChangeProposal) -> ProposalTold:
    """A proposal as it is told; its rules' reasons are in English."""
    draft = seen.draft
    said = [str(line) for line in grounds(words_for("en"), seen)]
    return ProposalTold(
        id=seen.id,
        status=seen.state,
        source=draft.source,
        by=draft.by,
        target=draft.subject.target,
        subject=draft.subject.key,
        subject_version=draft.subject.version,
        changes=[
            ChangeTold(field=one.field, before=one.before, after=one.after) for one in draft.changes
        ],
        rationale="\n".join([*said, *([draft.said] if draft.said else [])]),
        evidence=[
            EvidenceTold(ground=ground.code, name=figure.name, value=figure.value)
            for ground in draft.grounds
            for figure in ground.figures
        ],
        folds=[fold_told(fold) for fold in draft.folds],
        document=draft.document,
        created_at=seen.created_at,
        expires_at=seen.expires_at,
        stops=seen.stops,
        decided_by=seen.decided_name,
        decided_at=seen.decided_at,
        applied_version=seen.applied,
    )


def fold_told(fold: FoldFigures) -> FoldTold:
    """A step of a search as it is told."""
    return FoldTold(
        train_from=fold.train_from,
        train_until=fold.train_until,
        test_from=fold.test_from,
        test_until=fold.test_until,
        inside=_short(fold.inside),
        outside=_short(fold.outside),
        baseline=_short(fold.baseline),
        trades_inside=fold.trades_inside,
        trades_outside=fold.trades_outside,
    )


def _short(mean: Decimal | None) -> Decimal | None:
    return None if mean is None else round(mean, 6)
