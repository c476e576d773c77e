"""SIGKILL at random instants at any venue: ``deaths --venue mt5 --kills 500 --seed 1``.

A venue with a server of its own is the real adapter's against that server, which loses answers,
delays them, answers 5xx after it accepted and resets connections. ``--defect NAME`` puts a defect
in, of which the run must find something, ``--all-defects`` one after another. Half of the deaths
are aimed at the windows of a placement then; ``--white-box`` sets that share.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from storage.migrate import migrate
from tests.chaos import harness, invariants
from tests.chaos.alone import report
from tests.chaos.defects import DEFECTS
from tests.chaos.harness import Zygote
from tests.chaos.new_ids import together
from tests.chaos.venues import KINDS, kind
from tests.chaos.venues.site import Running, site
from tests.conftest import running_servers

#: Lives per database: the history is verified at every start, and must not outgrow a life.
PER_DATABASE = 25
#: The same where a defect is looked for: the books are looked at sooner.
_PER_DEFECTIVE = 10
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
    if truth is not None:
        truth = replace(truth, taken=together(truth.taken))
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


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a run is asked for."""

    venue: str
    kills: int
    seed: int
    defect: str = ""
    white_box: float = 0.0


def run(wanted: Wanted) -> tuple[dict[str, int], list[str]]:
    """Counts and violations of so many deaths; a run with a defect ends at the first violation."""
    with servers() as found:
        return _deaths(found, wanted)


@contextmanager
def servers() -> Iterator[tuple[Any, Zygote]]:
    """Real servers and the process that forks lives."""
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        with running_servers(Path(folder) / "home") as found, harness.zygote() as zygote:
            yield found, zygote


def _deaths(found: tuple[Any, Zygote], wanted: Wanted) -> tuple[dict[str, int], list[str]]:
    counts: dict[str, int] = {"kills": 0}
    violations: list[str] = []
    chance = Random(wanted.seed)
    each = _PER_DEFECTIVE if wanted.defect else PER_DATABASE
    for number in range(0, wanted.kills, each):
        urls = asyncio.run(database(found[0], f"c{wanted.defect}{number}"))
        many = min(each, wanted.kills - number)
        violations += _some(found[1], urls, replace(wanted, kills=many), chance, counts)
        if wanted.defect and violations:
            break
        if not wanted.defect:
            print(*(f"  {each}" for each in violations[:5]), sep="\n", flush=True)
            print(f"{counts['kills']} kills, {len(violations)} violations", flush=True)
    return counts, violations


def _some(
    zygote: Zygote, urls: tuple[str, str], wanted: Wanted, chance: Random, counts: dict[str, int]
) -> list[str]:
    """Deaths in one database, and what they left."""
    with place(zygote, urls[0], wanted.venue, chance.randrange(10**6)) as (plan, running):
        plan = {**plan, "defect": wanted.defect or None}
        for _ in range(wanted.kills):
            if running is not None:
                running.weather(chance.choice((0, 0.5, 1)))
            longest = _LONGEST.get(wanted.venue, 1.5)
            ended = harness.randomly(
                zygote, plan, chance, longest=longest, white_box=wanted.white_box
            )
            counts["kills"] += ended in ("killed", "trapped")
            if ended == "error":
                return ["a life ended by an error of its own"]
        violations = end(zygote, plan, running)
        books = check(urls[1], running)
    for name, count in books.counts.items():
        counts[name] = counts.get(name, 0) + count
    return [*violations, *books.violations, *harness.history_faults(urls[0])]


def all_defects(wanted: Wanted) -> int:
    """One line for each defect; how many were not found."""
    missed = 0
    with servers() as found:
        for defect in DEFECTS:
            began = time.monotonic()
            counts, violations = _deaths(found, replace(wanted, defect=defect))
            missed += not violations
            took = f"{counts['kills']:>4} kills {time.monotonic() - began:>5.0f} s"
            print(f"{defect:<36}{took}  {(violations or ['NOT FOUND'])[0]}", flush=True)
    print(f"{len(DEFECTS) - missed} of {len(DEFECTS)} found")
    return missed


def main(arguments: list[str]) -> int:
    """Run, print a table, and answer 1 when anything was violated or a defect was not found."""
    parser = argparse.ArgumentParser(prog="deaths", description=__doc__)
    parser.add_argument("--venue", choices=VENUES, default="paper")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--defect", choices=tuple(DEFECTS), default="")
    parser.add_argument("--all-defects", action="store_true")
    parser.add_argument("--white-box", type=float)
    asked = parser.parse_args(arguments)
    aimed = 0.5 if asked.defect or asked.all_defects else 0.0
    wanted = Wanted(
        venue=asked.venue, kills=asked.kills, seed=asked.seed, defect=asked.defect,
        white_box=aimed if asked.white_box is None else asked.white_box,
    )  # fmt: skip
    if asked.all_defects:
        return 1 if all_defects(wanted) else 0
    return report(*run(wanted))
