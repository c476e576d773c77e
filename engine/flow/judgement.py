"""Score and gate: the pure middle of every decision, the same live, at the tap, and in a replay."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from engine.domain.account import Direction
from engine.domain.gate import BEFORE_SIGNAL, HALTS, Check, CheckResult, GateReport, before_signal
from engine.domain.idea import Confidence, Evaluation, Observation, Proposal, Sizing
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.domain.values import quantize
from engine.errors import NotFound
from engine.gate.case import Case, Scene
from engine.gate.judge import NOTHING, judge, look
from engine.gate.sizing import size
from engine.scoring.confidence import score
from engine.strategies.base import entry_price, evaluate
from engine.strategies.by_hand import BY_HAND, by_hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one strategy made of one bundle.

    ``before`` are the checks that need no idea; ``blocked_by`` is the closed one that kept a setup
    from becoming an idea. Without an idea the last three are None; with one, its report holds every
    check and ``before`` is empty.
    """

    evaluation: Evaluation
    before: tuple[CheckResult, ...]
    blocked_by: Check | None = None
    sizing: Sizing | None = None
    confidence: Confidence | None = None
    report: GateReport | None = None

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every check that was asked."""
        return self.before if self.report is None else self.report.checks

    @property
    def verdict(self) -> str:
        """The gate's verdict, or ``no_idea``."""
        return "no_idea" if self.report is None else str(self.report.verdict)

    @property
    def result(self) -> str:
        """The gate's result, or why there is no idea."""
        return self.no_trade if self.report is None else self.report.result

    @property
    def no_trade(self) -> str:
        """Why there is no idea: ``blocked:`` a check when there was a setup, else ``none:`` the
        first closed one of source 002's or what the strategy itself missed.
        """
        if self.blocked_by is not None:
            return f"blocked:{self.blocked_by}"
        return f"none:{first_closed(self.before) or self.evaluation.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A proposal that is judged again at a later moment: at the tap, or before it is sent.

    ``at_most`` is the volume that must not be exceeded, ``own_order`` the order it became.
    """

    idea_id: UUID

    proposal: Proposal
    confidence: Confidence
    strategy_id: UUID
    strategy_version: int
    at_most: Decimal
    own_order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What a person wants to trade. ``at_most`` is the size in lots, None as large as the limits
    allow; ``entry`` the price they looked at, None any; ``by`` and ``reason`` are who, and why.
    """

    direction: Direction
    stop_loss: Decimal
    take_profit: tuple[Decimal, ...]
    by: str
    reason: str = ""
    at_most: Decimal | None = None
    entry: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The proposal at the price of now, its size now, and every check run again."""

    proposal: Proposal
    sizing: Sizing
    report: GateReport

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every check of the gate."""
        return self.report.checks

    @property
    def verdict(self) -> str:
        """The gate's verdict."""
        return str(self.report.verdict)

    @property
    def result(self) -> str:
        """The gate's result."""
        return self.report.result


def consider(
    strategy: Strategy,
    bundle: Bundle,
    known: Mapping[Check, CheckResult] = NOTHING,
    silent: Direction | None = None,
) -> Outcome:
    """Look, propose, score and gate. ``known`` are checks whose result is certain,
    ``silent`` is a direction that is known to propose nothing.
    """
    evaluation = evaluate(strategy, bundle, silent)
    before = look(Scene(bundle=bundle, strategy=strategy), known)
    proposal = evaluation.proposal
    if proposal is None:
        return Outcome(evaluation=evaluation, before=before)
    asked = before_signal(bundle.schema)
    closed = first_closed((c for c in before if c.code not in HALTS), asked)
    if closed is not None:
        return Outcome(evaluation=evaluation, before=before, blocked_by=closed)
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
    return Outcome(
        evaluation=evaluation,
        before=(),
        sizing=sizing,
        confidence=confidence,
        report=judge(case, before, known),
    )


def consider_by_hand(wanted: ByHand, bundle: Bundle) -> Outcome:
    """Size, score and gate what a person wants; every check is asked, as of any idea.

    No rule of a strategy spoke, so that its part of the score is whole. Raises :class:`FeedError`
    without a quote.
    """
    strategy = by_hand(bundle)
    digits, entry = bundle.instrument.digits, entry_price(bundle, wanted.direction)
    targets = {quantize(price, digits) for price in wanted.take_profit}
    proposal = Proposal(
        symbol=bundle.symbol,
        timeframe=bundle.timeframe,
        direction=wanted.direction,
        entry=entry,
        stop_loss=quantize(wanted.stop_loss, digits),
        take_profit=tuple(sorted(targets, key=lambda price: abs(price - entry))),
    )
    seen = Observation("by_hand", wanted.reason, wanted.by, met=True, required=True)
    sizing = size(strategy, bundle, proposal, at_most=wanted.at_most)
    confidence = score(strategy, bundle, proposal, (seen,))
    case = Case(
        bundle=bundle,
        strategy=strategy,
        proposal=proposal,
        sizing=sizing,
        confidence=confidence,
        strategy_version=strategy.version,
        proposed_entry=wanted.entry,
    )
    return Outcome(
        evaluation=Evaluation(
            strategy_id=strategy.id,
            strategy_version=strategy.version,
            observations=(seen,),
            proposal=proposal,
        ),
        before=(),
        sizing=sizing,
        confidence=confidence,
        report=judge(case),
    )


def first_closed(
    checks: Iterable[CheckResult], asked: Collection[Check] = BEFORE_SIGNAL
) -> Check | None:
    """The first closed one of the checks before a signal."""
    return next((c.code for c in checks if not c.passed and c.code in asked), None)


def ask_again(
    question: Question, bundle: Bundle, known: Mapping[Check, CheckResult] = NOTHING
) -> Answer:
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
        own_idea=question.idea_id,
    )
    report = judge(case, known=known)
    return Answer(proposal=proposal, sizing=sizing, report=report)


def strategy_of(bundle: Bundle, strategy_id: UUID) -> Strategy:
    """A strategy of the bundle, or the rules of an order by hand; raises :class:`NotFound`."""
    if strategy_id == BY_HAND:
        return by_hand(bundle)
    for strategy in bundle.strategies:
        if strategy.id == strategy_id:
            return strategy
    raise NotFound(f"strategy {strategy_id} is not in the bundle")
