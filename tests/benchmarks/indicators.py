"""Our indicators of one bundle against pandas-ta's, and against a millisecond."""

from collections.abc import Sequence
from statistics import median
from time import perf_counter

import pandas as pd
import pandas_ta_classic as ta

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Candle
from engine.snapshot.indicators import WINDOW, compute
from storage.embedded import Servers
from tests.benchmarks.common import report

_TIMES = 100


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """A window that moved on by one bar: every figure of two candles, for all strategies."""
    recorded = shipped_recording().candles
    ours, theirs = [], []
    for start in range(_TIMES):
        window = recorded[start : start + WINDOW]
        began = perf_counter()
        compute(window, digits=5)
        ours.append(perf_counter() - began)
    for start in range(20):
        began = perf_counter()
        _pandas(recorded[start : start + WINDOW])
        theirs.append(perf_counter() - began)
    report("indicators of a new bar, 600 candles", median(ours), 0.001, "1 ms")
    report("  the same", median(ours), median(theirs), "pandas-ta")


def _pandas(candles: Sequence[Candle]) -> None:
    high, low, close = (
        pd.Series([float(getattr(c, name)) for c in candles]) for name in ("high", "low", "close")
    )
    ta.ema(close, 20), ta.ema(close, 50), ta.sma(close, 50), ta.sma(close, 200)
    ta.rsi(close, 14), ta.atr(high, low, close, 14), ta.adx(high, low, close, 14)
    ta.macd(close), ta.bbands(close, 20)
