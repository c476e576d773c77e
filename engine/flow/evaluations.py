"""How an evaluation is written down: its row, its record, and when a repeated no is folded."""

from collections.abc import Sequence
from datetime import datetime

from engine.domain.decision import Action, Entry, GateSnapshot
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.flow.judgement import Outcome
from engine.snapshot.canonical import canonical, digest, plain


def snapshot_of(
    strategy: Strategy, bundle: Bundle, hash_: str, outcome: Outcome, before: GateSnapshot | None
) -> GateSnapshot:
    """The evaluation as it is kept; a no like the last one, on the same day, repeats it."""
    report = outcome.report
    proposal = None if report is None else outcome.evaluation.proposal
    closed = tuple([str(check.code) for check in outcome.checks if not check.passed])
    unmet = [o.name for o in outcome.evaluation.observations if not o.met]
    signature = signature_of(strategy, bundle.settings_version, outcome.result, closed, unmet)
    repeats = 0
    if report is None and before is not None and before.signature == signature:
        same_day = before.market_time.date() == bundle.instant.date()
        repeats = before.repeats + 1 if same_day else 0
    return GateSnapshot(
        market_time=bundle.instant,
        symbol=bundle.symbol,
        timeframe=bundle.timeframe,
        strategy_id=strategy.id,
        strategy_version=strategy.version,
        strategy_name=strategy.name,
        final_signal="none" if proposal is None else str(proposal.direction),
        reason=outcome.result,
        closed=closed,
        signature=signature,
        repeats=repeats,
        bundle_hash=hash_,
    )


def signature_of(
    strategy: Strategy,
    settings_version: int,
    result: str,
    closed: Sequence[str],
    unmet: Sequence[str],
) -> str:
    """What makes one no like another: why, by which rules, what was closed and what was missed."""
    under = [strategy.version, settings_version]
    return digest(canonical([under, result, list(closed), list(unmet)]))[:16]


def no_trade(
    strategy: Strategy,
    bundle: Bundle,
    hash_: str,
    outcome: Outcome,
    before: GateSnapshot | None,
    now: datetime,
) -> Entry:
    """The record of a no; ``folded`` counts the repetitions of the no before it."""
    return Entry(
        action=Action.NO_TRADE,
        occurred_at=now,
        actor="ai",
        symbol=bundle.symbol,
        market_time=bundle.instant,
        rationale=rationale(outcome),
        risk_check_result=outcome.no_trade,
        strategy_id=strategy.id,
        strategy_version=strategy.version,
        bundle_hash=hash_,
        detail={"outcome": plain(outcome), "folded": before.repeats if before else 0},
    )


def rationale(outcome: Outcome) -> str:
    """What was observed, condition by condition: the record's own words, in no language."""
    return "; ".join(
        [
            f"{'+' if o.met else '-'} {o.name} {o.argument}: {o.observed}"
            for o in outcome.evaluation.observations
        ]
    )
