"""The full figures: ``make chaos ARGS="properties --examples 2000 --seed 1"``."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machines import MACHINES
from tests.properties.stale import property_of

_STALE = "stale approval"
_STEPS = 30


def main(words: Sequence[str]) -> int:
    """Run every machine and the stale approvals; answer 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos properties", description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000, help="of each machine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=(*MACHINES, _STALE.split()[0]), help="this one alone")
    wanted = parser.parse_args(words)
    broken = 0
    for name in (*MACHINES, _STALE):
        if wanted.only and not name.startswith(wanted.only):
            continue
        began = time.monotonic()
        tally, violation = _run(name, wanted.examples, wanted.seed)
        broken += violation is not None
        _print(name, wanted.seed, tally, time.monotonic() - began, violation)
    return 1 if broken else 0


def _run(name: str, examples: int, number: int) -> tuple[Counter[str], str | None]:
    """What was seen, and the shortest example that breaks a rule, if there is one."""
    limits = settings(
        max_examples=examples,
        stateful_step_count=_STEPS,
        deadline=None,
        database=None,
        print_blob=False,
    )
    tally: Counter[str] = Counter()
    run: Callable[[], Any]
    if name == _STALE:
        run = seed(number)(limits(property_of(tally)))
    else:
        machine = MACHINES[name]
        tally = machine.tally
        tally.clear()
        run = partial(run_state_machine_as_test, seed(number)(machine), settings=limits)
    try:
        run()
    except Exception as error:  # whatever it is, it broke the run
        notes = "\n".join(getattr(error, "__notes__", ()))
        return tally, f"{type(error).__name__}: {error}\n{notes}"
    return tally, None


def _print(
    name: str, number: int, tally: Counter[str], seconds: float, violation: str | None
) -> None:
    print(f"{name}, seed {number}, {seconds:.0f} s")
    for what, count in sorted(tally.items()):
        print(f"  {what:<44}{count:>9}")
    print(f"  {'violations':<44}{int(violation is not None):>9}", flush=True)
    if violation is not None:
        print(f"  VIOLATION: {violation}", flush=True)
