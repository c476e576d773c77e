"""The order-safety core keeps its rules whatever happens, in whatever order."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machines import MACHINES

EXAMPLES = 40
SUITE = settings(
    max_examples=EXAMPLES, stateful_step_count=30, derandomize=True, deadline=None, database=None
)


# Seconds while it holds; a run that fails is given the time to find its shortest example.
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", list(MACHINES))
def test_no_order_leaves_and_nothing_moves_that_may_not(name: str):
    run_state_machine_as_test(MACHINES[name], settings=SUITE)
