"""The long runs: ``python -m tests.chaos --kills 50 --seed 1``, and ``--fast`` for the driver.

A first word names another run, with options of its own: the names are in ``_RUNS``.
"""

import argparse
import sys
import time
from importlib import import_module

from tests.chaos import deaths, demo
from tests.chaos.alone import report

#: Each has a ``main`` that takes the remaining arguments.
_RUNS = {
    "tamper": "tests.chaos.tamper",
    "month": "tests.chaos.month",
    "kill-switch": "tests.chaos.kill_switch",
    "connector": "tests.mt5.__main__",
    "mql5": "tests.mql5.__main__",
    "oanda": "tests.oanda.__main__",
    "one-winner": "tests.chaos.one_winner",
    "updates": "tests.chaos.updates",
    "properties": "tests.properties.figures",
    "forged": "tests.chaos.forged",
    "courier": "tests.chaos.courier",
    "signals": "tests.chaos.signals",
    "feeds": "tests.chaos.feeds",
    "deaths": "tests.chaos.deaths",
    "windows": "tests.chaos.windows",
    "servers": "tests.chaos.servers",
    "placements": "tests.chaos.placements",
    "reconcile": "tests.chaos.reconcile",
    "history": "tests.chaos.history",
    "api": "tests.chaos.hostile",
    "schema": "tests.chaos.schema",
    "canaries": "tests.chaos.canaries",
    "vault": "tests.chaos.vault",
    "webhooks": "tests.chaos.webhooks",
    "backups": "tests.chaos.backups",
    "stops": "tests.chaos.stops",
    "asks": "tests.chaos.asks",
    "injections": "tests.chaos.injections",
    "models": "tests.chaos.models",
    "sweeps": "tests.chaos.sweeps",
    "same-live": "tests.chaos.same_live",
    "lookahead": "tests.chaos.lookahead",
}


def main() -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    if sys.argv[1:2] and sys.argv[1] in _RUNS:
        return int(import_module(_RUNS[sys.argv[1]]).main(sys.argv[2:]))
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fast", action="store_true", help="kill the small driver, not the demo")
    parser.add_argument("--venue", choices=("paper", "wild"), default="paper")
    wanted = parser.parse_args()
    began = time.monotonic()
    if wanted.fast:
        counts, violations = deaths.run(
            deaths.Wanted(venue=wanted.venue, kills=wanted.kills, seed=wanted.seed)
        )
    else:
        found = demo.run(kills=wanted.kills, seed=wanted.seed)
        assert found.books is not None
        counts = {
            "kills": found.kills,
            "kills during start": found.during_start,
            "taps on Approve": found.taps,
            "taps acknowledged": len(found.acknowledged),
            **found.books.counts,
        }
        violations = found.violations
    return report({**counts, "seconds": round(time.monotonic() - began)}, violations)


if __name__ == "__main__":
    sys.exit(main())
