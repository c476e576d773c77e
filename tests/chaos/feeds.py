"""Faults of market data and calendar, put in on the way, before the real loop:
``python -m tests.chaos feeds --seeds 20``, with ``--mutants`` on a guard without each of its rules.

Every fault × a file, a terminal's Expert Advisor and an exchange × seeds. Each run makes ideas of
good data first and one afterwards, so that a gate that is always closed fails too.
"""

import argparse
import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from time import monotonic
from typing import Any

from engine.domain.gate import Check
from engine.domain.idea import Idea
from engine.domain.notice import Kind
from engine.gate import case as table
from engine.gate import feed_guard
from tests.chaos.alone import report
from tests.chaos.feed_bench import Bench, bench
from tests.chaos.feed_faults import FAULTS, Wrong
from tests.chaos.feed_sources import FRAME, HOUR, SYMBOL, ExchangeSource
from tests.feed_server import Site, served

KINDS = ("file", "terminal", "exchange")
#: Checks of which one is closed in the record of a candle that was judged under a fault.
_NAMED = frozenset(("data_quality", "stale_data", "spread", "news"))
_BY_WEB = ("a web page for a feed", "not modified for ever")
#: Rules whose faults others see too: no candles at all is refused when the picture is taken, and
#: where candles change places there is a hole. Their own tests are the guard's.
_DOUBLED = ("_none", "_disorder")
#: Longer than the trader's limit of the age of data.
_TOO_LONG = 4
#: Candles from anywhere in a week to the next one.
_ACROSS = 100
_TUESDAY = 1
_SECONDS_LATER = timedelta(seconds=20)


@dataclass
class Found:
    """What it came to."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


@dataclass
class Ordeal:
    """One fault at one feed."""

    bench: Bench
    wrong: Wrong
    chance: Random
    found: Found
    label: str

    def violated(self, what: str) -> None:
        self.found.violations.append(f"{self.label}: {what}")

    async def good(self) -> Idea | None:
        """An idea of good data."""
        await self.bench.look(self.bench.picture())
        return await self.bench.judge()

    async def __call__(self) -> None:
        bench = self.bench
        held = await self.good()
        bench.place += 1
        approved = await self.good()
        if held is None or approved is None or not await bench.tap(approved):
            self.violated("no idea, or no approval, of good data")
            return
        waits = self.wrong.told and isinstance(bench.source, ExchangeSource)
        slow = waits or self.wrong.late or self.wrong.over
        in_between = self.chance.random() < 0.5 and not slow
        if in_between:
            await self._in_between(held, approved)
        if not (in_between and self.wrong.settles):
            await self._at_a_close(held)
        await self._recovers()

    async def _in_between(self, held: Idea, approved: Idea) -> None:
        """The fault comes while an approved order is about to leave."""
        bench, picture = self.bench, self.bench.picture()
        picture.now += _SECONDS_LATER
        self.wrong.change(picture, self.chance)
        if not await bench.look(picture, self.wrong.page):
            self.found.counts["refused at the door"] += 1
            return
        self.found.counts["orders held back"] += 1
        if await bench.try_to_send(approved):
            self.violated("an order was sent")
        await self._refuses(held)

    async def _at_a_close(self, held: Idea) -> None:
        """The fault is there when a candle closes."""
        bench, wrong = self.bench, self.wrong
        bench.place += 0 if wrong.still else 1 + wrong.late // HOUR
        bench.place += _ACROSS * wrong.over
        while wrong.over and bench.truth[bench.place].time.weekday() != _TUESDAY:
            bench.place += 12
        picture = bench.picture()
        picture.now += wrong.late if wrong.still else timedelta(0)
        wrong.change(picture, self.chance)
        if not await bench.look(picture, wrong.page):
            self.found.counts["refused at the door"] += 1
            bench.source.now += _TOO_LONG * HOUR
            bench.place += _TOO_LONG
            await bench.watch()
        elif wrong.still:
            bench.place += wrong.late // HOUR
        if await bench.judge() is not None:
            self.violated("an idea was made")
        await self._is_recorded()
        await self._refuses(held)

    async def _refuses(self, held: Idea) -> None:
        shown = await self.bench.shown()
        if not shown & self.wrong.names:
            self.violated(f"the doctor says {sorted(shown)}")
        if await self.bench.tap(held):
            self.violated("an idea was approved")
        self.found.counts["taps refused"] += 1

    async def _is_recorded(self) -> None:
        """What the loop wrote about the candle, when it could be judged at all."""
        async with self.bench.source.store.begin() as tx:
            latest = await tx.evaluations.latest([(SYMBOL, FRAME)])
        (last,) = latest[SYMBOL, FRAME].values()
        if last.market_time < self.bench.source.now - 2 * HOUR or last.final_signal != "none":
            self.found.counts["candles not judged"] += 1
        elif _NAMED.isdisjoint(last.closed):
            self.violated(f"the record says {last.reason}")
        else:
            self.found.counts["candles judged and refused"] += 1

    async def _recovers(self) -> None:
        bench = self.bench
        bench.place += 1
        if await self.good() is None:
            self.violated(f"it did not recover: {sorted(await bench.shown())}")
        self.found.counts["recovered within a candle"] += 1
        told = [t.notice for t in bench.source.store.rows.tables["outbox"].values()]
        feed = [notice for notice in told if notice.kind is Kind.FEED]
        began = [notice.cause for notice in feed if not notice.is_resolved]
        over = [notice.cause for notice in feed if notice.is_resolved]
        if began != over or len(began) > 1:
            self.violated(f"people were told {len(began)} times, and {len(over)} times of the end")
        self.found.counts["episodes told"] += len(began)


async def run(
    *, seeds: int, first: int = 1, faults: tuple[str, ...] = tuple(FAULTS), stop: bool = False
) -> Found:
    """Every fault at every feed; with ``stop`` until the first violation."""
    found, began = Found(), monotonic()
    async with served() as site:
        for seed in range(first, first + seeds):
            known = len(found.violations)
            for name in faults:
                for kind in KINDS:
                    await _one(found, site, kind, name, seed)
                    if stop and found.violations:
                        return found
            if seeds > 1:
                _progress(found, seed, known)
    found.counts["seconds"] = round(monotonic() - began)
    return found


def _progress(found: Found, seed: int, known: int) -> None:
    """A long run shows how far it is, and what is wrong as soon as it is."""
    runs, wrong = found.counts["runs"], len(found.violations)
    print(f"seed {seed}: {runs} runs, {wrong} violations", *found.violations[known:], sep="\n  ")
    sys.stdout.flush()


async def _one(found: Found, site: Site, kind: str, name: str, seed: int) -> None:
    label, before = f"{name} · {kind} · seed {seed}", len(found.violations)
    chance = Random(label)
    found.counts["runs"] += 1
    async with bench(kind, chance, site, web=name in _BY_WEB) as made:
        await Ordeal(made, FAULTS[name], chance, found, label)()
    found.counts["runs violated"] += len(found.violations) > before


Rule = Callable[..., Any]


def mutants() -> dict[str, Callable[[], Any]]:
    """The guard without one rule, and the gate without one of the checks beside it."""
    alone = [rule for rule in feed_guard.RULES if rule.__name__ not in _DOUBLED]
    rules = {f"no rule {rule.__name__[1:]}": _without(rule) for rule in alone}
    checks = (Check.DATA_QUALITY, Check.STALE_DATA, Check.SPREAD, Check.NEWS)
    return rules | {f"no check {code}": _blind(code) for code in checks}


def _without(rule: Rule) -> Callable[[], Any]:
    @contextmanager
    def switched_off() -> Iterator[None]:
        kept = feed_guard.RULES
        feed_guard.RULES = tuple(each for each in kept if each is not rule)
        try:
            yield
        finally:
            feed_guard.RULES = kept

    return switched_off


def _blind(code: Check) -> Callable[[], Any]:
    @contextmanager
    def switched_off() -> Iterator[None]:
        kept = table.SCENE_CHECKS[code]
        table.SCENE_CHECKS[code] = lambda scene: (True, "unseen", "unseen")
        try:
            yield
        finally:
            table.SCENE_CHECKS[code] = kept

    return switched_off


async def hunt(seeds: int) -> Found:
    """Every mutant must be caught."""
    found = Found()
    for name, switched_off in mutants().items():
        with switched_off():
            caught = (await run(seeds=seeds, stop=True)).violations
        found.counts["mutants"] += 1
        found.counts["mutants caught"] += bool(caught)
        print(f"  {name}: {caught[0] if caught else 'NOT CAUGHT'}", flush=True)
        if not caught:
            found.violations.append(f"{name} was not caught")
    return found


def main(arguments: list[str]) -> int:
    """The command's words after ``feeds``."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos feeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--fault", choices=tuple(FAULTS))
    parser.add_argument("--mutants", action="store_true")
    wanted = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    if wanted.mutants:
        found = asyncio.run(hunt(wanted.seeds))
    else:
        faults = (wanted.fault,) if wanted.fault else tuple(FAULTS)
        found = asyncio.run(run(seeds=wanted.seeds, first=wanted.first, faults=faults))
        found.counts |= {"faults": len(faults), "feeds": len(KINDS)}
    return report(found.counts, found.violations)
