"""Proposals to change the configuration: put to people, and never applied without their yes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.domain.change_proposal import (
    ChangeDraft,
    ChangeProposal,
    FieldChange,
    ProposalState,
    Source,
    Subject,
    Target,
)
from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.domain.settings import RiskSettings, differences, must_agree, with_changes, written
from engine.errors import IllegalMove, InvalidInput, NotFound, Outdated
from engine.flow.people import actor, person_at_least
from engine.flow.settings import must_be_in_force, said
from engine.ports import Bell, Store, Transaction
from engine.snapshot.canonical import canonical, digest, plain
from engine.strategies.documents import parse

#: Characters of what a person or a model says, at most.
LONGEST_WORDS = 400
#: A proposal that was turned down, or that nobody answered, is not made again for so long.
REST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeChange:
    """Store a proposal and tell those who may answer it; ``life`` is how long it waits, ``stops``
    whether trading stops when nobody answers (source 001).

    Answers None while another of the same subject waits, and, for what a machine proposes, when the
    very same changes were not wanted lately. Raises :class:`Outdated` for a subject that is at
    another version by now, and :class:`InvalidInput` for changes that could not be applied.
    """

    store: Store
    bell: Bell
    life: timedelta
    stops: bool

    async def __call__(self, draft: ChangeDraft) -> ChangeProposal | None:
        async with self.store.begin() as tx:
            made = await self.within(tx, draft, "system")
        if made is not None:
            await self.bell.ring("deliver")
        return made

    async def within(self, tx: Transaction, draft: ChangeDraft, by: str) -> ChangeProposal | None:
        """The same in a caller's transaction; ``by`` is the actor of the record, which is last."""
        if not await is_current(tx, draft.subject):
            raise Outdated("what is to be changed is at another version by now")
        await _must_fit(tx, draft)
        mark = mark_of(draft)
        if draft.source is not Source.PERSON and await self._rests(tx, mark):
            return None
        made = await tx.change_proposals.add(draft, mark, self.life, stops=self.stops)
        if made is None:
            return None
        await tx.outbox.tell(
            Notice(
                kind=Kind.PROPOSAL,
                key=f"proposal:{made.id}",
                priority=Priority.SAFETY,
                detail={"id": made.id},
            ),
            Audience(at_least=Role.TRADER),
        )
        await tx.history.append(
            entry(made, Action.PROPOSAL_MADE, by, made.created_at, {"proposal": plain(made)})
        )
        return made

    async def _rests(self, tx: Transaction, mark: str) -> bool:
        last = await tx.change_proposals.last_of(mark)
        if last is None or last.state not in (ProposalState.REJECTED, ProposalState.EXPIRED):
            return False
        return last.decided_at is not None and await tx.now() - last.decided_at < REST


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeSettings:
    """A person proposes other settings, for an admin to approve; a trader may.

    ``changes`` are settings by name as a person writes them. Raises :class:`InvalidInput` for what
    cannot be, :class:`Outdated` where another version than ``expected`` is in force, and
    :class:`IllegalMove` while another proposal for the settings waits.
    """

    store: Store
    bell: Bell
    propose: ProposeChange

    async def __call__(
        self, person_id: int, changes: dict[str, str], *, reason: str, expected: int
    ) -> ChangeProposal:
        reason = said(reason)
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.TRADER)
            version, now = await tx.settings.risk()
            must_be_in_force(version, expected)
            draft = ChangeDraft(
                subject=Subject(Target.SETTINGS, version=version),
                changes=settings_changes(now, with_changes(now, changes)),
                source=Source.PERSON,
                by=person.name[:60],
                said=reason,
            )
            made = await self.propose.within(tx, draft, actor(person_id))
            if made is None:
                raise IllegalMove("another proposal for the settings waits for an answer")
        await self.bell.ring("deliver")
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChanges:
    """Proposals, pending and past, for whoever may look."""

    store: Store

    async def __call__(
        self,
        person_id: int,
        *,
        pending: bool | None = None,
        before: int | None = None,
        limit: int = 20,
    ) -> Sequence[ChangeProposal]:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.change_proposals.list(pending=pending, before=before, limit=limit)

    async def one(self, person_id: int, id_: int) -> ChangeProposal:
        """One of them; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return must_exist(await tx.change_proposals.get(id_), id_)


def must_exist(found: ChangeProposal | None, id_: int) -> ChangeProposal:
    """The proposal itself; raises :class:`NotFound` where there is none."""
    if found is None:
        raise NotFound(f"there is no proposal {id_}")
    return found


def settings_changes(before: RiskSettings, after: RiskSettings) -> tuple[FieldChange, ...]:
    """The settings that differ, each value as :func:`with_changes` takes it."""
    return tuple(
        FieldChange(name, written(getattr(before, name)), written(getattr(after, name)))
        for name in differences(before, after)
    )


def wanted_of(draft: ChangeDraft) -> dict[str, str]:
    """The new values by name."""
    return {change.field: change.after or "" for change in draft.changes}


def mark_of(draft: ChangeDraft) -> str:
    """The same for the same changes of the same subject, whatever its version."""
    values = [[change.field, change.after] for change in draft.changes]
    return digest(canonical([draft.subject.text, values, draft.document]))


async def is_current(tx: Transaction, subject: Subject) -> bool:
    """Whether a subject is as it was when the proposal was made."""
    if subject.target is Target.SETTINGS:
        version, _ = await tx.settings.risk()
        return version == subject.version
    if subject.target is Target.SYMBOL:
        return subject.key not in (await tx.controls.read()).paused_symbols
    wanted = UUID(hex=subject.key)
    found = {one.id: one.version for one in await tx.settings.strategies()}
    return found.get(wanted) == subject.version


async def _must_fit(tx: Transaction, draft: ChangeDraft) -> None:
    """Raise :class:`InvalidInput` for changes that could not be applied as they are."""
    if not draft.changes:
        raise InvalidInput("nothing would change", mistake="unchanged")
    if len(draft.said) > LONGEST_WORDS:
        raise InvalidInput(f"say why in at most {LONGEST_WORDS} characters", mistake="reason")
    if draft.subject.target is Target.SETTINGS:
        _, now = await tx.settings.risk()
        after = with_changes(now, wanted_of(draft))
        must_agree(after)
        if settings_changes(now, after) != draft.changes:
            raise InvalidInput("the changes are not those of the settings in force")
    elif draft.subject.target is Target.STRATEGY:
        parse(UUID(hex=draft.subject.key), draft.document or "", version=draft.subject.version)


def entry(
    proposal: ChangeProposal,
    action: Action,
    by: str,
    at: datetime,
    detail: dict[str, Any],
    *,
    market_time: datetime | None = None,
) -> Entry:
    """The record of a proposal's step."""
    draft = proposal.draft
    changes = ", ".join(str(change) for change in draft.changes[:10])
    return Entry(
        action=action,
        occurred_at=at,
        actor=by,
        symbol=draft.subject.key if draft.subject.target is Target.SYMBOL else None,
        market_time=market_time,
        rationale=f"proposal {proposal.id} of {draft.source}: {changes}",
        human_override=by != "system",
        detail={"proposal_id": proposal.id, **detail},
    )
