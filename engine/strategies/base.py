"""Ask a strategy: every condition is observed, and a proposal made where all required ones hold."""

from decimal import Decimal

from engine.domain.account import Direction
from engine.domain.idea import Evaluation, Observation, Proposal
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.errors import FeedError
from engine.strategies.exits import stop_price, target_price
from engine.strategies.rules import observe


def applies(strategy: Strategy, bundle: Bundle) -> bool:
    """Whether the strategy has anything to say about this symbol and timeframe."""
    return (
        strategy.is_active
        and strategy.timeframe is bundle.timeframe
        and bundle.symbol in strategy.allowed_symbols
    )


def evaluate(strategy: Strategy, bundle: Bundle) -> Evaluation:
    """The strategy's answer. Without a proposal, the observations are those of the direction that
    came closest, and ``reason`` is the first thing that stood in the way.
    """
    answers = [_evaluate_side(strategy, bundle, side) for side in strategy.direction.directions]
    proposing = [answer for answer in answers if answer.proposal is not None]
    if proposing:
        return proposing[0]
    return max(answers, key=lambda answer: sum(o.met for o in answer.observations if o.required))


def _evaluate_side(strategy: Strategy, bundle: Bundle, side: Direction) -> Evaluation:
    observations = tuple(
        observe(condition, bundle, side, required=required)
        for conditions, required in (
            (strategy.entry_conditions, True),
            (strategy.nice_to_have, False),
        )
        for condition in conditions
    )
    unmet = [o.name for o in observations if o.required and not o.met]
    if unmet:
        return _answer(strategy, observations, reason=f"condition:{unmet[0]}")
    if bundle.quote is None:
        return _answer(strategy, observations, reason="no_quote")
    proposal = _proposal(strategy, bundle, side)
    return _answer(strategy, observations, proposal, None if proposal else "no_exit_level")


def _answer(
    strategy: Strategy,
    observations: tuple[Observation, ...],
    proposal: Proposal | None = None,
    reason: str | None = None,
) -> Evaluation:
    return Evaluation(
        strategy_id=strategy.id,
        strategy_version=strategy.version,
        observations=observations,
        proposal=proposal,
        reason=reason,
    )


def _proposal(strategy: Strategy, bundle: Bundle, side: Direction) -> Proposal | None:
    entry = entry_price(bundle, side)
    rules = strategy.exit_rules
    stop = stop_price(rules.stop_loss, bundle, side, entry)
    if stop is None:
        return None
    risk = abs(entry - stop)
    prices = [target_price(text, bundle, side, entry, risk) for text in rules.take_profit]
    targets = sorted({price for price in prices if price is not None}, key=lambda p: abs(p - entry))
    if not targets:
        return None
    return Proposal(
        symbol=bundle.symbol,
        timeframe=bundle.timeframe,
        direction=side,
        entry=entry,
        stop_loss=stop,
        take_profit=tuple(targets),
    )


def entry_price(bundle: Bundle, side: Direction) -> Decimal:
    """Where a market order would be filled: a buy at the ask, a sell at the bid."""
    if bundle.quote is None:
        raise FeedError(f"there is no quote of {bundle.symbol}")
    return bundle.quote.ask if side is Direction.BUY else bundle.quote.bid
