"""Score and gate: the pure middle of every decision, the same live, at the tap, and in a replay."""

from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from engine.domain.gate import GateReport
from engine.domain.idea import Confidence, Evaluation, Proposal, Sizing
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.errors import NotFound
from engine.gate.case import Case
from engine.gate.judge import judge
from engine.gate.sizing import size
from engine.scoring.confidence import score
from engine.strategies.base import entry_price, evaluate


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one strategy made of one bundle; the last three are None without a proposal."""

    evaluation: Evaluation
    sizing: Sizing | None = None
    confidence: Confidence | None = None
    report: GateReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A proposal that is judged again at a later moment: at the tap, or before it is sent.

    ``at_most`` is the volume that must not be exceeded, ``own_order`` the order it became.
    """

    proposal: Proposal
    confidence: Confidence
    strategy_id: UUID
    strategy_version: int
    at_most: Decimal
    own_order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The proposal at the price of now, its size now, and every check run again."""

    proposal: Proposal
    sizing: Sizing
    report: GateReport


def consider(strategy: Strategy, bundle: Bundle) -> Outcome:
    """Propose, score and gate."""
    evaluation = evaluate(strategy, bundle)
    proposal = evaluation.proposal
    if proposal is None:
        return Outcome(evaluation=evaluation)
    sizing = size(strategy, bundle, proposal)
    confidence = score(strategy, bundle, proposal, evaluation.observations)
    case = Case(
        bundle=bundle,
        strategy=strategy,
        proposal=proposal,
        sizing=sizing,
        confidence=confidence,
        strategy_version=strategy.version,
    )
    return Outcome(evaluation=evaluation, sizing=sizing, confidence=confidence, report=judge(case))


def ask_again(question: Question, bundle: Bundle) -> Answer:
    """Judge a question with the data of now; the stop and the targets stay where they were."""
    strategy = strategy_of(bundle, question.strategy_id)
    before = question.proposal
    proposal = replace(before, entry=entry_price(bundle, before.direction))
    sizing = size(
        strategy, bundle, proposal, at_most=question.at_most, own_order=question.own_order
    )
    case = Case(
        bundle=bundle,
        strategy=strategy,
        proposal=proposal,
        sizing=sizing,
        confidence=question.confidence,
        strategy_version=question.strategy_version,
        proposed_entry=before.entry,
        own_order=question.own_order,
    )
    return Answer(proposal=proposal, sizing=sizing, report=judge(case))


def strategy_of(bundle: Bundle, strategy_id: UUID) -> Strategy:
    """A strategy of the bundle by id; raises :class:`NotFound`."""
    for strategy in bundle.strategies:
        if strategy.id == strategy_id:
            return strategy
    raise NotFound(f"strategy {strategy_id} is not in the bundle")
