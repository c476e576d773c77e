"""kill -9 of two senders of webhooks between a message's arrival and the commit of its answer."""

from tests.chaos.webhooks import run
from tests.conftest import Database


async def test_two_senders_that_are_killed_lose_no_event_and_keep_the_order(
    database: Database,
) -> None:
    found = await run(database.url, events=12, kills=3, seed=3)
    assert found.violations == []
    assert found.counts["kills"] == 3
    assert found.counts["came twice or more"]
