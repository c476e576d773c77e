"""What counts as refused, what as silence, the clocks, and the exchange's limits."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from broker.binance.place import is_real
from engine.domain.market import Timeframe
from engine.errors import BrokerRefused, BrokerSilent, FeedError, InvalidInput, NotFound
from tests.binance import KEY, SECRET
from tests.binance.rig import Rig

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01",
         "newClientOrderId": "at-1", "newOrderRespType": "FULL"}  # fmt: skip


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url(""))


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (400, '{"code": -1013, "msg": "Filter failure: LOT_SIZE"}', True),
        (400, '{"code": -2010, "msg": "Account has insufficient balance"}', True),
        (400, '{"code": -1102, "msg": "Mandatory parameter"}', True),
        (401, '{"code": -2015, "msg": "Invalid API-key"}', True),
        (429, '{"code": -1015, "msg": "Too many new orders."}', True),
        (400, '{"code": -2010, "msg": "Duplicate order sent."}', False),
        (400, '{"code": -1000, "msg": "An unknown error occurred"}', False),
        (400, '{"code": -1001, "msg": "Internal error"}', False),
        (400, '{"code": -1006, "msg": "An unexpected response"}', False),
        (504, '{"code": -1007, "msg": "Timeout waiting"}', False),
        (503, '{"code": -1008, "msg": "Server is currently overloaded"}', False),
        (500, '{"code": -1013, "msg": "Filter failure: LOT_SIZE"}', False),
        (403, "<html>WAF</html>", False),
        (502, "<html>Bad Gateway</html>", False),
        (302, "{}", False),
        (200, "no json", False),
        (200, '{"a": NaN}', False),
        (200, '{"a": 1, "a": 2}', False),
        (200, '"' + "x" * (4 * 2**20) + '"', False),
    ],
)
async def test_only_a_proof_is_a_refusal(rig: Rig, status: int, body: str, refused: bool) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    async with answering(answer) as url:
        client = rig.client(url=url)
        with pytest.raises(BrokerRefused if refused else BrokerSilent):
            await client.write("POST", "/api/v3/order", ORDER, at=1)


async def test_what_never_left_is_refused_and_a_question_is_silence(
    rig: Rig, unused_tcp_port: int
) -> None:
    client = rig.client(url=f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(BrokerRefused, match="cannot be reached"):
        await client.write("POST", "/api/v3/order", ORDER, at=1)
    with pytest.raises(BrokerSilent):
        await client.read("/api/v3/time")


@pytest.mark.parametrize("skew", [-3600, 3600, 40])
async def test_another_clock_is_measured(rig: Rig, skew: int) -> None:
    rig.skew = timedelta(seconds=skew)
    assert await rig.client().read("/api/v3/account", signed=True)


async def test_a_clock_that_jumps_is_measured_again(rig: Rig) -> None:
    client = rig.client()
    await client.read("/api/v3/account", signed=True)
    rig.skew = timedelta(minutes=5)
    at = await client.time()
    with pytest.raises(BrokerRefused, match="recvWindow"):
        await client.write("POST", "/api/v3/order", ORDER, at=at)
    assert rig.exchange.orders == []
    await client.write("POST", "/api/v3/order", ORDER, at=await client.time())
    rig.skew = timedelta(minutes=-5)
    assert await client.read("/api/v3/account", signed=True)
    assert rig.server.calls["GET time"] == 3


async def test_a_request_that_was_held_up_is_not_taken_late(rig: Rig) -> None:
    """What makes a lost order provable: a timestamp older than the window is refused."""
    client = rig.client()
    at = await client.time()
    rig.shift += timedelta(seconds=6)
    with pytest.raises(BrokerRefused, match="outside of the recvWindow"):
        await client.write("POST", "/api/v3/order", ORDER, at=at)


@pytest.mark.parametrize(("kind", "seconds"), [("too_many", 7), ("banned", 120)])
async def test_a_pause_that_is_asked_for_is_kept(rig: Rig, kind: str, seconds: int) -> None:
    client = rig.client()
    at = await client.time()
    rig.server.faults = [("POST order", kind)]
    with pytest.raises(BrokerRefused):
        await client.write("POST", "/api/v3/order", ORDER, at=at)
    calls = rig.server.calls.total()
    rig.shift += timedelta(seconds=seconds - 1)
    with pytest.raises(BrokerRefused, match="pause"):
        await client.write("POST", "/api/v3/order", ORDER, at=at)
    with pytest.raises(BrokerSilent, match="pause"):
        await client.read("/api/v3/account", signed=True)
    assert rig.server.calls.total() == calls
    rig.shift += timedelta(seconds=2)
    assert await client.read("/api/v3/account", signed=True)


async def test_a_clock_that_is_set_back_makes_no_pause_longer(rig: Rig) -> None:
    client = rig.client()
    rig.server.faults = [("POST order", "too_many")]
    with pytest.raises(BrokerRefused):
        await client.write("POST", "/api/v3/order", ORDER, at=await client.time())
    rig.shift -= timedelta(hours=1)
    rig.skew += timedelta(hours=1)
    await client.write("POST", "/api/v3/order", ORDER, at=await client.time())
    assert len(rig.exchange.orders) == 1


async def test_questions_stop_before_the_weight_is_used_up(rig: Rig) -> None:
    client = rig.client()
    rig.server.weight = 4_795
    await client.read("/api/v3/time")
    await client.read("/api/v3/account", signed=True)
    with pytest.raises(BrokerSilent, match="weight"):
        await client.read("/api/v3/account", signed=True)
    await client.write("POST", "/api/v3/order", ORDER, at=await client.time())
    rig.shift += timedelta(minutes=1)
    assert await client.read("/api/v3/time")


async def test_a_wrong_secret_shows_nothing_and_is_told_nowhere(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = rig.client(secret=SecretStr("w" * 64))
    with pytest.raises(BrokerSilent, match="-1022") as found:
        await client.read("/api/v3/account", signed=True)
    broker = rig.broker(client=client)
    with pytest.raises(BrokerRefused, match="Signature"):
        await broker.submit(rig.order())
    assert rig.exchange.orders == []
    for kind in ("lose_after", "late"):
        rig.server.faults = [("GET account", kind)] * 2
        with pytest.raises(BrokerSilent):
            await rig.client(seconds=0.2).read("/api/v3/account", signed=True)
    ours = [each.getMessage() for each in caplog.records if each.name != "aiohttp.access"]
    told = "".join(ours) + repr(client) + repr(broker) + repr(found.value)
    assert not any(secret in told for secret in (KEY, SECRET, "w" * 64, "signature="))


async def test_a_market_that_cannot_be_read_is_a_fault_of_the_feed(rig: Rig) -> None:
    market = rig.market(seconds=0.2)
    with pytest.raises(NotFound):
        await market.quote("NOSUCH")
    with pytest.raises(NotFound):
        await market.candles("NOSUCH", Timeframe.H1, 3)
    for kind in ("lose_before", "late", "nonsense", "gateway", "busy", "moved"):
        # Twice: the transport asks once more when a connection breaks.
        names = ("klines", "ticker/bookTicker") * 2
        rig.server.faults = [(f"GET {name}", kind) for name in names]
        with pytest.raises(FeedError):
            await market.candles("BTCUSDT", Timeframe.H1, 3)
        with pytest.raises(FeedError):
            await market.quote("BTCUSDT")
    rig.server.faults.clear()
    rig.server.klines = [[0, "1", "0.5", "1", "1", "1", 1, "1", 1, "1", "1", "0"]]
    with pytest.raises(FeedError, match="no sense"):
        await market.candles("BTCUSDT", Timeframe.H1, 3)


def test_every_unknown_address_is_the_real_exchange() -> None:
    assert is_real("https://api.binance.com")
    assert is_real("https://testnet.binance.vision.example.org")
    assert not is_real("https://testnet.binance.vision")
    assert not is_real("http://127.0.0.1:8080")
    for wrong in (
        "http://api.binance.com",
        "api.binance.com",
        "https://u:p@testnet.binance.vision",
        "https://[testnet.binance.vision",
        "https://testnet.binance.vision:99999",
    ):
        with pytest.raises(InvalidInput):
            is_real(wrong)
