"""Proposals, versions and the optimizer over HTTP: source 001's paths."""

from typing import Any

from tests.integration.conftest import ANN, EVE, LUIS
from tests.integration.test_change_proposals import overdue, propose
from tests.web import Web

PATH = "/v1/ai/proposals"


async def test_proposals_are_listed_paged_and_told_in_full(web: Web) -> None:
    assert await web.ask(EVE, "GET", PATH) == (200, [])
    await propose(web.desk)
    status, (told,) = await web.ask(EVE, "GET", f"{PATH}?status=pending")
    assert status == 200
    assert {name: told[name] for name in ("id", "status", "source", "by", "target", "subject")} == {
        "id": 1, "status": "pending", "source": "advisor", "by": "advisor", "target": "settings",
        "subject": "",
    }  # fmt: skip
    assert told["changes"] == [{"field": "risk_per_trade_percent", "before": "0.5", "after": "0.4"}]
    assert told["rationale"] == "📉 The last trades (21) made −0.20 R on average."
    assert told["evidence"] == [
        {"ground": "losing", "name": "trades", "value": "21"},
        {"ground": "losing", "name": "average_r", "value": "-0.20"},
    ]
    assert (told["stops"], told["decided_by"], told["applied_version"]) == (True, None, None)
    assert await web.ask(EVE, "GET", f"{PATH}?before=2&limit=1") == (200, [told])
    assert await web.ask(EVE, "GET", f"{PATH}?before=1") == (200, [])
    assert await web.ask(EVE, "GET", f"{PATH}?status=ended") == (200, [])
    assert (await web.ask(ANN, "POST", f"{PATH}/0/approve"))[0] == 400


async def test_an_admin_approves_a_trader_rejects_and_the_first_answer_counts(web: Web) -> None:
    await propose(web.desk)
    assert (await web.ask(LUIS, "POST", f"{PATH}/1/approve"))[0] == 403
    status, done = await web.ask(ANN, "POST", f"{PATH}/1/approve")
    assert (status, done["status"], done["effective"]) == (200, "approved", True)
    assert (done["proposal"]["decided_by"], done["proposal"]["applied_version"]) == ("Ann", 2)
    _, risk = await web.ask(EVE, "GET", "/v1/settings/risk")
    assert (risk["risk_per_trade_percent"], risk["version"]) == (0.4, 2)
    status, late = await web.ask(LUIS, "POST", f"{PATH}/1/reject")
    assert (status, late["status"], late["effective"]) == (200, "approved", False)
    assert (await web.ask(ANN, "POST", f"{PATH}/9/approve"))[0] == 404


async def test_the_expire_check_ends_proposals_and_stops_trading(web: Web) -> None:
    await propose(web.desk)
    check = "/v1/ai/approvals/expire-check"
    empty: dict[str, Any] = {"expired": [], "count": 0, "proposals": []}
    assert await web.ask(LUIS, "POST", check) == (200, empty)
    await overdue(web.desk)
    assert await web.ask(LUIS, "POST", check) == (200, {**empty, "proposals": [1]})
    _, state = await web.ask(EVE, "GET", "/v1/system/state")
    assert state["state"] == "EMERGENCY_STOP"


async def test_a_trader_proposes_and_the_advisor_is_asked(web: Web) -> None:
    wanted = {"max_spread_pips": 2, "watchlist": ["EURUSD", "XAUUSD"], "version": 1, "reason": "x"}
    assert (await web.ask(EVE, "POST", PATH, json=wanted))[0] == 403
    status, made = await web.ask(LUIS, "POST", PATH, json=wanted)
    assert status == 201
    assert {one["field"]: one["after"] for one in made["changes"]} == {
        "max_spread_pips": "2", "watchlist": "EURUSD,XAUUSD",
    }  # fmt: skip
    assert (made["source"], made["by"], made["rationale"]) == ("person", "Luis", "x")
    assert (await web.ask(LUIS, "POST", PATH, json=wanted))[0] == 409
    assert (await web.ask(LUIS, "POST", PATH, json={**wanted, "version": 7}))[0] == 409
    assert (await web.ask(LUIS, "POST", PATH, json={**wanted, "max_spread_pips": 0}))[0] == 400
    assert (await web.ask(LUIS, "POST", PATH, json={"version": 1, "reason": "x"}))[0] in (400, 409)
    assert (await web.ask(EVE, "POST", f"{PATH}/generate"))[0] == 403
    assert await web.ask(LUIS, "POST", f"{PATH}/generate") == (200, {"proposals": [], "count": 0})


async def test_versions_are_compared_and_gone_back_to(web: Web) -> None:
    risk = "/v1/settings/risk"
    await web.desk.talk.change_settings(ANN.id, {"max_spread_pips": "2"}, reason="calm", expected=1)
    path = f"{risk}/diff?first=1&second=2"
    status, told = await web.ask(EVE, "GET", path)
    assert (status, told["changes"]) == (
        200, [{"field": "max_spread_pips", "before": "2.5", "after": "2"}],
    )  # fmt: skip
    assert (await web.ask(EVE, "GET", f"{risk}/diff?first=1&second=3"))[0] == 404
    back = {"to_version": 1, "version": 2}
    assert (await web.ask(LUIS, "POST", f"{risk}/rollback", json=back))[0] == 403
    assert await web.ask(ANN, "POST", f"{risk}/rollback", json=back) == (
        200, {"version": 3, "changed": ["max_spread_pips"]},
    )  # fmt: skip
    assert (await web.ask(ANN, "POST", f"{risk}/rollback", json=back))[0] == 409
    _, versions = await web.ask(EVE, "GET", f"{risk}/versions")
    assert versions[0]["reason"] == "back to version 1"
    assert (await web.ask(ANN, "POST", f"{risk}/rollback", json={**back, "version": 3}))[0] == 400
    assert (await web.ask(ANN, "POST", f"{risk}/rollback", json={**back, "to_version": 9}))[0] == (
        404
    )


async def test_a_strategys_versions_are_compared_and_gone_back_to(web: Web) -> None:
    _, rules = await web.ask(EVE, "GET", "/v1/strategies")
    rule = rules[0]
    path = f"/v1/strategies/{rule['id']}"
    wider = {**rule, "exit_rules": {**rule["exit_rules"], "take_profit": ["RR>=3"]}}
    assert (await web.ask(ANN, "PUT", path, json=wider))[0] == 200
    status, told = await web.ask(EVE, "GET", f"{path}/diff?first=1&second=2")
    assert (status, told["changes"]) == (
        200, [{"field": "exit_rules.take_profit", "before": "RR>=2", "after": "RR>=3"}],
    )  # fmt: skip
    assert (await web.ask(EVE, "GET", f"{path}/diff?first=1&second=9"))[0] == 404
    back = {"to_version": 1, "version": 2, "reason": "too far"}
    assert await web.ask(ANN, "POST", f"{path}/rollback", json=back) == (
        200, {"version": 3, "changed": ["exit_rules.take_profit"]},
    )  # fmt: skip
    assert (await web.ask(ANN, "POST", f"{path}/rollback", json=back))[0] == 409
    _, versions = await web.ask(EVE, "GET", f"{path}/versions")
    assert (versions[0]["version"], versions[0]["reason"]) == (3, "too far")
    assert versions[0]["strategy"]["exit_rules"] == rule["exit_rules"]


async def test_a_search_is_asked_for_once(web: Web) -> None:
    _, rules = await web.ask(EVE, "GET", "/v1/strategies")
    wanted = {"strategy_id": rules[0]["id"]}
    assert (await web.ask(EVE, "GET", "/v1/ai/optimizer/propose"))[0] == 404
    status, _ = await web.ask(LUIS, "POST", "/v1/ai/optimizer/train", json=wanted)
    assert status in (200, 201, 202)
    assert (await web.ask(LUIS, "POST", "/v1/ai/optimizer/train", json=wanted))[0] == 409
    assert (await web.ask(EVE, "GET", "/v1/ai/optimizer/propose"))[0] == 200


async def test_a_search_is_read_and_stopped(web: Web) -> None:
    _, rules = await web.ask(EVE, "GET", "/v1/strategies")
    wanted = {"strategy_id": rules[0]["id"]}
    _, told = await web.ask(LUIS, "POST", "/v1/ai/optimizer/train", json=wanted)
    path = f"/v1/ai/optimizer/runs/{told['id']}"
    assert await web.ask(EVE, "GET", path) == (200, told)
    assert await web.ask(EVE, "GET", "/v1/ai/optimizer/runs") == (200, [told])
    assert (await web.ask(EVE, "POST", f"{path}/cancel"))[0] == 403
    status, ended = await web.ask(LUIS, "POST", f"{path}/cancel")
    assert (status, ended["status"], ended["reason"]) == (200, "failed", "cancelled")
    assert ended["cancelled"] is True
    assert (await web.ask(LUIS, "POST", f"{path}/cancel"))[1] == ended
    assert (await web.ask(LUIS, "GET", "/v1/ai/optimizer/runs/999"))[0] == 404
    assert (await web.ask(LUIS, "POST", "/v1/ai/optimizer/train", json=wanted))[0] == 202


async def test_figures_have_return_against_risk_behind_the_others(web: Web) -> None:
    _, told = await web.ask(EVE, "GET", "/v1/trading/metrics")
    assert list(told)[-5:] == ["max_drawdown_seconds", "sharpe", "sortino", "calmar", "sqn"]
    assert (told["max_drawdown_seconds"], told["sharpe"]) == (0, None)
    _, told = await web.ask(EVE, "GET", "/v1/analysis")
    assert list(told)[-1] == "weekly_progress"
