"""``/v1/webhooks``: for admins, with a secret that is told once."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.api.app import routes
from bot.hooks import build_hooks
from bot.world import now
from engine.domain.decision import Action
from tests.builders import decision
from tests.hook_server import HookServer, hook_server
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.integration.test_hooks import settings_of
from tests.web import Web, serve


@pytest.fixture
async def hooked(desk: Desk) -> AsyncIterator[Web]:
    """The API of a product in which webhooks are set up."""
    served = await serve(desk, hooks=build_hooks(settings_of(), desk.world.store, now))
    yield served
    await served.close()


async def add(web: Web, server: HookServer, **body: Any) -> dict[str, Any]:
    wanted = {"url": server.url(), **body}
    status, made = await web.ask(ANN, "POST", "/v1/webhooks", json=wanted)
    assert status == 201, made
    told: dict[str, Any] = made
    return told


async def test_an_endpoint_is_added_read_changed_rotated_and_removed(hooked: Web) -> None:
    async with hook_server() as server:
        made = await add(hooked, server, description="ours", types=["order.filled"])
        webhook, secret = made["webhook"], made["secret"]
        path = f"/v1/webhooks/{webhook['id']}"
        assert secret.startswith("whsec_")
        assert (webhook["enabled"], webhook["types"], webhook["created_by"]) == (
            True, ["order.filled"], f"person:{ANN.id}",
        )  # fmt: skip
        assert await hooked.ask(ANN, "GET", path) == (200, webhook)
        assert await hooked.ask(ANN, "GET", "/v1/webhooks") == (200, [webhook])
        changes = {"enabled": False, "description": "", "types": []}
        status, changed = await hooked.ask(ANN, "PATCH", path, json=changes)
        assert (status, changed["off"], changed["types"]) == (200, "person", [])
        status, turned = await hooked.ask(ANN, "POST", f"{path}/rotate", json={"overlap_hours": 1})
        assert status == 200
        assert turned["secret"] != secret
        assert turned["webhook"]["old_secret_until"] is not None
        assert await hooked.ask(ANN, "DELETE", path) == (200, {"id": webhook["id"]})
        assert (await hooked.ask(ANN, "GET", path))[0] == 404


async def test_an_address_is_told_without_what_may_be_a_token(hooked: Web) -> None:
    async with hook_server() as server:
        url = server.url("/hook/CANARY?key=CANARY")
        webhook = (await add(hooked, server, url=url))["webhook"]
        path = f"/v1/webhooks/{webhook['id']}"
        assert webhook["url"] == server.url("/…")
        # What was read is no address to be written back.
        assert (await hooked.ask(ANN, "PATCH", path, json={"url": webhook["url"]}))[0] == 400
        status, changed = await hooked.ask(ANN, "PATCH", path, json={"description": "ours"})
        assert (status, changed["url"]) == (200, webhook["url"])
        # And it is sent where it was said.
        assert (await hooked.ask(ANN, "POST", f"{path}/test"))[0] == 200
        assert {came.path for came in server.came} == {"/hook/CANARY?key=CANARY"}
        for asked in ("/v1/webhooks", path, f"{path}/deliveries", "/v1/ai/history?limit=50"):
            status, told = await hooked.ask(ANN, "GET", asked)
            assert status == 200
            assert "CANARY" not in json.dumps(told)


async def test_a_test_is_sent_and_every_delivery_can_be_looked_at_and_sent_again(
    hooked: Web,
) -> None:
    async with hook_server() as server:
        webhook = (await add(hooked, server))["webhook"]
        path = f"/v1/webhooks/{webhook['id']}"
        status, tried = await hooked.ask(ANN, "POST", f"{path}/test")
        assert (status, tried["taken"], tried["status"]) == (200, True, 204)
        hooks = hooked.uses.hooks
        assert hooks is not None
        async with hooked.desk.world.store.begin() as tx:
            await tx.history.append(decision(action=Action.ORDER_FILLED, bundle_hash=None).entry)
        server.fate = lambda _: "500"
        await hooks.gather()
        for _ in range(3):
            async with hooked.desk.world.store.begin() as tx:
                endpoint = await tx.webhooks.take(webhook["id"])
                await tx.webhooks.save(_rested(endpoint))
            (held,) = await hooks.send.claim()
            await hooks.send(held)
        _, (failed,) = await hooked.ask(ANN, "GET", f"{path}/deliveries?state=failed")
        assert (failed["type"], failed["attempts"]) == ("order.filled", 3)
        one = f"{path}/deliveries/{failed['id']}"
        _, full = await hooked.ask(ANN, "GET", one)
        assert [each["outcome"] for each in full["attempts"]] == ["status 500"] * 3
        assert full["attempts"][0]["said"].startswith("<h1>Internal")
        assert full["body"]["type"] == "order.filled"
        status, again = await hooked.ask(ANN, "POST", f"{one}/redeliver")
        assert (status, again["state"], again["event_id"]) == (200, "waiting", failed["event_id"])
        assert (await hooked.ask(ANN, "POST", f"{one}/redeliver"))[0] == 409
        assert await hooked.ask(ANN, "POST", f"{path}/redeliver") == (200, {"count": 0})
        _, page = await hooked.ask(ANN, "GET", f"{path}/deliveries?limit=1")
        _, rest = await hooked.ask(ANN, "GET", f"{path}/deliveries?before={page[0]['id']}")
        assert len(page) == 1
        assert failed["id"] in [each["id"] for each in page + rest]
        other = (await add(hooked, server))["webhook"]
        elsewhere = f"/v1/webhooks/{other['id']}/deliveries/{failed['id']}"
        assert (await hooked.ask(ANN, "GET", elsewhere))[0] == 404
        assert (await hooked.ask(ANN, "POST", f"{elsewhere}/redeliver"))[0] == 404


def _rested(endpoint: Any) -> Any:
    from dataclasses import replace

    return replace(endpoint, not_before=endpoint.created_at)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"url": "x"}, {"url": "http://169.254.169.254/latest"}, {"url": "https://a@b.example"},
        {"url": "http://127.0.0.1:1/", "types": ["webhook.test"]},
        {"url": "http://127.0.0.1:1/", "types": ["order.filled", "order.filled"]},
        {"url": "http://127.0.0.1:1/", "types": ["no.such"]},
        {"url": "http://127.0.0.1:1/", "description": "x" * 201},
        {"url": "http://127.0.0.1:1/", "secret": "mine"},
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused(hooked: Web, body: dict[str, Any]) -> None:
    status, told = await hooked.ask(ANN, "POST", "/v1/webhooks", json=body)
    assert (status, told["error"]["code"]) == (400, "INVALID_INPUT")
    assert await hooked.ask(ANN, "GET", "/v1/webhooks") == (200, [])


async def test_nobody_below_an_admin_sees_or_changes_any(hooked: Web) -> None:
    mine = [route for route in routes() if route.tag == "webhooks"]
    assert len(mine) == 11
    for route in mine:
        path = route.path.format(webhook_id=1, delivery_id=1)
        for person in (EVE, LUIS):
            assert (await hooked.ask(person, route.method, path, json={}))[0] == 403


async def test_where_nothing_is_set_up_it_is_said(web: Web) -> None:
    status, told = await web.ask(ANN, "GET", "/v1/webhooks")
    assert status == 409
    assert "WEBHOOK_SECRET" in told["error"]["message"]
