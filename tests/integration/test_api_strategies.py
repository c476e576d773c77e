"""Strategies over HTTP: source 004 §6.3."""

from dataclasses import replace
from typing import Any

from engine.strategies.documents import strategy_id
from tests.integration.conftest import ANN, EVE, LUIS
from tests.web import Web

PATH = "/v1/strategies"
GOLD = f"{PATH}/{strategy_id('gold-pullback-buy')}"
DOCUMENTED = {
    "id", "name", "is_active", "allowed_symbols", "session_windows", "entry_conditions",
    "exit_rules", "forbidden_conditions", "risk_caps", "rr_expectation",
}  # fmt: skip


async def gold(web: Web) -> dict[str, Any]:
    status, told = await web.ask(EVE, "GET", GOLD)
    assert status == 200
    return dict(told)


async def test_a_strategy_is_told_as_source_004_writes_it(web: Web) -> None:
    status, all_ = await web.ask(EVE, "GET", PATH)
    assert status == 200
    told = await gold(web)
    assert told in all_
    assert told.keys() >= DOCUMENTED
    assert told["entry_conditions"] == {
        "trend_alignment": "bullish", "rsi_below": 40, "price_rejects_level": True,
    }  # fmt: skip
    assert told["exit_rules"] == {
        "stop_loss": "recent_swing_low - 50 cents", "take_profit": ["RR>=2", "key_resistance_zone"],
    }  # fmt: skip
    assert told["session_windows"] == [
        {"start": "07:00Z", "end": "11:00Z", "days": ["Mon", "Tue", "Wed", "Thu", "Fri"]}
    ]
    assert told["risk_caps"] == {"max_lot_size": 1.0, "max_concurrent_positions": 2}
    assert all(isinstance(one["exit_rules"]["take_profit"], list) for one in all_)


async def test_what_get_tells_may_be_put_back_and_changes_nothing(web: Web) -> None:
    _, all_ = await web.ask(EVE, "GET", PATH)
    for told in all_:
        assert await web.ask(ANN, "PUT", f"{PATH}/{told['id']}", json=told) == (200, told)
    assert "strategy_changed" not in await web.desk.actions()


async def test_a_put_that_flips_is_active_switches(web: Web) -> None:
    before = await gold(web)
    off = {**before, "is_active": not before["is_active"]}
    if off["is_active"]:
        assert (await web.ask(LUIS, "PUT", GOLD, json=off))[0] == 403
        assert (await web.ask(ANN, "PUT", GOLD, json=off))[0] == 200
        before = await gold(web)
        off = {**before, "is_active": False}
    status, told = await web.ask(LUIS, "PUT", GOLD, json={**off, "reason": "too wild today"})
    assert (status, told) == (200, {**off, "version": before["version"] + 1})
    # Turned on again by an admin alone, and not under a version that is gone.
    on = {**told, "is_active": True}
    assert (await web.ask(LUIS, "PUT", GOLD, json=on))[0] == 403
    status, body = await web.ask(ANN, "PUT", GOLD, json={**on, "version": before["version"]})
    assert (status, body["error"]["code"]) == (409, "OUTDATED")
    _, versions = await web.ask(EVE, "GET", f"{GOLD}/versions")
    assert (versions[0]["reason"], versions[0]["changed_by"]) == ("too wild today", "Luis")
    assert versions[0]["strategy"] == told
    assert (await web.desk.actions())[-1] == "strategy_changed"


async def test_an_edit_is_an_admins_and_mistakes_have_places(web: Web) -> None:
    told = await gold(web)
    edit = {**told, "rr_expectation": 2.5}
    assert (await web.ask(LUIS, "PUT", GOLD, json=edit))[0] == 403
    status, after = await web.ask(ANN, "PUT", GOLD, json=edit)
    assert (status, after) == (200, {**edit, "version": told["version"] + 1})
    for field, wrong in (
        ("entry_conditions.rsi_under", {"entry_conditions": {"rsi_under": 40}}),
        ("risk_caps.max_lot_size", {"risk_caps": {**told["risk_caps"], "max_lot_size": -1}}),
        ("exit_rules.stop_loss", {"exit_rules": {**told["exit_rules"], "stop_loss": "soon"}}),
        ("colour", {"colour": "gold"}),
    ):
        status, body = await web.ask(ANN, "PUT", GOLD, json={**after, **wrong})
        assert (status, body["error"]["code"]) == (400, "INVALID_INPUT")
        assert field in [one["field"] for one in body["error"]["details"]["errors"]], body
    missing = {name: value for name, value in after.items() if name != "risk_caps"}
    assert (await web.ask(ANN, "PUT", GOLD, json=missing))[0] == 400
    assert (await web.ask(ANN, "PUT", GOLD, json={**after, "version": True}))[0] == 400
    assert await gold(web) == after


async def test_a_new_strategy_has_a_name_of_its_own(web: Web) -> None:
    told = await gold(web)
    new = {
        name: value
        for name, value in told.items()
        if name not in ("id", "version", "is_active", "name")
    }
    status, made = await web.ask(ANN, "POST", PATH, json={**new, "name": "Silver pullback"})
    assert status == 201
    assert (made["version"], made["is_active"]) == (1, False)
    assert (await web.ask(EVE, "GET", f"{PATH}/{made['id']}"))[1] == made
    assert (await web.ask(ANN, "POST", PATH, json={**new, "name": "silver PULLBACK"}))[0] == 400
    assert (await web.ask(LUIS, "POST", PATH, json={**new, "name": "Copper"}))[0] == 403
    nobody = f"{PATH}/00000000-0000-0000-0000-000000000001"
    assert (await web.ask(EVE, "GET", nobody))[0] == 404
    assert (await web.ask(EVE, "GET", f"{nobody}/versions"))[0] == 404
    assert (await web.ask(ANN, "PUT", nobody, json=told))[0] == 404


async def test_a_traders_key_of_an_admin_switches_off_and_does_nothing_else(web: Web) -> None:
    _, made = await web.ask(ANN, "POST", "/v1/auth/keys", json={"name": "desk", "role": "trader"})
    web.keys[-1] = made["secret"]
    desk = replace(ANN, id=-1)
    (rules, *_) = (await web.ask(ANN, "GET", "/v1/strategies"))[1]
    path = f"/v1/strategies/{rules['id']}"
    off = {**rules, "is_active": False}
    assert (await web.ask(desk, "PUT", path, json=off))[0] == 200
    _, now = await web.ask(ANN, "GET", path)
    assert now["is_active"] is False
    for more in ({**now, "is_active": True}, {**now, "name": "Another"}):
        status, body = await web.ask(desk, "PUT", path, json=more)
        assert (status, body["error"]["code"]) == (403, "FORBIDDEN")
    assert (await web.ask(ANN, "GET", path))[1] == now
