"""Telegram calls us: only with the secret, only once stored, and the same inbox behind it."""

# ruff: noqa: ASYNC110 -- what is waited for is seen in the database only

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.callers import Callers, serving
from bot.quarrel import Quarrel
from bot.receiver import Receiver
from bot.settings import Settings
from bot.webhook import LARGEST_BODY, SECRET_HEADER, Webhook, build_app
from bot.webhook_settings import PATH, Plan, plan_of
from storage.models import InboxRow, OutboxRow
from tests.e2e.conftest import Chat
from tests.fakes import message

SECRET = "s3cret-of-the-test_0123456789abcdef"
HEADERS = {SECRET_HEADER: SECRET, "Content-Type": "application/json"}


@dataclass
class Hook:
    """A served webhook and the plan Telegram is told."""

    chat: Chat
    plan: Plan
    url: str
    http: aiohttp.ClientSession

    async def post(self, body: Any, **headers: str | None) -> tuple[int, str]:
        """Post a body; status and text."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {**HEADERS, **headers}
        given = {name: value for name, value in sent.items() if value is not None}
        async with self.http.post(self.url, data=BytesIO(data), headers=given) as response:
            return response.status, await response.text()


def plan(port: int = 0) -> Plan:
    found = plan_of(
        Settings(  # type: ignore[call-arg]
            _env_file=None,
            telegram_api_url="http://127.0.0.1",
            telegram_webhook_url=f"http://127.0.0.1:{port}",
            telegram_webhook_secret=SecretStr(SECRET),
            telegram_webhook_port=port,
        )
    )
    assert found is not None
    return found


@pytest.fixture
async def hook(chat: Chat) -> AsyncIterator[Hook]:
    async with AsyncExitStack() as stack:
        app = build_app(Webhook(intake=chat.intake, secret=SecretStr(SECRET)))
        port = await stack.enter_async_context(serving(app, plan()))
        url = f"http://127.0.0.1:{port}{PATH}"
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Hook(chat, replace(plan(), url=url), url, http)


async def stored() -> set[int]:
    return {row.update_id for row in await InboxRow.filter(update_id__lt=1000)}


@pytest.fixture
async def called(hook: Hook) -> AsyncIterator[Hook]:
    """The local Telegram delivers to the webhook."""
    callers = asyncio.ensure_future(Callers(bot=hook.chat.answerer.bot, plan=hook.plan).run())
    await hook.chat.sandbox.wait_for(lambda: hook.chat.sandbox.telegram.webhook.url == hook.url)
    yield hook
    callers.cancel()


async def waits_for(chat: Chat, text: str) -> None:
    async with asyncio.timeout(10):
        while not any(text in str(row.payload) for row in await InboxRow.all()):
            await asyncio.sleep(0.02)


async def test_what_telegram_brings_is_answered_like_what_is_fetched(called: Hook) -> None:
    chat = called.chat
    before = len(chat.sandbox.messages(1001))
    await chat.sandbox.send(1001, "/status")
    await waits_for(chat, "/status")
    await chat.answerer.drain()
    await chat.courier.deliver()
    assert "Status" in chat.sandbox.messages(1001)[before + 1]["text"]
    assert chat.sandbox.pending == 0
    info = await chat.answerer.bot.get_webhook_info()
    assert set(info.allowed_updates or ()) >= {"message", "callback_query"}


async def test_setting_the_webhook_drops_nothing_that_waited(hook: Hook) -> None:
    chat = hook.chat
    await chat.sandbox.send(1001, "/stop")
    callers = asyncio.ensure_future(Callers(bot=chat.answerer.bot, plan=hook.plan).run())
    await waits_for(chat, "/stop")
    callers.cancel()
    assert (await InboxRow.filter(urgent=True).get()).done_at is None


async def test_update_is_brought_again_until_it_is_stored(
    called: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat, broken = called.chat, [True, True]
    put_all = type(chat.intake.inbox).put_all

    async def sometimes(self: Any, updates: Any) -> Any:
        if broken:
            broken.pop()
            raise OSError("the database is away")
        return await put_all(self, updates)

    monkeypatch.setattr(type(chat.intake.inbox), "put_all", sometimes)
    await chat.sandbox.send(1001, "/today")
    await waits_for(chat, "/today")
    assert broken == []
    assert await InboxRow.filter(payload__contains={"message": {"text": "/today"}}).count() == 1
    info = await chat.answerer.bot.get_webhook_info()
    assert "500" in str(info.last_error_message)


async def test_200_comes_after_the_commit_and_never_before(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()
    put_all = type(hook.chat.intake.inbox).put_all

    async def later(self: Any, updates: Any) -> Any:
        await held.wait()
        return await put_all(self, updates)

    monkeypatch.setattr(type(hook.chat.intake.inbox), "put_all", later)
    posting = asyncio.ensure_future(hook.post(message(1, "/status")))
    await asyncio.sleep(0.2)
    assert not posting.done()
    assert await stored() == set()
    held.set()
    assert await posting == (200, "")
    assert await stored() == {1}


async def test_update_that_is_brought_three_times_is_stored_once(hook: Hook) -> None:
    assert {await hook.post(message(1, "/status")) for _ in range(3)} == {(200, "")}
    await hook.chat.answerer.drain()
    assert await hook.post(message(1, "/status")) == (200, "")
    await hook.chat.answerer.drain()
    assert await OutboxRow.filter(key="answer:1").count() == 1


@pytest.mark.parametrize(
    "secret", [None, "", "x", SECRET[:-1], SECRET + "x", SECRET.upper(), "\u00fc" * 20]
)
async def test_wrong_secret_is_refused_without_a_word(
    hook: Hook, secret: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    status, text = await hook.post(message(1, "/stop"), **{SECRET_HEADER: secret})
    assert (status, text) == (401, "401: Unauthorized")
    assert await stored() == set()
    assert SECRET not in caplog.text


async def test_secret_that_comes_twice_is_no_secret(hook: Hook) -> None:
    request = (
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"{SECRET_HEADER}: wrong\r\n{SECRET_HEADER}: {SECRET}\r\n"
        "Content-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    port = int(hook.url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 401")
    writer.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"1", b'{"update_id": true}', b'{"update_id": "1"}',
     b'{"update_id": -1}', b'{"update_id": 1.0}', b'{"update_id": 9223372036854775808}',
     b'{"update_id": 1, "update_id": 2}', b'{"update_id": NaN}', b'{"update_id": 1} x',
     b'{"update_id": 1, "a": "\xff"}', b"[" * 100_000],
)  # fmt: skip
async def test_body_that_is_no_update_is_refused(hook: Hook, body: bytes) -> None:
    assert (await hook.post(body))[0] == 400
    assert await stored() == set()


async def test_body_that_is_too_large_or_of_another_type_is_refused(hook: Hook) -> None:
    large = message(1, "x" * (LARGEST_BODY + 1))
    assert (await hook.post(large))[0] == 413
    assert (await hook.post(message(1, "x"), **{"Content-Type": "text/plain"}))[0] == 415
    assert (await hook.http.get(hook.url)).status == 405
    assert await stored() == set()


async def test_route_is_carried_by_another_application(chat: Chat) -> None:
    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application(client_max_size=1000)
    app.router.add_get("/health", health)
    Webhook(intake=chat.intake, secret=SecretStr(SECRET)).add_to(app)
    async with serving(app, plan()) as port, aiohttp.ClientSession() as http:
        async with http.get(f"http://127.0.0.1:{port}/health") as response:
            assert await response.text() == "ok"
        url, body = f"http://127.0.0.1:{port}{PATH}", json.dumps(message(1, "x" * 5000))
        async with http.post(url, data=body, headers=HEADERS) as response:
            assert response.status == 200
    assert await stored() == {1}


@pytest.fixture
def quarrel(chat: Chat) -> Quarrel:
    return Quarrel(
        store=chat.desk.world.store,
        deliveries=chat.answerer.deliveries,
        bell=chat.answerer.bell,
        since=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def test_polling_removes_a_webhook_and_keeps_what_waits_behind_it(
    chat: Chat, quarrel: Quarrel
) -> None:
    await chat.answerer.bot.set_webhook("http://127.0.0.1:9/gone")
    await chat.sandbox.send(1001, "/stop")
    receiver = Receiver(bot=chat.answerer.bot, intake=chat.intake, quarrel=quarrel)
    receiving = asyncio.ensure_future(receiver.run())
    await waits_for(chat, "/stop")
    receiving.cancel()
    assert chat.sandbox.telegram.webhook.url == ""


@pytest.mark.parametrize(
    ("description", "words"),
    [("Conflict: terminated by other getUpdates request", "Another program fetches"),
     ("Conflict: can't use getUpdates method while webhook is active", "set a webhook")],
)  # fmt: skip
async def test_conflict_is_logged_with_what_to_do_told_to_admins_once_and_polling_goes_on(
    chat: Chat,
    quarrel: Quarrel,
    description: str,
    words: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.receiver._PAUSE_SECONDS", 0.05)
    chat.sandbox.fault("getUpdates", times=3, code=409, description=description)
    receiver = Receiver(bot=chat.answerer.bot, intake=chat.intake, quarrel=quarrel)
    receiving = asyncio.ensure_future(receiver.run())
    await chat.sandbox.send(1001, "/today")
    await waits_for(chat, "/today")
    receiving.cancel()
    told = await OutboxRow.filter(key__startswith="conflict:").values_list("person_id", flat=True)
    assert list(told) == [1001]
    (row,) = await OutboxRow.filter(key__startswith="conflict:")
    assert words in row.payload["text"]
    assert sum("Stop " in record.message for record in caplog.records) == 1


async def test_update_this_version_cannot_read_keeps_no_other_from_being_stored(
    chat: Chat, quarrel: Quarrel
) -> None:
    queue = chat.sandbox.telegram.queue
    queue.push("message", {"date": "in the far future", "from": {"id": 1001}})
    await chat.sandbox.send(1001, "/today")
    receiver = Receiver(bot=chat.answerer.bot, intake=chat.intake, quarrel=quarrel)
    receiving = asyncio.ensure_future(receiver.run())
    await waits_for(chat, "/today")
    receiving.cancel()
    assert await InboxRow.filter(payload__contains={"message": {"date": "in the far future"}})
    chat.sandbox.violations.clear()
