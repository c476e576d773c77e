"""The terminal's end of the stand-in: the simulated trade server, reached over a loopback socket.

It outlives the workers that are killed, as a terminal does. Time is the machine's.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Listener
from typing import Any

from tests.mql5.market import Answer, Fault, Request, Symbol
from tests.mql5.terminal import Death
from tests.mt5.exchange import Exchange
from tests.mt5.fields import FIELDS
from tests.mt5.shown import account, deal, order, position, rates, symbol, terminal, tick

OK = (1, "Success")


class TerminalServer:
    """``faults`` are pairs of call and kind, each for the next call of that name.

    ``hang_before`` and ``hang_after`` never answer, ``drop_before`` and ``drop_after`` break the
    connection, before or after the call took effect; ``none`` answers None with −1 after it did.
    ``slow`` answers late, ``algo_off`` is the answer of a terminal whose algo trading was switched
    off just now. ``dead`` lets nobody join.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.faults: list[tuple[str, str]] = []
        self.dead = False
        self.ticking = True
        self.password = ""
        self.calls: list[str] = []
        exchange.now = time.time()
        self._lock = threading.Lock()
        self._listener = Listener(("127.0.0.1", 0), authkey=b"mt5")
        self._lines: set[Connection] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """What is given as the terminal's path."""
        host, port = self._listener.address
        return f"{host}:{port}"

    def close(self) -> None:
        """Nobody answers any more."""
        self._closed.set()
        self._listener.close()
        for line in list(self._lines):
            with suppress(OSError):
                line.close()

    @contextmanager
    def held(self) -> Iterator[Exchange]:
        """The trade server, standing still."""
        with self._lock:
            self._pass_time()
            yield self.exchange

    # ---- lines

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                line = self._listener.accept()
            except (OSError, EOFError):
                if self._closed.is_set():
                    return
                continue
            if self.dead:
                line.close()
                continue
            self._lines.add(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: Connection) -> None:
        with suppress(OSError, EOFError, Death):
            while True:
                name, args = line.recv()
                answer = self._answer(name, args)
                if answer is None:
                    # It hangs: whoever asked is waiting until somebody ends them.
                    with suppress(OSError, EOFError):
                        line.recv()
                    break
                line.send(answer)
        self._lines.discard(line)
        with suppress(OSError):
            line.close()

    def _answer(self, name: str, args: tuple[Any, ...]) -> Any:
        with self._lock:
            if self.dead:
                raise Death
            self._pass_time()
            self.calls.append(name)
            fault = next((f for f in self.faults if f[0] == name), None)
            if fault is None:
                return self._done(name, args)
            self.faults.remove(fault)
            if fault[1] == "slow":
                time.sleep(0.7)
                return self._done(name, args)
            if fault[1] == "algo_off":
                return OK, _result(Answer(10027, comment="AutoTrading disabled by client"))
            if fault[1].endswith("after") or fault[1] == "none":
                self._done(name, args)
        if fault[1] == "none":
            return (-1, "Terminal: Call failed"), None
        if fault[1].startswith("drop"):
            raise Death
        return None

    def _pass_time(self) -> None:
        self.exchange.advance(max(0.0, time.time() - self.exchange.now))
        if self.ticking:
            for each in self.exchange.symbols.values():
                each.tick_ms = int((self.exchange.now + self.exchange.utc_offset) * 1000)

    # ---- calls

    def _done(self, name: str, args: tuple[Any, ...]) -> tuple[tuple[int, str], Any]:
        found = getattr(self, f"_{name}")(*args)
        return found if isinstance(found, tuple) else (OK, found)

    def _join(self, login: int, password: str, server: str) -> Any:
        if login not in (0, self.exchange.login) or (self.password and password != self.password):
            return (-6, "Authorization failed"), None
        return True

    def _terminal_info(self) -> Any:
        return terminal(self.exchange)

    def _account_info(self) -> Any:
        return account(self.exchange)

    def _symbols_get(self) -> Any:
        return [symbol(self.exchange, each) for each in self.exchange.symbols.values()]

    def _known(self, name: str) -> Symbol | None:
        return self.exchange.symbols.get(name)

    def _symbol_info(self, name: str) -> Any:
        known = self._known(name)
        return (
            ((-4, "Terminal: Not found"), None) if known is None else symbol(self.exchange, known)
        )

    def _symbol_info_tick(self, name: str) -> Any:
        known = self._known(name)
        return ((-4, "Terminal: Not found"), None) if known is None else tick(known)

    def _symbol_select(self, name: str, enable: bool) -> Any:
        return True if self._known(name) else ((-1, "Terminal: Call failed"), None)

    def _rates(self, name: str, timeframe: int, start: int, count: int) -> Any:
        known = self._known(name)
        if known is None or count < 1:
            return (-1, "Terminal: Call failed"), None
        return rates(self.exchange, known, timeframe, start, count)

    def _positions_get(self, name: str | None, ticket: int | None) -> Any:
        if not self.exchange.synced:
            return []
        return [
            position(self.exchange, each)
            for each in self.exchange.positions.values()
            if name in (None, each.symbol) and ticket in (None, each.ticket)
        ]

    def _orders_get(self, name: str | None, ticket: int | None) -> Any:
        return [order(each) for each in self.exchange.orders.values()]

    def _history_deals_get(self, span: list[int], ticket: int | None, number: int | None) -> Any:
        deals = self.exchange.deals if self.exchange.synced else []
        return [
            deal(each)
            for each in deals
            if (not span or span[0] <= each.time <= span[1])
            and ticket in (None, each.order)
            and number in (None, each.position_id)
        ]

    def _order_calc_margin(self, action: int, name: str, volume: float, price: float) -> Any:
        return volume * self.exchange.symbols[name].contract * price / 500

    def _order_check(self, told: dict[str, Any]) -> Any:
        empty = dict.fromkeys(FIELDS["OrderCheckResult"].split(), 0.0)
        code = self.exchange._refusal(_request(told))
        return {**empty, "retcode": int(code), "comment": "Done" if not code else "Invalid"}

    def _order_send(self, told: dict[str, Any]) -> Any:
        answer = self.exchange.order_send(_request(told))
        if answer.retcode == 0:
            return (-1, "Terminal: Call failed"), None
        return _result(answer)


def _request(told: dict[str, Any]) -> Request:
    names = Request.__dataclass_fields__
    return Request(**{name: value for name, value in told.items() if name in names})


def _result(answer: Answer) -> dict[str, Any]:
    return {
        "retcode": int(answer.retcode), "deal": answer.deal, "order": answer.order,
        "volume": answer.volume, "price": answer.price, "bid": 0.0, "ask": 0.0,
        "comment": answer.comment, "request_id": answer.request_id, "retcode_external": 0,
    }  # fmt: skip


__all__ = ["Fault", "TerminalServer"]
