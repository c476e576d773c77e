"""What an answer to an idea asks of the gate, and what the gate's report makes of the answer."""

from decimal import Decimal

from engine.domain.approval import Ending
from engine.domain.gate import Check, GateReport, Verdict
from engine.domain.idea import Idea
from engine.domain.snapshot import Bundle
from engine.errors import InvalidInput
from engine.flow.judgement import Question
from engine.gate.sizing import floor_to_step


def ending_of(report: GateReport) -> tuple[Ending, str | None]:
    """What the gate's report at the tap makes of an approval, and the check that decided."""
    first = report.first_failed
    if first is None or report.verdict is Verdict.ASK:
        return Ending.APPROVED, None
    if report.verdict is Verdict.HALTED:
        return Ending.HALTED, str(first.code)
    if first.code is Check.PRICE_DRIFT:
        return Ending.PRICE_MOVED, str(first.code)
    return Ending.GATE_CLOSED, str(first.code)


def ask(idea: Idea, bundle: Bundle, *, half: bool, at_most: Decimal | None = None) -> Question:
    """The question a tap puts to the gate again: at most the card's size, half of it, or a size of
    one's own. Raises :class:`InvalidInput` for one that the card did not offer or the symbol does
    not have: a slip of the finger must not end the idea.
    """
    volume = idea.sizing.volume
    if at_most is not None and not 0 < at_most <= volume:
        raise InvalidInput(
            f"idea {idea.number} was offered with {volume} lots; choose a size up to that",
            field="lot_size",
            most=volume,
        )
    if half or at_most is not None:
        wanted = volume / 2 if at_most is None else at_most
        volume = floor_to_step(wanted, bundle.instrument.volume_step)
        least = bundle.instrument.volume_min
        if not volume >= least:
            raise InvalidInput(
                f"{wanted:f} lots are too few for {idea.proposal.symbol}; choose {least} or more",
                field="lot_size",
                least=least,
            )
    return Question(
        idea_id=idea.id,
        proposal=idea.proposal,
        confidence=idea.confidence,
        strategy_id=idea.strategy_id,
        strategy_version=idea.strategy_version,
        at_most=volume,
    )
