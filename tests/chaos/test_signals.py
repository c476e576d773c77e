"""kill -9 of two pushers between a signal's arrival and the commit of its answer."""

from tests.chaos.signals import run
from tests.conftest import Database


async def test_two_pushers_that_are_killed_lose_no_signal_and_keep_the_order(
    database: Database,
) -> None:
    found = await run(database.url, signals=40, kills=4, seed=3)
    assert found.violations == []
    assert found.counts["kills"] == 4
    assert found.counts["came twice or more"] > 0
