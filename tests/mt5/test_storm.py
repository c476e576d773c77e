"""Each key at most once and a definite answer for every key, whatever goes wrong."""

from pathlib import Path

from tests.mt5.storm import storm


async def test_a_storm_of_faults_doubles_nothing_and_leaves_nothing_open(tmp_path: Path) -> None:
    made = await storm(tmp_path, seed=11, orders=40)
    assert made.violations == []
    faults = sum(made.counts[f"faults of the {what}"] for what in ("trade server", "pipe"))
    assert faults > 30
    assert made.counts["ended ok"] > 10
    assert made.counts["ended absent"] > 0
