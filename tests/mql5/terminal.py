"""A simulated terminal and its trade server, with faults. Time is its own; nothing sleeps."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.mql5.market import (
    BUY,
    DEAL,
    IN,
    OUT,
    SLTP,
    Answer,
    Code,
    Deal,
    Fault,
    Flags,
    Position,
    Release,
    Request,
    Symbol,
    WorkingOrder,
)

START = 1_795_266_000.0


class Death(Exception):
    """The terminal's process ends here."""


@dataclass
class Terminal:
    """``now`` is UTC in seconds; the broker's clock is ``utc_offset`` ahead of it."""

    login: int = 5012345
    server: str = "Sim-Demo 1-MT5"
    company: str = 'Sim "Ltd" ü'
    hedging: bool = True
    connected: bool = True
    synced: bool = True
    balance: float = 1_000_000.0
    now: float = START
    utc_offset: int = 7200
    random: int = 1
    flags: Flags = field(default_factory=Flags)
    symbols: dict[str, Symbol] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    orders: dict[int, WorkingOrder] = field(default_factory=dict)
    deals: list[Deal] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    #: Closed candles by symbol: broker time, open, high, low, close, volume. Without, flat ones.
    bars: dict[str, list[tuple[float, ...]]] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)
    faults: list[Fault | None] = field(default_factory=list)
    variables: dict[str, float] = field(default_factory=dict)
    later: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = itertools.count(900_001)

    @property
    def broker_time(self) -> int:
        """The broker's wall clock as if it were UTC."""
        return int(self.now) + self.utc_offset

    def add(self, symbol: Symbol) -> Symbol:
        """A symbol the broker has."""
        self.symbols[symbol.name] = symbol
        return symbol

    def advance(self, seconds: float) -> None:
        """Time passes, and what was under way arrives."""
        self.now += seconds
        due = [action for at, action in self.later if at <= self.now]
        self.later = [(at, action) for at, action in self.later if at > self.now]
        for action in due:
            action()

    def profit(self, position: Position) -> float:
        """Open profit in the profit currency."""
        symbol = self.symbols[position.symbol]
        long = position.type == BUY
        gain = symbol.bid - position.price_open if long else position.price_open - symbol.ask
        return round(gain * position.volume * symbol.contract, 2)

    @property
    def equity(self) -> float:
        """Balance and open profit."""
        return round(self.balance + sum(map(self.profit, self.positions.values())), 2)

    def quote(self, name: str, bid: float, ask: float) -> None:
        """A new price; stops and targets that it reaches are dealt."""
        symbol = self.symbols[name]
        symbol.bid, symbol.ask, symbol.tick_ms = bid, ask, self.broker_time * 1000
        for position in list(self.positions.values()):
            if position.symbol != name:
                continue
            way, price = (1, bid) if position.type == BUY else (-1, ask)
            if position.sl and (price - position.sl) * way <= 0:
                self._close(position, position.volume, price, position.magic, "[sl]", 4)
            elif position.tp and (price - position.tp) * way >= 0:
                self._close(position, position.volume, price, position.magic, "[tp]", 5)

    # ---- what arrives at the trade server

    def order_send(self, request: Request) -> Answer:
        """One request; the next fault, if any, decides what goes wrong."""
        if not self.connected:
            return Answer(Code.CONNECTION)
        self.sent.append(request)
        fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            return self.deal(request)
        if fault.kind == "answer":
            return Answer(fault.code)
        if fault.kind == "executed":
            self.deal(request)
            return Answer(fault.code)
        if fault.kind == "partial":
            return self.deal(request, part=fault.part)
        if fault.kind in ("late", "working", "die_late"):
            self._postpone(request, fault)
        if fault.kind == "die_after":
            self.deal(request)
        if fault.kind.startswith("die"):
            raise Death
        return Answer(fault.code)

    def _postpone(self, request: Request, fault: Fault) -> None:
        ticket = next(self._ids)
        if fault.kind == "working":
            self.orders[ticket] = WorkingOrder(
                ticket, request.symbol, request.type, request.volume, request.price,
                request.magic, request.position, self.broker_time,
            )  # fmt: skip

        def arrive() -> None:
            self.orders.pop(ticket, None)
            self.deal(request)

        self.later.append((self.now + fault.seconds, arrive))

    def deal(self, request: Request, part: float = 1.0) -> Answer:
        """Executes a request, or refuses it as a broker does."""
        refused = self._refusal(request)
        if refused:
            return Answer(refused)
        if request.action == SLTP:
            return self._move(request)
        symbol = self.symbols[request.symbol]
        volume = request.volume
        if part < 1:
            volume = max(symbol.vmin, int(volume * part / symbol.vstep) * symbol.vstep)
            volume = round(min(volume, request.volume), 8)
        price = symbol.ask if request.type == BUY else symbol.bid
        held = self.positions.get(request.position)
        if held:
            done = self._close(held, volume, price, request.magic, request.comment)
        else:
            done = self._open(request, volume, price)
        code = Code.DONE if volume >= request.volume else Code.DONE_PARTIAL
        return Answer(
            code, done.ticket, done.order, volume, price, "Request executed", len(self.sent)
        )

    def _refusal(self, request: Request) -> int:
        symbol = self.symbols.get(request.symbol)
        if symbol is None or request.action not in (DEAL, SLTP):
            return Code.INVALID
        if not symbol.open:
            return Code.MARKET_CLOSED
        if any(not _on_grid(price, symbol.tick) for price in (request.sl, request.tp)):
            return Code.INVALID_PRICE
        held = self.positions.get(request.position)
        if request.position and held is None:
            return Code.POSITION_CLOSED
        if request.action == SLTP:
            return 0
        return _bad_size(request, symbol) or self._bad_side(request, symbol, held)

    def _bad_side(self, request: Request, symbol: Symbol, held: Position | None) -> int:
        if held:
            if request.type == held.type:
                return Code.INVALID
            return Code.INVALID_CLOSE_VOLUME if request.volume > held.volume + 1e-9 else 0
        if symbol.breaks_stops(request.type, request.sl, request.tp):
            return Code.INVALID_STOPS
        needed = request.volume * symbol.contract * symbol.ask / 500
        return Code.NO_MONEY if needed > self.equity else 0

    def _move(self, request: Request) -> Answer:
        held = self.positions[request.position]
        if (held.sl, held.tp) == (request.sl, request.tp):
            return Answer(Code.NO_CHANGES)
        if self.symbols[held.symbol].breaks_stops(held.type, request.sl, request.tp):
            return Answer(Code.INVALID_STOPS)
        held.sl, held.tp = request.sl, request.tp
        return Answer(Code.DONE, comment="Request executed")

    def _open(self, request: Request, volume: float, price: float) -> Deal:
        order = next(self._ids)
        same = next((p for p in self.positions.values() if p.symbol == request.symbol), None)
        if same is None or self.hedging:
            same = Position(
                order, order, request.symbol, request.type, 0.0, price, request.sl, request.tp,
                request.magic, request.comment[:31], self.broker_time,
            )  # fmt: skip
            self.positions[order] = same
        same.volume = round(same.volume + volume, 8)
        return self._book(same, IN, request.type, volume, price, request.magic, order, 0.0)

    def _close(
        self, held: Position, volume: float, price: float, magic: int, comment: str, reason: int = 3
    ) -> Deal:
        gain = price - held.price_open if held.type == BUY else held.price_open - price
        profit = round(gain * volume * self.symbols[held.symbol].contract, 2)
        self.balance = round(self.balance + profit, 2)
        held.volume = round(held.volume - volume, 8)
        if held.volume <= 1e-9:
            del self.positions[held.ticket]
        order = next(self._ids)
        done = self._book(held, OUT, 1 - held.type, volume, price, magic, order, profit)
        done.reason, done.comment = reason, comment
        return done

    def _book(
        self, held: Position, entry: int, side: int, volume: float, price: float, magic: int,
        order: int, profit: float,
    ) -> Deal:  # fmt: skip
        deal = Deal(
            next(self._ids), order, self.broker_time, self.broker_time * 1000, side, entry, magic,
            held.identifier, volume, price, profit, held.symbol, held.comment,
        )  # fmt: skip
        self.deals.append(deal)
        return deal


def _on_grid(price: float, tick: float) -> bool:
    return not price or abs(price / tick - round(price / tick)) < 1e-6


def _bad_size(request: Request, symbol: Symbol) -> int:
    volume, step = request.volume, symbol.vstep
    in_range = symbol.vmin - 1e-9 <= volume <= symbol.vmax + 1e-9
    if not in_range or abs(volume / step - round(volume / step)) > 1e-6:
        return Code.INVALID_VOLUME
    allowed = {0: symbol.filling & 1, 1: symbol.filling & 2, 2: symbol.exemode != 2}
    return 0 if allowed.get(request.type_filling) else Code.INVALID_FILL
