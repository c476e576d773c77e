"""Replay a decision: show what was seen and compute it all again from the stored bundle."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from engine.domain.decision import Action, Decision, retirement_of
from engine.domain.gate import CheckResult, GateReport
from engine.domain.person import Role
from engine.domain.settings import with_changes
from engine.domain.snapshot import Bundle, Frame
from engine.errors import SnapshotNotFound, TraderError
from engine.flow.judgement import (
    Answer,
    ByHand,
    Outcome,
    Question,
    ask_again,
    consider,
    consider_by_hand,
    strategy_of,
)
from engine.flow.people import person_at_least
from engine.ports import Store, Transaction
from engine.snapshot.canonical import plain, restore
from engine.snapshot.indicators import compute

S = TypeVar("S", Bundle, Frame)
_PAGE = 500
#: One a day: they last for longer than any bundle is kept.
_MOST_RETIREMENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What was seen, what was decided, and where computing it again gave something else.

    ``made`` is what computing it again gave. ``differences`` are dotted paths into the record;
    empty means equal bit for bit. ``what_if`` is what would have come of other settings, when some
    were asked for.
    """

    decision: Decision
    bundle: Bundle
    made: Outcome | Answer
    differences: tuple[str, ...]
    what_if: Outcome | Answer | None = None

    @property
    def report(self) -> GateReport | None:
        """The gate's report; None where there was no idea to judge."""
        return self.made.report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """A bundle, the same with every indicator computed again, and where the two differ."""

    bundle: Bundle
    fresh: Bundle
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDecision:
    """Replay one decision of the history by its number.

    ``changes`` are risk settings to try instead, by name. Raises :class:`SnapshotNotFound` for a
    record that rests on no bundle (a pause, a fill), and for one whose bundle was removed.
    ``person_id`` None is the command line.
    """

    store: Store

    async def __call__(
        self, seq: int, changes: Mapping[str, str] | None = None, *, person_id: int | None = None
    ) -> Replay:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            decision = await tx.history.get(seq)
            bundle = await bundle_of(tx, decision)
        return replay(decision, bundle, changes or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayHistory:
    """Replay all that can be: every record before ``before`` that rests on a bundle, newest first.

    For each record its number and its replay, or the error that says why there is none. The records
    of one cycle share a bundle, which is read and computed once. This is the command line's.
    """

    store: Store

    async def __call__(
        self, before: int | None = None
    ) -> AsyncIterator[tuple[int, Replay | TraderError]]:
        again: dict[str, _Again] = {}
        while True:
            async with self.store.begin() as tx:
                page = await tx.history.list(before=before, limit=_PAGE)
                hashes = {d.entry.bundle_hash for d in page if d.entry.bundle_hash is not None}
                bundles = await tx.bundles.find(hashes - again.keys())
            again = {h: again[h] for h in hashes & again.keys()}
            for decision in page:
                yield decision.seq, await self._replay(decision, bundles, again)
            if len(page) < _PAGE:
                return
            before = page[-1].seq

    async def _replay(
        self, decision: Decision, bundles: Mapping[str, Bundle], again: dict[str, _Again]
    ) -> Replay | TraderError:
        hash_ = decision.entry.bundle_hash or ""
        try:
            if hash_ not in again:
                bundle = bundles.get(hash_)
                if bundle is None:
                    async with self.store.begin() as tx:
                        bundle = await bundle_of(tx, decision)
                again[hash_] = _look_again(bundle)
            return _replay(decision, again[hash_], {})
        except TraderError as error:
            return error


async def bundle_of(tx: Transaction, decision: Decision) -> Bundle:
    """What a decision rests on; raises :class:`SnapshotNotFound`, which says why."""
    hash_, entry = decision.entry.bundle_hash, decision.entry
    if hash_ is None:
        raise SnapshotNotFound(
            f"decision {decision.seq} ({entry.action}) rests on no market snapshot"
        )
    try:
        return await tx.bundles.get(hash_)
    except SnapshotNotFound:
        for record in reversed(
            await tx.history.list(actions=(Action.BUNDLES_RETIRED,), limit=_MOST_RETIREMENTS)
        ):
            retirement = retirement_of(record.seq, record.entry.detail)
            if retirement.covers(decision.seq, entry.action, entry.occurred_at):
                raise SnapshotNotFound(
                    f"decision {decision.seq}: its snapshot was removed on"
                    f" {record.entry.occurred_at:%Y-%m-%d} by retention"
                ) from None
        raise


def _look_again(bundle: Bundle) -> _Again:
    """Compute the indicators of a bundle and of its longer timeframes again."""
    differences: list[str] = []
    fresh = _figures("", bundle, bundle.instrument.digits, differences)
    frames = tuple(
        _figures(f"frames.{i}.", frame, bundle.instrument.digits, differences)
        for i, frame in enumerate(bundle.frames)
    )
    return _Again(
        bundle=bundle, fresh=replace(fresh, frames=frames), differences=tuple(differences)
    )


def _figures(path: str, seen: S, digits: int, differences: list[str]) -> S:
    now, before = compute(seen.candles, digits=digits)
    for name, figures in (("indicators", now), ("indicators_before", before)):
        differences += _differ(f"{path}{name}", plain(getattr(seen, name)), plain(figures))
    return replace(seen, indicators=now, indicators_before=before)


def replay(decision: Decision, bundle: Bundle, changes: Mapping[str, str]) -> Replay:
    """Recompute a decision from its bundle; see :class:`Replay`."""
    return _replay(decision, _look_again(bundle), changes)


def what_if(decision: Decision, bundle: Bundle, changes: Mapping[str, str]) -> Outcome | Answer:
    """What would have come of other settings, from the stored figures as they are.

    Raises as :class:`ReplayDecision` does for a record that holds nothing to compute.
    """
    settings = with_changes(bundle.settings, changes)
    made: Outcome | Answer = _compute(decision, replace(bundle, settings=settings))[1]
    return made


def _replay(decision: Decision, again: _Again, changes: Mapping[str, str]) -> Replay:
    recorded = decision.entry.detail
    name, made = _compute(decision, again.fresh)
    made = _as_recorded(made, recorded.get(name))
    differences = (*again.differences, *_differ(name, recorded.get(name), plain(made)))
    what_if = None
    if changes:
        settings = with_changes(again.bundle.settings, changes)
        what_if = _compute(decision, replace(again.fresh, settings=settings))[1]
    return Replay(
        decision=decision,
        bundle=again.bundle,
        made=made,
        differences=differences,
        what_if=what_if,
    )


def _compute(decision: Decision, bundle: Bundle) -> tuple[str, Any]:
    detail = decision.entry.detail
    if "question" in detail:
        return "answer", ask_again(restore(Question, detail["question"]), bundle)
    if "by_hand" in detail:
        return "outcome", consider_by_hand(restore(ByHand, detail["by_hand"]), bundle)
    if "outcome" not in detail or decision.entry.strategy_id is None:
        raise SnapshotNotFound(f"decision {decision.seq} holds nothing that can be computed again")
    return "outcome", consider(strategy_of(bundle, decision.entry.strategy_id), bundle)


def _as_recorded(again: Any, recorded: Any) -> Any:
    """The answer with the checks the record has: one that a later release added to the gate was
    not in force then. A check that is gone since stays a difference.
    """
    recorded = recorded or {}
    if again.report is None:
        before = recorded.get("before")
        return again if before is None else replace(again, before=_known(again.before, before))
    report = recorded.get("report")
    if report is None:
        return again
    return replace(again, report=GateReport(_known(again.report.checks, report["checks"])))


def _known(checks: Iterable[CheckResult], recorded: Iterable[Any]) -> tuple[CheckResult, ...]:
    codes = {check["code"] for check in recorded}
    return tuple(check for check in checks if check.code in codes)


def _differ(path: str, recorded: Any, again: Any) -> list[str]:
    """Dotted paths at which two JSON documents differ."""
    if recorded == again:
        return []
    if isinstance(recorded, dict) and isinstance(again, dict):
        return [
            difference
            for key in sorted(recorded.keys() | again.keys())
            for difference in _differ(f"{path}.{key}", recorded.get(key), again.get(key))
        ]
    if isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        pairs = enumerate(zip(recorded, again, strict=True))
        return [d for i, (a, b) in pairs for d in _differ(f"{path}.{i}", a, b)]
    return [path]
