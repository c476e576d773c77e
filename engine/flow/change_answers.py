"""The answers to proposals: an approval applies them as a person would, silence stops trading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from engine.domain.change_proposal import ChangeProposal, ProposalState, Target, applied_reason
from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Person, Role
from engine.domain.state import HaltReason, TradingState
from engine.flow.change_proposals import entry, is_current, must_exist, wanted_of
from engine.flow.halts import ChangeControl
from engine.flow.latch import apply, market_time
from engine.flow.people import actor, person_at_least
from engine.flow.settings import ChangeSettings
from engine.flow.strategies import EditStrategy
from engine.ports import Bell, MarketData, Store, Transaction

#: People are reminded of a proposal when so much of its life is left, at most this long before.
_LAST_PART, _LONGEST_WARNING = 4, timedelta(hours=1)
_ENDED = {
    ProposalState.APPROVED: Action.PROPOSAL_APPROVED,
    ProposalState.REJECTED: Action.PROPOSAL_REJECTED,
    ProposalState.EXPIRED: Action.PROPOSAL_EXPIRED,
    ProposalState.STALE: Action.PROPOSAL_STALE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a proposal stands after an answer. ``mine`` is whether this answer ended it: it did not
    where the proposal was over already, its time had passed, or its subject had changed.
    """

    proposal: ChangeProposal
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireChanges:
    """End proposals that nobody answered in time, and those whose subject changed meanwhile.

    One that nobody answered stops trading (source 001), if it said that it would: whoever does not
    answer is taken not to be there. A stale one stops nothing, because somebody was.
    """

    store: Store
    market: MarketData
    bell: Bell

    async def __call__(self) -> tuple[int, ...]:
        """The proposals that this call ended."""
        async with self.store.begin() as tx:
            now = await tx.now()
            due = [
                one.id
                for one in await tx.change_proposals.pending()
                if one.expires_at <= now or not await is_current(tx, one.draft.subject)
            ]
        ended = [id_ for id_ in due if await self._one(id_)]
        if ended:
            await self.bell.ring("deliver")
        return tuple(ended)

    async def _one(self, id_: int) -> bool:
        at = await market_time(self.market)
        async with self.store.begin() as tx:
            # Before the proposal: so does everyone who needs both.
            await tx.controls.take()
            found = await tx.change_proposals.take(id_)
            if found is None or not found.is_pending:
                return False
            ended, entries = await self.over(tx, found, at)
            await tx.history.extend(entries)
        return ended is not None

    async def over(
        self, tx: Transaction, proposal: ChangeProposal, at: datetime | None
    ) -> tuple[ChangeProposal | None, list[Entry]]:
        """End a proposal that the caller holds, if it is due. The answer is the proposal, None
        while it may still be answered, and its records, which the caller appends last.
        """
        now = await tx.now()
        if not await is_current(tx, proposal.draft.subject):
            ended = proposal.end(ProposalState.STALE, at=now)
            return ended, [await close(tx, ended, None, at)]
        if proposal.expires_at > now:
            return None, []
        ended = proposal.end(ProposalState.EXPIRED, at=now)
        entries = [await close(tx, ended, None, at)]
        return ended, entries + await _stop(tx, proposal, now, at)


async def _stop(
    tx: Transaction, proposal: ChangeProposal, now: datetime, at: datetime | None
) -> list[Entry]:
    control = await tx.controls.read()
    if not proposal.stops or control.state is TradingState.EMERGENCY_STOP:
        return []
    reason = str(HaltReason.PROPOSAL_EXPIRED)
    after = control.move(TradingState.EMERGENCY_STOP, reason=reason, by="system", at=now)
    return await apply(
        tx, control, after, Action.AI_HALTED,
        actor="system", now=now, market_time=at, facts={"proposal_id": proposal.id},
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChange:
    """Approve, an admin's right, or reject, which a trader may too.

    An approval applies the changes in the same commit, by the use cases of people who change the
    settings, a strategy or a symbol by hand; their checks hold, and what they raise is raised:
    the proposal then waits on. Raises :class:`NotFound` for a proposal that there is not.
    """

    store: Store
    expire: ExpireChanges
    change_settings: ChangeSettings
    edit_strategy: EditStrategy
    change_control: ChangeControl

    async def approve(self, person_id: int, id_: int) -> Settled:
        """Put it in force, in the version it was made for and no other."""
        return await self._answer(person_id, id_, Role.ADMIN, is_yes=True)

    async def reject(self, person_id: int, id_: int) -> Settled:
        """Leave everything as it is."""
        return await self._answer(person_id, id_, Role.TRADER, is_yes=False)

    async def _answer(self, person_id: int, id_: int, role: Role, *, is_yes: bool) -> Settled:
        at = await market_time(self.expire.market)
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, role)
            await tx.controls.take()
            found = must_exist(await tx.change_proposals.take(id_), id_)
            if not found.is_pending:
                return Settled(proposal=found, mine=False)
            over, entries = await self.expire.over(tx, found, at)
            mine = False
            if over is None:
                settle = self._approved if is_yes else self._rejected
                over, entries = await settle(tx, found, person, at)
                mine = True
            await tx.history.extend(entries)
        await self.expire.bell.ring("deliver")
        return Settled(proposal=over, mine=mine)

    async def _approved(
        self, tx: Transaction, found: ChangeProposal, person: Person, at: datetime | None
    ) -> tuple[ChangeProposal, list[Entry]]:
        applied, entries = await self._apply(tx, found, person.id, at)
        state, now = ProposalState.APPROVED, await tx.now()
        ended = found.end(state, at=now, by=person.id, name=person.name, applied=applied)
        return ended, [*entries, await close(tx, ended, person, at)]

    async def _rejected(
        self, tx: Transaction, found: ChangeProposal, person: Person, at: datetime | None
    ) -> tuple[ChangeProposal, list[Entry]]:
        now = await tx.now()
        ended = found.end(ProposalState.REJECTED, at=now, by=person.id, name=person.name)
        return ended, [await close(tx, ended, person, at)]

    async def _apply(
        self, tx: Transaction, found: ChangeProposal, person_id: int, at: datetime | None
    ) -> tuple[int | None, list[Entry]]:
        """The version that is in force then, and the records still to be written."""
        draft, subject = found.draft, found.draft.subject
        reason = applied_reason(found.id)
        if subject.target is Target.SETTINGS:
            version, _, record = await self.change_settings.within(
                tx, person_id, wanted_of(draft),
                reason=reason, expected=subject.version, market_time=at,
            )  # fmt: skip
            return version, [record]
        if subject.target is Target.SYMBOL:
            wish = self.change_control.to_symbol(subject.key, paused=True)
            _, _, records = await self.change_control.within(tx, person_id, wish, market_time=at)
            return None, records
        made = await self.edit_strategy.within(
            tx, person_id, UUID(hex=subject.key), draft.document or "",
            reason, subject.version,
        )  # fmt: skip
        return made.after.version, []


async def close(
    tx: Transaction, ended: ChangeProposal, person: Person | None, at: datetime | None
) -> Entry:
    """Store how a proposal ended and tell it; the record is the caller's to append."""
    await tx.change_proposals.save(ended)
    by = None if person is None else person.id
    # What an approval changed is told as every change of that kind is.
    if ended.state is not ProposalState.APPROVED:
        await tx.outbox.tell(
            Notice(
                kind=Kind.PROPOSAL_ENDED,
                key=f"proposal_ended:{ended.id}",
                priority=Priority.SAFETY,
                detail={"id": ended.id},
            ),
            Audience(at_least=Role.TRADER, but=by),
        )
    assert ended.decided_at is not None
    facts = {"subject": ended.draft.subject.text, "applied": ended.applied}
    who = "system" if by is None else actor(by)
    action = _ENDED[ended.state]
    return entry(ended, action, who, ended.decided_at, facts, market_time=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindOfChanges:
    """Say once of each proposal that its time is nearly over; asked as often as one likes."""

    store: Store

    async def __call__(self) -> Sequence[int]:
        """The proposals whose last part has begun."""
        async with self.store.begin() as tx:
            now = await tx.now()
            due = [
                one.id
                for one in await tx.change_proposals.pending()
                if now < one.expires_at <= now + _warning(one)
            ]
            for id_ in due:
                await tx.outbox.tell(
                    Notice(
                        kind=Kind.PROPOSAL_DUE,
                        key=f"proposal_due:{id_}",
                        priority=Priority.SAFETY,
                        detail={"id": id_},
                    ),
                    Audience(at_least=Role.TRADER),
                )
        return due


def _warning(proposal: ChangeProposal) -> timedelta:
    life = proposal.expires_at - proposal.created_at
    return min(life / _LAST_PART, _LONGEST_WARNING)
