"""Every fault of the feeds once at each, before the real loop; and that the harness can fail."""

import logging
from collections.abc import Iterator

import pytest

from engine.gate import feed_guard
from tests.chaos.feed_faults import FAULTS
from tests.chaos.feeds import KINDS, mutants, run


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The endpoint logs each request it refuses."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("part", range(6))
async def test_no_idea_is_made_of_a_fault_and_it_heals_within_a_candle(part: int) -> None:
    faults = tuple(FAULTS)[part::6]
    found = await run(seeds=1, first=5, faults=faults)
    assert found.violations == []
    runs = len(faults) * len(KINDS)
    assert found.counts["runs"] == found.counts["recovered within a candle"] == runs


@pytest.mark.parametrize(
    ("mutant", "fault"),
    [
        ("no rule hole", "missing candle"),
        ("no rule spike", "spike of one candle"),
        ("no check stale_data", "stale candle"),
        ("no check news", "calendar missing"),
    ],
)
async def test_a_guard_without_a_rule_is_caught(mutant: str, fault: str) -> None:
    with mutants()[mutant]():
        found = await run(seeds=1, faults=(fault,), stop=True)
    assert found.violations


def test_every_rule_of_the_guard_has_a_mutant() -> None:
    assert len(mutants()) == len(feed_guard.RULES) - 2 + 4
