"""The shipped Expert Advisor and the real endpoint under random faults: each order once."""

from pathlib import Path

from tests.conftest import Database
from tests.mql5.real.storm import real_storm


async def test_every_command_ends_once_at_the_real_endpoint(
    binary: Path, database: Database, tmp_path: Path
) -> None:
    urls = (database.url, database.owner_url)
    found = await real_storm(binary, tmp_path, urls, seed=1, commands=12)
    assert found.violations == []
    assert found.counts["deals"] >= 3
    assert found.counts["endpoint killed"] >= 1
    assert found.counts["kills"] >= 1
