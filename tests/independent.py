"""The same strategy in an independent engine, backtesting.py, for comparison trade by trade.

Both deal at the close of the candle that signals, keep one trade at a time, and look for a stop or
a target from the next candle on; of both in one candle the stop counts. What stays different:

- prices: ours have the symbol's digits, and a target is rounded away from the entry;
- indicators: ours are computed over the last 600 candles and rounded to two digits more than a
  price, so that a crossing by less than that is none;
- what follows: while one engine holds a trade that the other has not, or has longer, it enters no
  other;
- the end: a trade that is open at the last candle is closed there by the other engine only.
"""

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import talib

from engine.domain.account import Direction
from engine.domain.order import ClosedTrade
from engine.domain.settings import RiskSettings
from engine.domain.strategy import ExitRules, RiskCaps
from engine.research.columns import Columns
from tests.bars import crossing

#: Nothing in the way of any signal: the strategies are compared, not the gate.
OPEN_GATE: dict[str, Any] = {
    "settings": RiskSettings(
        strategy_daily_budget=10_000, strategy_min_interval_seconds=0,
        strategy_dedup_ttl_seconds=0, strategy_rate_limit_per_min=1_000,
        max_daily_loss_percent=Decimal(99), max_drawdown_amount=Decimal(1_000_000),
        daily_profit_target=Decimal(0), max_currency_exposure_percent=Decimal(1_000),
        min_confidence_threshold=Decimal(0), confidence_floor=Decimal(0), min_candles=60,
    ),
    "spread_pips": "0", "slippage_pips": Decimal(0), "start": 60,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trade:
    """A round trip: when it was entered and left (closes of those candles), and at what prices."""

    way: Direction
    entered: datetime
    left: datetime
    entry: float
    exit: float


def ours(trades: list[ClosedTrade]) -> list[Trade]:
    """Trades of a backtest of ours."""
    return [
        Trade(t.direction, t.opened_at, t.closed_at, float(t.entry_price), float(t.exit_price))
        for t in trades
    ]


def strategy(columns: Columns) -> Any:
    """EMA 20 crosses EMA 50, stop 1.5 ATR, target twice as far, a hundredth of a lot."""
    return crossing(
        timeframe=columns.timeframe,
        exit_rules=ExitRules("1.5 * atr", ("RR>=2",)),
        risk_caps=RiskCaps(Decimal("0.01"), 1),
    )


def theirs(columns: Columns, *, start: int) -> list[Trade]:
    """The same by backtesting.py."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from backtesting import Backtest

        made = Backtest(
            frame(columns), _strategy(start), cash=1e9, trade_on_close=True, finalize_trades=False
        ).run()
    table = made["_trades"]
    closes = [columns.closes(place) for place in range(len(columns))]
    return [
        Trade(
            Direction.BUY if row.Size > 0 else Direction.SELL,
            closes[row.EntryBar], closes[row.ExitBar], row.EntryPrice, row.ExitPrice,
        )
        for row in table.sort_values(["ExitBar", "EntryBar"]).itertuples()
    ]  # fmt: skip


def unexplained(columns: Columns, mine: list[Trade], other: list[Trade]) -> list[Trade]:
    """Trades that the two engines do not have alike, other than by the rules of this module: a
    crossing by less than a rounded figure shows, a stop that lay in the middle of two prices, or a
    trade that the other engine could not enter because it still held one of those.
    """
    scale = 10**columns.places
    close, high, low = columns.close / scale, columns.high / scale, columns.low / scale
    gap = np.abs(talib.EMA(close, 20) - talib.EMA(close, 50))
    steps = 1.5 * talib.ATR(high, low, close, 14) * scale
    far = np.abs(np.mod(steps, 1) - 0.5)
    places = {columns.closes(place): place for place in range(len(columns))}
    theirs_of = {(t.way, t.entered): t for t in other}
    ours_of = {(t.way, t.entered): t for t in mine}

    def rounded(trade: Trade, twin: Trade | None) -> bool:
        place = places[trade.entered]
        if twin is None:
            return bool(gap[max(0, place - 1) : place + 2].min() <= 2e-7)
        return not alike(trade, twin) and bool(far[place] <= 0.02)

    def kept_out(trade: Trade) -> bool:
        held = [t for t in other if t.entered <= trade.entered < t.left]
        return any(rounded(t, ours_of.get((t.way, t.entered))) for t in held)

    found = []
    for trade in mine:
        twin = theirs_of.get((trade.way, trade.entered))
        if twin is not None and alike(trade, twin):
            continue
        if not (rounded(trade, twin) or (twin is None and kept_out(trade))):
            found.append(trade)
    return found


def alike(one: Trade, other: Trade) -> bool:
    """Whether two trades are the same but for the floats' last digits."""
    same = (one.way, one.entered, one.left) == (other.way, other.entered, other.left)
    return same and abs(one.entry - other.entry) < 1e-9 and abs(one.exit - other.exit) < 1e-9


def frame(columns: Columns) -> pd.DataFrame:
    scale = 10**columns.places
    return pd.DataFrame(
        {
            "Open": columns.open / scale, "High": columns.high / scale, "Low": columns.low / scale,
            "Close": columns.close / scale, "Volume": columns.volume,
        },
        index=pd.to_datetime(
            [datetime.fromtimestamp(int(at), UTC).replace(tzinfo=None) for at in columns.opened]
        ),
    )  # fmt: skip


def _strategy(start: int) -> Any:
    from backtesting import Strategy

    class Crossing(Strategy):  # type: ignore[misc, unused-ignore]
        def init(self) -> None:
            self.fast = self.I(talib.EMA, self.data.Close, 20)
            self.slow = self.I(talib.EMA, self.data.Close, 50)
            self.atr = self.I(talib.ATR, self.data.High, self.data.Low, self.data.Close, 14)

        def next(self) -> None:
            if self.position or len(self.data) <= start:
                return
            above, was = self.fast[-1] > self.slow[-1], self.fast[-2] > self.slow[-2]
            if above == was:
                return
            close, risk = self.data.Close[-1], 1.5 * self.atr[-1]
            way = 1 if above else -1
            stop = round(close - way * risk, 5)
            target = close + way * 2 * abs(close - stop)
            target = (np.ceil if way > 0 else np.floor)(round(target * 1e5, 6)) / 1e5
            (self.buy if above else self.sell)(size=1, sl=stop, tp=target)

    return Crossing
