"""What one cycle of the loop holds while it writes: what was seen, what is decided so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.domain.decision import Entry, GateSnapshot
from engine.domain.gate import Verdict
from engine.domain.order import Order
from engine.domain.snapshot import Bundle, OpenOrder, PastIdea, Valuation, open_order
from engine.domain.strategy import Strategy
from engine.flow.judgement import Outcome

#: Verdicts that bring an idea before a person or to the venue.
PUT_FORWARD = (Verdict.ASK, Verdict.EXECUTE)


@dataclass(slots=True)
class Seen:
    """A symbol's bundle and what its strategies made of it; its hash once it is stored."""

    frozen: Bundle
    outcomes: Sequence[tuple[Strategy, Outcome]]
    hash_: str = ""

    @property
    def is_put_forward(self) -> bool:
        """Whether it makes an idea that counts for what comes after it."""
        reports = (outcome.report for _, outcome in self.outcomes)
        return any(report is not None and report.verdict in PUT_FORWARD for report in reports)


@dataclass(slots=True)
class Written:
    """What one transaction has decided so far; its orders and ideas count for what comes next."""

    entries: list[Entry] = field(default_factory=list)
    evaluations: list[GateSnapshot] = field(default_factory=list)
    orders: tuple[OpenOrder, ...] = ()
    valuations: tuple[Valuation, ...] = ()
    ideas: tuple[PastIdea, ...] = ()

    def seen_by(self, frozen: Bundle) -> Bundle:
        """The bundle with what was just taken."""
        if not self.ideas:
            return frozen
        known = {valuation.symbol for valuation in frozen.valuations}
        return replace(
            frozen,
            orders=frozen.orders + self.orders,
            valuations=frozen.valuations
            + tuple(v for v in self.valuations if v.symbol not in known),
            recent=frozen.recent + self.ideas,
        )

    def take(self, order: Order, bundle: Bundle) -> None:
        """An order of this transaction, and what its symbol is worth."""
        self.orders = (*self.orders, open_order(order))
        if all(valuation.symbol != order.symbol for valuation in self.valuations):
            self.valuations += tuple(v for v in bundle.valuations if v.symbol == order.symbol)
