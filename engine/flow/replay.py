"""Replay a decision: show what was seen and compute it all again from the stored bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.domain.decision import Decision
from engine.domain.gate import GateReport
from engine.domain.person import Role
from engine.domain.settings import with_changes
from engine.domain.snapshot import Bundle
from engine.errors import SnapshotNotFound
from engine.flow.judgement import Question, ask_again, consider, strategy_of
from engine.flow.people import person_at_least
from engine.ports import Store
from engine.snapshot.canonical import plain, restore
from engine.snapshot.indicators import compute


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What was seen, what was decided, and where computing it again gave something else.

    ``differences`` are dotted paths into the record; empty means equal bit for bit. ``what_if`` is
    the gate's report under other settings, when some were asked for.
    """

    decision: Decision
    bundle: Bundle
    report: GateReport | None
    differences: tuple[str, ...]
    what_if: GateReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDecision:
    """Replay one decision of the history by its number.

    ``changes`` are risk settings to try instead, by name. Raises :class:`SnapshotNotFound` for a
    record that rests on no bundle (a pause, a fill). ``person_id`` None is the command line.
    """

    store: Store

    async def __call__(
        self, seq: int, changes: Mapping[str, str] | None = None, *, person_id: int | None = None
    ) -> Replay:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            decision = await tx.history.get(seq)
            hash_ = decision.entry.bundle_hash
            if hash_ is None:
                raise SnapshotNotFound(
                    f"decision {seq} ({decision.entry.action}) rests on no market snapshot"
                )
            bundle = await tx.bundles.get(hash_)
        return replay(decision, bundle, changes or {})


def replay(decision: Decision, bundle: Bundle, changes: Mapping[str, str]) -> Replay:
    """Recompute a decision from its bundle; see :class:`Replay`."""
    recorded = decision.entry.detail
    seen = compute(bundle.candles, digits=bundle.instrument.digits)
    fresh = replace(bundle, indicators=seen[0], indicators_before=seen[1])
    differences = [
        *_differ("indicators", plain(bundle.indicators), plain(seen[0])),
        *_differ("indicators_before", plain(bundle.indicators_before), plain(seen[1])),
    ]
    name, again = _compute(decision, fresh)
    again = _as_recorded(again, recorded.get(name))
    differences += _differ(name, recorded.get(name), plain(again))
    what_if = None
    if changes:
        settings = with_changes(bundle.settings, changes)
        what_if = _compute(decision, replace(fresh, settings=settings))[1].report
    return Replay(
        decision=decision,
        bundle=bundle,
        report=again.report,
        differences=tuple(differences),
        what_if=what_if,
    )


def _compute(decision: Decision, bundle: Bundle) -> tuple[str, Any]:
    detail = decision.entry.detail
    if "question" in detail:
        return "answer", ask_again(restore(Question, detail["question"]), bundle)
    if "outcome" not in detail or decision.entry.strategy_id is None:
        raise SnapshotNotFound(f"decision {decision.seq} holds nothing that can be computed again")
    return "outcome", consider(strategy_of(bundle, decision.entry.strategy_id), bundle)


def _as_recorded(again: Any, recorded: Any) -> Any:
    """The answer with the checks the record has: one that a later release added to the gate was
    not in force then. A check that is gone since stays a difference.
    """
    report = (recorded or {}).get("report")
    if again.report is None or report is None:
        return again
    codes = {check["code"] for check in report["checks"]}
    kept = tuple(check for check in again.report.checks if check.code in codes)
    return replace(again, report=GateReport(kept))


def _differ(path: str, recorded: Any, again: Any) -> list[str]:
    """Dotted paths at which two JSON documents differ."""
    if isinstance(recorded, dict) and isinstance(again, dict):
        return [
            difference
            for key in sorted(recorded.keys() | again.keys())
            for difference in _differ(f"{path}.{key}", recorded.get(key), again.get(key))
        ]
    if isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        pairs = enumerate(zip(recorded, again, strict=True))
        return [d for i, (a, b) in pairs for d in _differ(f"{path}.{i}", a, b)]
    return [] if recorded == again else [path]
