"""The judgement: every check of the table runs, in the fixed order, and all are reported."""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from engine.domain.gate import Check, CheckResult, GateReport, before_signal
from engine.gate import checks as _registered  # noqa: F401  # enters the checks into the table
from engine.gate.case import SCENE_CHECKS, Case, Scene, run, run_before

#: Where no check's result is known yet.
NOTHING: Mapping[Check, CheckResult] = MappingProxyType({})

_ORDER = tuple(Check)
_SCENE = tuple(code for code in _ORDER if code in SCENE_CHECKS)


def judge(
    case: Case,
    before: Sequence[CheckResult] = (),
    known: Mapping[Check, CheckResult] = NOTHING,
) -> GateReport:
    """The report on one idea. The verdict is the first failing check in the order of the codes.

    ``before`` is what :func:`look` found in the same scene a moment ago, ``known`` what else is
    certain of it. Both are not asked again, except where the direction, known only now, matters.
    """
    known = {**known, **{result.code: result for result in before}}
    known.pop(Check.OPEN_POSITION, None)
    return GateReport(tuple([known.get(code) or run(code, case) for code in _ORDER]))


def look(scene: Scene, known: Mapping[Check, CheckResult] = NOTHING) -> tuple[CheckResult, ...]:
    """Every check that needs no idea: first those that come before a signal, in their order. What
    is ``known`` of this scene is not asked again.
    """
    order = scene_order(scene.bundle.schema)
    return tuple([known.get(code) or run_before(code, scene) for code in order])


@cache
def scene_order(schema: int) -> tuple[Check, ...]:
    """The checks that need no idea, in the order they are asked of a bundle of this form."""
    first = before_signal(schema)
    return (*first, *(code for code in _SCENE if code not in first))
