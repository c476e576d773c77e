"""The risk settings over HTTP: source 004 §6.2."""

import asyncio
from datetime import timedelta
from typing import Any

from engine.domain.account import day_of
from tests.integration.conftest import ANN, EVE, LUIS
from tests.web import Web

PATH = "/v1/settings/risk"
EXAMPLE = {
    "ai_trading_enabled": False,
    "min_confidence_threshold": 92.5,
    "max_lot_size": 0.50,
    "max_concurrent_trades": 2,
    "daily_profit_target": 2000.00,
    "stop_after_target": True,
    "max_drawdown_amount": 800.00,
    "halt_on_drawdown": True,
    "allow_off_watchlist_autotrade": False,
}


async def actions(web: Web) -> list[str]:
    return await web.desk.actions()


async def test_what_is_in_force_is_told_and_the_documented_put_changes_it(web: Web) -> None:
    status, before = await web.ask(EVE, "GET", PATH)
    assert status == 200
    assert list(before)[:10] == [*EXAMPLE, "last_halt_reason"]
    assert before["ai_trading_enabled"] is True
    assert before["last_halt_reason"] is None
    assert await web.ask(ANN, "PUT", PATH, json=EXAMPLE) == (200, {"status": "ok"})
    _, after = await web.ask(EVE, "GET", PATH)
    assert {name: after[name] for name in EXAMPLE} == EXAMPLE
    assert after["last_halt_reason"] == "paused_by_person"
    assert after["version"] == before["version"] + 1
    assert after["watchlist"] == before["watchlist"]
    assert (await actions(web))[-2:] == ["settings_changed", "ai_halted"]


async def test_the_switch_is_on_record_both_ways_and_writes_nothing_where_it_is_so(
    web: Web,
) -> None:
    await web.ask(ANN, "PUT", PATH, json=EXAMPLE)
    records = await actions(web)
    assert (await web.ask(ANN, "PUT", PATH, json=EXAMPLE))[0] == 200
    assert await actions(web) == records
    resumed = await web.ask(ANN, "PUT", PATH, json={**EXAMPLE, "ai_trading_enabled": True})
    assert resumed == (200, {"status": "ok"})
    assert await actions(web) == [*records, "ai_resumed"]
    assert (await web.ask(EVE, "GET", PATH))[1]["ai_trading_enabled"] is True


async def test_what_get_tells_may_be_sent_back_with_one_value_changed(web: Web) -> None:
    _, told = await web.ask(ANN, "GET", PATH)
    wanted = {**told, "max_spread_pips": 3.25, "reason": "wider at night"}
    assert (await web.ask(ANN, "PUT", PATH, json=wanted))[0] == 200
    _, after = await web.ask(ANN, "GET", PATH)
    assert after == {**told, "max_spread_pips": 3.25, "version": told["version"] + 1}
    status, body = await web.ask(ANN, "PUT", PATH, json={**wanted, "max_lot_size": 0.1})
    assert (status, body["error"]["code"]) == (409, "OUTDATED")
    _, versions = await web.ask(EVE, "GET", f"{PATH}/versions")
    assert [one["version"] for one in versions[:2]] == [after["version"], told["version"]]
    assert (versions[0]["reason"], versions[0]["changed_by"]) == ("wider at night", "Ann")
    assert versions[0]["max_spread_pips"] == 3.25


async def test_a_resume_that_would_halt_again_changes_nothing_of_the_put(web: Web) -> None:
    await web.ask(ANN, "PUT", PATH, json=EXAMPLE)
    account = await web.desk.world.broker.account()
    async with web.desk.world.store.begin() as tx:
        market = await web.desk.world.market.instant()
        day = day_of(None, account, market.date() + timedelta(days=1))
        raised = type(day)(
            account_id=day.account_id, day=day.day,
            start_equity=day.start_equity, peak_equity=day.peak_equity + 1_000,
        )  # fmt: skip
        await tx.settings.save_day(raised)
    _, told = await web.ask(ANN, "GET", PATH)
    records = await actions(web)
    wanted = {**EXAMPLE, "ai_trading_enabled": True, "max_lot_size": 0.3}
    status, body = await web.ask(ANN, "PUT", PATH, json=wanted)
    assert (status, body["error"]["code"]) == (409, "WOULD_HALT")
    assert body["error"]["details"]["setting"] == "max_drawdown_amount"
    assert (await web.ask(ANN, "GET", PATH))[1] == told
    assert await actions(web) == records
    # The limits of the same put are what it is judged by.
    enough = {**wanted, "max_drawdown_amount": 2000}
    assert (await web.ask(ANN, "PUT", PATH, json=enough))[0] == 200
    assert (await actions(web))[-2:] == ["settings_changed", "ai_resumed"]


async def test_of_puts_at_once_every_one_is_whole(web: Web) -> None:
    wanted = [{**EXAMPLE, "max_lot_size": n / 10, "max_concurrent_trades": n} for n in range(1, 9)]
    answers = await asyncio.gather(*(web.ask(ANN, "PUT", PATH, json=one) for one in wanted))
    assert {status for status, _ in answers} == {200}
    _, after = await web.ask(ANN, "GET", PATH)
    assert {name: after[name] for name in EXAMPLE} in wanted
    assert (await actions(web)).count("ai_halted") == 1


WRONG: tuple[dict[str, Any], ...] = (
    {"min_confidence_threshold": 100.5},
    {"min_confidence_threshold": -1},
    {"min_confidence_threshold": "92.5"},
    {"max_lot_size": 0},
    {"max_concurrent_trades": 2.5},
    {"max_drawdown_amount": -1},
    {"stop_after_target": 1},
    {"ai_trading_enabled": "yes"},
    {"watchlist": []},
    {"watchlist": ["EUR USD"]},
    {"max_lots": 1},
    {"confidence_floor": 95},
)


async def test_a_value_that_does_not_fit_changes_nothing(web: Web) -> None:
    _, told = await web.ask(ANN, "GET", PATH)
    for wrong in WRONG:
        status, body = await web.ask(ANN, "PUT", PATH, json={**EXAMPLE, **wrong})
        assert (status, body["error"]["code"]) == (400, "INVALID_INPUT"), wrong
        assert next(iter(wrong)) in body["error"]["message"]
    assert (await web.ask(ANN, "GET", PATH))[1] == told


async def test_what_does_not_fit_is_said_plainly(web: Web) -> None:
    for name, wrong, problem in (
        ("max_lot_size", 0, "must be greater than or equal to 0.001"),
        ("max_lot_size", "1", "is no number"),
        ("max_lot_size", 1e25, "is too large"),
        ("max_concurrent_trades", 2.5, "is no whole number"),
        ("min_confidence_threshold", 101, "must be less than or equal to 100"),
        ("ai_trading_enabled", "yes", "must be a valid boolean"),
        ("max_lots", 1, "is no field of this body"),
        ("watchlist", [], "List should have at least 1 item, not 0"),
    ):
        _, body = await web.ask(ANN, "PUT", PATH, json={**EXAMPLE, name: wrong})
        assert body["error"]["message"] == f"{name}: {problem}"
    _, body = await web.ask(ANN, "PUT", PATH, json={**EXAMPLE, "ai_trading_enabled": None})
    assert "Input" not in body["error"]["message"]


async def test_every_documented_field_is_needed(web: Web) -> None:
    for missing in EXAMPLE:
        some = {name: value for name, value in EXAMPLE.items() if name != missing}
        status, body = await web.ask(ANN, "PUT", PATH, json=some)
        assert (status, body["error"]["code"]) == (400, "INVALID_INPUT")
        assert missing in body["error"]["message"]


async def test_the_document_tells_the_bounds(web: Web) -> None:
    _, document = await web.ask(None, "GET", "/v1/openapi.json")
    properties = document["components"]["schemas"]["RiskWanted"]["properties"]
    assert properties["min_confidence_threshold"] == {
        "type": "number", "minimum": 0, "maximum": 100, "title": "Min Confidence Threshold",
    }  # fmt: skip
    assert properties["max_concurrent_trades"]["type"] == "integer"
    assert properties["max_concurrent_trades"]["maximum"] == 1_000
    assert LUIS.role == "trader"
    assert (await web.ask(LUIS, "PUT", PATH, json=EXAMPLE))[0] == 403


async def test_a_stop_is_lifted_only_by_who_names_its_reason(web: Web) -> None:
    on = {**EXAMPLE, "ai_trading_enabled": True}
    await web.desk.talk.change_control.stop(LUIS.id)
    _, told = await web.ask(ANN, "GET", PATH)
    assert told["last_halt_reason"] == "stopped_by_person"
    for blind in (on, {**on, "last_halt_reason": None}, {**on, "last_halt_reason": "max_drawdown"}):
        status, body = await web.ask(ANN, "PUT", PATH, json=blind)
        assert (status, body["error"]["code"]) == (409, "NOT_CONFIRMED")
        assert body["error"]["details"]["reason"] == "stopped_by_person"
    assert (await web.ask(ANN, "GET", PATH))[1] == told
    seen = {**on, "last_halt_reason": "stopped_by_person"}
    assert (await web.ask(ANN, "PUT", PATH, json=seen))[0] == 200
    assert (await actions(web))[-1] == "ai_resumed"
