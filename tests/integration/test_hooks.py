"""Webhooks beside the real flow: trading never touches them, and what it did is posted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from bot import hook_reports
from bot.backup_reports import bring_back, make
from bot.durations import duration
from bot.hook_settings import plan_of
from bot.hooks import Hooks, Poster, build_hooks, posting
from bot.i18n import words_for
from bot.notices import Reader, Render
from bot.settings import Settings
from bot.world import now
from engine.domain.idea import IdeaStatus
from engine.domain.notice import Kind
from engine.domain.person import Role
from engine.errors import InvalidInput
from engine.flow.approvals import Choice
from storage.database import open_database
from storage.measures import measures
from storage.models import OutboxRow
from tests.conftest import Database
from tests.hook_server import HookServer, hook_server
from tests.integration.conftest import ANN, Desk
from tests.integration.test_backup import empty  # noqa: F401

MASTER = "the-master-of-the-tests-0123456789"


def settings_of(database: Database | None = None, **values: Any) -> Settings:
    how = {
        "webhook_secret": MASTER, "webhooks_allow_private": True, "openclaw_timeout": "2s",
        "openclaw_max_retries": 2, "openclaw_retry_base": "100ms", "openclaw_retry_max": "100ms",
        "market_start": 306,
    }  # fmt: skip
    if database is not None:
        how |= {"database_url": database.url, "database_owner_url": database.owner_url}
    return Settings(_env_file=None, **(how | values))  # type: ignore[call-arg]


@asynccontextmanager
async def poster(hooks: Hooks) -> AsyncIterator[None]:
    """A worker's part that posts, until the end of the block."""
    task = asyncio.get_running_loop().create_task(Poster(hooks).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(server: HookServer, count: int) -> None:
    async with asyncio.timeout(30):
        while len(server.taken) < count:
            server.arrived.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(server.arrived.wait(), 0.05)


async def trade(desk: Desk) -> int:
    """An idea, approved and filled; its number."""
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    return idea.number


async def test_a_trade_is_posted_step_by_step_and_verifies(desk: Desk) -> None:
    hooks = build_hooks(settings_of(), desk.world.store, now)
    async with hook_server() as server:
        _, secret = await hooks.add(None, server.url())
        number = await trade(desk)
        async with poster(hooks):
            await until(server, 4)
    documents = [came.document for came in server.taken]
    types = [document["type"] for document in documents]
    start = types.index("idea.proposed")
    assert types[start : start + 4] == [
        "idea.proposed", "idea.approved", "order.sending", "order.filled",
    ]  # fmt: skip
    proposed, approved, _, filled = documents[start : start + 4]
    assert proposed["data"]["idea"]["number"] == number
    assert proposed["data"]["symbol"] == "EURUSD"
    assert float(proposed["data"]["size"]["volume"]) > 0
    assert approved["data"]["actor"] == {"kind": "person", "id": ANN.id, "name": "Ann"}
    assert "chat" not in approved["data"]["approval"]
    assert float(filled["data"]["order"]["fill_price"]) > 0
    assert all(came.is_signed_by(secret) for came in server.taken)
    assert len({came.id for came in server.taken}) == len(server.taken)
    assert server.most_at_once == 1


async def test_trading_needs_nothing_of_webhooks(desk: Desk, opened: Database) -> None:
    """The role that trades may not even see the tables; every step of a trade still commits."""
    hooks = build_hooks(settings_of(), desk.world.store, now)
    await hooks.add(None, "https://name.invalid/")
    owner = await asyncpg.connect(opened.owner_url)
    tables = "webhook_endpoint, webhook_delivery, webhook_attempt"
    await owner.execute(f"REVOKE ALL ON {tables} FROM ai_trader")
    try:
        await trade(desk)
        await desk.talk.change_control.stop(ANN.id)
        assert {"human_approved", "order_filled", "ai_halted"} <= set(await desk.actions())
    finally:
        await owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO ai_trader")
        await owner.close()


async def test_a_trade_is_made_from_beginning_to_end_while_an_endpoint_hangs(desk: Desk) -> None:
    """Nobody lets go of the hanging request before the trade is filled."""
    hooks = build_hooks(settings_of(openclaw_timeout="60s"), desk.world.store, now)
    async with hook_server() as bad, hook_server() as good:
        bad.fate = lambda _: "hang"
        await hooks.add(None, bad.url())
        await hooks.add(None, good.url())
        await desk.until_idea(IdeaStatus.NEEDS_APPROVAL)
        async with poster(hooks):
            await bad.arrived.wait()
            before = len(good.taken)
            await trade(desk)
            assert bad.at_once == 1
            await until(good, before + 4)
            assert (bad.at_once, len(bad.came)) == (1, 1)


async def test_two_workers_send_to_an_endpoint_one_at_a_time(desk: Desk) -> None:
    ours = [build_hooks(settings_of(), desk.world.store, now) for _ in range(2)]
    async with hook_server() as server:
        await ours[0].add(None, server.url())
        await trade(desk)
        for _ in range(30):
            await desk.talk.change_control.pause(ANN.id)
            await desk.talk.change_control.resume(ANN.id)
        async with poster(ours[0]), poster(ours[1]):
            await until(server, 60)
    records = [came.document["data"]["record"] for came in server.came]
    assert records == sorted(set(records))
    assert server.most_at_once == 1


async def test_nothing_of_a_backup_is_posted_again_by_itself(
    desk: Desk,
    opened: Database,
    empty: Database,  # noqa: F811
    tmp_path: Any,
) -> None:
    hooks = build_hooks(settings_of(), desk.world.store, now)
    async with hook_server() as server:
        await hooks.add(None, server.url())
        await trade(desk)
        await hooks.gather()
        await desk.talk.change_control.pause(ANN.id)
        file, said = tmp_path / "one.backup", list[str]()
        assert await make(settings_of(opened), file, say=said.append) == 0
        assert await bring_back(settings_of(empty), file, say=said.append) == 0
        assert "events for webhooks" in " ".join(said)
        async with open_database(empty.url):
            restored = build_hooks(settings_of(), desk.world.store, now)
            ((_, waiting),) = await restored.read(None)
            assert waiting == 0
            async with poster(restored):
                await until(server, 1)
        # The copy's own stop is news; what came before it is not.
        types = [came.document["type"] for came in server.came]
        assert types[0] == "trading.halted"
        assert not {"idea.proposed", "order.filled"} & set(types)


async def test_the_endpoint_of_the_settings_is_there_when_a_worker_starts(desk: Desk) -> None:
    async with hook_server() as server:
        settings = settings_of(openclaw_webhook_url=server.url("/hook/of-a-token"))
        task = asyncio.get_running_loop().create_task(
            posting(settings, desk.world.store, now)()  # type: ignore[arg-type]
        )
        try:
            await server_known(desk)
            await desk.talk.change_control.pause(ANN.id)
            await until(server, 1)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    assert server.came[0].document["type"] == "trading.halted"
    # Posted to the whole of it, and kept as its host.
    assert server.came[0].path == "/hook/of-a-token"
    async with desk.world.store.begin() as tx:
        (kept,) = await tx.webhooks.list()
    assert kept.url.startswith(server.url("/#OPENCLAW_WEBHOOK_URL-"))
    assert "token" not in kept.url


async def server_known(desk: Desk) -> None:
    async with asyncio.timeout(20):
        while True:
            async with desk.world.store.begin() as tx:
                if await tx.webhooks.list():
                    return
            await asyncio.sleep(0.02)


async def test_without_a_setting_nothing_is_posted_and_it_is_said(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = build_hooks(settings_of(), desk.world.store, now)
    async with hook_server() as server:
        await hooks.add(None, server.url())
        await desk.talk.change_control.pause(ANN.id)
        idle = posting(settings_of(webhook_secret=None), desk.world.store, now)
        with suppress(TimeoutError):
            await asyncio.wait_for(idle(), 0.3)
        assert server.came == []
    assert "WEBHOOK_SECRET is not set" in caplog.text


async def test_the_admins_read_one_message_of_an_endpoint_in_an_hour(desk: Desk) -> None:
    hooks = build_hooks(settings_of(openclaw_max_retries=0), desk.world.store, now)
    async with hook_server() as server:
        server.fate = lambda _: "500"
        await hooks.add(None, server.url("/in?token=s3cret"))
        async with poster(hooks):
            for change in (desk.talk.change_control.pause, desk.talk.change_control.resume):
                await change(ANN.id)
                await until_failed(hooks)
    rows = await OutboxRow.filter(kind=Kind.WEBHOOK).order_by("id")
    assert len(rows) > 1
    assert {row.person_id for row in rows} == {ANN.id}
    # The first is the message; the others only count in it.
    assert [row.episode is None for row in rows] == [True] + [False] * (len(rows) - 1)
    render = Render(store=desk.world.store, broker=desk.world.broker)
    to = Reader(words_for("de"), Role.ADMIN)
    parcel = await render(Kind.WEBHOOK, rows[0].payload["detail"], to)
    assert parcel is not None
    assert "Status 500" in parcel.text
    assert "s3cret" not in parcel.text
    assert "webhook_delivery_failed" in await desk.actions()


async def until_failed(hooks: Hooks) -> None:
    """Until what waits has come to its end."""
    async with asyncio.timeout(30):
        while True:
            await hooks.gather()
            if not any(waiting for _, waiting in await hooks.read(None)):
                return
            await asyncio.sleep(0.05)


async def test_deliveries_are_measured(desk: Desk) -> None:
    hooks = build_hooks(settings_of(), desk.world.store, now)
    await hooks.add(None, "https://name.invalid/")
    await desk.talk.change_control.pause(ANN.id)
    await hooks.gather()
    found = await measures()
    assert found.of("webhook") == {"waiting": 1}
    assert found.of("webhook_age")["waiting"] >= 0


async def run(
    database: Database, work: Any, *arguments: Any, **named: Any
) -> tuple[int, list[str]]:
    said: list[str] = []
    code = await work(settings_of(database), *arguments, say=said.append, **named)
    return code, said


async def test_the_terminal_adds_lists_tests_and_shows(database: Database) -> None:
    async with hook_server() as server:
        assert "no webhooks" in (await run(database, hook_reports.list_all))[1][0]
        url = server.url()
        _, said = await run(database, hook_reports.add, url, "ours", "order.filled,idea.proposed")
        shown = server.url("/…")
        assert said[0] == f"webhook 1: {shown}"
        secret = said[1].removeprefix("secret: ")
        assert (await run(database, hook_reports.test, 1))[0] == 0
        assert server.came[0].is_signed_by(secret)
        server.fate = lambda _: "500"
        code, said = await run(database, hook_reports.test, 1)
        assert (code, said[0].startswith("failed in ")) == (1, True)
        assert said[1].startswith("It said: <h1>Internal Server Error")
        _, said = await run(database, hook_reports.rotate, 1, 12)
        assert said[0] != f"secret: {secret}"
        assert "signs too until" in said[-1]
        _, said = await run(database, hook_reports.list_all)
        assert said == [f"1  on  0 waiting  order.filled,idea.proposed  {shown}  ours"]
        _, said = await run(database, hook_reports.log, 1, None, 20, None)
        assert [line.split()[3] for line in said] == ["failed", "delivered"]
        number = int(said[0].split()[0])
        _, said = await run(database, hook_reports.log, 1, "failed", 20, number)
        assert "status 500" in said[1]
        assert '"type":"webhook.test"' in said[-1]
        _, said = await run(database, hook_reports.switch, 1, is_on=False)
        assert said == [f"webhook 1 is off: {shown}"]
        assert "off (person)" in (await run(database, hook_reports.list_all))[1][0]
        await run(database, hook_reports.switch, 1, is_on=True)
        # Tests are not sent again.
        assert (await run(database, hook_reports.redeliver, None, 1))[1][0].startswith("0 are")
        assert (await run(database, hook_reports.remove, 1))[1] == [
            f"webhook 1 is removed: {shown}"
        ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"webhook_secret": None}, "WEBHOOK_SECRET is not set"),
        ({"webhook_secret": ""}, "WEBHOOK_SECRET is empty"),
        ({"app_env": "production", "webhook_secret": "short"}, "too easy"),
        ({"app_env": "staging", "webhook_secret": "a" * 64}, "too easy"),
        ({"openclaw_retry_base": "2m", "openclaw_retry_max": "1m"}, "OPENCLAW_RETRY_BASE"),
        ({"openclaw_webhook_url": "ftp://x"}, "OPENCLAW_WEBHOOK_URL: write an address"),
        ({"app_env": "production", "openclaw_webhook_url": "http://example.org/"}, "https"),
        ({"webhooks_allow_private": False, "openclaw_webhook_url": "http://127.0.0.1/"},
         "no public address"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        plan_of(settings_of(**changes), now)
    assert MASTER not in str(caught.value)


def test_settings_are_read_as_the_source_writes_them() -> None:
    settings = settings_of(openclaw_timeout="5s", openclaw_retry_base="500ms",
                           openclaw_retry_max="1m30s", openclaw_webhook_url="")  # fmt: skip
    assert settings.openclaw_timeout == timedelta(seconds=5)
    assert settings.openclaw_retry_base == timedelta(milliseconds=500)
    assert settings.openclaw_retry_max == timedelta(seconds=90)
    assert settings.openclaw_webhook_url is None
    assert duration("7.5") == timedelta(seconds=7.5)
    for wrong in ("", "soon", "5 s", "-1s", "1d", "s", "nan", "1e3"):
        with pytest.raises(ValueError, match="span"):
            duration(wrong)
    secret = settings_of(openclaw_webhook_url="https://x.example/?token=abc").openclaw_webhook_url
    assert isinstance(secret, SecretStr)
