"""Ask a strategy: every condition is observed, and a proposal made where all required ones hold."""

from collections.abc import Iterable
from decimal import Decimal

from engine.domain.account import Direction
from engine.domain.idea import Evaluation, Observation, Proposal
from engine.domain.market import Timeframe
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.domain.values import quantize
from engine.errors import FeedError
from engine.strategies.exits import stop_price, target_price
from engine.strategies.rules import RULES, observe
from engine.strategies.setups import SETUPS, Found, ask


def applies(strategy: Strategy, bundle: Bundle) -> bool:
    """Whether the strategy has anything to say about this symbol and timeframe."""
    return _speaks_of(strategy, bundle.symbol, bundle.timeframe)


def frames_needed(
    strategies: Iterable[Strategy], symbol: str, timeframe: Timeframe
) -> frozenset[Timeframe]:
    """The longer timeframes that active strategies of this symbol and timeframe look at."""
    return frozenset(
        frame
        for strategy in strategies
        if _speaks_of(strategy, symbol, timeframe)
        for frame in _frames(strategy)
    )


def _speaks_of(strategy: Strategy, symbol: str, timeframe: Timeframe) -> bool:
    return (
        strategy.is_active
        and strategy.timeframe is timeframe
        and symbol in strategy.allowed_symbols
    )


def _frames(strategy: Strategy) -> Iterable[Timeframe]:
    for condition in (*strategy.entry_conditions, *strategy.nice_to_have):
        frame = RULES[condition.name].frame(condition.argument)
        if frame is not None:
            yield frame
    if strategy.setup in SETUPS:
        yield from SETUPS[strategy.setup].frames


def evaluate(strategy: Strategy, bundle: Bundle, silent: Direction | None = None) -> Evaluation:
    """The strategy's answer. Without a proposal, the observations are those of the direction that
    came closest, and ``reason`` is the first thing that stood in the way. A direction that is known
    to propose nothing (``silent``) is asked last.
    """
    sides, answers = strategy.direction.directions, {}
    for side in sides if silent is None else sorted(sides, key=lambda side: side is silent):
        answers[side] = _evaluate_side(strategy, bundle, side)
        if answers[side].proposal is not None:
            return answers[side]
    return max([answers[side] for side in sides], key=_required_met)


def _required_met(answer: Evaluation) -> int:
    return sum(o.met for o in answer.observations if o.required)


def _evaluate_side(strategy: Strategy, bundle: Bundle, side: Direction) -> Evaluation:
    found = None if strategy.setup is None else ask(strategy.setup, bundle, side)
    observations = (() if found is None else found.observations) + tuple(
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
    proposal = _proposal(strategy, bundle, side, found)
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


def _proposal(
    strategy: Strategy, bundle: Bundle, side: Direction, found: Found | None
) -> Proposal | None:
    entry = entry_price(bundle, side)
    stop = _stop(strategy, bundle, side, entry, found)
    if stop is None or not stop > 0:
        return None
    prices = _targets(strategy, bundle, side, entry, stop, found)
    targets = sorted({price for price in prices if price > 0}, key=lambda p: abs(p - entry))
    if not targets:
        return None
    return Proposal(
        symbol=bundle.symbol,
        timeframe=bundle.timeframe,
        direction=side,
        entry=entry,
        stop_loss=stop,
        take_profit=tuple(targets),
        time_limit_min=strategy.exit_rules.time_limit_min,
    )


def _stop(
    strategy: Strategy, bundle: Bundle, side: Direction, entry: Decimal, found: Found | None
) -> Decimal | None:
    if found is not None and found.stop_loss is not None:
        return quantize(found.stop_loss, bundle.instrument.digits)
    return stop_price(strategy.exit_rules.stop_loss, bundle, side, entry)


def _targets(
    strategy: Strategy,
    bundle: Bundle,
    side: Direction,
    entry: Decimal,
    stop: Decimal,
    found: Found | None,
) -> list[Decimal]:
    """Every target that lies beyond the entry: the setup's own, else those of the document."""
    if found is not None and found.take_profit:
        own = [quantize(price, bundle.instrument.digits) for price in found.take_profit]
        return [price for price in own if side.sign * (price - entry) > 0]
    risk = abs(entry - stop)
    wanted = strategy.exit_rules.take_profit
    prices = [target_price(text, bundle, side, entry, risk) for text in wanted]
    return [price for price in prices if price is not None]


def entry_price(bundle: Bundle, side: Direction) -> Decimal:
    """Where a market order would be filled: a buy at the ask, a sell at the bid."""
    if bundle.quote is None:
        raise FeedError(f"there is no quote of {bundle.symbol}")
    return bundle.quote.ask if side is Direction.BUY else bundle.quote.bid
