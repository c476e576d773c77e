"""Requests that are meant to cost much, callers that come in a crowd, and those who do not read."""

import asyncio
import logging
import os
import socket
from itertools import islice
from typing import Any

import pytest
from yarl import URL

from bot import logs
from bot.api import guard
from bot.api.app import routes
from bot.api.openapi import document
from tests.chaos.api_site import Site
from tests.chaos.bombs import bombs, throw
from tests.chaos.examples import SOME_ID, filled
from tests.integration.conftest import ANN
from tests.web import Web

NESTED = "/v1/auth/login"


def site(web: Web) -> Site:
    nothing: Any = None
    return Site(
        url=str(web.server.make_url("")).rstrip("/"), keys={"Ann": web.keys[ANN.id]},
        pid=os.getpid(), process=nothing,
    )  # fmt: skip


async def test_small_requests_that_would_cost_much_are_answered_cheaply(web: Web) -> None:
    chosen = list(islice(bombs(), 0, None, 41))
    counts, wrong = await throw(site(web), chosen)
    assert wrong == []
    assert counts["bombs"] == len(chosen) > 100


#: The ends of what a parameter may be, by its schema's format or type.
ENDS = {
    "date": ("0001-01-01", "9999-12-31", "2026-02-29"),
    "date-time": (
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00.123456789Z",
    ),
    "integer": ("1", "500", "2147483647", "9007199254740992", "9223372036854775807"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "string": ("a", "%25", "'", "A" * 24),
}  # fmt: skip
#: What pydantic would read, and the document does not allow.
LOOSE = ("%205", "+5", "1_0", "5.0", "0.5e1", "yes", "TRUE", "1700000000", "%7B%7D", "00", "-0")


async def test_the_ends_of_every_parameter_are_no_mistake_of_ours(web: Web) -> None:
    told = document(routes())
    for path, methods in told["paths"].items():
        for one in methods.get("get", {}).get("parameters", ()):
            kinds = [
                part.get("format", part.get("type"))
                for part in one["schema"].get("anyOf", [one["schema"]])
            ]
            texts = [text for kind in kinds for text in ENDS.get(kind, ())]
            for text in texts:
                asked = filled(path)
                if one["in"] == "path":
                    asked = asked.replace(SOME_ID, text, 1)
                else:
                    other = {"first": "&last=9999-12-31", "last": "&first=0001-01-01"}
                    asked += f"?{one['name']}={text}{other.get(one['name'], '')}"
                status, said = await web.ask(ANN, "GET", URL(asked, encoded=True))
                assert status < 500 or (status, said["error"]["code"]) == (
                    503,
                    "FEED_UNAVAILABLE",
                ), (asked, said)


@pytest.mark.parametrize(
    "path",
    ["/v1/ai/history?limit=", "/v1/trading/orders?before=", "/v1/analysis?last=2026-01-01&first=",
     "/v1/events?trade_idea_id="],
)  # fmt: skip
async def test_a_parameter_is_written_in_one_way(web: Web, path: str) -> None:
    for text in LOOSE:
        status, _ = await web.ask(ANN, "GET", URL(path + text, encoded=True))
        assert status == 400, (path, text)


async def test_a_yes_is_written_in_one_way(web: Web) -> None:
    for text in ("1", "yes", "on", "TRUE", "t"):
        assert (await web.ask(ANN, "POST", f"/v1/auth/logout?everywhere={text}"))[0] == 400


@pytest.mark.parametrize("opens", ["[", '{"a":'])
async def test_a_body_is_nested_at_most_32_deep(web: Web, opens: str) -> None:
    closes = "]" if opens == "[" else "}"
    told = []
    for depth in (31, 32, 900):
        body = opens * depth + "1" + closes * depth
        status, said = await web.ask(
            None, "POST", NESTED, data=body, headers={"Content-Type": "application/json"}
        )
        told.append((status, "nested" in said["error"]["message"]))
    assert told == [(400, False), (400, True), (400, True)]


async def test_who_does_not_read_an_answer_is_cut_off(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "_READING", 0.2)
    address = web.server.make_url("")
    loop = asyncio.get_running_loop()
    with socket.socket() as sock, caplog.at_level(logging.WARNING, "bot.api.guard"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        sock.setblocking(False)
        await loop.sock_connect(sock, (address.host, address.port))
        # More than the two kernels keep between them.
        await loop.sock_sendall(sock, b"GET /v1/docs HTTP/1.1\r\nHost: x\r\n\r\n" * 60)
        async with asyncio.timeout(10):
            while "not read in time" not in caplog.text:  # noqa: ASYNC110 -- only the log tells
                await asyncio.sleep(0.05)


async def test_of_what_is_no_http_nothing_is_told(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    server, told = logging.getLogger("aiohttp.server"), logs._NoHttp()
    server.addFilter(told)
    address = web.server.make_url("")
    try:
        with caplog.at_level(logging.INFO):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nCookie: auth_token=a-secret\0\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.0 400")
            writer.close()
    finally:
        server.removeFilter(told)
    assert "Error handling request" in caplog.text
    assert "a-secret" not in caplog.text
    assert {record.levelname for record in caplog.records if record.name == "aiohttp.server"} == {
        "INFO"
    }
