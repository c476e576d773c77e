"""The connection to the provider, from the terminal to the database, against a stand-in."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import ClientSession
from tortoise import connections
from typer.testing import CliRunner

from bot import key_reports, provider_reports
from bot.__main__ import app
from bot.i18n import words_for
from bot.key_settings import keys_of
from bot.notices import Reader, Render
from bot.provider_jobs import refresh_provider
from bot.provider_settings import build_provider
from bot.reports import doctor, open_database_of
from bot.settings import Settings
from bot.wiring import build_work
from engine.domain.notice import Kind
from engine.domain.provider import Lost
from engine.domain.secret import Secret
from engine.domain.settings import RiskSettings
from engine.domain.state import Control
from engine.errors import InvalidInput, ProviderUnavailable
from storage.database import open_database
from storage.sealing import new_key_line
from storage.seed import seed
from storage.transaction import PostgresStore
from tests.builders import NOW
from tests.conftest import Database
from tests.integration.conftest import ANN, RecordingBell
from tests.provider_server import FAULTS, KEY, AuthSite, ModelSite
from tests.served import served


@dataclass
class Terminal:
    """The terminal of an installation whose provider is on this machine."""

    database: Database
    site: ModelSite
    auth: AuthSite
    keys: str

    def settings(self, **changes: Any) -> Settings:
        known: dict[str, Any] = {
            "database_url": self.database.url, "encryption_keys": self.keys,
            "llm_base_url": f"{self.site.url}/v1", "openai_client_id": self.auth.client_id,
            "openai_client_secret": self.auth.client_secret,
            "openai_auth_url": f"{self.auth.url}/authorize",
            "openai_token_url": f"{self.auth.url}/token",
            "openai_redirect_uri": self.auth.redirect_uri,
        }  # fmt: skip
        return Settings(_env_file=None, **known | changes)

    async def run(self, work: Any, *arguments: Any, **changes: Any) -> tuple[int, str]:
        """The exit code, and what was said."""
        said: list[str] = []
        code = await work(self.settings(**changes), *arguments, say=said.append)
        return code, "\n".join(said)

    async def json(self, work: Any, *arguments: Any, **changes: Any) -> tuple[int, Any]:
        code, said = await self.run(work, *arguments, **changes)
        return code, json.loads(said)


@pytest_asyncio.fixture
async def terminal(database: Database) -> AsyncIterator[Terminal]:
    async with open_database(database.url):
        await seed((), RiskSettings(), Control(changed_at=NOW))
    async with served(ModelSite()) as site, served(AuthSite()) as auth:
        yield Terminal(database, site, auth, new_key_line("one"))


async def allow(url: str) -> dict[str, str]:
    """What a browser brings back after its person has said yes."""
    async with ClientSession() as session, session.get(url, allow_redirects=False) as response:
        place = urlsplit(response.headers["Location"])
    return {name: values[0] for name, values in parse_qs(place.query).items()}


async def test_a_key_is_connected_tested_and_forgotten(terminal: Terminal) -> None:
    code, told = await terminal.json(provider_reports.test)
    assert (code, told["status"]) == (1, "error")
    code, told = await terminal.json(provider_reports.connect, f"{KEY}\n")
    assert (code, told["connected"], told["mode"], told["by"]) == (0, True, "key", "cli")
    assert await terminal.json(provider_reports.test) == (
        0, {"status": "ok", "message": "AI online"},
    )  # fmt: skip
    terminal.site.key = "sk-it-was-revoked"
    assert await terminal.json(provider_reports.test) == (
        1, {"status": "error", "message": "Invalid OpenAI API key"},
    )  # fmt: skip
    code, told = await terminal.json(provider_reports.disconnect)
    assert (code, told["connected"], told["reason"]) == (0, False, "by_person")
    assert (await terminal.json(provider_reports.status))[0] == 1


async def test_a_key_of_the_settings_needs_neither_vault_nor_oauth(terminal: Terminal) -> None:
    given = {"openai_api_key": KEY, "encryption_keys": None}
    assert (await terminal.json(provider_reports.status, **given))[1]["mode"] == "setting"
    assert (await terminal.json(provider_reports.test, **given))[0] == 0
    code, said = await terminal.run(provider_reports.connect_by_oauth, **given)
    assert (code, "OAuth is not needed" in said) == (0, True)
    with pytest.raises(InvalidInput, match="OPENAI_API_KEY"):
        await terminal.run(provider_reports.connect, "sk-x", **given)


async def test_oauth_connects_while_the_terminal_waits(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_reports, "_LOOK_SECONDS", 0.05)
    said: list[str] = []
    asked = asyncio.Event()

    def say(line: str) -> None:
        said.append(line)
        if "Waiting" in line:
            asked.set()

    waiting = asyncio.ensure_future(provider_reports.connect_by_oauth(terminal.settings(), say=say))
    await asked.wait()
    (url,) = [line.strip() for line in said if line.startswith("http")]
    back = await allow(url)
    async with open_database_of(terminal.settings()) as world:
        cases = build_provider(world.provider, world.store, RecordingBell())
        await cases.finish(back["state"], Secret(back["code"]))
        assert await waiting == 0
    told = json.loads(said[-1])
    assert (told["connected"], told["mode"], told["by"]) == (True, "oauth", "cli")
    assert told["expires_at"].endswith("Z")
    assert terminal.auth.codes[back["code"]].used


async def test_of_many_workers_one_renews_and_a_reused_token_is_never_sent(
    terminal: Terminal,
) -> None:
    terminal.auth.life = 200  # less than the skew: due at once
    async with open_database_of(terminal.settings()) as world:
        bells = [RecordingBell() for _ in range(6)]
        cases = [build_provider(world.provider, PostgresStore(world.keys), bell) for bell in bells]
        started = await cases[0].start(None)
        assert started.url is not None
        back = await allow(started.url)
        await cases[0].finish(back["state"], Secret(back["code"]))
        for renewed in range(1, 4):
            done = await asyncio.gather(*(one.refresh() for one in cases))
            assert sum(done) >= 1
            assert (await cases[0].read(None)).connected
            assert len(terminal.auth.access) > renewed
        assert not terminal.auth.dead
        terminal.auth.dead.add(0)
        assert await cases[0].refresh()
        assert (await cases[1].read(None)).lost is Lost.REFUSED
        assert not any(await asyncio.gather(*(one.refresh() for one in cases)))
        async with world.store.begin() as tx:
            records = await tx.history.list(limit=50)
        lost = [one for one in records if one.entry.action == "provider_disconnected"]
        assert [one.entry.actor for one in lost] == ["system"]


async def test_a_workers_job_renews_and_the_admins_read_what_became_of_it(
    terminal: Terminal,
) -> None:
    terminal.auth.life = 200
    async with open_database_of(terminal.settings()) as world:
        async with world.store.begin() as tx:
            await tx.people.save(ANN)
        cases = build_provider(world.provider, world.store, RecordingBell())
        started = await cases.start(None)
        assert started.url is not None
        back = await allow(started.url)
        await cases.finish(back["state"], Secret(back["code"]))
        work = {"work": build_work(world, RecordingBell())}
        await refresh_provider(work)
        assert len(terminal.auth.refreshes) == 2
        terminal.auth.dead.add(0)
        await refresh_provider(work)
        render = Render(store=world.store, broker=world.broker)
        rows = await connections.get("default").execute_query_dict(
            "SELECT payload::text AS payload FROM outbox WHERE kind = 'provider' ORDER BY id"
        )
        told = []
        for row in rows:
            parcel = await render(
                Kind.PROVIDER,
                json.loads(row["payload"])["detail"],
                Reader(words_for("en"), ANN.role),
            )
            assert parcel is not None
            told.append(parcel.text)
    assert told == [
        "🧠 <b>OpenAI is connected.</b>\nBy the terminal.",
        "🧠 <b>OpenAI is disconnected:</b> it refused to renew the token.\n"
        "Connect again: <code>ai-trader provider connect</code>. Trading goes on without it.",
    ]


async def test_a_key_is_read_from_a_pipe_and_is_no_argument(terminal: Terminal) -> None:
    environ = {"DATABASE_URL": terminal.database.url, "ENCRYPTION_KEYS": terminal.keys}
    done = await asyncio.to_thread(
        CliRunner().invoke, app, ["provider", "connect"], input=f"{KEY}\n", env=environ
    )
    assert (done.exit_code, json.loads(done.stdout)["mode"]) == (0, "key")
    assert KEY not in done.output
    assert (await terminal.json(provider_reports.test))[0] == 0


async def test_keys_are_listed_rotated_and_counted(terminal: Terminal) -> None:
    await terminal.run(provider_reports.connect, KEY)
    both = {"encryption_keys": f"{new_key_line('two')},{terminal.keys}"}
    code, said = await terminal.run(key_reports.list_all, **both)
    assert code == 0
    assert [line.split()[0] + line.split()[-2] for line in said.splitlines()] == ["two0", "one1"]
    assert await terminal.run(key_reports.count, **both) == (1, "1")
    code, said = await terminal.run(key_reports.rotate_all, **both)
    assert (code, said) == (0, "1 secrets are now under two, 0 cannot be read")
    assert await terminal.run(key_reports.count, **both) == (0, "0")
    alone = {"encryption_keys": both["encryption_keys"].split(",")[0]}
    assert (await terminal.json(provider_reports.test, **alone))[0] == 0
    code, said = await terminal.run(key_reports.list_all)
    assert (code, "1 secrets that cannot be read" in said) == (1, True)
    assert all(line.partition(":")[2] not in said for line in both["encryption_keys"].split(","))


async def test_the_doctor_names_secrets_that_no_key_opens(terminal: Terminal) -> None:
    await terminal.run(provider_reports.connect, KEY)
    _, fine = await terminal.run(doctor)
    _, said = await terminal.run(doctor, encryption_keys=new_key_line("other"))
    assert "cannot be read with the keys" not in fine
    assert "cannot be read with the keys that are here: 1 (such as provider/openai/key)" in said
    assert "ai-trader keys list" in said
    assert "OpenAI is disconnected: its stored credential cannot be read." in said


async def test_no_canary_is_anywhere_after_everything_went_wrong(
    terminal: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    """S8: one canary for each kind of secret, at DEBUG, under every fault of the provider."""
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    errors: list[str] = []
    terminal.auth.life = 200
    canaries = ["CANARY", *(part.partition(":")[2] for part in terminal.keys.split(","))]
    async with open_database_of(terminal.settings()) as world:
        canaries.append(terminal.settings().encryption_keys.get_secret_value())  # type: ignore[union-attr]
        cases = build_provider(world.provider, world.store, RecordingBell())
        for fault in ("", *FAULTS, "reset"):
            terminal.site.faults, terminal.auth.faults = [fault] * 2, []
            said.append(str(await cases.check(None)))
            started = await cases.start(None)
            assert started.url is not None
            back = await allow(started.url)
            canaries += [back["state"], back["code"]]
            terminal.auth.faults = [fault]
            try:
                await cases.finish(back["state"], Secret(back["code"]))
            except ProviderUnavailable as error:
                errors.append(f"{error!r} {error.details}")
            terminal.auth.faults = [fault]
            await cases.refresh()
            said.append(str(await cases.read(None)))
        await cases.store_key(None, Secret(KEY))
        said.append(repr(world.provider) + repr(world.keys) + repr(world))
    assert len(errors) > 20
    found = " ".join([*said, *errors, caplog.text, await everything(terminal.database)])
    assert [
        name for name in ("provider_connected", "HTTP Request", "INSERT INTO") if name not in found
    ] == []
    assert [canary for canary in canaries if canary in found] == []


async def everything(database: Database) -> str:
    """Every row of every table, as text."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        names = await owner.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        )
        texts = []
        for (name,) in names:
            rows = await owner.fetch(f'SELECT to_jsonb(t)::text FROM "{name}" t')
            texts += [row[0] for row in rows]
    finally:
        await owner.close()
    return " ".join(texts)


async def test_a_process_with_other_keys_stores_under_its_own(terminal: Terminal) -> None:
    await terminal.run(provider_reports.connect, KEY)
    other = terminal.settings(encryption_keys=new_key_line("other"))
    async with open_database(terminal.database.url), PostgresStore(keys_of(other)).begin() as tx:
        assert await tx.secrets.remove("provider/openai/key")
        await tx.secrets.put("provider/openai/key", Secret("sk-new"))
        assert await tx.secrets.get("provider/openai/key") == Secret("sk-new")


async def test_plain_text_is_not_let_into_the_vault(terminal: Terminal) -> None:
    connection = await asyncpg.connect(terminal.database.url)
    try:
        for value in ("sk-plain", "k:short", "k:" + "!" * 60, ""):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute("INSERT INTO secret VALUES ('x', $1)", value)
    finally:
        await connection.close()
