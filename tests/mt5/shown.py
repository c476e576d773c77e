"""What the simulated terminal shows, with every field the package's tuples have."""

from typing import Any

from tests.mql5.market import BUY, Deal, Position, Symbol, WorkingOrder
from tests.mql5.terminal import Terminal
from tests.mt5.fields import FIELDS

Told = dict[str, Any]

#: Fields that are empty texts where nothing is known; all others are numbers.
_TEXTS = {
    "name", "server", "currency", "company", "basis", "category", "currency_base", "bank",
    "currency_profit", "currency_margin", "description", "exchange", "formula", "isin", "page",
    "path", "language", "data_path", "commondata_path", "comment", "external_id", "symbol",
}  # fmt: skip
_MINUTES = {1: 1, 5: 5, 15: 15, 30: 30, 0x4001: 60, 0x4004: 240, 0x4018: 1440}


def _all(kind: str, **known: Any) -> Told:
    """Every field of a tuple: those that are known, else empty."""
    names = FIELDS[kind].split()
    assert set(known) <= set(names), set(known) - set(names)
    return {name: known.get(name, "" if name in _TEXTS else 0) for name in names}


def terminal(shown: Terminal) -> Told:
    return _all(
        "TerminalInfo", connected=shown.connected, trade_allowed=shown.flags.terminal,
        tradeapi_disabled=not shown.flags.ea, build=4755, company=shown.company, name="Simulated",
        community_balance=0.0, retransmission=0.0,
    )  # fmt: skip


def account(shown: Terminal) -> Told:
    profit = round(shown.equity - shown.balance, 2)
    return _all(
        "AccountInfo", login=shown.login, trade_mode=shown.flags.trade_mode, leverage=500,
        trade_allowed=shown.flags.account, trade_expert=shown.flags.experts,
        margin_mode=2 if shown.hedging else 0, currency_digits=2, balance=shown.balance,
        equity=shown.equity, profit=profit, margin=0.0, margin_free=shown.equity, name="Sim",
        server=shown.server, currency="USD", company=shown.company,
    )  # fmt: skip


def symbol(shown: Terminal, each: Symbol) -> Told:
    return _all(
        "SymbolInfo", name=each.name, select=True, visible=True, time=each.tick_ms // 1000,
        digits=each.digits, bid=each.bid, ask=each.ask, point=each.point,
        trade_tick_size=each.tick, trade_tick_value=each.tick * each.contract,
        trade_contract_size=each.contract, volume_min=each.vmin, volume_max=each.vmax,
        volume_step=each.vstep, trade_stops_level=each.stops_level,
        trade_freeze_level=each.freeze_level, filling_mode=each.filling,
        trade_exemode=each.exemode, trade_mode=4, currency_base=each.base,
        currency_profit=each.profit, currency_margin=each.base, description=each.name,
        path=each.name,
    )  # fmt: skip


def tick(each: Symbol) -> Told:
    return _all(
        "Tick", time=each.tick_ms // 1000, time_msc=each.tick_ms, bid=each.bid, ask=each.ask,
        last=0.0, flags=6, volume_real=0.0,
    )  # fmt: skip


def position(shown: Terminal, each: Position) -> Told:
    facts = shown.symbols[each.symbol]
    return _all(
        "TradePosition", ticket=each.ticket, identifier=each.identifier, time=each.time,
        time_msc=each.time * 1000, time_update=each.time, time_update_msc=each.time * 1000,
        type=each.type, magic=each.magic, reason=3, volume=each.volume, price_open=each.price_open,
        sl=each.sl, tp=each.tp, price_current=facts.bid if each.type == BUY else facts.ask,
        swap=each.swap, profit=shown.profit(each), symbol=each.symbol, comment=each.comment,
    )  # fmt: skip


def order(each: WorkingOrder) -> Told:
    return _all(
        "TradeOrder", ticket=each.ticket, time_setup=each.time, type=each.type, state=each.state,
        magic=each.magic, position_id=each.position, volume_initial=each.volume,
        volume_current=each.volume, price_open=each.price, symbol=each.symbol,
    )  # fmt: skip


def deal(each: Deal) -> Told:
    return _all(
        "TradeDeal", ticket=each.ticket, order=each.order, time=each.time, time_msc=each.time_msc,
        type=each.type, entry=each.entry, magic=each.magic, position_id=each.position_id,
        reason=each.reason, volume=each.volume, price=each.price, commission=each.commission,
        swap=each.swap, profit=each.profit, fee=each.fee, symbol=each.symbol, comment=each.comment,
    )  # fmt: skip


def rates(shown: Terminal, each: Symbol, timeframe: int, start: int, count: int) -> list[list[Any]]:
    """Candles up to number ``start`` from the present one, the oldest first."""
    length = 60 * _MINUTES[timeframe]
    last = shown.broker_time // length - start
    bid, point = each.bid, each.point
    return [
        [number * length, bid, bid + 3 * point, bid - 3 * point, bid, 10, 2, 0]
        for number in range(last - count + 1, last + 1)
    ]
