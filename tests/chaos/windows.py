"""Every named kill point so many times: ``windows --venue paper --hits 20 --seed 1``.

The checks of the books are those after random deaths; a point that was not reached is a violation.
``--points tap`` is what lies between a tap and the venue's acknowledgement.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

from tests.chaos import deaths, harness
from tests.chaos.alone import report
from tests.chaos.traps import POINTS, TAP_TO_ANSWER
from tests.chaos.venues import KINDS

#: Deaths in one database: the history is verified at every start, and must not outgrow a life.
_AT_ONCE = 40
#: Without a server of their own these two keep their books where the traps can see them.
_OURS = ("paper", "wild")
_SETS = {"all": POINTS, "tap": TAP_TO_ANSWER}


def points(venue: str, which: str = "all") -> Sequence[str]:
    """The points that exist at a venue; the inside of a call is one only in books of our own."""
    return [p for p in _SETS[which] if venue in _OURS or not p.endswith(":inside")]


def run(venue: str, hits: int, seed: int, which: str) -> tuple[dict[str, int], list[str]]:
    """Counts and violations."""
    chance = Random(seed)
    counts: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    violations: list[str] = []
    wanted = points(venue, which)
    # Another order each time: who dies at the next point is another one.
    places = [place for _ in range(hits) for place in chance.sample(wanted, len(wanted))]
    with deaths.servers() as found:
        for first in range(0, len(places), _AT_ONCE):
            urls = asyncio.run(deaths.database(found[0], f"w{first}"))
            some = places[first : first + _AT_ONCE]
            violations += _round(found[1], urls, venue, some, chance, counts, reached)
            print(f"{reached.total()} deaths, {len(violations)} violations", flush=True)
    fewest = min(reached[place] for place in wanted)
    return {"points": len(wanted), "fewest hits": fewest, "deaths": reached.total(),
            **counts}, violations  # fmt: skip


def _round(
    zygote: harness.Zygote, urls: tuple[str, str], venue: str, places: Sequence[str],
    chance: Random, counts: Counter[str], reached: Counter[str],
) -> list[str]:  # fmt: skip
    """A death at each of some points of one database, and what they left."""
    faults = []
    with deaths.place(zygote, urls[0], venue, chance.randrange(10**6)) as (plan, running):
        for place in places:
            plan = {**plan, "seed": chance.randrange(10**6)}
            ended = harness.at(zygote, plan, place)
            reached[place] += ended == "trapped"
            if ended != "trapped":
                faults.append(f"{place} was not reached: {ended}")
        faults += deaths.end(zygote, plan, running)
        books = deaths.check(urls[1], running)
    counts.update(books.counts)
    return [*faults, *books.violations, *harness.history_faults(urls[0])]


def main(arguments: list[str]) -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="windows", description=__doc__)
    parser.add_argument("--venue", choices=(*_OURS, *KINDS), default="paper")
    parser.add_argument("--hits", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", choices=tuple(_SETS), default="all")
    asked: Any = parser.parse_args(arguments)
    return report(*run(asked.venue, asked.hits, asked.seed, asked.points))
