"""Updates that come three times to a bot that is killed in every window: none is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.embedded import Servers
from tests.chaos import harness, updates
from tests.chaos.bot_life import PLACES
from tests.chaos.harness import Zygote
from tests.conftest import Database


@pytest.fixture(scope="module")
def bots() -> Iterator[Zygote]:
    with harness.zygote("tests.chaos.bot_life") as zygote:
        yield zygote


@pytest.mark.timeout(240)
async def test_update_is_answered_once_whenever_the_bot_is_killed(
    database: Database, servers: Servers, bots: Zygote, tmp_path: Path
) -> None:
    found = await updates.run(
        (database.url, database.owner_url), servers.redis_url, tmp_path, bots, kills=6, seed=7
    )
    assert found.violations == []
    assert found.counts["updates"] == found.counts["answered"] > 15
    assert sum(found.counts[f"killed when {place}"] for place in PLACES) >= 4
