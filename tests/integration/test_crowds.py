"""Callers that come in a crowd: every server of ours knows each of them."""

import asyncio
import gc
import socket
from collections import Counter

import psutil
from aiohttp import web as aiohttp_web
from pydantic import SecretStr

from bot.api.app import listening
from bot.callers import serving
from bot.endpoint import serve_endpoint
from bot.webhook_settings import Plan
from tests.integration.ea import Bridge, bridge  # noqa: F401
from tests.web import Web

HOST, CROWD = "127.0.0.1", 600


def known_of_a_crowd(port: int) -> int:
    """How many of a crowd a server knows of, all of which wait to be accepted: nothing here waits,
    so the loop does not run meanwhile.
    """
    socks = []
    for _ in range(CROWD):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((HOST, port))
        socks.append(sock)
    states = Counter(
        one.status for one in psutil.net_connections("tcp4") if one.laddr and one.laddr.port == port
    )
    for sock in socks:
        sock.close()
    return states["ESTABLISHED"]


async def test_a_crowd_at_the_api(web: Web) -> None:
    async with listening(web.server.app, HOST, 0) as (_, port):
        assert known_of_a_crowd(port) == CROWD


async def test_a_crowd_at_the_webhook_of_telegram() -> None:
    plan = Plan(
        url="https://example.org", secret=SecretStr("not looked at"), host=HOST, port=0,
        certificate=None, key=None, self_signed=False,
    )  # fmt: skip
    async with serving(aiohttp_web.Application(), plan) as port:
        assert known_of_a_crowd(port) == CROWD


async def test_a_crowd_of_terminals(bridge: Bridge) -> None:  # noqa: F811
    before = _listening()
    serves = asyncio.ensure_future(serve_endpoint(bridge.endpoint, HOST, 0))
    try:
        async with asyncio.timeout(10):
            while not (new := _listening() - before):  # noqa: ASYNC110 -- nobody tells
                await asyncio.sleep(0.01)
        assert known_of_a_crowd(new.pop()) == CROWD
    finally:
        serves.cancel()
        await asyncio.gather(serves, return_exceptions=True)
        gc.unfreeze()


def _listening() -> set[int]:
    return {
        one.laddr.port
        for one in psutil.Process().net_connections("tcp4")
        if one.status == psutil.CONN_LISTEN
    }
