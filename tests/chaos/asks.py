"""Questions about a recorded month, put to a model that is honest and to one that lies: ``asks``.

A market is played for a month, with every kind of answer in it. Then every question is asked in
words, of both models, and what was shown at any time is held against the sentences that are true.
"""

import argparse
import asyncio
from random import Random
from time import perf_counter

from storage.database import open_database
from tests.askers import Honest, Liar
from tests.chaos.alone import both, report
from tests.conftest import Database
from tests.integration.conftest import seated
from tests.integration.test_ask import facts_of, numbers, play
from tests.interrogation import Tally, interrogate
from tests.questions import ANSWERED, UNANSWERED

#: Of a hundred true answers, so many have to be shown.
_LEAST_PERCENT = 90


async def _run(
    url: str, rounds: int, seed: int, *, verbose: bool
) -> tuple[dict[str, object], list[str]]:
    async with open_database(url):
        desk = await seated()
        await play(desk)
        values = numbers(await facts_of(desk, Database(url, url)))
        asked = [(language, text.format(**values)) for language, text, _ in ANSWERED]
        began = perf_counter()
        honest = await interrogate(desk, [*asked, *UNANSWERED], Honest(Random(seed)))
        seconds = perf_counter() - began
        liar = Tally()
        for number in range(rounds):
            more = await interrogate(desk, [*asked, *UNANSWERED], Liar(Random(seed + number)))
            liar.asked, liar.shown = liar.asked + more.asked, liar.shown + more.shown
            liar.held_back += more.held_back
            liar.unavailable += more.unavailable
            liar.untrue += more.untrue
    violations = [f"untrue: {text}" for text in (*honest.untrue, *liar.untrue)]
    if honest.shown * 100 < _LEAST_PERCENT * honest.asked:
        violations.append(f"only {honest.shown} of {honest.asked} true answers were shown")
    if verbose:
        print("\n".join(honest.why))
    table: dict[str, object] = {
        "asked of the honest": honest.asked,
        "shown": honest.shown,
        "held back": honest.held_back,
        "without an answer": honest.unavailable,
        "seconds": round(seconds),
        "asked of the liar": liar.asked,
        "liar: shown": liar.shown,
        "liar: held back": liar.held_back,
        "liar: no answer": liar.unavailable,
        "untrue shown": len(honest.untrue) + len(liar.untrue),
    }
    return table, violations


def main(arguments: list[str]) -> int:
    """The command's words after ``asks``."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos asks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="times the liar is asked everything")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="say which true ones were held back")
    wanted = parser.parse_args(arguments)
    with both() as (url, _):
        table, violations = asyncio.run(
            _run(url, wanted.rounds, wanted.seed, verbose=wanted.verbose)
        )
    return report(table, violations)
