"""The tests are sharp: every planted mistake of logic is noticed."""

from pathlib import Path

import pytest

from tests.mql5.mutants import MUTANTS, plant, survives


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One program that holds them all."""
    return plant(MUTANTS, tmp_path_factory.mktemp("mutants"))


@pytest.mark.parametrize("number", range(1, len(MUTANTS) + 1), ids=lambda n: MUTANTS[n - 1].name)
def test_mutant_is_noticed(planted: Path, tmp_path: Path, number: int) -> None:
    mutant = MUTANTS[number - 1]
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.mkdir()
    wrong.mkdir()
    assert survives(planted, right, 0, mutant), "the test does not hold for the right program"
    assert not survives(planted, wrong, number, mutant)
