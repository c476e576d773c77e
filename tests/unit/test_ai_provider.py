"""The provider over HTTP: every answer is a readable one, bounded, and tells no secret."""

import asyncio
import logging
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.i18n import LANGUAGES, Words
from bot.views.provider import test_document as document_of
from broker.ai.line import Line
from broker.ai.models import OpenAiModels
from broker.ai.tokens import OAuthServer
from engine.domain.provider import AiReach, Credential, Offer, Plan, Provider
from engine.domain.secret import Secret
from engine.errors import ProviderUnavailable, TokenRefused
from engine.flow.provider_oauth import challenge_of
from tests.provider_server import FAULTS, KEY, MODELS, AuthSite, ModelSite, answer
from tests.served import served

EN = Words("en")
PLAN = Plan(provider=Provider.OPENAI, enabled=True, model=None, base_url="", key=None)
SERVER = OpenAiModels(line=Line(patience=timedelta(seconds=5)))
VERIFIER = Secret("v" * 43)


async def ask(site: ModelSite, key: str = KEY, server: OpenAiModels = SERVER) -> Offer:
    place = Credential(key=Secret(key), base_url=f"{site.url}/v1", is_typed=False)
    return await server.models(place)


def said(reach: AiReach) -> dict[str, str]:
    return document_of(EN, Offer(reach=reach), PLAN)


async def test_a_good_key_is_answered_as_the_source_says() -> None:
    async with served(ModelSite()) as site:
        offer = await ask(site)
        assert offer == Offer(reach=AiReach.ONLINE, models=MODELS)
        assert said(offer.reach) == {"status": "ok", "message": "AI online"}
        assert site.asked[0].headers["authorization"] == f"Bearer {KEY}"
        assert site.asked[0].headers["accept-encoding"] == "identity"
        offer = await ask(site, "sk-another-key")
        assert said(offer.reach) == {"status": "error", "message": "Invalid OpenAI API key"}


REACHES = {
    "401": AiReach.KEY, "403": AiReach.FORBIDDEN, "404": AiReach.NO_API,
    "404 html": AiReach.NO_API, "400": AiReach.NO_API, "408": AiReach.TIMEOUT,
    "429": AiReach.BUSY, "500": AiReach.FAILING, "502": AiReach.FAILING, "503": AiReach.FAILING,
    "504": AiReach.TIMEOUT, "302": AiReach.REDIRECT, "308": AiReach.REDIRECT,
    "garbage": AiReach.UNREACHABLE, "ssh": AiReach.UNREACHABLE, "bad chunk": AiReach.UNREACHABLE,
    "reset": AiReach.UNREACHABLE, "lost": AiReach.UNREACHABLE,
}  # fmt: skip


@pytest.mark.parametrize("fault", [*FAULTS, "reset", "lost"])
async def test_every_fault_is_named_and_none_by_a_number(fault: str) -> None:
    # A lost connection is tried once more: the question changes nothing.
    async with served(ModelSite(faults=[fault] * 3)) as site:
        reach = (await ask(site)).reach
    assert reach is REACHES.get(fault, AiReach.GARBLED)
    message = said(reach)["message"]
    assert said(reach)["status"] == "error"
    assert not any(letter.isdigit() for letter in message.replace("/v1", ""))
    assert KEY not in message


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reach", list(AiReach))
def test_every_answer_has_words(language: str, reach: AiReach) -> None:
    told = document_of(Words(language), Offer(reach=reach), PLAN)
    assert told["message"]
    assert "{" not in told["message"]


async def test_a_server_that_hangs_is_not_waited_for() -> None:
    quick = OpenAiModels(line=Line(patience=timedelta(seconds=0.2)))
    async with served(ModelSite(faults=["hang"])) as site:
        assert (await ask(site, server=quick)).reach is AiReach.TIMEOUT


async def test_nobody_there_and_a_name_nobody_knows_are_told_apart() -> None:
    async with served(ModelSite()) as site:
        gone = site.port
    for url, reach in (
        (f"http://127.0.0.1:{gone}/v1", AiReach.UNREACHABLE),
        ("http://no-such-name.invalid/v1", AiReach.NAME),
        ("http://169.254.169.254/latest", AiReach.CLOSED),
    ):
        found = await SERVER.models(Credential(key=None, base_url=url, is_typed=False))
        assert found.reach is reach


async def test_a_server_without_tls_is_named() -> None:
    def plain_http(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain_http, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        place = Credential(key=None, base_url=f"https://127.0.0.1:{port}/v1", is_typed=False)
        assert (await SERVER.models(place)).reach is AiReach.TLS


HOSTS = """
localhost LOCALHOST localhost. 127.0.0.1 127.1 127.0.1 127.0.0.1. 127.000.000.001 0177.0.0.1 0177.1
0x7f.0.0.1 0x7f.1 0x7f000001 0X7F000001 2130706433 017700000001 0 0.0.0.0 00 0x0 127.8.8.8 [::1]
[::] [0:0:0:0:0:0:0:1] [::127.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:0:127.0.0.1]
[64:ff9b::127.0.0.1] [2002:7f00:1::] 10.0.0.1 192.168.1.1 172.16.0.1 169.254.169.254 100.64.0.1
[fe80::1] [fd00::1] [fd00:ec2::254] 224.0.0.1 255.255.255.255
"""


@pytest.mark.parametrize("host", HOSTS.split())
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_address_that_somebody_typed_leads_into_no_network_of_ours(
    host: str, scheme: str
) -> None:
    async with served(ModelSite()) as canary:
        place = Credential(
            key=Secret(KEY), base_url=f"{scheme}://{host}:{canary.port}/v1", is_typed=True
        )
        found = await OpenAiModels(line=Line(patience=timedelta(seconds=0.5))).models(place)
        assert found.reach is not AiReach.ONLINE
        assert canary.asked == []


def client_of(site: AuthSite, **changes: Any) -> OAuthServer:
    secret = None if site.client_secret is None else Secret(site.client_secret)
    known: dict[str, Any] = {
        "auth_url": f"{site.url}/authorize?audience=x", "token_url": f"{site.url}/token",
        "client_id": site.client_id, "client_secret": secret, "redirect_uri": site.redirect_uri,
        "scopes": "model.read offline_access",
        "line": Line(patience=timedelta(seconds=5), largest=64 * 1024),
    }  # fmt: skip
    return OAuthServer(**known | changes)


async def allowed(site: AuthSite, client: OAuthServer, state: str = "s" * 43) -> dict[str, str]:
    """What the browser comes back with, without a browser."""
    url = client.authorization_url(state, challenge_of(VERIFIER.reveal()))
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    (place,) = [line[10:] for line in head.split("\r\n") if line.startswith("Location: ")]
    assert place.startswith(f"{site.redirect_uri}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(place).query).items()}


@pytest.mark.parametrize("secret", ["CANARY/secret with+signs:and%é", None])
async def test_codes_and_refresh_tokens_become_tokens(secret: str | None) -> None:
    async with served(AuthSite(client_secret=secret)) as site:
        client = client_of(site)
        back = await allowed(site, client)
        assert back["state"] == "s" * 43
        first = await client.exchange(Secret(back["code"]), VERIFIER)
        assert site.good(first.access.reveal())
        assert first.life == timedelta(hours=1)
        assert first.refresh is not None
        second = await client.refresh(first.refresh)
        assert site.good(second.access.reveal())
        with pytest.raises(TokenRefused) as caught:
            await client.refresh(first.refresh)
        assert caught.value.why == "invalid_grant"
        assert site.codes[back["code"]].scope == "model.read offline_access"
        assert "CANARY" not in f"{client} {first} {caught.value!r}"


async def test_another_verifier_and_another_secret_are_refused() -> None:
    async with served(AuthSite()) as site:
        client = client_of(site)
        code = (await allowed(site, client))["code"]
        with pytest.raises(TokenRefused, match="invalid_grant"):
            await client.exchange(Secret(code), Secret("w" * 43))
        with pytest.raises(TokenRefused, match="invalid_client"):
            await client_of(site, client_secret=Secret("other")).refresh(Secret("x"))


def issued(**changes: Any) -> bytes:
    whole = {"access_token": "a", "token_type": "bearer", "expires_in": 60, "refresh_token": "r"}
    return answer(200, whole | changes)


@pytest.mark.parametrize(
    "said",
    [
        *(FAULTS[name] for name in FAULTS if name not in ("204",)),
        answer(400, {"error": "CANARY"}), answer(500, {"error": "invalid_grant"}),
        answer(200, {"error": "invalid_grant"}), issued(access_token=""), issued(access_token=7),
        issued(access_token="a\nb"), issued(access_token="é"), issued(access_token="x" * 20_000),
        issued(token_type="mac"), issued(token_type=None), issued(expires_in=0),
        issued(expires_in=-1), issued(expires_in=True), issued(expires_in="60"),
        issued(expires_in=10**12), issued(refresh_token=""), issued(refresh_token=[]),
        answer(200, b'{"access_token": "a", "access_token": "b", "token_type": "bearer"}'),
    ],
)  # fmt: skip
async def test_an_answer_that_is_no_clear_one_may_pass_and_says_nothing(said: bytes) -> None:
    async with served(AuthSite()) as site:
        FAULTS["this"] = said
        site.faults = ["this"]
        try:
            with pytest.raises(ProviderUnavailable) as caught:
                await client_of(site).refresh(Secret("CANARY"))
        finally:
            del FAULTS["this"]
    assert not isinstance(caught.value, TokenRefused)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("fault", ["reset", "lost"])
async def test_no_answer_of_the_authorization_server_may_pass(fault: str) -> None:
    async with served(AuthSite(faults=[fault])) as site:
        with pytest.raises(ProviderUnavailable, match="unreachable"):
            await client_of(site).refresh(Secret("x"))


async def test_a_life_that_is_not_told_is_not_made_up() -> None:
    async with served(AuthSite(life=None, gives_refresh=False)) as site:
        client = client_of(site)
        tokens = await client.exchange(Secret((await allowed(site, client))["code"]), VERIFIER)
        assert (tokens.life, tokens.refresh) == (None, None)


async def test_nothing_secret_is_logged_at_the_most_talkative_level(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("openai").setLevel(logging.DEBUG)
    async with served(ModelSite()) as site, served(AuthSite()) as auth:
        for fault in ("", *FAULTS, "reset", "lost"):
            site.faults, auth.faults = [fault], [fault]
            await ask(site)
            with pytest.raises(ProviderUnavailable):
                await client_of(auth).refresh(Secret("CANARY-refresh-token"))
    assert caplog.records
    assert "CANARY" not in caplog.text
