"""The long run: ``python -m tests.mt5 --full``; without it, a tenth. Prints a table."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.alone import report
from tests.mt5.storm import storm


def main(arguments: list[str] | None = None) -> int:
    """1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.mt5", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the full counts")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    began = time.monotonic()
    counts: Counter[str] = Counter()
    violations: list[str] = []
    storms = 20 if wanted.full else 2
    for seed in range(wanted.seed, wanted.seed + storms):
        with tempfile.TemporaryDirectory(prefix="ait-") as folder:
            found = asyncio.run(storm(Path(folder), seed=seed, orders=100))
        counts += found.counts
        violations += [f"seed {seed}: {text}" for text in found.violations]
        print(f"seed {seed}: {len(found.violations)} violations", flush=True)
    figures = {
        "storms of 100 orders": storms,
        **{name: counts[name] for name in sorted(counts)},
        "seconds": round(time.monotonic() - began),
    }
    return report(figures, violations)


if __name__ == "__main__":
    sys.exit(main())
