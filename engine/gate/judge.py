"""The judgement: every check of the table runs, in the fixed order, and all are reported."""

from collections.abc import Sequence

from engine.domain.gate import BEFORE_SIGNAL, Check, CheckResult, GateReport
from engine.gate import checks as _registered  # noqa: F401  # enters the checks into the table
from engine.gate.case import SCENE_CHECKS, Case, Scene, run, run_before

_ORDER = tuple(Check)
#: Source 002's first, in its order; then the others that need no idea.
_BEFORE = (*BEFORE_SIGNAL, *(c for c in _ORDER if c in SCENE_CHECKS and c not in BEFORE_SIGNAL))


def judge(case: Case, before: Sequence[CheckResult] = ()) -> GateReport:
    """The report on one idea. The verdict is the first failing check in the order of the codes.

    ``before`` is what :func:`look` found in the same scene a moment ago. It is not asked again,
    except where the direction, known only now, matters.
    """
    again = Check.OPEN_POSITION
    known: dict[Check, CheckResult] = {c.code: c for c in before if c.code is not again}
    return GateReport(tuple([known.get(code) or run(code, case) for code in _ORDER]))


def look(scene: Scene) -> tuple[CheckResult, ...]:
    """Every check that needs no idea, source 002's first and in its order."""
    return tuple([run_before(code, scene) for code in _BEFORE])
