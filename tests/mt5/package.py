"""What looks like the module ``MetaTrader5``: its tuples, its argument checks, its silence.

The worker imports it in its own process; the simulated terminal is in the test's, and is reached
by a loopback socket whose address is given as the terminal's path. As the real one it has no
time-outs: where the terminal does not answer, a call never returns.
"""

import datetime as dt
from multiprocessing.connection import Client, Connection
from typing import Any

from tests.mt5.fields import FIELDS, FLOATS, INTEGERS, LONGEST_TEXT, TEXTS, TUPLES

ACCOUNT_TRADE_MODE_REAL = 2
TRADE_ACTION_DEAL, TRADE_ACTION_SLTP = 1, 6

_line: Connection | None = None
_last: tuple[int, str] = (1, "Success")


def last_error() -> tuple[int, str]:
    """Of the last call, whichever it was."""
    return _last


def _fail(code: int, text: str) -> None:
    global _last
    _last = (code, text)


def initialize(
    *path: str, login: int = 0, password: str = "", server: str = "",
    timeout: int = 60_000, portable: bool = False,
) -> bool:  # fmt: skip
    """Join the terminal at ``host:port``; the path has no name."""
    global _line, _last
    if len(path) > 1 or not all(isinstance(p, str) for p in path) or not isinstance(timeout, int):
        _fail(-2, "Invalid arguments")
        return False
    host, _, port = "".join(path).rpartition(":")
    try:
        _line = Client((host, int(port)), authkey=b"mt5")
    except (OSError, ValueError, EOFError):
        _fail(-10005, "IPC timeout")
        return False
    _last = (1, "Success")
    return bool(_ask("join", login, password, server))


def shutdown() -> None:
    """Leave the terminal."""
    global _line
    if _line is not None:
        _line.close()
    _line = None


def _ask(name: str, *args: Any) -> Any:
    """One call of the terminal; None with an error where it has no answer."""
    global _line, _last
    if _line is None:
        return _fail(-10004, "No IPC connection")
    try:
        _line.send((name, args))
    except OSError:
        _line = None
        return _fail(-10001, "IPC send failed")
    try:
        error, value = _line.recv()
    except (OSError, EOFError):
        _line = None
        return _fail(-10002, "IPC recv failed")
    _last = error
    return value


def _tuple(kind: str, told: dict[str, Any] | None) -> Any:
    if told is None:
        return None
    return TUPLES[kind](*[told[name] for name in FIELDS[kind].split()])


def _tuples(kind: str, told: list[dict[str, Any]] | None) -> Any:
    return None if told is None else tuple(_tuple(kind, each) for each in told)


def version() -> tuple[int, int, str] | None:
    return (500, 4755, "1 Nov 2026") if _line is not None else _fail(-10004, "No IPC connection")


def terminal_info() -> Any:
    return _tuple("TerminalInfo", _ask("terminal_info"))


def account_info() -> Any:
    return _tuple("AccountInfo", _ask("account_info"))


def symbols_total() -> Any:
    found = _ask("symbols_get")
    return None if found is None else len(found)


def symbols_get(*unnamed: Any, group: str | None = None) -> Any:
    if unnamed:
        return _fail(-2, "Unnamed arguments not allowed")
    return _tuples("SymbolInfo", _ask("symbols_get"))


def symbol_info(symbol: str) -> Any:
    return _tuple("SymbolInfo", _ask("symbol_info", symbol))


def symbol_info_tick(symbol: str) -> Any:
    return _tuple("Tick", _ask("symbol_info_tick", symbol))


def symbol_select(symbol: str, enable: bool = True) -> bool:
    return bool(_ask("symbol_select", symbol, enable))


def copy_rates_from_pos(symbol: str, timeframe: int, start_pos: int, count: int) -> Any:
    """A structured array, as numpy's."""
    import numpy as np

    rows = _ask("rates", symbol, timeframe, start_pos, count)
    if rows is None:
        return None
    kinds = [
        ("time", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8"),
        ("tick_volume", "<u8"), ("spread", "<i4"), ("real_volume", "<u8"),
    ]  # fmt: skip
    return np.array([tuple(row) for row in rows], dtype=kinds)


def positions_get(
    *unnamed: Any, symbol: str | None = None, group: str | None = None, ticket: int | None = None
) -> Any:
    if unnamed:
        return _fail(-2, "Unnamed arguments not allowed")
    return _tuples("TradePosition", _ask("positions_get", symbol, ticket))


def orders_get(
    *unnamed: Any, symbol: str | None = None, group: str | None = None, ticket: int | None = None
) -> Any:
    if unnamed:
        return _fail(-2, "Unnamed arguments not allowed")
    return _tuples("TradeOrder", _ask("orders_get", symbol, ticket))


def history_deals_get(
    *span: Any, group: str | None = None, ticket: int | None = None, position: int | None = None
) -> Any:
    """By a span of the server's time, by the order's ticket, or by a position's number."""
    if span and len(span) != 2:
        return _fail(-2, "Invalid arguments")
    if not span and ticket is None and position is None:
        return _fail(-2, "Invalid arguments")
    seconds = [_seconds(date) for date in span]
    return _tuples("TradeDeal", _ask("history_deals_get", seconds, ticket, position))


def _seconds(date: Any) -> int:
    """A naive date is the machine's own zone's; whatever it is, 32 bits are left of it."""
    number = date.timestamp() if isinstance(date, dt.datetime) else date
    return int(number) & 0xFFFFFFFF


def order_calc_margin(action: int, symbol: str, volume: float, price: float) -> Any:
    if not isinstance(volume, float) or not isinstance(price, float):
        return _fail(-2, "Invalid arguments")
    return _ask("order_calc_margin", action, symbol, volume, price)


def order_check(*args: Any) -> Any:
    request = _request(args)
    if request is None:
        return None
    told = _ask("order_check", request)
    return _checked("OrderCheckResult", told, request)


def order_send(*args: Any) -> Any:
    request = _request(args)
    if request is None:
        return None
    return _checked("OrderSendResult", _ask("order_send", request), request)


def _checked(kind: str, told: dict[str, Any] | None, request: dict[str, Any]) -> Any:
    return (
        None if told is None else _tuple(kind, {**told, "request": _tuple("TradeRequest", request)})
    )


def _request(args: tuple[Any, ...]) -> dict[str, Any] | None:
    """The request with every field; None, with nothing sent, where the types are not exactly so."""
    if len(args) != 1 or type(args[0]) is not dict:
        return _fail(-2, "Invalid arguments")
    empty: dict[str, Any] = {**dict.fromkeys(INTEGERS, 0), **dict.fromkeys(FLOATS, 0.0)}
    found = {**empty, **dict.fromkeys(TEXTS, "")}
    for name in FIELDS["TradeRequest"].split():
        if name not in args[0]:
            continue
        value = args[0][name]
        if not _fits(name, value):
            return _fail(-2, f'Invalid "{name}" argument')
        found[name] = value
    return found


def _fits(name: str, value: Any) -> bool:
    if name in INTEGERS:
        return isinstance(value, int) and 0 <= value < 2**64
    if name in FLOATS:
        return isinstance(value, float)
    return isinstance(value, str) and len(value) <= LONGEST_TEXT
