"""A backtest with every check and the whole decision stream, against other engines.

    python -m tests.benchmarks backtest --bars 370000

The shipped EMA trend strategy over generated one-minute candles, with the limits of a new
installation, against the same rules in backtesting.py, which has no limits. Then a crossing of two
EMAs with every limit so wide that nothing is in its way, so that nearly each candle that is asked
becomes a trade: backtesting.py and backtrader make the same trades without a gate and without a
record; backtrader is extrapolated from ``--backtrader`` candles. The loop in C computes the same
two averages and the range, and deals. Each engine in this very run.
"""

import argparse
import ctypes
import resource
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import talib

from engine.research.columns import Columns
from engine.strategies.documents import shipped
from storage.embedded import Servers
from tests.bars import backtest, bars
from tests.independent import OPEN_GATE, frame, ours, strategy, theirs, unexplained

_C = r"""
#include <math.h>
int loop(long n, const double *h, const double *l, const double *c, double *result) {
    double fast = c[0], slow = c[0], atr = h[0] - l[0], stop = 0, target = 0, entry = 0, made = 0;
    int side = 0, was = 0, trades = 0;
    for (long i = 1; i < n; i++) {
        fast += (c[i] - fast) * 2 / 21; slow += (c[i] - slow) * 2 / 51;
        double range = fmax(h[i] - l[i], fmax(fabs(h[i] - c[i-1]), fabs(l[i] - c[i-1])));
        atr += (range - atr) / 14;
        if (side > 0 && (l[i] <= stop || h[i] >= target)) {
            made += (l[i] <= stop ? stop : target) - entry; side = 0; trades++;
        } else if (side < 0 && (h[i] >= stop || l[i] <= target)) {
            made += entry - (h[i] >= stop ? stop : target); side = 0; trades++;
        }
        int above = fast > slow;
        if (!side && above != was && i > 60) {
            side = above ? 1 : -1; entry = c[i];
            stop = entry - side * 1.5 * atr; target = entry + side * 3 * atr;
        }
        was = above;
    }
    *result = made;
    return trades;
}
"""


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Print candles a second, and how much faster or slower the others are."""
    parser = argparse.ArgumentParser(prog="backtest")
    parser.add_argument("--bars", type=int, default=370_000)
    parser.add_argument("--backtrader", type=int, default=5_000)
    wanted = parser.parse_args(arguments)
    columns = bars(wanted.bars)
    _tell_shipped(columns)
    test = backtest(columns, strategy(columns), **OPEN_GATE)
    took, ran = _timed(test.run)
    print(
        f"EMA cross, {wanted.bars:,} candles: {took:.2f} s, {wanted.bars / took:,.0f} candles/s;"
        f" {len(ran.stream.lines):,} lines, {len(ran.trades):,} trades, the pipeline asked"
        f" {ran.asked:,} times"
    )
    half = bars(wanted.bars // 2)
    part, _ = _timed(backtest(half, strategy(half), **OPEN_GATE).run)
    print(f"  twice the candles take {took / part:.2f} times as long")
    other, table = _timed(lambda: theirs(columns, start=OPEN_GATE["start"]))
    mine = ours(ran.trades)
    odd = unexplained(columns, mine, table) + unexplained(columns, table, mine)
    print(
        f"  backtesting.py {other:6.2f} s   {other / took:5.2f} times ours   {len(table):,} trades,"
        f" {len(odd)} of both not explained by rounding"
    )
    short = bars(wanted.backtrader)
    slow, _ = _timed(lambda: _backtrader(short))
    scaled = slow * wanted.bars / wanted.backtrader
    print(f"  backtrader     {scaled:6.2f} s   {scaled / took:5.2f} times ours   (extrapolated)")
    _tell_loop(columns, took)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def _tell_loop(columns: Columns, took: float) -> None:
    compiler = shutil.which("cc") or shutil.which("g++")
    if compiler is None:
        print("  a loop in C: there is no compiler here")
        return
    with tempfile.TemporaryDirectory() as made:
        source, library = Path(made) / "loop.c", Path(made) / "loop.so"
        source.write_text(_C)
        command = [compiler, "-x", "c", "-O2", "-shared", "-fPIC", "-o", library, source, "-lm"]
        subprocess.run(command, check=True)
        window = columns.arrays(0, len(columns))
        pointers = [
            array.ctypes.data_as(ctypes.c_void_p)
            for array in (window.high, window.low, window.close)
        ]
        result = ctypes.c_double()
        loop = ctypes.CDLL(str(library)).loop
        quick, trades = _timed(
            lambda: loop(ctypes.c_long(len(columns)), *pointers, ctypes.byref(result))
        )
    print(f"  a loop in C    {quick * 1e3:6.2f} ms  ours takes {took / quick:,.0f} times as long"
          f" ({trades:,} trades)")  # fmt: skip


def _tell_shipped(columns: Columns) -> None:
    (trend,) = [each for each in shipped() if each.name == "EMA trend"]
    ready = replace(trend, timeframe=columns.timeframe, is_active=True)
    took, ran = _timed(backtest(columns, ready, start=60).run)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    other, trades = _timed(lambda: _trend(columns))
    print(
        f"EMA trend, {len(columns):,} candles: {took:.2f} s, {len(columns) / took:,.0f} candles/s;"
        f" {len(ran.stream.lines):,} lines, {len(ran.trades):,} trades, the pipeline asked"
        f" {ran.asked:,} times; at most {peak:.0f} MB"
    )
    print(f"  backtesting.py {other:6.2f} s   {other / took:5.2f} times ours   {trades:,} trades")


def _trend(columns: Columns) -> int:
    """The shipped EMA trend strategy in backtesting.py, without a gate; how many trades it made."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from backtesting import Backtest, Strategy

        class Trend(Strategy):  # type: ignore[misc, unused-ignore]
            def init(self) -> None:
                seen = self.data
                self.fast = self.I(talib.EMA, seen.Close, 20)
                self.slow = self.I(talib.EMA, seen.Close, 50)
                self.atr = self.I(talib.ATR, seen.High, seen.Low, seen.Close, 14)

            def next(self) -> None:
                if self.position or len(self.data) < 60:
                    return
                close, fast, atr = self.data.Close[-1], self.fast[-1], self.atr[-1]
                gap, at = (fast - self.slow[-1]) / atr, self.data.index[-1]
                way = 1 if gap > 0 else -1
                was = way * (self.data.Close[-2] - self.fast[-2])
                if abs(gap) <= 0.3 or not way * (close - fast) > 0 >= was:
                    return
                if at.weekday() > 4 or not 6 <= at.hour < 20:
                    return
                deal = self.buy if way > 0 else self.sell
                deal(size=1, sl=close - way * 1.5 * atr, tp=close + way * 3 * atr)

        made = Backtest(frame(columns), Trend, cash=1e9, trade_on_close=True).run()
    return len(made["_trades"])


def _backtrader(columns: Columns) -> None:
    """The same strategy in backtrader."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import backtrader as bt

        class Crossing(bt.Strategy):  # type: ignore[misc, unused-ignore]
            def __init__(self) -> None:
                fast, slow = bt.ind.EMA(period=20), bt.ind.EMA(period=50)
                self.cross, self.atr = bt.ind.CrossOver(fast, slow), bt.ind.ATR(period=14)

            def next(self) -> None:
                if self.position or not self.cross[0]:
                    return
                close, risk = self.data.close[0], 1.5 * self.atr[0]
                if self.cross[0] > 0:
                    self.buy_bracket(
                        exectype=bt.Order.Market, stopprice=close - risk,
                        limitprice=close + 2 * risk,
                    )  # fmt: skip
                else:
                    self.sell_bracket(
                        exectype=bt.Order.Market, stopprice=close + risk,
                        limitprice=close - 2 * risk,
                    )  # fmt: skip

        cerebro = bt.Cerebro()
        cerebro.addstrategy(Crossing)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame(columns)))
        cerebro.broker.setcash(1e9)
        cerebro.run()
