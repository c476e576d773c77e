"""A day of five symbols replays as it was decided, wherever and whenever it is asked."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import month


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the database servers may enter."""
    with tempfile.TemporaryDirectory(prefix="ait-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.mark.timeout(180)
async def test_every_decision_of_five_symbols_replays_equal(home: Path) -> None:
    report = await month.run(home, days=1)
    assert report.violations == []
    assert report.counts["evaluations"] == 24 * 5
    assert report.counts["what-ifs"] > 0
    assert report.counts["replayed by the command"] > 25
