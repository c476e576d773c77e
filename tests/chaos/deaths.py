"""SIGKILL at random instants at any venue: ``deaths --venue mt5 --kills 500 --seed 1``.

A venue with a server of its own is the real adapter's against that server, which loses answers,
delays them, answers 5xx after it accepted and resets connections. ``--defect NAME`` puts a defect
in, of which the run must find something.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from storage.migrate import migrate
from tests.chaos import harness, invariants
from tests.chaos.alone import report
from tests.chaos.defects import DEFECTS
from tests.chaos.harness import Zygote
from tests.chaos.venues import KINDS, kind
from tests.chaos.venues.site import Running, site
from tests.conftest import running_servers

#: Lives per database: the history is verified at every start, and must not outgrow a life.
PER_DATABASE = 25
VENUES = ("paper", "wild", *KINDS)
#: How long a life may be; a venue behind a socket takes longer for the same trades.
_LONGEST = {"paper": 0.4, "wild": 0.4}


@contextmanager
def place(zygote: Zygote, url: str, venue: str, seed: int) -> Iterator[tuple[Any, Any]]:
    """An empty database filled, and the venue up: the plan of a life, and the site, if any."""
    plan: dict[str, Any] = {"url": url, "venue": venue}
    if venue not in KINDS:
        zygote.prepare(url)
        yield plan, None
        return
    zygote.prepare(url, kind(venue).WAYS)
    with site(venue, url, seed) as running:
        yield {**plan, "told": dict(running.told)}, running


def end(zygote: Zygote, plan: dict[str, Any], running: Running | None) -> list[str]:
    """A calm sea and a life that is not killed."""
    if running is not None:
        running.weather(0)
    ended = harness.settle(zygote, plan)
    return [] if ended == "done" else [f"the last life ended by {ended}"]


def check(owner_url: str, running: Running | None) -> invariants.Books:
    """The books of both sides."""
    truth = None if running is None else running.truth()
    return asyncio.run(invariants.check(owner_url, truth))


async def database(servers: Any, name: str) -> tuple[str, str]:
    """A migrated database: the run-time role's address and the owner's."""
    owner = await asyncpg.connect(servers.owner_url)
    await owner.execute(f"CREATE DATABASE {name}")
    await owner.close()
    urls = [
        u.replace("/ai_trader?", f"/{name}?") for u in (servers.database_url, servers.owner_url)
    ]
    await migrate(urls[1], runtime_role="ai_trader")
    return urls[0], urls[1]


def run(kills: int, seed: int, venue: str, defect: str = "") -> tuple[dict[str, int], list[str]]:
    """Counts and violations of so many deaths; a run with a defect ends at the first violation."""
    counts: dict[str, int] = {"kills": 0}
    violations: list[str] = []
    chance = Random(seed)
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        with running_servers(Path(folder) / "home") as servers, harness.zygote() as zygote:
            for number in range(0, kills, PER_DATABASE):
                urls = asyncio.run(database(servers, f"c{number}"))
                many = min(PER_DATABASE, kills - number)
                found = _some(zygote, urls, venue, many, chance, counts, defect)
                violations += found
                print(*(f"  {each}" for each in found[:5]), sep="\n", flush=True)
                print(f"{counts['kills']} kills, {len(violations)} violations", flush=True)
                if defect and violations:
                    break
    return counts, violations


def _some(
    zygote: Zygote, urls: tuple[str, str], venue: str, kills: int, chance: Random,
    counts: dict[str, int], defect: str,
) -> list[str]:  # fmt: skip
    """Deaths in one database, and what they left."""
    with place(zygote, urls[0], venue, chance.randrange(10**6)) as (plan, running):
        plan = {**plan, "defect": defect or None}
        for _ in range(kills):
            if running is not None:
                running.weather(chance.choice((0, 0.5, 1)))
            ended = harness.randomly(zygote, plan, chance, longest=_LONGEST.get(venue, 1.5))
            counts["kills"] += ended == "killed"
            if ended == "error":
                return ["a life ended by an error of its own"]
        violations = end(zygote, plan, running)
        books = check(urls[1], running)
    for name, count in books.counts.items():
        counts[name] = counts.get(name, 0) + count
    return [*violations, *books.violations, *harness.history_faults(urls[0])]


def main(arguments: list[str]) -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="deaths", description=__doc__)
    parser.add_argument("--venue", choices=VENUES, default="paper")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--defect", choices=tuple(DEFECTS), default="")
    wanted = parser.parse_args(arguments)
    counts, violations = run(wanted.kills, wanted.seed, wanted.venue, wanted.defect)
    return report(counts, violations)
