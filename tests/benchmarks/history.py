"""Appending to the decision history and verifying it, with records of a played market."""

from argparse import ArgumentParser
from collections.abc import Sequence
from itertools import islice
from random import Random
from time import perf_counter

from storage.audit import PostgresAuditor
from storage.embedded import Servers
from tests import histories
from tests.benchmarks.common import percentile, rate
from tests.chaos.tamper import records

_APPENDS = 1_000
_ROUNDS = 9


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Each append is a transaction of its own, on a server that waits for its disk."""
    parser = ArgumentParser(prog="history", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="records to verify")
    wanted = parser.parse_args(arguments)
    async with histories.scratch(servers, "history"):
        templates = await histories.played(60)
        entries = histories.varied(templates, Random(1))
        for writers, most in ((1, 1), (8, 1), (8, 8)):
            taken = []
            for _ in range(_ROUNDS):
                ready = iter(list(islice(entries, _APPENDS)))
                start = perf_counter()
                await histories.write(ready, _APPENDS, writers=writers, most=most)
                taken.append(_APPENDS / (perf_counter() - start))
            each = "one at a time" if most == 1 else f"1 to {most} at a time"
            _print(f"appends by {writers} writers, {each}", taken, 1_000)
        missing = max(0, wanted.rows - await records())
        await histories.write(entries, missing, writers=4, most=50)
        taken = []
        for _ in range(_ROUNDS):
            start = perf_counter()
            count, faults = await PostgresAuditor().verify()
            taken.append(count / (perf_counter() - start))
            assert not faults
        _print(f"verification of {count:,} records", taken, 50_000)


def _print(name: str, taken: Sequence[float], wanted: float) -> None:
    """The best round is the machine's own figure, the middle one that of its company."""
    rate(name, max(taken), wanted)
    rate("  the middle one of its rounds", percentile(taken, 50), wanted)
