"""The long runs: ``python -m tests.chaos --kills 50 --seed 1``, and ``--fast`` for the driver.

A first word names another run, with options of its own: ``tamper``, ``month``, ``kill-switch``,
``one-winner``, ``updates``, ``properties``, ``forged``, ``courier``, ``signals``, ``mql5``,
``connector``, ``oanda``, ``feeds``.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from storage.migrate import migrate
from tests.chaos import demo, harness, invariants
from tests.chaos.alone import report
from tests.conftest import running_servers

#: Lives per database: the history is verified at every start, and must not outgrow a life.
_PER_DATABASE = 25


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
        counts, violations = _fast(wanted.kills, wanted.seed, wanted.venue)
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


def _fast(kills: int, seed: int, venue: str) -> tuple[dict[str, int], list[str]]:
    counts: dict[str, int] = {"kills": 0}
    violations: list[str] = []
    chance = Random(seed)
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        with running_servers(Path(folder) / "home") as servers, harness.zygote() as zygote:
            for number in range(0, kills, _PER_DATABASE):
                url, owner_url = asyncio.run(_database(servers, f"c{number}"))
                zygote.prepare(url)
                plan: dict[str, Any] = {"url": url, "venue": venue}
                for _ in range(min(_PER_DATABASE, kills - number)):
                    ended = harness.randomly(zygote, plan, chance)
                    counts["kills"] += ended == "killed"
                if harness.settle(zygote, plan) != "done":
                    violations.append("the last life did not end by itself")
                books = asyncio.run(invariants.check(owner_url))
                for name, count in books.counts.items():
                    counts[name] = counts.get(name, 0) + count
                violations += [*books.violations, *harness.history_faults(url)]
                print(f"{counts['kills']} kills, {len(violations)} violations", flush=True)
    return counts, violations


async def _database(servers: Any, name: str) -> tuple[str, str]:
    owner = await asyncpg.connect(servers.owner_url)
    await owner.execute(f"CREATE DATABASE {name}")
    await owner.close()
    urls = [
        u.replace("/ai_trader?", f"/{name}?") for u in (servers.database_url, servers.owner_url)
    ]
    await migrate(urls[1], runtime_role="ai_trader")
    return urls[0], urls[1]


if __name__ == "__main__":
    sys.exit(main())
