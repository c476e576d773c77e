"""The provider's connection over HTTP, as an admin's browser and a script make it."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient

from bot.api.returned import POLICY
from bot.logs import mask
from bot.provider_settings import build_provider, parts_of
from bot.settings import Settings
from engine.domain.person import Person
from storage.sealing import KeyRing, new_key_line, read_keys
from storage.transaction import PostgresStore
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.provider_server import FAULTS, KEY, AuthSite, ModelSite
from tests.served import served
from tests.web import Web, serve

START, BACK = "/oauth/openai/start", "/oauth/openai/callback"
STATUS, END = "/oauth/openai/status", "/oauth/openai/disconnect"


@dataclass
class Shop:
    """The API, with a provider on this machine."""

    web: Web
    site: ModelSite
    auth: AuthSite

    async def ask(self, who: Person | None, method: str, path: str, **options: Any) -> Any:
        return await self.web.ask(who, method, path, **options)

    async def allowed(self, url: str) -> dict[str, str]:
        """What the provider sends a browser back with."""
        async with ClientSession() as session, session.get(url, allow_redirects=False) as answer:
            query = parse_qs(urlsplit(answer.headers["Location"]).query)
        return {name: values[0] for name, values in query.items()}


def settings(site: ModelSite, auth: AuthSite, **changes: Any) -> Settings:
    known: dict[str, Any] = {
        "llm_base_url": f"{site.url}/v1", "openai_client_id": auth.client_id,
        "openai_client_secret": auth.client_secret, "openai_auth_url": f"{auth.url}/authorize",
        "openai_token_url": f"{auth.url}/token", "openai_redirect_uri": auth.redirect_uri,
    }  # fmt: skip
    return Settings(_env_file=None, **known | changes)


@pytest_asyncio.fixture
async def shop(desk: Desk) -> AsyncIterator[Shop]:
    store = PostgresStore(KeyRing(read_keys(new_key_line("k"), "keys")))
    async with served(ModelSite()) as site, served(AuthSite()) as auth:
        parts = parts_of(settings(site, auth))
        web = await serve(desk, provider=build_provider(parts, store, desk.bell))
        yield Shop(web, site, auth)
        await web.close()


async def test_a_key_is_stored_tested_and_forgotten(shop: Shop) -> None:
    status, told = await shop.ask(LUIS, "POST", "/v1/ai/test-connection")
    assert (status, told["status"]) == (200, "error")
    status, told = await shop.ask(ANN, "PUT", "/v1/ai/provider", json={"key": KEY})
    assert (status, told["connected"], told["mode"]) == (200, True, "key")
    assert KEY not in str(told)
    for path in ("/v1/ai/test-connection", "/v1/ai/llm/test"):
        assert await shop.ask(LUIS, "POST", path) == (200, {"status": "ok", "message": "AI online"})
    shop.site.key = "sk-another"
    assert await shop.ask(LUIS, "POST", "/v1/ai/test-connection") == (
        200, {"status": "error", "message": "Invalid OpenAI API key"},
    )  # fmt: skip
    status, seen = await shop.ask(EVE, "GET", "/v1/ai/llm/status")
    assert (status, seen) == (200, told | {"message": "OpenAI is connected."})
    status, told = await shop.ask(ANN, "POST", END)
    assert (status, told["connected"], told["reason"]) == (200, False, "by_person")
    assert (await shop.ask(ANN, "GET", STATUS))[1] == told


@pytest.mark.parametrize(
    "body",
    [
        {}, {"key": ""}, {"key": 7}, {"key": "a b"}, {"key": "x", "more": 1}, {"key": "x" * 513},
        {"key": "x", "base_url": "http://127.0.0.1/v1"}, {"key": "x", "base_url": "x"},
        {"key": "x", "base_url": "https://u:p@h/v1"}, {"key": "x", "base_url": "file:///etc"},
    ],
)  # fmt: skip
async def test_what_can_be_no_key_or_no_address_is_refused(shop: Shop, body: Any) -> None:
    status, told = await shop.ask(ANN, "PUT", "/v1/ai/provider", json=body)
    assert (status, told["error"]["code"]) == (400, "INVALID_INPUT")


async def test_an_address_that_an_admin_typed_leads_into_no_network_of_ours(shop: Shop) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1"):
        body = {"key": KEY, "base_url": f"https://{host}:{shop.site.port}/v1"}
        assert (await shop.ask(ANN, "PUT", "/v1/ai/provider", json=body))[0] == 200
        _, told = await shop.ask(ANN, "POST", "/v1/ai/test-connection")
        assert "This address is not public" in told["message"]
    assert shop.site.asked == []


async def in_browser(shop: Shop) -> TestClient[Any, Any]:
    return await shop.web.logged_in(ANN, "ann@example.com")


async def test_a_browser_connects_by_oauth_and_is_known_when_it_comes_back(shop: Shop) -> None:
    client = await in_browser(shop)
    answer = await client.get(START)
    told, mark = await answer.json(), answer.cookies["oauth_attempt"]
    assert (answer.status, told["status"]) == (200, "started")
    assert (mark["samesite"], mark["path"], mark["max-age"]) == ("Lax", "/oauth/openai", "600")
    assert mark["httponly"]
    assert mark["secure"]
    back = await shop.allowed(told["auth_url"])
    # Without the session's cookie, which does not come along from another site.
    headers = {"Cookie": f"oauth_attempt={mark.value}"}
    answer = await shop.web.answer(None, "GET", BACK, params=back, headers=headers)
    told = await answer.json()
    assert (answer.status, told["connected"], told["mode"]) == (200, True, "oauth")
    assert told["by"] == f"person:{ANN.id}"
    assert answer.cookies["oauth_attempt"]["max-age"] == "0"
    status, body = await shop.ask(None, "GET", BACK, params=back, headers=headers)
    assert (status, body["error"]["code"]) == (400, "INVALID_INPUT")
    assert "provider_connected" in await shop.web.desk.actions()


@pytest.mark.parametrize("cookie", ["", "oauth_attempt=another"])
async def test_another_browser_cannot_finish_what_an_admin_began(shop: Shop, cookie: str) -> None:
    client = await in_browser(shop)
    back = await shop.allowed((await (await client.get(START)).json())["auth_url"])
    status, _ = await shop.ask(None, "GET", BACK, params=back, headers={"Cookie": cookie})
    assert status == 400
    assert not shop.auth.access
    assert not (await shop.ask(ANN, "GET", STATUS))[1]["connected"]


async def test_a_browser_is_sent_on_and_a_script_is_told(shop: Shop) -> None:
    client = await in_browser(shop)
    answer = await client.get(START, headers={"Accept": "text/html"}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"][: len(shop.auth.url)]) == (302, shop.auth.url)
    answer = await shop.web.answer(ANN, "GET", START)
    assert "oauth_attempt" not in answer.cookies
    back = await shop.allowed((await answer.json())["auth_url"])
    # What else a provider adds is no mistake.
    more = back | {"iss": "https://auth.example", "scope": "a b", "session_state": "x.y"}
    assert (await shop.ask(None, "GET", BACK, params=more))[0] == 200


async def test_a_no_of_the_person_and_of_the_provider_are_told(shop: Shop) -> None:
    shop.auth.denies = "access_denied"
    _, told = await shop.ask(ANN, "GET", START)
    back = await shop.allowed(told["auth_url"])
    status, told = await shop.ask(None, "GET", BACK, params=back)
    assert (status, told["error"]["code"]) == (502, "OPENAI_UNAVAILABLE")
    shop.auth.denies = None
    _, told = await shop.ask(ANN, "GET", START)
    back = await shop.allowed(told["auth_url"])
    shop.auth.faults = ["500"]
    status, told = await shop.ask(None, "GET", BACK, params=back)
    assert (status, told["error"]["code"]) == (503, "OPENAI_UNAVAILABLE")


async def test_with_a_key_of_the_settings_the_paths_of_oauth_do_nothing(desk: Desk) -> None:
    async with served(ModelSite()) as site, served(AuthSite()) as auth:
        parts = parts_of(settings(site, auth, openai_api_key=KEY))
        # Without a key to encrypt with: nothing is stored.
        web = await serve(desk, provider=build_provider(parts, PostgresStore(), desk.bell))
        status, told = await web.ask(ANN, "GET", START)
        assert (status, told["status"], told["auth_url"]) == (200, "not_needed", None)
        status, told = await web.ask(None, "GET", BACK, params={"state": "x", "code": "y"})
        assert (status, told["mode"]) == (200, "setting")
        status, told = await web.ask(ANN, "POST", END)
        assert (status, told["connected"]) == (200, True)
        assert (await web.ask(ANN, "POST", "/v1/ai/llm/test"))[1]["status"] == "ok"
        assert auth.asked == []
        await web.close()


async def test_without_a_key_to_encrypt_with_nothing_is_stored(web: Web) -> None:
    status, told = await web.ask(ANN, "PUT", "/v1/ai/provider", json={"key": KEY})
    assert (status, "ENCRYPTION_KEYS" in told["error"]["message"]) == (409, True)
    status, told = await web.ask(ANN, "GET", START)
    assert (status, "OPENAI_CLIENT_ID" in told["error"]["message"]) == (409, True)


async def test_no_secret_is_in_a_log_or_an_error_of_the_api(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers, canaries = [], ["CANARY"]
    for fault in ("", *list(FAULTS)[:12], "reset"):
        _, told = await shop.ask(ANN, "GET", START)
        back = await shop.allowed(told["auth_url"])
        canaries += [back["state"], back["code"]]
        shop.auth.faults, shop.site.faults = [fault], [fault] * 2
        answers.append(str(await shop.ask(None, "GET", BACK, params=back)))
        shop.auth.faults = []
        answers.append(str(await shop.ask(ANN, "POST", "/v1/ai/llm/test")))
    answers.append(str(await shop.ask(ANN, "PUT", "/v1/ai/provider", json={"key": f"{KEY} x"})))
    # The product switches aiohttp's own log of addresses off; if somebody turned it on, it would
    # pass the mask, as every line does.
    ours = "\n".join(
        mask(record.getMessage()) if record.name == "aiohttp.access" else record.getMessage()
        for record in caplog.records
    )
    assert f"GET {BACK}: 200" in ours
    assert [canary for canary in canaries if canary in ours + " ".join(answers)] == []


HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"


async def come_back(shop: Shop, query: dict[str, str], **headers: str) -> tuple[Any, str]:
    answer = await shop.web.answer(
        None, "GET", BACK, params=query, headers={"Accept": HTML, **headers}
    )
    assert answer.content_type == "text/html"
    assert "script" not in await answer.text()
    policy = answer.headers["Content-Security-Policy"]
    assert policy == POLICY
    assert "default-src 'none'" in policy
    return answer, await answer.text()


async def test_a_browser_that_comes_back_reads_what_happened(shop: Shop) -> None:
    """In the language of who began, whatever the browser's is; once only."""
    client = await in_browser(shop)
    async with shop.web.desk.world.store.begin() as tx:
        await tx.people.save(replace(ANN, language="de"))
    begun = await client.get(START)
    back = await shop.allowed((await begun.json())["auth_url"])
    marks = {name: morsel.value for name, morsel in begun.cookies.items()}
    assert marks.keys() == {"oauth_attempt", "oauth_language"}
    cookie = "; ".join(f"{name}={value}" for name, value in marks.items())
    answer, text = await come_back(shop, back, Cookie=cookie, **{"Accept-Language": "es"})
    assert (answer.status, "✅ OpenAI ist verbunden." in text) == (200, True)
    assert '<html lang="de" dir="ltr">' in text
    assert "im Chat" in text
    assert [morsel["max-age"] for morsel in answer.cookies.values()] == ["0", "0"]
    assert (await shop.ask(ANN, "GET", STATUS))[1]["connected"]
    answer, text = await come_back(shop, back, Cookie=cookie)
    assert (answer.status, "❌" in text) == (400, True)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("ar,en;q=0.5", '<html lang="ar" dir="rtl">'), ("pt-PT", '<html lang="pt-BR" dir="ltr">'),
        ("fr, ru;q=0.8", '<html lang="ru" dir="ltr">'), ("fr", '<html lang="en" dir="ltr">'),
        ("", '<html lang="en" dir="ltr">'),
    ],
)  # fmt: skip
async def test_a_stranger_reads_of_a_failure_in_the_browsers_language(
    shop: Shop, asked: str, shown: str
) -> None:
    answer, text = await come_back(
        shop, {"state": "<b>x", "error": "<script>"}, **{"Accept-Language": asked}
    )
    assert answer.status == 400
    assert shown in text
    assert "<b>x" not in text


async def test_a_person_who_says_no_there_reads_so_here(shop: Shop) -> None:
    client = await in_browser(shop)
    begun = await client.get(START)
    state = (await shop.allowed((await begun.json())["auth_url"]))["state"]
    cookie = f"oauth_attempt={begun.cookies['oauth_attempt'].value}; oauth_language=<script>"
    answer, text = await come_back(shop, {"state": state, "error": "access_denied"}, Cookie=cookie)
    assert (answer.status, "refused the connection" in text) == (502, True)
    assert not (await shop.ask(ANN, "GET", STATUS))[1]["connected"]
