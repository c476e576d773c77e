"""The long run: ``python -m tests.oanda --full``; without it, a tenth. Prints a table."""

import argparse
import asyncio
import sys
import time
from collections import Counter

from tests.chaos.alone import report
from tests.oanda.rig import rigged
from tests.oanda.storm import Storm, storm


async def _one(seed: int) -> Storm:
    async with rigged() as rig:
        return await storm(rig, seed=seed, orders=40)


def main(arguments: list[str] | None = None) -> int:
    """1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.oanda", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the full counts")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    began = time.monotonic()
    counts: Counter[str] = Counter()
    violations: list[str] = []
    storms = 50 if wanted.full else 5
    for seed in range(wanted.seed, wanted.seed + storms):
        found = asyncio.run(_one(seed))
        counts += found.counts
        violations += [f"seed {seed}: {text}" for text in found.violations]
    figures = {
        "storms of 40 orders": storms,
        **{name: counts[name] for name in sorted(counts)},
        "seconds": round(time.monotonic() - began),
    }
    return report(figures, violations)


if __name__ == "__main__":
    sys.exit(main())
