"""Advisory locks: one number each, all of them in one place."""

import re
from pathlib import Path

import storage
from storage.locks import Lock

ROOT = Path(storage.__file__).parent.parent


def test_no_two_locks_are_the_same_number():
    assert len(Lock) == len(Lock.__members__) == len({int(lock) for lock in Lock})


def test_no_module_has_a_lock_of_its_own_but_the_function_that_appends():
    found = {
        (path.name, int(number))
        for folder in ("bot", "broker", "ea", "engine", "storage")
        for path in (ROOT / folder).rglob("*.py")
        for number in re.findall(r"7_?205_?114_?\d{3}", path.read_text("utf-8"))
        if path.name != "locks.py"
    }
    assert found == {("0003_history.py", Lock.HISTORY)}
