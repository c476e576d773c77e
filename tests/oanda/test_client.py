"""What counts as refused, what as silence, the clocks, and the pauses that OANDA asks for."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from broker.oanda.place import PRACTICE, is_real
from engine.domain.market import Timeframe
from engine.errors import BrokerRefused, BrokerSilent, FeedError, InvalidInput, NotFound
from tests.oanda import ACCOUNT, TOKEN
from tests.oanda.rig import Rig

ORDER = {
    "type": "MARKET", "instrument": "EUR_USD", "units": "100", "timeInForce": "FOK",
    "clientExtensions": {"id": "at-1"},
}  # fmt: skip
ORDERS = f"/v3/accounts/{ACCOUNT}/orders"
WORDS = '"errorMessage": "words"'


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url(""))


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (400, f'{{"errorCode": "INSUFFICIENT_MARGIN", {WORDS}}}', True),
        (400, f'{{"orderRejectTransaction": {{"rejectReason": "MARKET_HALTED"}}, {WORDS}}}', True),
        (401, f"{{{WORDS}}}", True),
        (403, f"{{{WORDS}}}", True),
        (404, f"{{{WORDS}}}", True),
        (405, f"{{{WORDS}}}", True),
        (429, "slow down", True),
        (400, f'{{"errorCode": "CLIENT_ORDER_ID_ALREADY_EXISTS", {WORDS}}}', False),
        (
            400,
            '{"orderRejectTransaction": {"rejectReason": "CLIENT_TRADE_ID_ALREADY_EXISTS"},'
            f' "errorCode": "other", {WORDS}}}',
            False,
        ),
        (400, "<html>a proxy's page</html>", False),
        (403, "<html>WAF</html>", False),
        (404, '{"errorMessage": 5}', False),
        (408, f"{{{WORDS}}}", False),
        (500, f"{{{WORDS}}}", False),
        (502, "<html>Bad Gateway</html>", False),
        (503, f"{{{WORDS}}}", False),
        (302, "{}", False),
        (200, "no json", False),
        (201, '{"a": NaN}', False),
        (201, '{"a": 1, "a": 2}', False),
        (201, '{"a": 1e5}', False),
        (201, '"' + "x" * (4 * 2**20) + '"', False),
    ],
)
async def test_only_a_proof_is_a_refusal(rig: Rig, status: int, body: str, refused: bool) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})

    async with answering(answer) as url:
        with pytest.raises(BrokerRefused if refused else BrokerSilent):
            await rig.client(url=url).write("POST", ORDERS, {"order": ORDER})


async def test_a_refusal_says_what_its_code_means(rig: Rig) -> None:
    product = rig.account.products["EUR_USD"]
    client = rig.client()
    for units, code, words in (
        ("0.5", "UNITS_PRECISION_EXCEEDED", "the units have too many digits"),
        ("100000001", "UNITS_LIMIT_EXCEEDED", "it is more than one order may be for"),
        ("0", "UNITS_MINIMUM_NOT_MET", "it is less than the smallest order"),
    ):
        with pytest.raises(BrokerRefused, match=words) as found:
            await client.write("POST", ORDERS, {"order": {**ORDER, "units": units}})
        assert found.value.details["code"] == code
    with pytest.raises(BrokerRefused, match=r"OANDA answered 400: Invalid value.*instrument"):
        await client.write("POST", ORDERS, {"order": {**ORDER, "instrument": "NO_SUCH"}})
    assert product.bid
    assert rig.account.trades == {}


async def test_what_never_left_is_refused_and_a_question_is_silence(
    rig: Rig, unused_tcp_port: int
) -> None:
    client = rig.client(url=f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(BrokerRefused, match="cannot be reached"):
        await client.write("POST", ORDERS, {"order": ORDER})
    with pytest.raises(BrokerSilent):
        await client.read("/v3/accounts")


@pytest.mark.parametrize("kind", ["lose_before", "lose_after"])
async def test_what_changes_something_is_never_sent_twice(rig: Rig, kind: str) -> None:
    """The transport sends a second copy of a PUT by itself; a part would be closed twice."""
    await rig.broker().submit(rig.order())
    (trade,) = rig.account.open_trades()
    client = rig.client()
    await client.read(client.of_account("/summary"))
    rig.server.faults = [("PUT trades/close", kind)]
    with pytest.raises(BrokerSilent):
        await client.write("PUT", client.of_account(f"/trades/{trade.id}/close"), {"units": "4000"})
    assert rig.server.calls["PUT trades/close"] == 1
    assert trade.left == (10_000 if kind == "lose_before" else 6_000)


async def test_questions_share_their_connections(rig: Rig) -> None:
    market = rig.market()
    for _ in range(10):
        await market.quote("EURUSD")
        await market.candles("EURUSD", Timeframe.H1, 3)
    assert len(rig.server.connections) == 1
    await market.aclose()
    assert await market.quote("EURUSD") is not None
    assert len(rig.server.connections) == 2


async def test_a_question_whose_connection_broke_is_asked_again(rig: Rig) -> None:
    market = rig.market()
    await market.quote("EURUSD")
    rig.server.faults = [("GET pricing", "lose_before")]
    assert await market.quote("EURUSD") is not None


# ---- clocks


@pytest.mark.parametrize("skew", [-3600, 3600, 40])
async def test_another_clock_is_measured(rig: Rig, skew: int) -> None:
    rig.skew = timedelta(seconds=skew)
    off = await rig.client().time() - (rig.clock() + rig.skew)
    assert abs(off) < timedelta(seconds=1.5)


async def test_a_clock_that_is_as_good_as_ours_is_ours(rig: Rig) -> None:
    rig.skew = timedelta(seconds=-0.5)
    client = rig.client()
    before = rig.clock()
    assert before <= await client.time() <= rig.clock()
    calls = rig.server.calls.total()
    await client.time()
    assert rig.server.calls.total() == calls


async def test_our_clock_that_jumps_is_measured_again(rig: Rig) -> None:
    client = rig.client()
    await client.time()
    for jump in (timedelta(minutes=11), timedelta(minutes=-30)):
        rig.shift, rig.skew = rig.shift + jump, rig.skew - jump
        off = await client.time() - (rig.clock() + rig.skew)
        assert abs(off) < timedelta(seconds=1.5)


async def test_without_its_time_nothing_is_sent(rig: Rig) -> None:
    rig.server.tells_time = False
    with pytest.raises(BrokerSilent, match="time"):
        await rig.client().time()
    with pytest.raises(BrokerRefused, match="nothing was sent"):
        await rig.broker().submit(rig.order())
    with pytest.raises(FeedError):
        await rig.market().instant()
    assert rig.account.log == []


# ---- pauses


async def test_a_pause_that_is_asked_for_is_kept(rig: Rig) -> None:
    client = rig.client()
    rig.server.faults = [("POST orders", "too_many")]
    with pytest.raises(BrokerRefused):
        await client.write("POST", ORDERS, {"order": ORDER})
    calls = rig.server.calls.total()
    rig.shift += timedelta(seconds=6)
    with pytest.raises(BrokerRefused, match="pause"):
        await client.write("POST", ORDERS, {"order": ORDER})
    with pytest.raises(BrokerSilent, match="pause"):
        await client.read(client.of_account("/summary"))
    assert rig.server.calls.total() == calls
    rig.shift += timedelta(seconds=2)
    assert await client.read(client.of_account("/summary"))


async def test_a_clock_that_is_set_back_makes_no_pause_longer(rig: Rig) -> None:
    client = rig.client()
    rig.server.faults = [("POST orders", "too_many")]
    with pytest.raises(BrokerRefused):
        await client.write("POST", ORDERS, {"order": ORDER})
    rig.shift -= timedelta(hours=1)
    rig.skew += timedelta(hours=1)
    assert await client.write("POST", ORDERS, {"order": ORDER})


async def test_without_a_pause_that_is_named_each_is_longer(rig: Rig) -> None:
    client, rig.server.retry_after = rig.client(), None
    waits = []
    for _ in range(8):
        rig.server.faults = [("GET summary", "too_many")]
        with pytest.raises(BrokerSilent):
            await client.read(client.of_account("/summary"))
        began = rig.shift
        while True:
            try:
                client.pause.pass_or_refuse(rig.clock())
            except BrokerRefused:
                rig.shift += timedelta(seconds=0.5)
            else:
                break
        waits.append((rig.shift - began).total_seconds())
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert await client.read(client.of_account("/summary"))
    rig.server.faults = [("GET summary", "too_many")]
    with pytest.raises(BrokerSilent):
        await client.read(client.of_account("/summary"))
    rig.shift += timedelta(seconds=1.1)
    assert await client.read(client.of_account("/summary"))


# ---- secrets, feeds, places


async def test_a_wrong_token_shows_nothing_and_is_told_nowhere(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = rig.client(token=SecretStr("w" * 64))
    with pytest.raises(BrokerSilent, match="Insufficient authorization") as found:
        await client.read(client.of_account("/summary"))
    with pytest.raises(BrokerRefused, match="Insufficient authorization"):
        await rig.broker(client).submit(rig.order())
    assert rig.account.log == []
    for kind in ("lose_after", "late", "gateway"):
        rig.server.faults = [("GET summary", kind)] * 2
        slow = rig.client(seconds=0.2)
        with pytest.raises(BrokerSilent):
            await slow.read(slow.of_account("/summary"))
    ours = [each.getMessage() for each in caplog.records if each.name != "aiohttp.access"]
    told = "".join(ours) + repr(client) + repr(rig.broker()) + repr(found.value)
    assert not any(secret in told for secret in (TOKEN, "w" * 64))


async def test_a_market_that_cannot_be_read_is_a_fault_of_the_feed(rig: Rig) -> None:
    market = rig.market(seconds=0.2)
    with pytest.raises(NotFound):
        await market.quote("NOSUCH")
    with pytest.raises(NotFound):
        await market.candles("NOSUCH", Timeframe.H1, 3)
    for kind in ("lose_before", "late", "nonsense", "gateway", "busy", "moved"):
        # Twice: the transport asks once more when a connection breaks.
        rig.server.faults = [
            (f"GET {name}", kind) for name in ("instruments/candles", "pricing") * 2
        ]
        with pytest.raises(FeedError):
            await market.candles("EURUSD", Timeframe.H1, 3)
        with pytest.raises(FeedError):
            await market.quote("EURUSD")
    rig.server.faults.clear()
    wrong = {"o": "1", "h": "0.5", "l": "1", "c": "1"}
    rig.server.candles = [
        {"complete": True, "volume": 1, "time": "2016-10-17T19:50:00Z", "bid": wrong}
    ]
    with pytest.raises(FeedError, match="no sense"):
        await market.candles("EURUSD", Timeframe.H1, 3)
    rig.account.products["EUR_USD"].precision = 12
    with pytest.raises(FeedError):
        await rig.market().quote("EURUSD")


def test_every_unknown_address_is_real_money() -> None:
    assert is_real("https://api-fxtrade.oanda.com")
    assert is_real("https://api-fxpractice.oanda.com.example.org")
    assert not is_real(PRACTICE)
    assert not is_real("http://127.0.0.1:8080")
    for wrong in (
        "http://api-fxpractice.oanda.com",
        "api-fxpractice.oanda.com",
        "https://u:p@api-fxpractice.oanda.com",
        "https://api-fxpractice.oanda.com?a=b",
        "https://[api-fxpractice.oanda.com",
        "https://api-fxpractice.oanda.com:99999",
    ):
        with pytest.raises(InvalidInput):
            is_real(wrong)
