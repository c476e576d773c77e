"""What needs no database: judging a bundle, drawing a card."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from time import perf_counter

from bot.charts import Levels, draw
from bot.i18n import words_for
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Condition, ForbiddenConditions, Strategy
from engine.flow.judgement import consider
from storage.embedded import Servers
from tests import builders, histories
from tests.benchmarks.common import report


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Each on a bundle of the recorded market."""
    async with histories.scratch(servers, "pure"):
        made = await histories.desk()
        bundle = await made.work.run_cycle.collect("EURUSD", made.world.market.recording.timeframe)
    words = words_for("en")
    proposing = _proposing(bundle)
    assert consider(proposing, bundle).report is not None
    assert consider(bundle.strategies[0], bundle).report is None
    _each("an idea: strategy, score, every check", lambda: consider(proposing, bundle), 0.0002)
    _each("a no: strategy, checks", lambda: consider(bundle.strategies[0], bundle), 0.0002)
    _each("chart of a card", lambda: draw(bundle, Levels(), words), 0.5, times=10)


def _proposing(bundle: Bundle) -> Strategy:
    """A strategy of the usual length that proposes on this bundle and passes what comes before."""
    return replace(
        builders.strategy(),
        entry_conditions=tuple(
            Condition(name, argument)
            for name, argument in (("adx_above", "0"), ("rsi_above", "0"), ("rsi_below", "100"))
        ),
        nice_to_have=(Condition("macd_side", "with_trade"), Condition("vwap_side", "with_trade")),
        session_windows=(builders.window("00:00", "23:59"),),
        forbidden_conditions=ForbiddenConditions(0, ("USD", "EUR"), ()),
    )


def _each(name: str, work: Callable[[], object], limit: float, *, times: int = 500) -> None:
    work()
    taken = []
    for _ in range(times):
        start = perf_counter()
        work()
        taken.append(perf_counter() - start)
    shown = f"{limit * 1e3:g} ms" if limit >= 0.001 else f"{limit * 1e6:g} µs"
    report(f"{name}, median", median(taken), limit, shown)
