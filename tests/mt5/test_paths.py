"""The connector's paths over a real socket: payloads, the token, keys, hostile bodies."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.mt5.rig import TOKEN, Rig, order_body

#: The order and the answers of the original document, with prices of this market.
ORDER_FIELDS = ("status", "mt5_order_id", "filled_price")
ACCOUNT_FIELDS = (
    "balance", "equity", "margin_used", "margin_free", "open_pl", "open_positions", "history",
)  # fmt: skip
POSITION_FIELDS = (
    "symbol", "direction", "lot_size", "entry_price", "stop_loss", "take_profit", "unrealized_pl",
)  # fmt: skip
HISTORY_FIELDS = ("order_id", "symbol", "direction", "closed_pl", "opened_at", "closed_at")

PATHS = [
    ("POST", "/mt5/order"), ("GET", "/mt5/orders/k"), ("GET", "/mt5/changes/k"),
    ("POST", "/mt5/positions/1/close"), ("POST", "/mt5/positions/1/modify"),
    ("GET", "/mt5/account"), ("GET", "/mt5/history"), ("GET", "/mt5/candles"),
    ("GET", "/mt5/quote"), ("GET", "/mt5/symbols"), ("GET", "/mt5/health"), ("GET", "/elsewhere"),
]  # fmt: skip


async def test_the_documents_payloads_are_spoken(rig: Rig) -> None:
    body = order_body(symbol="GOLD", stop_loss=2378.50, take_profit=[2418.00, 2422.00])
    status, told = await rig.post("/mt5/order", body)
    assert status == 200, told
    assert [told[name] for name in ORDER_FIELDS] == ["ok", 900_001, Decimal("2400.30")]
    status, account = await rig.get("/mt5/account")
    assert list(account)[:7] == list(ACCOUNT_FIELDS)
    first, second = account["open_positions"]
    assert {name: first[name] for name in POSITION_FIELDS} == {
        "symbol": "GOLD", "direction": "buy", "lot_size": Decimal("0.25"),
        "entry_price": Decimal("2400.30"), "stop_loss": Decimal("2378.50"),
        "take_profit": [Decimal("2418.00")], "unrealized_pl": Decimal("-7.50"),
    }  # fmt: skip
    assert second["take_profit"] == [Decimal("2422.00")]
    assert account["open_pl"] == Decimal("-15.00")
    status, _ = await rig.post(f"/mt5/positions/{first['id']}/close", {}, "c-1")
    assert status == 200
    _, account = await rig.get("/mt5/account")
    (closed,) = account["history"]
    assert list(closed) == list(HISTORY_FIELDS)
    assert (closed["order_id"], closed["symbol"], closed["closed_pl"]) == (
        int(first["id"]), "GOLD", Decimal("-7.50"),
    )  # fmt: skip
    at = datetime.fromisoformat(closed["closed_at"])
    assert abs(at - datetime.now(UTC)) < timedelta(seconds=10)


async def test_numbers_have_no_binary_noise(rig: Rig) -> None:
    with rig.server.held() as held:
        held.symbols["EURUSD"].bid = 1.1 + 2e-16
        held.symbols["EURUSD"].ask = 1.1000999999999999
        held.balance = 0.1 + 0.2
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/mt5/quote?symbol=EURUSD", "/mt5/account", "/mt5/symbols?symbol=EURUSD"):
        async with rig.client.get(path, headers=headers) as answer:
            text = await answer.text()
        assert "000000" not in text.replace("100000", ""), text
        assert "99999" not in text
    _, told = await rig.get("/mt5/account")
    assert str(told["balance"]) == "0.30"


async def test_nothing_is_told_or_done_without_the_token(rig: Rig) -> None:
    for method, path in PATHS:
        for given in (None, "", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \udcff"):
            headers = {} if given is None else {"Authorization": given}
            async with rig.client.request(
                method, path, json=order_body(), headers={**headers, "Idempotency-Key": "k"}
            ) as answer:
                assert answer.status == 401, (path, given)
                told = await answer.json()
                assert told["error"]["code"] == "UNAUTHORIZED"
    assert rig.exchange.sent == []
    status, told = await rig.get("/mt5/orders/k")
    assert (status, told["status"]) == (200, "absent")


async def test_a_repeated_key_is_answered_and_not_done_again(rig: Rig) -> None:
    first = await rig.post("/mt5/order", order_body(), "k-1")
    again = await rig.post("/mt5/order", order_body(lot_size=0.5), "k-1")
    assert first == again
    status, told = await rig.post("/mt5/order", order_body(lot_size=0.51), "k-1")
    assert (status, told["error"]["code"]) == (409, "key_reused")
    status, told = await rig.post(f"/mt5/positions/{first[1]['positions'][0]}/close", {}, "k-1")
    assert (status, told["error"]["code"]) == (409, "key_reused")
    assert (await rig.get("/mt5/changes/k-1"))[0] == 409
    await rig.again()
    await rig.ready()
    assert await rig.post("/mt5/order", order_body(), "k-1") == first
    assert len(rig.exchange.deals) == 1


async def test_the_same_key_at_once_is_done_once(rig: Rig) -> None:
    answers = await asyncio.gather(*(rig.post("/mt5/order", order_body(), "k") for _ in range(6)))
    assert sorted(status for status, _ in answers) == [200] + [504] * 5
    assert {told["error"]["code"] for status, told in answers if status == 504} == {"unknown"}
    assert len({str(told) for status, told in answers if status == 200}) == 1
    assert len(rig.exchange.deals) == 1


async def test_a_refusal_is_stored_under_its_key(rig: Rig) -> None:
    with rig.server.held() as held:
        held.symbols["EURUSD"].open = False
    status, told = await rig.post("/mt5/order", order_body())
    assert (status, told["error"]["code"]) == (422, "MT5_EXECUTION_FAILED")
    assert told["error"]["details"] == {"retcode": 10018}
    with rig.server.held() as held:
        held.symbols["EURUSD"].open = True
    assert await rig.post("/mt5/order", order_body()) == (status, told)
    assert rig.exchange.deals == []


async def test_a_key_that_was_looked_up_is_never_done_later(rig: Rig) -> None:
    assert (await rig.get("/mt5/orders/late"))[1]["status"] == "absent"
    await rig.again()
    await rig.ready()
    status, told = await rig.post("/mt5/order", order_body(), "late")
    assert (status, told["error"]["code"]) == (409, "struck")
    assert (await rig.get("/mt5/orders/late"))[1]["status"] == "absent"
    assert rig.exchange.sent == []


BROKEN: list[tuple[Any, str]] = [
    (b"{", "body"),
    (b"[]", "body"),
    (b"\xff\xfe", "body"),
    (b'{"symbol": "EURUSD", "symbol": "GOLD"}', "body"),
    (b'{"lot_size": NaN}', "body"),
    (b'{"lot_size": 1e3}', "body"),
    (b"[" * 5000, "body"),
    (order_body(symbol=""), "symbol"),
    (order_body(symbol="E" * 30), "symbol"),
    (order_body(symbol="EUR\nUSD"), "symbol"),
    (order_body(symbol=5), "symbol"),
    (order_body(direction="BUY"), "direction"),
    (order_body(direction=None), "direction"),
    (order_body(entry_type="limit"), "entry_type"),
    (order_body(lot_size=0), "lot_size"),
    (order_body(lot_size=-0.1), "lot_size"),
    (order_body(lot_size=True), "lot_size"),
    (order_body(lot_size="1e3"), "lot_size"),
    (order_body(lot_size="٣"), "lot_size"),
    (order_body(lot_size=10**30), "lot_size"),
    (order_body(stop_loss=None), "stop_loss"),
    (order_body(stop_loss=0), "stop_loss"),
    (order_body(stop_loss=1.13), "take_profit"),
    (order_body(direction="sell"), "take_profit"),
    (order_body(take_profit=1.12), "take_profit"),
    (order_body(take_profit=[1.13, 1.12]), "take_profit"),
    (order_body(take_profit=[1.12] * 11), "take_profit"),
    (order_body(price=1.1), "price"),
]


async def test_broken_orders_name_the_field_and_take_no_key(rig: Rig) -> None:
    for body, field in BROKEN:
        status, told = await rig.post("/mt5/order", body)
        assert (status, told["error"]["code"]) == (400, "INVALID_INPUT"), body
        assert told["error"]["details"]["field"] == field, (body, told)
    for key in (None, "", " ", "a b", "k" * 101, "ключ"):
        status, told = await rig.post("/mt5/order", order_body(), key)
        assert told["error"]["details"]["field"] == "Idempotency-Key"
    status, told = await rig.post("/mt5/order", b"{" + b" " * 20_000 + b"}")
    assert (status, told["error"]["code"]) == (413, "INVALID_INPUT")
    assert rig.exchange.sent == []
    assert (await rig.post("/mt5/order", order_body()))[0] == 200


async def test_broken_questions_name_the_field(rig: Rig) -> None:
    for path, query, field in (
        ("/mt5/history", {}, "since"), ("/mt5/history", {"since": "2026-01-01"}, "since"),
        ("/mt5/candles", {"timeframe": "H1"}, "symbol"),
        ("/mt5/candles", {"symbol": "EURUSD", "timeframe": "H9"}, "timeframe"),
        ("/mt5/candles", {"symbol": "EURUSD", "timeframe": "H1", "count": "0"}, "count"),
        ("/mt5/candles", {"symbol": "EURUSD", "timeframe": "H1", "count": "5001"}, "count"),
        ("/mt5/account", {"days": "-1"}, "days"), ("/mt5/quote", {"symbol": "\x00"}, "symbol"),
    ):  # fmt: skip
        status, told = await rig.get(path, **query)
        assert (status, told["error"]["details"]["field"]) == (400, field)
    assert (await rig.get("/mt5/candles", symbol="NONE", timeframe="H1"))[0] == 422
    assert (await rig.get("/mt5/nothing"))[1]["error"]["code"] == "NOT_FOUND"


async def test_an_order_that_comes_too_late_is_not_sent(rig: Rig) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    status, told = await rig.post("/mt5/order", order_body(), **{"Valid-Until": past})
    assert (status, told["error"]["code"]) == (422, "expired")
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert (await rig.post("/mt5/order", order_body(), **{"Valid-Until": soon}))[0] == 200


async def test_health_says_what_keeps_it_from_trading(rig: Rig) -> None:
    async def until(words: str | None) -> None:
        await rig.health(lambda told: str(words) in str(told["problem"]))

    for name, words in (
        ("terminal", "algo trading is off"), ("ea", "disable algo trading by Python"),
        ("account", "this login"), ("experts", "programs"),
    ):  # fmt: skip
        setattr(rig.exchange.flags, name, False)
        await until(words)
        status, told = await rig.post("/mt5/order", order_body(), f"k-{name}")
        assert (status, told["error"]["code"]) == (503, "no_terminal")
        setattr(rig.exchange.flags, name, True)
    rig.exchange.connected = False
    await until("no connection to the broker")
    rig.exchange.connected = True
    await until(None)
    assert rig.exchange.sent == []


async def test_a_real_account_opens_nothing_unless_it_is_allowed(rig: Rig) -> None:
    _, told = await rig.post("/mt5/order", order_body(), "k-1")
    rig.exchange.flags.trade_mode = 2
    status, refused = await rig.post("/mt5/order", order_body(), "k-2")
    assert (status, refused["error"]["code"]) == (403, "live_account")
    status, _ = await rig.post(f"/mt5/positions/{told['positions'][0]}/close", {}, "k-3")
    assert status == 200
    rig.service.desk.live = True
    assert (await rig.post("/mt5/order", order_body(), "k-2"))[0] == 200


async def test_another_account_is_neither_shown_nor_traded(rig: Rig) -> None:
    rig.exchange.login += 1
    for status, told in (
        await rig.post("/mt5/order", order_body()),
        await rig.get("/mt5/account"),
        await rig.get("/mt5/quote", symbol="EURUSD"),
    ):
        assert (status, told["error"]["code"]) == (409, "another_account")
    assert rig.exchange.sent == []


async def test_the_brokers_clock_is_measured_by_prices_that_move(rig: Rig) -> None:
    rig.exchange.utc_offset = 10_800
    await rig.health(lambda told: told["clock_offset_seconds"] == 10_800)
    _, told = await rig.get("/mt5/quote", symbol="EURUSD")
    at = datetime.fromisoformat(told["quotes"][0]["time"])
    assert abs(at - datetime.now(UTC)) < timedelta(seconds=5)
    _, told = await rig.get("/mt5/candles", symbol="EURUSD", timeframe="M15", count="4")
    times = [datetime.fromisoformat(row[0]) for row in told["candles"]]
    assert all(time.minute % 15 == 0 for time in times)
    assert times[-1] + timedelta(minutes=15) <= datetime.now(UTC)
    assert times[-1] + timedelta(minutes=30) > datetime.now(UTC)
