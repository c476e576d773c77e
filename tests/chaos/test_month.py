"""Two days of five symbols replay as they were decided, wherever and whenever it is asked."""

from pathlib import Path

import pytest

from tests.chaos import month


@pytest.mark.timeout(180)
async def test_every_decision_of_five_symbols_replays_equal(tmp_path_factory) -> None:
    folder = Path(tmp_path_factory.mktemp("month"))
    for place in (folder, *folder.parents[:3]):
        place.chmod(0o711)
    report = await month.run(folder, days=2)
    assert report.violations == []
    assert report.counts["evaluations"] == 2 * 24 * 5
    assert report.counts["what-ifs"] > 0
    assert report.counts["replayed by the command"] > 50
