"""Servers that repeat the key they refuse, as many do: it is in no error and in nothing kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from broker.binance.client import Client as Binance
from broker.feeds.addresses import own_network_too
from broker.mt5.client import Connector
from broker.oanda.client import Client as Oanda
from broker.webhooks import HttpWebhooks
from engine.errors import TraderError

KEY = "Key0That0Is0Repeated0"


@asynccontextmanager
async def repeating() -> AsyncIterator[str]:
    """A server that refuses whatever it is asked, in everybody's words; its address."""

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/time"):
            return web.json_response({"serverTime": int(time() * 1000)})
        shown = [request.headers.get(name) for name in ("X-MBX-APIKEY", "Authorization")]
        text = f"bad key: {shown} at {request.path_qs}"
        return web.json_response(
            {"code": -2014, "msg": text, "errorMessage": text, "error": {"message": text}},
            status=401,
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


def clients(url: str) -> dict[str, tuple[Any, Any]]:
    """A call of each venue's client, and what closes it."""

    def now() -> datetime:
        return datetime.now(UTC)

    key = SecretStr(KEY)
    binance = Binance(url=url, key=key, secret=SecretStr(KEY[::-1]), clock=now)
    oanda = Oanda(url=url, token=key, account="1-1-1-1", clock=now)
    connector = Connector(url=url, token=KEY)
    return {
        "binance": (lambda: binance.read("/api/v3/account", signed=True), None),
        "oanda": (lambda: oanda.read("/v3/accounts/1-1-1-1/summary"), oanda.aclose),
        "mt5": (lambda: connector.read("/mt5/health"), None),
    }


@pytest.mark.parametrize("venue", ["binance", "oanda", "mt5"])
async def test_a_key_that_a_venue_repeats_is_not_told(venue: str) -> None:
    async with repeating() as url:
        call, close = clients(url)[venue]
        with pytest.raises(TraderError, match=r"bad key.*\*\*\*") as found:
            await call()
        if close is not None:
            await close()
    assert KEY not in str(found.value) + repr(found.value.details)


async def test_a_path_that_a_receiver_repeats_is_not_kept() -> None:
    line = HttpWebhooks(
        timedelta(seconds=5), lambda: datetime.now(UTC), permit=own_network_too, tls_only=False
    )
    async with repeating() as url:
        reply = await line.post(f"{url}/hook/{KEY}?a=1", b"{}", {})
    assert reply.status == 401
    assert KEY not in reply.said
    assert "bad key" in reply.said
