"""What needs no database: judging a bundle, packing it, drawing a card."""

from collections.abc import Callable, Sequence
from time import perf_counter

from bot.charts import Levels, draw
from bot.i18n import words_for
from engine.flow.judgement import consider
from engine.snapshot.canonical import pack
from storage.embedded import Servers
from tests import histories
from tests.benchmarks.common import report


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Each on a bundle of the recorded market."""
    async with histories.scratch(servers, "pure"):
        made = await histories.desk()
        bundle = await made.work.run_cycle.collect("EURUSD", made.world.market.recording.timeframe)
    words = words_for("en")
    _each("strategy, score and gate", lambda: consider(bundle.strategies[0], bundle), 200, 0.01)
    _each("bundle to canonical bytes and hash", lambda: pack(bundle), 50, 0.05)
    _each("chart of a card", lambda: draw(bundle, Levels(), words), 10, 0.5)


def _each(name: str, work: Callable[[], object], times: int, limit: float) -> None:
    work()
    start = perf_counter()
    for _ in range(times):
        work()
    report(name, (perf_counter() - start) / times, limit, f"{limit * 1e3:g} ms")
