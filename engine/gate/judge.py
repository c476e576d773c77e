"""The judgement: every check of the table runs, in the fixed order, and all are reported."""

from engine.domain.gate import Check, GateReport
from engine.gate.case import Case
from engine.gate.checks import run


def judge(case: Case) -> GateReport:
    """The report on one idea. The verdict is the first failing check in the order of the codes."""
    return GateReport(tuple(run(code, case) for code in Check))
