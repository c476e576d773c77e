"""The gate: every check passes and fails where it says, and what is missing never passes."""

from decimal import Decimal

import pytest

from engine.domain.account import Direction
from engine.domain.gate import ASKS, HALTS, Check, CheckResult, GateReport, Verdict
from engine.domain.settings import RiskSettings
from engine.domain.state import HaltReason, Mode
from engine.gate.case import CASE_CHECKS, MISSING, SCENE_CHECKS, run
from engine.gate.checks.idea import drift_r
from engine.gate.judge import judge
from engine.gate.limits import reached, target_open
from tests.builders import (
    NOW,
    PIP,
    case,
    control,
    day,
    open_order,
    proposal,
    quote,
)
from tests.situations import SITUATIONS
from tests.situations.cases import MINUTE, OTHER, SELL, equity, held, seen


def listed(passing):
    return [
        pytest.param(code, made, id=f"{code}: {words}")
        for code, situations in SITUATIONS.items()
        for words, made in situations[0 if passing else 1].items()
    ]


@pytest.mark.parametrize(("code", "made"), listed(passing=True))
def test_a_check_passes(code, made):
    result = run(code, made)
    assert result.passed, result
    assert result.observed != MISSING


@pytest.mark.parametrize(("code", "made"), listed(passing=False))
def test_a_check_fails_and_says_what_it_saw(code, made):
    result = run(code, made)
    assert not result.passed, result
    assert result.observed
    assert result in judge(made).checks


def test_every_code_has_a_check_and_is_tested_both_ways():
    assert SCENE_CHECKS.keys() | CASE_CHECKS.keys() == set(Check)
    assert not SCENE_CHECKS.keys() & CASE_CHECKS.keys()
    assert set(SITUATIONS) == set(Check)
    assert all(passing and failing for passing, failing in SITUATIONS.values())


@pytest.mark.parametrize("direction", list(Direction))
def test_a_good_idea_passes_every_check_in_the_order_of_the_codes(direction):
    report = judge(case(proposal=proposal(direction=direction)))
    assert [check.code for check in report.checks] == list(Check)
    assert report.first_failed is None
    assert (report.verdict, report.result) == (Verdict.EXECUTE, "pass")


@pytest.mark.parametrize(
    ("missing", "codes"),
    [
        ({"quote": None}, {Check.DATA_QUALITY, Check.SPREAD, Check.STALE_DATA}),
        ({"calendar": None}, {Check.NEWS}),
        (
            {"candles": ()},
            {Check.DATA_QUALITY, Check.MARKET_STATE, Check.STALE_DATA, Check.DATA_READY},
        ),
        (
            {"day": None},
            {
                Check.ACCOUNT,
                Check.DAILY_LOSS,
                Check.MAX_DRAWDOWN,
                Check.DAILY_TARGET_REACHED,
            },
        ),
        (
            {"account": None},
            {
                Check.ACCOUNT,
                Check.DAILY_LOSS,
                Check.MAX_DRAWDOWN,
                Check.DAILY_TARGET_REACHED,
                Check.MARGIN,
                Check.MAX_EXPOSURE,
                Check.CURRENCY_EXPOSURE,
            },
        ),
        ({"conversion": None}, {Check.CONVERSION, Check.MARGIN, Check.MAX_EXPOSURE}),
        (
            {"valuations": (), "orders": (open_order(**OTHER),)},
            {Check.MARGIN, Check.MAX_EXPOSURE, Check.CURRENCY_EXPOSURE},
        ),
    ],
)
def test_gate_is_closed_by_what_is_missing_and_says_so(missing, codes):
    report = judge(seen(**missing))
    # How many candles there are is known even when there is none; the feed's fault has a name.
    unseen = {check.code for check in report.checks if check.observed == MISSING}
    assert unseen == codes - {Check.DATA_READY, Check.DATA_QUALITY}
    assert {check.code for check in report.checks if not check.passed} == codes
    assert report.verdict in (Verdict.REFUSE, Verdict.HALTED)


@pytest.mark.parametrize(("code", "made"), listed(passing=False))
def test_gate_never_executes_what_a_check_refuses(code, made):
    verdict = judge(made).verdict
    assert verdict is not Verdict.EXECUTE
    if code not in ASKS:
        assert verdict in (Verdict.REFUSE, Verdict.HALTED)


def report_of(*failed):
    return GateReport(tuple(CheckResult(code, code not in failed, "1", "0") for code in Check))


@pytest.mark.parametrize("code", list(Check))
def test_gate_gives_each_failing_code_its_own_verdict(code):
    report = report_of(code)
    wanted = (
        Verdict.ASK if code in ASKS else Verdict.HALTED if code in HALTS else Verdict.REFUSE
    )  # fmt: skip
    assert report.verdict is wanted
    assert report.result == ("pass" if code in ASKS else f"fail:{code}")
    assert report.first_failed is not None
    assert report.first_failed.code is code


@pytest.mark.parametrize("asking", sorted(ASKS))
@pytest.mark.parametrize("refusing", [code for code in Check if code not in ASKS])
def test_gate_refuses_before_it_asks(asking, refusing):
    report = report_of(asking, refusing)
    assert report.first_failed.code is refusing
    assert report.verdict is not Verdict.ASK


def test_gate_refuses_before_it_asks_whatever_the_order_of_the_report():
    checks = report_of(Check.MODE, Check.SPREAD).checks
    report = GateReport(tuple(reversed(checks)))
    assert report.first_failed.code is Check.SPREAD
    assert report.verdict is Verdict.REFUSE


def test_gate_decides_by_the_first_refusing_code_whether_it_is_a_halt():
    assert report_of(Check.STATE, Check.SPREAD).verdict is Verdict.HALTED
    assert report_of(Check.SPREAD, Check.DAILY_LOSS).verdict is Verdict.REFUSE
    assert report_of(Check.DAILY_LOSS, Check.RISK_BUDGET).verdict is Verdict.HALTED
    assert report_of(*ASKS).first_failed.code is Check.WATCHLIST


def test_gate_asks_a_person_for_a_good_idea_in_supervised_mode():
    report = judge(seen(control=control(mode=Mode.SUPERVISED)))
    assert (report.verdict, report.result) == (Verdict.ASK, "pass")


def test_gate_refuses_when_daily_loss_is_reached():
    report = judge(equity("9700.00"))
    assert report.verdict is Verdict.HALTED
    assert report.result == "fail:daily_loss"
    assert (report.first_failed.observed, report.first_failed.limit) == ("3.00", "3")


def judged_as(own, *orders):
    return run(Check.OPEN_POSITION, held(*orders, own=own)).passed


def test_gate_lets_the_earlier_of_two_orders_go_and_holds_the_later():
    first = open_order(client_id="at-1", state="intent", created_at=NOW)
    second = open_order(client_id="at-2", state="intent", created_at=NOW + MINUTE)
    assert judged_as("at-1", first, second)
    assert not judged_as("at-2", first, second)


def test_gate_tells_two_orders_of_one_instant_apart_by_their_ids():
    twins = [open_order(client_id=name, state="intent") for name in ("at-1", "at-2")]
    assert judged_as("at-1", *twins)
    assert not judged_as("at-2", *twins)


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_gate_counts_a_later_order_that_may_have_left(state):
    first = open_order(client_id="at-1", state="intent", created_at=NOW)
    second = open_order(client_id="at-2", state=state, created_at=NOW + MINUTE)
    assert not judged_as("at-1", first, second)


def test_gate_counts_every_order_when_the_judged_one_is_not_among_them():
    waiting = open_order(client_id="at-2", state="intent", created_at=NOW + MINUTE)
    assert not judged_as("at-gone", waiting)
    assert not judged_as(None, waiting)


def test_drift_is_counted_against_the_trade_in_units_of_its_risk():
    def drift(direction, entry, stop):
        moved = proposal(direction=direction, entry=entry, stop_loss=stop)
        return drift_r(case(proposal=moved, proposed_entry=Decimal("1.10000")))

    assert drift(Direction.BUY, "1.10100", "1.09800") == Decimal("0.5")
    assert drift(Direction.BUY, "1.09900", "1.09800") == Decimal("-0.5")
    assert drift(SELL, "1.09900", "1.10200") == Decimal("0.5")
    assert drift(SELL, "1.10100", "1.10200") == Decimal("-0.5")


@pytest.mark.parametrize(
    ("amount", "settings", "reason"),
    [
        ("10000", {}, None),
        ("9700.01", {"max_drawdown_amount": Decimal(1000)}, None),
        ("9700.00", {}, HaltReason.DAILY_LOSS),
        ("9600.00", {"max_daily_loss_percent": Decimal(10)}, HaltReason.MAX_DRAWDOWN),
        ("9600.01", {"max_daily_loss_percent": Decimal(10)}, None),
        ("9600", {"max_daily_loss_percent": Decimal(10), "halt_on_drawdown": False}, None),
        ("10500.00", {}, HaltReason.DAILY_TARGET_REACHED),
        ("10499.99", {}, None),
        ("10500.00", {"stop_after_target": False}, None),
        ("10500.00", {"daily_profit_target": Decimal(0)}, None),
    ],
)
def test_the_day_is_halted_at_its_limits_exactly(amount, settings, reason):
    assert reached(RiskSettings(**settings), Decimal(amount), day()) is reason


def test_a_day_without_a_target_is_never_done():
    assert target_open(RiskSettings(daily_profit_target=Decimal(0)), Decimal(10) ** 9)


def test_the_spread_is_reported_in_pips():
    result = run(Check.SPREAD, seen(quote=quote("1.10000", f"{Decimal('1.10000') + 3 * PIP}")))
    assert (result.observed, result.limit) == ("3.0", "2.5")
