"""The machines can fail: each defect put in on purpose is found within the suite's examples."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.defects import DEFECTS
from tests.properties.machines import MACHINES
from tests.properties.test_machines import SUITE

_FIND_ONE = settings(SUITE, phases=(Phase.generate,), report_multiple_bugs=False)


@pytest.mark.parametrize("name", list(DEFECTS))
def test_a_seeded_defect_is_found(name: str, monkeypatch: pytest.MonkeyPatch):
    machine, put_in = DEFECTS[name]
    put_in(monkeypatch)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(MACHINES[machine], settings=_FIND_ONE)
