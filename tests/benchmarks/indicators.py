"""Our indicators by pandas-ta against TA-Lib's C on the same window."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np
import talib

from broker.feeds.recorded import shipped_recording
from engine.snapshot.indicators import WINDOW, compute
from storage.embedded import Servers
from tests.benchmarks.common import report


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """One bundle's indicators, ours and theirs."""
    candles = shipped_recording().candles[:WINDOW]
    compute(candles, digits=5)
    start = perf_counter()
    for _ in range(50):
        compute(candles, digits=5)
    ours = (perf_counter() - start) / 50
    high, low, close = (
        np.array([float(getattr(c, name)) for c in candles]) for name in ("high", "low", "close")
    )
    start = perf_counter()
    for _ in range(50):
        talib.RSI(close), talib.EMA(close, 20), talib.EMA(close, 50), talib.MACD(close)
        talib.ATR(high, low, close), talib.ADX(high, low, close), talib.BBANDS(close, 20)
        talib.SMA(close, 50), talib.SMA(close, 200)
    peer = (perf_counter() - start) / 50
    print(f"{'indicators of one bundle':<44} {ours * 1e3:9.2f} ms   {ours / peer:7.0f} × TA-Lib")
    report("  the same, in a cycle of one second", ours, 1.0, "the cycle")
