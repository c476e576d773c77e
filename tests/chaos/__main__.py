"""The long runs: ``python -m tests.chaos --kills 50 --seed 1``, ``--fast`` for the driver, and
``tamper --edits 1000 --cuts 100 --rewrites 20`` for the history, ``month --days 30`` for replays.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from storage.embedded import embedded_servers
from storage.migrate import migrate
from tests import histories
from tests.chaos import demo, harness, invariants, month, tamper
from tests.conftest import running_servers

#: Lives per database: the history is verified at every start, and must not outgrow a life.
_PER_DATABASE = 25


def main() -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fast", action="store_true", help="kill the small driver, not the demo")
    parser.add_argument("--venue", choices=("paper", "wild"), default="paper")
    modes = parser.add_subparsers(dest="mode")
    forger = modes.add_parser("tamper", help="change the stored history and count what is found")
    for name, usual in (("edits", 1000), ("cuts", 100), ("rewrites", 20), ("seed", 1)):
        forger.add_argument(f"--{name}", type=int, default=usual)
    forger.add_argument("--rows", type=int, default=2000, help="records that are attacked")
    forger.add_argument("--honest", type=int, default=100_000, help="records without an attack")
    monthly = modes.add_parser("month", help="trade five symbols, replay it all three times")
    monthly.add_argument("--days", type=int, default=30)
    wanted = parser.parse_args()
    began = time.monotonic()
    if wanted.mode == "tamper":
        counts, violations = asyncio.run(_tamper(wanted))
    elif wanted.mode == "month":
        counts, violations = _month(wanted.days)
    elif wanted.fast:
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
    counts["seconds"] = round(time.monotonic() - began)
    _print(counts, violations)
    return 1 if violations else 0


def _print(counts: dict[str, int], violations: list[str]) -> None:
    for name, count in counts.items():
        print(f"  {name:<24}{count:>8}")
    print(f"  {'violations':<24}{len(violations):>8}")
    for violation in violations:
        print(f"  VIOLATION: {violation}")


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


def _month(days: int) -> tuple[dict[str, int], list[str]]:
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        report = asyncio.run(month.run(Path(folder), days=days))
    return report.counts, report.violations


async def _tamper(wanted: argparse.Namespace) -> tuple[dict[str, int], list[str]]:
    chance = Random(wanted.seed)
    with tempfile.TemporaryDirectory(prefix="ait-") as name:
        folder = Path(name)
        os.chmod(folder, 0o711)  # noqa: PTH101 -- nothing else runs in this loop yet
        async with embedded_servers(folder / "home", fsync=False, want_redis=False) as servers:
            async with histories.scratch(servers, "attacked") as (_, owner_url):
                attacked = await tamper.run(
                    owner_url,
                    folder,
                    chance,
                    rows=wanted.rows,
                    edits=wanted.edits,
                    cuts=wanted.cuts,
                    rewrites=wanted.rewrites,
                )
            async with histories.scratch(servers, "honest"):
                honest = await tamper.honest(folder, chance, rows=wanted.honest)
    return {**attacked.counts, **honest.counts}, attacked.violations + honest.violations


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
