"""A day of five symbols replays as it was decided, wherever and whenever it is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import month
from tests.folders import open_folder


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the database servers may enter."""
    with open_folder() as folder:
        yield folder


@pytest.mark.timeout(180)
async def test_every_decision_of_five_symbols_replays_equal(home: Path) -> None:
    report = await month.run(home, days=1)
    assert report.violations == []
    assert report.counts["evaluations"] == 24 * 5
    assert report.counts["what-ifs"] > 0
    assert report.counts["replayed by the command"] > 25
