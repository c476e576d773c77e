"""What the benchmarks share: how a figure is taken and how it is printed."""

from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from time import perf_counter


def report(name: str, seconds: float, limit: float, against: str) -> None:
    """One line: what it took, what it is held against, and the ratio."""
    print(f"{name:<44} {seconds * 1e3:9.2f} ms   {limit / seconds:7.1f} × faster than {against}")


def rate(name: str, per_second: float, wanted: float) -> None:
    """One line: how many a second, and how many times what is wanted that is."""
    print(f"{name:<44} {per_second:9.0f} /s   {per_second / wanted:7.1f} × {wanted:,.0f}/s")


def percentile(taken: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed."""
    return sorted(taken)[ceil(len(taken) * percent / 100) - 1]


async def durations(times: int, work: Callable[[], Awaitable[object]]) -> list[float]:
    """How long each of some runs took, in seconds."""
    taken = []
    for _ in range(times):
        start = perf_counter()
        await work()
        taken.append(perf_counter() - start)
    return taken
