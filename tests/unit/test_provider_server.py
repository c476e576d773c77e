"""The stand-in for the provider, held against clients that are not ours: the ``openai`` package
as it comes, and a small one over plain HTTP.
"""

import asyncio
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from http.client import HTTPConnection
from json import loads
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import openai
import pytest

from tests.provider_server import KEY, MODELS, AuthSite, ModelSite
from tests.served import served

VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


async def test_the_openai_package_reads_its_models() -> None:
    async with (
        served(ModelSite()) as site,
        openai.AsyncOpenAI(api_key=KEY, base_url=f"{site.url}/v1", max_retries=0) as client,
    ):
        page = await client.models.list()
        assert tuple(model.id for model in page.data) == MODELS
        assert page.data[0].owned_by == "system"
        with pytest.raises(openai.NotFoundError, match="Invalid URL"):
            await client.models.retrieve("gpt-4o")
    for fault, kind in (
        ("401", openai.AuthenticationError), ("403", openai.PermissionDeniedError),
        ("404", openai.NotFoundError), ("429", openai.RateLimitError),
        ("500", openai.InternalServerError), ("reset", openai.APIConnectionError),
    ):  # fmt: skip
        async with (
            served(ModelSite(faults=[fault])) as site,
            openai.AsyncOpenAI(api_key=KEY, base_url=f"{site.url}/v1", max_retries=0) as client,
        ):
            with pytest.raises(kind):
                await client.models.list()


async def test_the_openai_package_is_refused_with_another_key() -> None:
    async with (
        served(ModelSite()) as site,
        openai.AsyncOpenAI(api_key="sk-other", base_url=f"{site.url}/v1", max_retries=0) as client,
    ):
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided"):
            await client.models.list()


class Client:
    """Requests as anybody would write them."""

    def __init__(self, site: AuthSite) -> None:
        self.site = site

    async def get(self, **changes: str | None) -> tuple[int, dict[str, str]]:
        """The status of the authorization request, and what the redirect carries."""
        asked = {
            "response_type": "code", "client_id": self.site.client_id,
            "redirect_uri": self.site.redirect_uri, "state": "s" * 43,
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        } | changes  # fmt: skip
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        status, headers, _ = await asyncio.to_thread(self._send, "GET", f"/authorize?{query}")
        found = parse_qs(urlsplit(headers.get("location", "")).query)
        return status, {name: values[0] for name, values in found.items()}

    async def post(self, secret: str | None = None, **form: str) -> tuple[int, Any]:
        pair = f"{self.site.client_id}:{secret or self.site.client_secret}"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
        }
        status, _, body = await asyncio.to_thread(
            self._send, "POST", "/token", urlencode(form), headers
        )
        return status, loads(body)

    async def code(self) -> str:
        return (await self.get())[1]["code"]

    async def exchange(self, code: str, **changes: str) -> tuple[int, Any]:
        form = {
            "grant_type": "authorization_code", "code": code,
            "redirect_uri": self.site.redirect_uri, "code_verifier": VERIFIER,
        } | changes  # fmt: skip
        return await self.post(**form)

    def _send(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.site.port, timeout=10)
        try:
            connection.request(method, path, body or None, headers or {})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()
        finally:
            connection.close()


async def test_a_code_works_once_with_its_verifier_and_its_address() -> None:
    async with served(AuthSite()) as site:
        client = Client(site)
        assert (await client.get())[1]["state"] == "s" * 43
        status, issued = await client.exchange(code := await client.code())
        assert (status, issued["token_type"], issued["expires_in"]) == (200, "Bearer", 3600)
        assert site.good(issued["access_token"])
        assert (await client.exchange(code))[1]["error"] == "invalid_grant"
        # Section 10.5: what a code brought that is used twice is worth nothing any more.
        assert not site.good(issued["access_token"])
        for changes in ({"code_verifier": "x" * 64}, {"redirect_uri": "http://else.where/"}):
            status, told = await client.exchange(await client.code(), **changes)
            assert (status, told["error"]) == (400, "invalid_grant")
        assert (await client.exchange("unknown"))[1]["error"] == "invalid_grant"


async def test_a_refresh_token_works_once() -> None:
    async with served(AuthSite()) as site:
        client = Client(site)
        _, first = await client.exchange(await client.code())
        form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        status, second = await client.post(**form)
        assert status == 200
        assert second["refresh_token"] != first["refresh_token"]
        assert (await client.post(**form))[1]["error"] == "invalid_grant"
        assert not site.good(second["access_token"])
        form["refresh_token"] = second["refresh_token"]
        assert (await client.post(**form))[1]["error"] == "invalid_grant"


async def test_what_is_wrong_is_refused_as_the_papers_say() -> None:
    async with served(AuthSite()) as site:
        client = Client(site)
        assert (await client.get(redirect_uri="http://evil.example/"))[0] == 400
        assert (await client.get(client_id="other"))[0] == 400
        for changes, error in (
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"state": None}, "invalid_request"),
        ):
            assert (await client.get(**changes))[1]["error"] == error  # type: ignore[arg-type]
        status, told = await client.post(secret="wrong", grant_type="refresh_token")
        assert (status, told["error"]) == (401, "invalid_client")
        assert (await client.post(grant_type="password"))[1]["error"] == "unsupported_grant_type"
        site.denies = "access_denied"
        assert (await client.get())[1] == {"error": "access_denied", "state": "s" * 43}
