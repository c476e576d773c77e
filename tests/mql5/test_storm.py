"""Commands under random faults: one deal per executed id, a definite answer for every id."""

from pathlib import Path

import pytest

from tests.mql5.storm import storm


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_command_ends_once(binary: Path, tmp_path: Path, seed: int) -> None:
    found = storm(binary, tmp_path, seed=seed, commands=25)
    assert found.violations == []
    assert found.counts["deals"] >= 3
