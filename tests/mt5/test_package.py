"""The stand-in is as strict as the package: shapes, argument checks, silences."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from broker.mt5.connector.worker import answer
from tests.mt5 import package
from tests.mt5.fields import FIELDS, TUPLES
from tests.mt5.rig import exchange
from tests.mt5.server import TerminalServer

SIZES = {
    "AccountInfo": 28, "TradeOrder": 24, "TradeDeal": 18, "TradePosition": 19, "TradeRequest": 17,
    "OrderSendResult": 11, "OrderCheckResult": 9, "Tick": 8, "SymbolInfo": 96, "TerminalInfo": 22,
}  # fmt: skip
GOOD = {
    "action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.1001, "sl": 1.09,
    "tp": 1.12, "deviation": 10, "magic": 77, "comment": "x" * 29, "type_filling": 0,
}  # fmt: skip


@pytest.fixture
def server() -> Any:
    made = TerminalServer(exchange())
    assert package.initialize(made.address)
    yield made
    package.shutdown()
    made.close()


def test_every_tuple_has_as_many_fields_as_the_packages() -> None:
    assert {name: len(kind._fields) for name, kind in TUPLES.items()} == SIZES
    assert all(len(set(text.split())) == len(text.split()) for text in FIELDS.values())


def test_a_request_in_exact_types_is_dealt(server: TerminalServer) -> None:
    done = package.order_send(dict(GOOD))
    assert (done.retcode, done.volume, done.request.magic) == (10009, 0.1, 77)
    (held,) = package.positions_get()
    assert (held.magic, held.volume, held.comment) == (77, 0.1, "x" * 29)
    (dealt,) = package.history_deals_get(ticket=done.order)
    assert (dealt.magic, dealt.entry) == (77, 0)
    # The broker's clock, two hours ahead, written as if it were UTC.
    assert abs(dealt.time - server.exchange.now - 7200) < 5
    assert package.order_check(dict(GOOD)).retcode == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("volume", 1), ("sl", 0), ("tp", "1.2"), ("magic", 1.0), ("type", "0"), ("action", None),
        ("comment", "x" * 30), ("symbol", "S" * 30), ("symbol", 5), ("magic", -1),
    ],
)  # fmt: skip
def test_a_request_in_other_types_is_not_sent(
    server: TerminalServer, field: str, value: Any
) -> None:
    assert package.order_send({**GOOD, field: value}) is None
    assert package.last_error() == (-2, f'Invalid "{field}" argument')
    assert server.exchange.sent == []


def test_what_is_no_plain_dictionary_is_not_sent(server: TerminalServer) -> None:
    assert package.order_send(dict(GOOD), 1) is None
    assert package.order_send(type("Mine", (dict,), {})(GOOD)) is None
    assert package.positions_get("EURUSD") is None
    assert package.last_error() == (-2, "Unnamed arguments not allowed")
    assert server.exchange.sent == []


def test_a_terminal_that_dies_breaks_the_pipe(server: TerminalServer) -> None:
    server.faults.append(("order_send", "drop_after"))
    assert package.order_send(dict(GOOD)) is None
    assert package.last_error() == (-10002, "IPC recv failed")
    assert len(server.exchange.deals) == 1
    assert package.account_info() is None
    assert package.last_error()[0] == -10004
    server.dead = True
    assert package.initialize(server.address) is False
    assert package.last_error()[0] in (-10005, -10004, -10002)


def test_a_wrong_login_is_refused(server: TerminalServer) -> None:
    assert package.initialize(server.address, login=1) is False
    assert package.last_error() == (-6, "Authorization failed")


def test_the_worker_tells_values_and_errors_apart(server: TerminalServer) -> None:
    def call(name: str, *args: Any, **named: Any) -> dict[str, Any]:
        return answer(package, {"call": name, "args": args, "named": named, "fields": None})  # type: ignore[arg-type]

    assert call("positions_get") == {"value": [], "error": None}
    assert call("symbol_info", "NONE")["error"] == [-4, "Terminal: Not found"]
    assert call("order_send", {**GOOD, "sl": 1})["error"] == [-2, 'Invalid "sl" argument']
    assert call("order_send", dict(GOOD))["value"]["request"]["magic"] == 77
    assert len(call("copy_rates_from_pos", "EURUSD", 1, 0, 3)["value"][0]) == 8
    assert call("history_deals_get", 1)["error"][0] == -2
    assert call("Buy", "EURUSD")["error"] == [-2, "Buy is not called here"]
    assert call("positions_get", wrong=1)["error"][0] == -1


async def test_a_worker_ends_with_its_input(tmp_path: Path) -> None:
    from broker.mt5.connector.link import worker_command

    process = await asyncio.create_subprocess_exec(
        *worker_command("tests.mt5.package"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate(
        b'{"call": "account_info", "args": [], "named": {}, "fields": null}\n'
    )
    assert out == b'{"value": null, "error": [-10004, "No IPC connection"]}\n'
    assert process.returncode == 0
