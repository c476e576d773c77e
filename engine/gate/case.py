"""What the gate judges, and the table its checks are entered into."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from engine.domain.gate import Check
from engine.domain.idea import Confidence, Proposal, Sizing
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy

MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is judged: an idea in its bundle. ``proposed_entry`` is the price on the card when a
    later moment is judged, None for a new idea.
    """

    bundle: Bundle
    strategy: Strategy
    proposal: Proposal
    sizing: Sizing
    confidence: Confidence
    strategy_version: int
    proposed_entry: Decimal | None = None
    own_order: str | None = None


Finding = tuple[bool, str, str]
CheckFunction = Callable[[Case], Finding]

CHECKS: dict[Check, CheckFunction] = {}


def check(code: Check) -> Callable[[CheckFunction], CheckFunction]:
    """Enter a check into the table."""

    def register(function: CheckFunction) -> CheckFunction:
        CHECKS[code] = function
        return function

    return register
