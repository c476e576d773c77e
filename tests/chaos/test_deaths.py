"""kill -9 in every window between a candle and the acknowledgement, and at random instants.

Each window once, those in which the venue takes part at a venue that misbehaves; every window many
times and at every venue is ``python -m tests.chaos windows``.
"""

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest

from tests.chaos import harness, invariants
from tests.chaos.defects import DEFECTS
from tests.chaos.harness import Zygote
from tests.chaos.traps import AUTONOMOUS, FORWARD, RECOVERY


@pytest.fixture(scope="module")
def lives() -> Iterator[Zygote]:
    with harness.zygote() as found:
        yield found


async def _in_thread(function: Any, *arguments: Any, **named: Any) -> Any:
    return await asyncio.to_thread(function, *arguments, **named)


def _mixed(places: Sequence[str]) -> Sequence[str]:
    """Early and late places in turn, so that the same tap is not interrupted again and again."""
    half = len(places) // 2
    pairs = zip(places[:half], places[half:], strict=False)
    rest = places[2 * half :]
    return [place for pair in pairs for place in pair] + list(rest)


async def _books(database: Any) -> invariants.Books:
    books = await invariants.check(database.owner_url)
    assert books.violations == []
    return books


#: The windows in which the venue takes part, and the others.
_AT_THE_VENUE = tuple(p for p in (*FORWARD, *RECOVERY) if p.startswith(("submit", "order", "look")))
_AT_HOME = tuple(p for p in (*_mixed(FORWARD), *AUTONOMOUS, *RECOVERY) if p not in _AT_THE_VENUE)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("venue", "places"),
    [("paper", _AT_HOME), ("wild", _AT_THE_VENUE)],
    ids=["paper", "wild"],
)
async def test_a_death_in_any_window_of_a_trade_doubles_and_loses_nothing(
    database: Any, lives: Zygote, venue: str, places: Sequence[str]
):
    await _in_thread(lives.prepare, database.url)
    plan: dict[str, Any] = {"url": database.url, "venue": venue}
    for number, place in enumerate(places):
        plan["seed"] = number
        assert await _in_thread(harness.at, lives, plan, place) == "trapped", place
    assert await _in_thread(harness.settle, lives, plan) == "done"
    books = await _books(database)
    assert books.counts["orders acked"] > 0
    assert await _in_thread(harness.history_faults, database.url) == []


@pytest.mark.parametrize("venue", ["paper", "wild"])
async def test_deaths_at_random_instants_double_and_lose_nothing(
    database: Any, lives: Zygote, venue: str
):
    await _in_thread(lives.prepare, database.url)
    plan, chance = {"url": database.url, "venue": venue}, Random(1)
    for _ in range(6):
        assert await _in_thread(harness.randomly, lives, plan, chance) == "killed"
    assert await _in_thread(harness.settle, lives, plan) == "done"
    assert (await _books(database)).counts["candles"] > 0


@pytest.mark.parametrize("defect", DEFECTS)
async def test_the_checker_finds_a_seeded_defect(database: Any, lives: Zygote, defect: str):
    await _in_thread(lives.prepare, database.url)
    plan = {"url": database.url, "venue": "wild", "defect": defect}
    plan["fate"] = "late" if defect == "not_found_is_retried" else "filled"
    for place in DEFECTS[defect]:
        assert await _in_thread(harness.at, lives, plan, place) == "trapped"
    plan["fate"] = "filled"
    await _in_thread(harness.settle, lives, plan)
    books = await invariants.check(database.owner_url)
    assert books.violations != []


@pytest.mark.parametrize("place", ["tap:begun", "human_approved:before_commit"])
async def test_a_tap_that_three_deaths_interrupt_is_not_forgotten(
    database: Any, lives: Zygote, place: str
):
    await _in_thread(lives.prepare, database.url)
    plan = {"url": database.url}
    for _ in range(3):
        assert await _in_thread(harness.at, lives, plan, place) == "trapped"
    assert await _in_thread(harness.settle, lives, plan) == "done"
    await _books(database)
