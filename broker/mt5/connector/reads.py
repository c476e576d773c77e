"""What the terminal shows, as documents: exact numbers, every instant in UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.metatrader.trades import closed_trades
from broker.mt5.connector.facts import Standing, direction_of, exact, price_or_none, small
from broker.mt5.connector.journal import Journal
from broker.mt5.connector.link import Failed
from broker.mt5.connector.problems import Problem
from broker.mt5.connector.terminal import Terminal
from engine.domain.broker_time import BrokerTime
from engine.domain.market import Timeframe
from engine.domain.order import ClosedTrade

Told = Mapping[str, Any]
Json = dict[str, Any]

#: TIMEFRAME_* of the package.
_TIMEFRAMES = {
    Timeframe.M1: 1, Timeframe.M5: 5, Timeframe.M15: 15, Timeframe.M30: 30,
    Timeframe.H1: 0x4001, Timeframe.H4: 0x4004, Timeframe.D1: 0x4018,
}  # fmt: skip
#: A trade still open when the period began has deals before it.
_BEFORE = timedelta(days=7)
#: The broker's clock and ours are no further apart, whole quarters of an hour left aside.
_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class Reads:
    """The reading half of the connector; every method raises :class:`Problem`, and what a call of
    the package raises.
    """

    terminal: Terminal
    journal: Journal

    async def account(self, days: int) -> Json:
        """Money, open positions, and what was closed in the last days."""
        standing, time = await self.terminal.look(), self.terminal.known_time
        told, places = standing.account, standing.money_places
        positions = await self.terminal.positions()
        owners = self.journal.owners([position["magic"] for position in positions])
        digits = {name: await self._digits(name) for name in {p["symbol"] for p in positions}}
        since = self.terminal.clock() - timedelta(days=days)
        trades = await self._trades(since, time, positions) if days else []
        return {
            "balance": exact(told["balance"], places),
            "equity": exact(told["equity"], places),
            "margin_used": exact(told["margin"], places),
            "margin_free": exact(told["margin_free"], places),
            "open_pl": exact(told["profit"], places),
            "open_positions": [
                _position(each, time, places, digits[each["symbol"]], owners) for each in positions
            ],
            "history": [_short(trade) for trade in reversed(trades)],
            "currency": standing.currency,
            "captured_at": self.terminal.clock().isoformat(),
            **_who(standing),
        }

    async def _digits(self, symbol: str) -> int:
        return int((await self.terminal.symbol(symbol))["digits"])

    async def history(self, since: datetime) -> Json:
        """Trades closed since an instant, but not before the journal began, oldest first."""
        await self.terminal.look()
        positions = await self.terminal.positions()
        since = max(since, self.journal.created - _SKEW)
        trades = await self._trades(since, self.terminal.known_time, positions)
        return {"trades": [_long(trade) for trade in trades]}

    async def _trades(
        self, since: datetime, time: BrokerTime, positions: Sequence[Told]
    ) -> list[ClosedTrade]:
        deals = list(await self.terminal.deals(since - _BEFORE))
        entered = {deal["position_id"] for deal in deals if deal["entry"] == 0}
        closed = {deal["position_id"] for deal in deals if deal["entry"] in (1, 3)}
        for position in sorted(closed - entered):
            deals = [deal for deal in deals if deal["position_id"] != position]
            deals += await self.terminal.deals_of(position=position)
        digits = {s: await self._places(s) for s in {d["symbol"] for d in deals if d["symbol"]}}
        found = closed_trades(
            [_deal(each, time, digits.get(each["symbol"], 8)) for each in deals],
            frozenset(each["identifier"] for each in positions),
            {symbol: symbol for symbol in digits},
            self.journal.owners([deal["magic"] for deal in deals]),
        )
        return [trade for trade in found if trade.closed_at > since]

    async def _places(self, symbol: str) -> int:
        """Digits of a symbol that the broker may not have any more."""
        try:
            return await self._digits(symbol)
        except Problem:
            return 8

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> Json:
        """Closed candles, oldest first: time of opening, open, high, low, close, ticks."""
        await self.terminal.look()
        time, digits = self.terminal.known_time, await self._digits(symbol)
        # Number 0 is the candle that is being made.
        rows = await self.terminal.link.call(
            "copy_rates_from_pos", symbol, _TIMEFRAMES[timeframe], 1, count
        )
        now = self.terminal.clock()
        candles = [
            [time.utc(row[0]).isoformat(), *(exact(p, digits) for p in row[1:5]), int(row[5])]
            for row in rows
            if time.utc(row[0]) + timeframe.length <= now
        ]
        return {"symbol": symbol, "timeframe": str(timeframe), "candles": candles}

    async def quotes(self, symbols: Sequence[str]) -> Json:
        """Current quotes; symbols that the broker lacks or does not quote are left out."""
        await self.terminal.look()
        time, found = self.terminal.known_time, []
        for name in symbols:
            try:
                digits = await self._digits(name)
                tick = await self.terminal.link.call("symbol_info_tick", name)
            except (Problem, Failed):
                continue
            bid, ask = exact(tick["bid"], digits), exact(tick["ask"], digits)
            if 0 < bid <= ask:
                at = time.utc(tick["time_msc"] / 1000).isoformat()
                found.append({"symbol": name, "bid": bid, "ask": ask, "time": at})
        return {"quotes": found}

    async def symbols(self, names: Sequence[str]) -> Json:
        """The broker's names; with ``names`` the specifications of those instead."""
        standing = await self.terminal.look()
        if not names:
            told = await self.terminal.link.call("symbols_get", fields=["name"])
            return {"names": sorted(each["name"] for each in told)}
        return {
            "currency": standing.currency,
            "symbols": [await self._specification(name) for name in names],
        }

    async def _specification(self, name: str) -> Json:
        info = await self.terminal.symbol(name)
        tick = await self.terminal.link.call("symbol_info_tick", name)
        try:
            margin = await self.terminal.link.call("order_calc_margin", 0, name, 1.0, tick["ask"])
        except Failed:
            margin = 0.0
        return {
            "name": name,
            "digits": info["digits"],
            "point": small(info["point"]),
            "base": info["currency_base"],
            "profit": info["currency_profit"],
            "contract_size": small(info["trade_contract_size"]),
            "volume_min": small(info["volume_min"]),
            "volume_max": small(info["volume_max"]),
            "volume_step": small(info["volume_step"]),
            "stops_level": info["trade_stops_level"],
            "freeze_level": info["trade_freeze_level"],
            "tick_size": small(info["trade_tick_size"]),
            "tick_value": small(info["trade_tick_value"]),
            "margin_per_lot": small(margin),
            "ask": exact(tick["ask"], info["digits"]),
        }


def _who(standing: Standing) -> Json:
    return {
        "login": standing.login,
        "server": standing.server,
        "trade_mode": standing.trade_mode,
        "margin_mode": standing.margin_mode,
    }


def _position(
    told: Told, time: BrokerTime, places: int, digits: int, owners: Mapping[int, str]
) -> Json:
    target = price_or_none(told["tp"], digits)
    return {
        "id": str(told["identifier"]),
        "symbol": told["symbol"],
        "direction": str(direction_of(told["type"])),
        "lot_size": small(told["volume"]),
        "entry_price": exact(told["price_open"], digits),
        "stop_loss": price_or_none(told["sl"], digits),
        "take_profit": [] if target is None else [target],
        "unrealized_pl": exact(told["profit"] + told["swap"], places),
        "opened_at": time.utc(told["time_msc"] / 1000).isoformat(),
        "key": owners.get(told["magic"]),
    }


def _deal(told: Told, time: BrokerTime, digits: int) -> Json:
    return {
        "ticket": told["ticket"],
        "position": told["position_id"],
        "time_ms": told["time_msc"],
        "at": time.utc(told["time_msc"] / 1000).isoformat(),
        "type": told["type"],
        "entry": told["entry"],
        "magic": told["magic"],
        "reason": told["reason"],
        "symbol": told["symbol"],
        "volume": small(told["volume"]),
        "price": exact(told["price"], digits),
        **{name: exact(told[name], 8) for name in ("profit", "swap", "commission", "fee")},
    }


def _short(trade: ClosedTrade) -> Json:
    """A closed trade, as the account's history shows it."""
    return {
        "order_id": int(trade.position_id.partition("/")[0]),
        "symbol": trade.symbol,
        "direction": str(trade.direction),
        "closed_pl": trade.profit,
        "opened_at": trade.opened_at.isoformat(),
        "closed_at": trade.closed_at.isoformat(),
    }


def _long(trade: ClosedTrade) -> Json:
    return {
        **_short(trade),
        "id": trade.position_id,
        "key": trade.client_id,
        "lot_size": trade.volume,
        "entry_price": trade.entry_price,
        "exit_price": trade.exit_price,
        "reason": trade.reason,
    }
