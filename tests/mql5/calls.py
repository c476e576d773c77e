"""The built-in functions that the Expert Advisor calls, answered from a simulated terminal."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.mql5.market import BUY, Deal, Position, Request, WorkingOrder
from tests.mql5.terminal import Terminal

#: What a call gives back: MQL5's last error, and the values.
Reply = tuple[int, Sequence[Any]]

_NONE = -(2**63)
_SYMBOL = {
    "SYMBOL_BID": "bid", "SYMBOL_ASK": "ask", "SYMBOL_POINT": "point", "SYMBOL_DIGITS": "digits",
    "SYMBOL_TRADE_TICK_SIZE": "tick", "SYMBOL_TRADE_CONTRACT_SIZE": "contract",
    "SYMBOL_VOLUME_MIN": "vmin", "SYMBOL_VOLUME_MAX": "vmax", "SYMBOL_VOLUME_STEP": "vstep",
    "SYMBOL_TRADE_STOPS_LEVEL": "stops_level", "SYMBOL_FILLING_MODE": "filling",
    "SYMBOL_TRADE_EXEMODE": "exemode", "SYMBOL_CURRENCY_BASE": "base",
    "SYMBOL_CURRENCY_PROFIT": "profit", "SYMBOL_CURRENCY_MARGIN": "base",
    "SYMBOL_DESCRIPTION": "name", "SYMBOL_PATH": "name",
}  # fmt: skip
_SYMBOL_FIXED = {
    "SYMBOL_TRADE_TICK_VALUE": 1.0, "SYMBOL_VOLUME_LIMIT": 0.0, "SYMBOL_TRADE_FREEZE_LEVEL": 0,
    "SYMBOL_TRADE_MODE": 4,
}  # fmt: skip
_ORDER = {
    "ORDER_TICKET": "ticket", "ORDER_TYPE": "type", "ORDER_STATE": "state", "ORDER_MAGIC": "magic",
    "ORDER_POSITION_ID": "position", "ORDER_TIME_SETUP": "time", "ORDER_VOLUME_CURRENT": "volume",
    "ORDER_PRICE_OPEN": "price", "ORDER_SYMBOL": "symbol",
}  # fmt: skip


class Calls:
    """One program's view: what it selected, its panel. Positions and history are empty until the
    terminal has caught up with its broker.
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.timer_ms = 0
        self.panel = ""
        self.log: list[str] = []
        self._position: Position | None = None
        self._order: WorkingOrder | None = None
        self._history: list[Deal] = []

    def answer(self, name: str, arguments: list[str]) -> Reply:
        """A call by its MQL5 name; one that is not simulated raises ``AttributeError``."""
        call: Callable[..., Reply] = getattr(self, f"_{name}")
        return call(*arguments)

    # ---- the program and its clock

    def _Print(self, text: str) -> Reply:
        self.log.append(text)
        return 0, []

    def _Comment(self, text: str) -> Reply:
        self.panel = text
        return 0, []

    def _Sleep(self, ms: str) -> Reply:
        self.terminal.advance(int(ms) / 1000)
        return 0, []

    def _EventSetMillisecondTimer(self, ms: str) -> Reply:
        self.timer_ms = int(ms)
        return 0, [True]

    def _EventKillTimer(self) -> Reply:
        self.timer_ms = 0
        return 0, []

    def _TimeTradeServer(self) -> Reply:
        return 0, [self.terminal.broker_time]

    def _TimeGMT(self) -> Reply:
        return 0, [int(self.terminal.now)]

    def _GetTickCount64(self) -> Reply:
        return 0, [int(self.terminal.now * 1000)]

    def _GetMicrosecondCount(self) -> Reply:
        return 0, [int(self.terminal.now * 1_000_000)]

    def _MathRand(self) -> Reply:
        self.terminal.random = (self.terminal.random * 1103515245 + 12345) % 2**31
        return 0, [self.terminal.random >> 16]

    # ---- global variables of the terminal

    def _GlobalVariableCheck(self, name: str) -> Reply:
        return 0, [name in self.terminal.variables]

    def _GlobalVariableTemp(self, name: str) -> Reply:
        self.terminal.variables.setdefault(name, 0.0)
        return 0, [True]

    def _GlobalVariableGet(self, name: str) -> Reply:
        return 0, [self.terminal.variables.get(name, 0.0)]

    def _GlobalVariableSetOnCondition(self, name: str, value: str, check: str) -> Reply:
        if self.terminal.variables.get(name) != float(check):
            return 4501, [False]
        self.terminal.variables[name] = float(value)
        return 0, [True]

    # ---- account and terminal

    def _AccountInfo(self, name: str) -> Reply:
        terminal = self.terminal
        values: dict[str, Any] = {
            "ACCOUNT_LOGIN": terminal.login, "ACCOUNT_SERVER": terminal.server,
            "ACCOUNT_COMPANY": terminal.company, "ACCOUNT_CURRENCY": "USD",
            "ACCOUNT_LEVERAGE": 500, "ACCOUNT_MARGIN_MODE": 2 if terminal.hedging else 0,
            "ACCOUNT_TRADE_MODE": terminal.flags.trade_mode,
            "ACCOUNT_TRADE_ALLOWED": terminal.flags.account,
            "ACCOUNT_TRADE_EXPERT": terminal.flags.experts,
            "ACCOUNT_BALANCE": terminal.balance, "ACCOUNT_EQUITY": terminal.equity,
            "ACCOUNT_CREDIT": 0.0, "ACCOUNT_PROFIT": round(terminal.equity - terminal.balance, 2),
            "ACCOUNT_MARGIN": 0.0, "ACCOUNT_MARGIN_FREE": terminal.equity,
        }  # fmt: skip
        return 0, [values[name]]

    def _TerminalInfo(self, name: str) -> Reply:
        values = {
            "TERMINAL_CONNECTED": self.terminal.connected,
            "TERMINAL_TRADE_ALLOWED": self.terminal.flags.terminal,
            "TERMINAL_BUILD": 4755,
        }
        return 0, [values[name]]

    def _MQLInfo(self, name: str) -> Reply:
        return 0, [{"MQL_TRADE_ALLOWED": self.terminal.flags.ea}[name]]

    # ---- symbols

    def _SymbolSelect(self, name: str, on: str) -> Reply:
        return (0, [True]) if name in self.terminal.symbols else (4301, [False])

    def _SymbolsTotal(self, selected: str) -> Reply:
        return 0, [len(self.terminal.symbols)]

    def _SymbolName(self, index: str, selected: str) -> Reply:
        return 0, [list(self.terminal.symbols)[int(index)]]

    def _SymbolInfo(self, name: str, field: str) -> Reply:
        symbol = self.terminal.symbols.get(name)
        if symbol is None:
            return 4301, [0]
        fixed = _SYMBOL_FIXED.get(field)
        return 0, [fixed if fixed is not None else getattr(symbol, _SYMBOL[field])]

    def _SymbolInfoTick(self, name: str) -> Reply:
        symbol = self.terminal.symbols.get(name)
        if symbol is None:
            return 4301, [False]
        return 0, [True, symbol.tick_ms, symbol.bid, symbol.ask]

    def _OrderCalcMargin(self, side: str, name: str, volume: str, price: str) -> Reply:
        symbol = self.terminal.symbols[name]
        return 0, [True, float(volume) * symbol.contract * float(price) / 500]

    def _CopyRates(self, name: str, timeframe: str, start: str, count: str) -> Reply:
        if name in self.terminal.bars:
            closed = self.terminal.bars[name][-int(count) :]
            return 0, [len(closed), *(part for bar in closed for part in (*bar, 8, 0))]
        symbol, minutes = self.terminal.symbols[name], {"15": 15, "16385": 60}.get(timeframe, 1)
        first = self.terminal.broker_time // (60 * minutes) - int(start) - int(count) + 1
        rows: list[Any] = [int(count)]
        for number in range(int(count)):
            bid, point = symbol.bid, symbol.point
            opened = (first + number) * 60 * minutes
            rows += [opened, bid, bid + 3 * point, bid - 3 * point, bid, 10, 2, 0]
        return 0, rows

    # ---- positions and orders

    def _PositionsTotal(self) -> Reply:
        return 0, [len(self.terminal.positions) if self.terminal.synced else 0]

    def _PositionGetTicket(self, index: str) -> Reply:
        every = list(self.terminal.positions.values()) if self.terminal.synced else []
        if int(index) >= len(every):
            return 4753, [0]
        self._position = every[int(index)]
        return 0, [self._position.ticket]

    def _PositionGet(self, field: str) -> Reply:
        held = self._position
        if held is None:
            return 4753, [0]
        symbol = self.terminal.symbols[held.symbol]
        derived = {
            "POSITION_PROFIT": lambda: self.terminal.profit(held),
            "POSITION_PRICE_CURRENT": lambda: symbol.bid if held.type == BUY else symbol.ask,
        }
        if field in derived:
            return 0, [derived[field]()]
        return 0, [getattr(held, field.removeprefix("POSITION_").lower())]

    def _OrdersTotal(self) -> Reply:
        return 0, [len(self.terminal.orders)]

    def _OrderGetTicket(self, index: str) -> Reply:
        self._order = list(self.terminal.orders.values())[int(index)]
        return 0, [self._order.ticket]

    def _OrderGet(self, field: str) -> Reply:
        return 0, [getattr(self._order, _ORDER[field])]

    # ---- history

    def _HistorySelect(self, start: str, end: str) -> Reply:
        deals = self.terminal.deals if self.terminal.synced else []
        self._history = [deal for deal in deals if int(start) <= deal.time <= int(end)]
        return 0, [True]

    def _HistorySelectByPosition(self, identifier: str) -> Reply:
        deals = self.terminal.deals if self.terminal.synced else []
        self._history = [deal for deal in deals if deal.position_id == int(identifier)]
        return 0, [True]

    def _HistoryDealSelect(self, ticket: str) -> Reply:
        self._history = [deal for deal in self.terminal.deals if deal.ticket == int(ticket)]
        return 0, [bool(self._history)]

    def _HistoryDealsTotal(self) -> Reply:
        return 0, [len(self._history)]

    def _HistoryDealGetTicket(self, index: str) -> Reply:
        return 0, [self._history[int(index)].ticket]

    def _HistoryDealGet(self, ticket: str, field: str) -> Reply:
        found = next((deal for deal in self._history if deal.ticket == int(ticket)), None)
        if found is None:
            return 4755, [0]
        return 0, [getattr(found, field.removeprefix("DEAL_").lower())]

    # ---- calendar

    def _CalendarValueHistory(self, start: str, end: str) -> Reply:
        found = [r for r in self.terminal.releases if int(start) <= r.time < int(end)]
        rows: list[Any] = [len(found)]
        for r in found:
            values = [_NONE if v is None else v for v in (r.actual, r.previous, None, r.forecast)]
            rows += [r.id, r.id + 1_000_000, r.time, *values]
        return 0 if found else 5402, rows

    def _CalendarEventById(self, number: str) -> Reply:
        r = next(r for r in self.terminal.releases if r.id + 1_000_000 == int(number))
        return 0, [True, 0 if r.exact else 1, 840, r.importance, 1, r.title]

    def _CalendarCountryById(self, number: str) -> Reply:
        return 0, [True, "United States", "US", "USD"]

    # ---- trading

    def _OrderSend(self, *a: str) -> Reply:
        request = Request(
            action=int(a[0]), magic=int(a[1]), symbol=a[3], volume=float(a[4]), price=float(a[5]),
            sl=float(a[7]), tp=float(a[8]), deviation=int(a[9]), type=int(a[10]),
            type_filling=int(a[11]), comment=a[14], position=int(a[15]),
        )  # fmt: skip
        done = self.terminal.order_send(request)
        fine = done.retcode in (10008, 10009, 10010)
        values = [
            fine, done.retcode, done.deal, done.order, done.volume, done.price, 0.0, 0.0,
            done.comment, done.request_id,
        ]  # fmt: skip
        return 0 if fine else 4756, values
