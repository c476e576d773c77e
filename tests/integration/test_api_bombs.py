"""Requests that are meant to cost much, callers that come in a crowd, and those who do not read."""

import asyncio
import logging
import os
import socket
from collections import Counter
from itertools import islice
from typing import Any

import psutil
import pytest

from bot.api import guard
from bot.api.app import listening
from tests.chaos.api_site import Site
from tests.chaos.bombs import bombs, throw
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


async def test_a_crowd_that_comes_at_once_is_known_to_the_server(web: Web) -> None:
    crowd = 600
    async with listening(web.server.app, "127.0.0.1", 0) as (host, port):
        socks = []
        # The loop does not run meanwhile: they all wait to be accepted.
        for _ in range(crowd):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((host, port))
            socks.append(sock)
        states = Counter(
            one.status
            for one in psutil.net_connections("tcp4")
            if one.laddr and one.laddr.port == port
        )
        for sock in socks:
            sock.close()
    assert states["ESTABLISHED"] == crowd


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
