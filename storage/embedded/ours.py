"""Open files that say "we are alive", and must not be said by a fork of us.

A forked child (multiprocessing, a process pool) inherits every open file. Were one to outlive us
with our end of a guard's pipe or with our lock, the servers would run on and no start would heal.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_ours: set[int] = set()


def _forget() -> None:
    if not _ours:
        return
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in _ours:  # replaced, not closed: objects of the child still own these numbers
        os.dup2(nothing, number, inheritable=False)
    os.close(nothing)
    _ours.clear()


os.register_at_fork(after_in_child=_forget)


@contextmanager
def opened(number: int) -> Iterator[int]:
    """An open file of this process alone, closed at the end."""
    keep(number)
    try:
        yield number
    finally:
        let_go(number)
        os.close(number)


def keep(number: int) -> None:
    _ours.add(number)


def let_go(number: int) -> None:
    _ours.discard(number)
