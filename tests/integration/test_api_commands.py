"""Source 002's commands over HTTP."""

from typing import Any

import pytest

from tests.integration.conftest import ANN, EVE, LUIS
from tests.web import Web

PAUSE = {"type": "PAUSE_PAIR", "payload": {"pair": "EUR_USD"}}


async def give(web: Web, body: Any, who: Any = LUIS) -> tuple[int, Any]:
    return await web.ask(who, "POST", "/v1/commands", json=body)


async def test_the_command_of_the_source_is_given_carried_out_and_audited(web: Web) -> None:
    status, told = await give(web, PAUSE)
    assert (status, told["status"], told["type"]) == (201, "PENDING", "PAUSE_PAIR")
    assert told["payload"] == {"pair": "EURUSD", "mode": None}
    assert ("execute_commands",) in web.desk.bell.rung
    await give(web, {"type": "PAUSE_ALL"})
    await web.desk.work.execute_commands()

    status, done = await web.ask(EVE, "GET", f"/v1/commands/{told['id']}")
    assert (status, done["status"]) == (200, "SUCCEEDED")
    assert done["result"]["actions"][0]["symbol"] == "EURUSD"
    assert [step["action"] for step in done["audit"]] == [
        "command_queued", "command_claimed", "command_started", "command_action",
        "command_finished",
    ]  # fmt: skip
    assert done["audit"][0]["actor"] == f"person:{LUIS.id}"
    _, state = await web.ask(EVE, "GET", "/v1/system/state")
    assert (state["state"], state["paused_symbols"]) == ("PAUSED", ["EURUSD"])


async def test_a_repeat_under_its_key_is_the_same_command(web: Web) -> None:
    first = await give(web, {**PAUSE, "idempotency_key": "pause-eurusd-001"})
    again = await give(web, {**PAUSE, "idempotency_key": "pause-eurusd-001"})
    assert (first[0], again[0]) == (201, 200)
    assert first[1] == again[1]
    other = {"type": "CLOSE_ALL", "idempotency_key": "pause-eurusd-001"}
    status, body = await give(web, other)
    assert (status, body["error"]["code"]) == (409, "CONFLICT")
    assert body["error"]["details"]["command"] == first[1]["id"]
    _, listed = await web.ask(EVE, "GET", "/v1/commands")
    assert [one["id"] for one in listed] == [first[1]["id"]]


async def test_commands_are_listed_by_status_newest_first(web: Web) -> None:
    done = (await give(web, PAUSE))[1]["id"]
    await web.desk.work.execute_commands()
    waits = [(await give(web, {"type": "PAUSE_ALL"}))[1]["id"] for _ in range(3)]
    _, pending = await web.ask(EVE, "GET", "/v1/commands?status=PENDING&limit=2")
    assert [one["id"] for one in pending] == waits[:0:-1]
    _, ended = await web.ask(EVE, "GET", "/v1/commands?status=SUCCEEDED")
    assert [one["id"] for one in ended] == [done]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "PAUSE_PAIR"},
        {"type": "PAUSE_PAIR", "payload": {}},
        {"type": "PAUSE_ALL", "payload": {"pair": "EURUSD"}},
        {"type": "pause_all"},
        {"type": "OPEN"},
        {"type": "PAUSE_PAIR", "payload": {"pair": "  "}},
        {"type": "CLOSE_ALL", "payload": {"mode": "DEMO"}},
        {"type": "CLOSE_ALL", "idempotency_key": " "},
        {"type": "CLOSE_ALL", "idempotency_key": "x" * 101},
        {"type": "CLOSE_ALL", "more": 1},
    ],
)
async def test_what_is_no_command_is_refused(web: Web, body: Any) -> None:
    status, told = await give(web, body)
    assert (status, told["error"]["code"]) == (400, "INVALID_INPUT")
    assert (await web.ask(EVE, "GET", "/v1/commands"))[1] == []


async def test_parameters_are_reloaded_by_admins_and_not_by_an_admins_lesser_key(web: Web) -> None:
    reload = {"type": "RELOAD_PARAMS"}
    assert (await give(web, reload))[0] == 403
    _, made = await web.ask(ANN, "POST", "/v1/auth/keys", json={"name": "l", "role": "trader"})
    headers = {"X-API-Key": made["secret"]}
    refused = await web.ask(None, "POST", "/v1/commands", json=reload, headers=headers)
    assert (refused[0], refused[1]["error"]["code"]) == (403, "FORBIDDEN")
    assert (await give(web, reload, ANN))[0] == 201


async def test_a_command_that_is_not_there_is_not_found(web: Web) -> None:
    assert (await web.ask(EVE, "GET", "/v1/commands/7"))[0] == 404
    assert (await web.ask(EVE, "GET", "/v1/commands/0"))[0] == 400
