"""The crash harness at venues with servers of their own, drifts, and a history that cannot be
written: a few of each; the full counts are ``python -m tests.chaos``.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.chaos import deaths, harness, history, placements, reconcile
from tests.chaos.harness import Zygote
from tests.chaos.test_deaths import _in_thread
from tests.chaos.traps import AT_VENUE, EXIT_RECOVERY, EXITS
from tests.conftest import Database


@pytest.fixture(scope="module")
def lives() -> Iterator[Zygote]:
    with harness.zygote() as found:
        yield found


@pytest.mark.timeout(240)
@pytest.mark.parametrize("venue", ["binance", "mt5", "oanda"])
def test_deaths_at_a_real_adapter_double_and_lose_nothing(
    database: Database, lives: Zygote, venue: str
) -> None:
    with deaths.place(lives, database.url, venue, 1) as (plan, running):
        for place in AT_VENUE:
            assert harness.at(lives, plan, place) == "trapped", place
        running.weather(1)
        assert harness.randomly(lives, plan, Random(1), longest=1.5) == "killed"
        assert deaths.end(lives, plan, running) == []
        books = deaths.check(database.owner_url, running)
    assert books.violations == []
    assert books.counts["orders acked"] > 0


@pytest.mark.timeout(120)
def test_a_defect_is_found_at_a_real_adapter(database: Database, lives: Zygote) -> None:
    with deaths.place(lives, database.url, "mt5", 1) as (plan, running):
        plan = {**plan, "defect": "order_in_a_second_transaction"}
        assert harness.at(lives, plan, "human_approved:after_commit") == "trapped"
        deaths.end(lives, plan, running)
        assert deaths.check(database.owner_url, running).violations != []


@pytest.mark.timeout(180)
async def test_a_death_in_any_window_of_an_exit_doubles_and_loses_nothing(
    database: Database, lives: Zygote
) -> None:
    await _in_thread(lives.prepare, database.url)
    plan: dict[str, Any] = {"url": database.url, "venue": "paper"}
    for place in (*EXITS, *EXIT_RECOVERY):
        assert await _in_thread(harness.at, lives, plan, place) == "trapped", place
    assert await _in_thread(harness.settle, lives, plan) == "done"
    books = await deaths.invariants.check(database.owner_url)
    assert books.violations == []
    assert books.counts["close done"] > 0


async def test_an_order_is_placed_at_most_once_and_the_unknown_are_told(
    database: Database, lives: Zygote
) -> None:
    await _in_thread(lives.prepare, database.url, ("buy",))
    with deaths.site("binance", database.url, 1) as running:
        found = await placements.run(database.url, running, "binance", orders=12, seed=1)
    assert found.violations == []
    assert found.counts["orders acked"] > 0


async def test_whatever_drifted_is_equal_after_two_cycles(database: Database) -> None:
    counts, violations = await reconcile.run(database.url, seeds=1)
    assert violations == []
    assert counts["runs"] == len(reconcile.DRIFTS) >= 12


async def test_nothing_is_traded_while_the_history_cannot_be_written(database: Database) -> None:
    counts, violations = await history.run(database.url, database.owner_url, faults=6, seed=1)
    assert violations == []
    assert counts["failed under the fault"] > 0
    assert counts["attempts at the venue"] > 0
