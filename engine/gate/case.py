"""What the gate judges, and the table its checks are entered into."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from engine.domain.account import Direction, Position
from engine.domain.gate import Check, CheckResult
from engine.domain.idea import Confidence, Proposal, Sizing
from engine.domain.snapshot import Bundle, OpenOrder, PastIdea
from engine.domain.strategy import Strategy

#: What a check observed when it could not be told, was told too long ago, or against all the rest.
MISSING = "missing"
STALE = "stale"
CONTRADICTORY = "contradictory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A strategy before its bundle: what is checked before it may signal at all."""

    bundle: Bundle
    strategy: Strategy

    @property
    def symbol(self) -> str:
        """The symbol that is looked at."""
        return self.bundle.symbol

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions a trade may take."""
        return self.strategy.direction.directions

    @property
    def held(self) -> tuple[Position | OpenOrder, ...]:
        """What is or may be open at the venue."""
        return self.bundle.holdings


class Past(NamedTuple):
    """When an idea was put forward (now, for a new one), and its strategy's ideas before it."""

    moment: datetime
    ideas: Sequence[PastIdea]


def _past(bundle: Bundle, strategy_id: UUID, own_idea: UUID | None) -> Past:
    moment, recent = bundle.instant, bundle.recent
    if own_idea is not None:
        # The bundle has them in the order they were made: those after it do not count.
        place = next((n for n, past in enumerate(recent) if past.id == own_idea), None)
        if place is not None:
            moment, recent = recent[place].at, recent[:place]
    # The very same id is seen at once; two ids are compared field by field.
    return Past(
        moment,
        [p for p in recent if p.strategy_id is strategy_id or p.strategy_id == strategy_id],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Scene):
    """What is judged: an idea in its bundle. ``proposed_entry`` is the price on the card when a
    later moment is judged, None for a new idea; ``own_order`` and ``own_idea`` are then its own.
    ``past`` is what its strategy put forward before it.
    """

    proposal: Proposal
    sizing: Sizing
    confidence: Confidence
    strategy_version: int
    proposed_entry: Decimal | None = None
    own_order: str | None = None
    own_idea: UUID | None = None
    past: Past = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "past", _past(self.bundle, self.strategy.id, self.own_idea))

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The one direction that is proposed."""
        return (self.proposal.direction,)

    @property
    def held(self) -> tuple[Position | OpenOrder, ...]:
        """What is or may be open, other than the order that is itself being judged."""
        return others(self.bundle, self.own_order)


def others(bundle: Bundle, own_order: str | None) -> tuple[Position | OpenOrder, ...]:
    """What is or may be open beside an order of ours.

    An order that was decided later and has not been sent does not count against an earlier one;
    otherwise two approved at once would refuse each other.
    """
    if own_order is None or not bundle.orders:
        return bundle.holdings
    own = next((o for o in bundle.orders if o.client_id == own_order), None)
    if own is None:
        return bundle.holdings
    aside = {own.client_id} | {
        order.client_id
        for order in bundle.orders
        if order.state == "intent"
        and (order.created_at, order.client_id) > (own.created_at, own.client_id)
    }
    return tuple(held for held in bundle.holdings if held.client_id not in aside)


#: (passed, what was seen, the limit it was held against)
Finding = tuple[bool, str, str]

#: Checks of a scene, asked before a strategy signals and again of every idea.
SCENE_CHECKS: dict[Check, Callable[[Scene], Finding]] = {}
#: Checks that need an idea.
CASE_CHECKS: dict[Check, Callable[[Case], Finding]] = {}


def scene_check(
    code: Check,
) -> Callable[[Callable[[Scene], Finding]], Callable[[Scene], Finding]]:
    """Enter a check that needs no idea into the table."""

    def register(function: Callable[[Scene], Finding]) -> Callable[[Scene], Finding]:
        SCENE_CHECKS[code] = function
        return function

    return register


def check(code: Check) -> Callable[[Callable[[Case], Finding]], Callable[[Case], Finding]]:
    """Enter a check of an idea into the table."""

    def register(function: Callable[[Case], Finding]) -> Callable[[Case], Finding]:
        CASE_CHECKS[code] = function
        return function

    return register


def run(code: Check, case: Case) -> CheckResult:
    """One check's result."""
    function = SCENE_CHECKS.get(code) or CASE_CHECKS[code]
    return result(code, function(case))


def run_before(code: Check, scene: Scene) -> CheckResult:
    """One check's result before there is an idea."""
    return result(code, SCENE_CHECKS[code](scene))


@lru_cache(maxsize=4_096)
def result(code: Check, finding: Finding) -> CheckResult:
    """A check's finding as its result; most find the same as the last time, and share one."""
    return CheckResult(code, *finding)
