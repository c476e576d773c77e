"""Stop and start over HTTP, and how the machine stands."""

from typing import Any

import pytest

from bot.world import now
from engine.domain.person import Role
from engine.domain.state import HaltReason, Mode
from engine.flow.latch import halt
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.integration.test_stop import FAULTS, break_history, owner, queued  # noqa: F401
from tests.web import Web


async def state(web: Web) -> dict[str, Any]:
    status, told = await web.ask(EVE, "GET", "/v1/system/state")
    assert status == 200
    return dict(told)


async def halted(desk: Desk) -> None:
    async with desk.world.store.begin() as tx:
        control = await tx.controls.take()
        entries = await halt(tx, control, HaltReason.MAX_DRAWDOWN, market_time=now())
        await tx.history.extend(entries)


async def beat(desk: Desk, *names: str) -> None:
    async with desk.world.store.begin() as tx:
        for name in names:
            await tx.heartbeats.beat(name)


async def test_the_state_is_told_by_the_names_of_source_001(web: Web) -> None:
    told = await state(web)
    assert (told["state"], told["ai_trading_enabled"], told["mode"]) == (
        "RUNNING",
        True,
        "supervised",
    )


async def test_a_state_is_changed_on_record_with_its_reason(web: Web) -> None:
    wanted = {"state": "PAUSED", "reason": "lunch"}
    status, told = await web.ask(LUIS, "POST", "/v1/system/state", json=wanted)
    assert (status, told["state"], told["changed_by"]) == (200, "PAUSED", "Luis")
    async with web.desk.world.store.begin() as tx:
        (record,) = await tx.history.list(limit=1)
    assert (record.entry.detail["said"], record.entry.actor) == ("lunch", f"person:{LUIS.id}")

    # What is so already is no error, and no second record.
    assert (await web.ask(LUIS, "POST", "/v1/system/state", json=wanted))[1] == told
    running = await web.ask(LUIS, "POST", "/v1/system/state", json={"state": "RUNNING"})
    assert (running[0], running[1]["state"]) == (200, "RUNNING")
    assert (await web.desk.actions())[-2:] == ["ai_halted", "ai_resumed"]


@pytest.mark.parametrize(
    "wanted",
    [{}, {"state": "HALTED"}, {"state": "running"}, {"state": "PAUSED", "reason": "a\nb"},
     {"state": "PAUSED", "more": 1}, {"state": "RUNNING", "version": 0}],
)  # fmt: skip
async def test_what_is_no_state_is_refused(web: Web, wanted: dict[str, Any]) -> None:
    status, body = await web.ask(LUIS, "POST", "/v1/system/state", json=wanted)
    assert (status, body["error"]["code"]) == (400, "INVALID_INPUT")
    assert (await state(web))["state"] == "RUNNING"


async def test_a_halt_is_lifted_only_by_who_has_seen_it(web: Web) -> None:
    await halted(web.desk)
    for method, path, body in (
        ("POST", "/v1/system/state", {"state": "RUNNING"}),
        ("POST", "/v1/bot/resume", None),
    ):
        status, told = await web.ask(LUIS, method, path, json=body)
        assert (status, told["error"]["code"]) == (409, "NOT_CONFIRMED")
        assert told["error"]["details"]["reason"] == "max_drawdown"
    seen = await state(web)
    assert (seen["state"], seen["reason"]) == ("HALTED", "max_drawdown")
    old = await web.ask(LUIS, "POST", f"/v1/bot/resume?version={seen['version'] - 1}")
    assert (old[0], old[1]["error"]["code"]) == (409, "OUTDATED")
    told = await web.ask(LUIS, "POST", f"/v1/bot/resume?version={seen['version']}")
    assert (told[0], told[1]["state"]) == (200, "RUNNING")


async def test_a_trader_stops_and_only_an_admin_goes_on_not_an_admins_traders_key(
    web: Web,
) -> None:
    status, told = await web.ask(LUIS, "POST", "/v1/system/emergency-stop")
    assert (status, told["state"]) == (200, "EMERGENCY_STOP")
    again = {"state": "RUNNING", "version": told["version"]}
    assert (await web.ask(LUIS, "POST", "/v1/system/state", json=again))[0] == 403
    lesser = {"name": "lesser", "role": "trader"}
    _, made = await web.ask(ANN, "POST", "/v1/auth/keys", json=lesser)
    key = {"X-API-Key": made["secret"]}
    refused = await web.ask(None, "POST", "/v1/system/state", json=again, headers=key)
    assert (refused[0], refused[1]["error"]["code"]) == (403, "FORBIDDEN")
    assert (await state(web))["state"] == "EMERGENCY_STOP"
    status, told = await web.ask(ANN, "POST", "/v1/system/state", json=again)
    assert (status, told["state"]) == (200, "RUNNING")


@pytest.mark.parametrize("how", FAULTS)
async def test_the_stop_is_pulled_although_the_history_cannot_be_written(
    web: Web,
    owner: Any,  # noqa: F811
    how: str,
) -> None:
    await queued(web.desk)
    await break_history(owner, how)
    status, told = await web.ask(LUIS, "POST", "/v1/system/emergency-stop")
    assert (status, told["state"], told["reason"]) == (200, "EMERGENCY_STOP", "stop_unrecorded")
    _, ready = await web.ask(EVE, "GET", "/v1/system/readiness")
    history = next(part for part in ready["parts"] if part["name"] == "history")
    assert (history["ok"], history["problem"]) == (False, "unrecorded")


async def test_the_mode_is_an_admins_and_bound_to_what_was_seen(web: Web) -> None:
    wanted = {"mode": "autonomous"}
    assert (await web.ask(LUIS, "PUT", "/v1/system/mode", json=wanted))[0] == 403
    _, seen = await web.ask(EVE, "GET", "/v1/system/mode")
    assert seen["mode"] == Mode.SUPERVISED
    old = {**wanted, "version": seen["version"] + 7}
    assert (await web.ask(ANN, "PUT", "/v1/system/mode", json=old))[0] == 409
    status, told = await web.ask(ANN, "PUT", "/v1/system/mode", json=wanted)
    assert (status, told["mode"]) == (200, "autonomous")
    assert (await web.ask(ANN, "PUT", "/v1/system/mode", json=wanted))[1] == told


async def test_the_scheduler_does_not_start_while_something_is_missing(web: Web) -> None:
    assert (await web.ask(LUIS, "POST", "/v1/system/scheduler/stop"))[1]["state"] == "PAUSED"
    status, body = await web.ask(LUIS, "POST", "/v1/system/scheduler/start")
    assert (status, body["error"]["code"]) == (409, "NOT_READY")
    missing = {one["name"]: one["problem"] for one in body["error"]["details"]["missing"]}
    assert missing == {"worker": "missing", "bot": "missing"}
    _, told = await web.ask(EVE, "GET", "/v1/system/scheduler")
    assert (told["running"], told["ready"]) == (False, False)
    assert [one["name"] for one in told["missing"]] == ["worker", "bot"]

    await beat(web.desk, "worker:a", "bot:a", "feed:EURUSD")
    status, told = await web.ask(LUIS, "POST", "/v1/system/scheduler/start")
    assert (status, told["state"]) == (200, "RUNNING")
    _, told = await web.ask(EVE, "GET", "/v1/system/scheduler")
    assert (told["running"], told["ready"]) == (True, True)
    assert [(one["name"], one["is_alive"]) for one in told["workers"]] == [("worker:a", True)]


async def test_the_scheduler_waits_for_candles_and_says_how_many_are_missing(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    await beat(web.desk, "worker:a", "bot:a")
    monkeypatch.setattr("engine.flow.readiness._WARM", 10_000)
    await web.ask(LUIS, "POST", "/v1/bot/pause")
    status, body = await web.ask(LUIS, "POST", "/v1/system/scheduler/start")
    assert status == 409
    (found,) = body["error"]["details"]["missing"]
    assert (found["name"], found["problem"], found["need"]) == (
        "feed:EURUSD:H1",
        "warming_up",
        10_000,
    )
    assert (await state(web))["state"] == "PAUSED"


async def test_readiness_names_every_part(web: Web) -> None:
    await beat(web.desk, "worker:a", "bot:a")
    _, told = await web.ask(EVE, "GET", "/v1/system/readiness")
    assert told["ready"]
    assert [part["name"] for part in told["parts"]] == [
        "database", "worker", "bot", "queue", "broker", "feed:EURUSD:H1", "history",
    ]  # fmt: skip
    assert {"bot:a", "worker:a"} <= {one["name"] for one in told["heartbeats"]}


async def test_the_diagnosis_says_what_is_wrong_and_what_to_do(web: Web) -> None:
    await web.ask(LUIS, "POST", "/v1/bot/pause")
    _, found = await web.ask(EVE, "GET", "/v1/system/diagnosis")
    stopped = next(one for one in found if one["code"] == "stopped")
    assert (stopped["level"], stopped["facts"]) == ("warning", {"state": "paused"})
    assert stopped["text"]
    assert stopped["fix"]
    assert not any("<" in one["text"] + one["fix"] for one in found)


async def test_people_are_shown_to_admins(web: Web) -> None:
    assert (await web.ask(LUIS, "GET", "/v1/system/people"))[0] == 403
    _, told = await web.ask(ANN, "GET", "/v1/system/people")
    assert [(one["id"], one["role"]) for one in told] == [
        (str(ANN.id), Role.ADMIN), (str(LUIS.id), Role.TRADER), (str(EVE.id), Role.VIEWER),
    ]  # fmt: skip


async def test_the_checklist_of_real_money_names_what_is_missing(web: Web) -> None:
    _, told = await web.ask(EVE, "GET", "/v1/system/live")
    assert (told["account"]["kind"], told["ready"]) == ("demo", False)
    assert {"switch", "confirmed"} <= set(told["missing"])
    assert [one["need"] for one in told["items"] if not one["mandatory"]] == ["second"]
