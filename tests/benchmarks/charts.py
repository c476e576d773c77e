"""Pictures for the chat: how long one takes, beside mplfinance where it is installed, how large it
is, how much memory many of them leave behind, and how long the event loop waits meanwhile.

    python -m tests.benchmarks charts --times 500

mplfinance is no dependency of the product. To compare, give the environment one more package:
``pip install --no-deps mplfinance``; it needs nothing that is not there already.
"""

import argparse
import asyncio
import io
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from statistics import median
from time import perf_counter
from typing import Any

import psutil

from bot.charts import draw
from bot.i18n import words_for
from bot.pictures.candles import candle_chart
from bot.pictures.field import HEIGHT, SHOWN
from bot.pictures.market import Levels, Market
from engine.domain.account import Direction
from engine.domain.snapshot import Bundle
from storage.embedded import Servers
from tests.benchmarks.common import percentile, report
from tests.benchmarks.pictures import pictures

WANTED = 3  # times as fast as mplfinance
_WIDTH, _DPI = 780, 100


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Every picture is of another bar, so that nothing is remembered from the one before."""
    times = _options(arguments).times
    bundles = await pictures(40, symbols=("EURUSD",))
    was_loaded = "matplotlib" in sys.modules
    await _loop("event loop's longest wait, first chart", bundles[:1])
    if was_loaded:
        print("  (the drawing library was loaded before: run this benchmark by itself)")
    await _loop("event loop's longest wait, 40 charts", bundles)
    await _loop("event loop's longest wait, none drawn", [])
    _speed(bundles)
    _memory(bundles, times)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="charts")
    parser.add_argument("--times", type=int, default=500, help="charts for the memory's growth")
    return parser.parse_args(arguments)


def _levels(bundle: Bundle) -> Levels:
    entry, pip = bundle.candles[-1].close, bundle.instrument.pip
    targets = (entry + 40 * pip, entry + 80 * pip)
    return Levels(entry=entry, stop=entry - 25 * pip, targets=targets, direction=Direction.BUY)


def _ours(bundle: Bundle) -> bytes:
    """An idea's card: levels, zones, averages, news."""
    return draw(bundle, _levels(bundle), words_for("en"))


def _plain(bundle: Bundle) -> bytes:
    """Candles and averages, what mplfinance draws too."""
    market = Market(
        timeframe=bundle.timeframe,
        instant=bundle.instant,
        instrument=bundle.instrument,
        candles=bundle.candles,
    )
    return candle_chart(market, words_for("en"))


def _speed(bundles: Sequence[Bundle]) -> None:
    """The same candles in the same run, one after the other, so that both meet the same machine."""
    makers = {"an idea's card": _ours, "candles and averages": _plain}
    frames, theirs = {}, _mplfinance()
    if theirs is not None:
        frames = {bundle.instant: _frame(bundle) for bundle in bundles}
        makers["mplfinance, candles and averages"] = lambda bundle: theirs(frames[bundle.instant])
    taken: dict[str, list[float]] = {name: [] for name in makers}
    sizes: dict[str, int] = {}
    for bundle in (bundles[0], *bundles):
        for name, make in makers.items():
            start = perf_counter()
            sizes[name] = len(make(bundle))
            taken[name].append(perf_counter() - start)
    for name, values in taken.items():
        spent = median(values[1:])
        print(f"{name:<44} {spent * 1e3:9.2f} ms   {sizes[name] / 1024:7.1f} KiB")
    if theirs is None:
        print("mplfinance is not installed: pip install --no-deps mplfinance, then again")
        return
    *own, other = (median(values[1:]) for values in taken.values())
    for name, spent in zip(makers, own, strict=False):
        report(name, spent, other, f"mplfinance, of {WANTED} × wanted")


def _frame(bundle: Bundle) -> Any:
    import pandas as pd

    columns = {
        name: [float(getattr(candle, name.lower())) for candle in bundle.candles[-SHOWN:]]
        for name in ("Open", "High", "Low", "Close")
    }
    times = [candle.time for candle in bundle.candles[-SHOWN:]]
    return pd.DataFrame(columns, index=pd.DatetimeIndex(times))


def _mplfinance() -> Callable[[Any], bytes] | None:
    """Their chart of the same size, drawn as their manual says; None without the package."""
    with suppress(ImportError):
        import matplotlib as mpl

        mpl.use("Agg")
        import matplotlib.pyplot as plt
        import mplfinance as mpf

        def theirs(frame: Any) -> bytes:
            picture = io.BytesIO()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                mpf.plot(
                    frame,
                    type="candle",
                    style="nightclouds",
                    mav=(20, 50),
                    figsize=(_WIDTH / _DPI, HEIGHT / _DPI),
                    savefig={"fname": picture, "dpi": _DPI, "format": "png"},
                )
                plt.close("all")
            return picture.getvalue()

        return theirs
    return None


def _memory(bundles: Sequence[Bundle], times: int) -> None:
    process, seen = psutil.Process(), []
    for number in range(times):
        _ours(bundles[number % len(bundles)])
        if number + 1 in (times // 10, times):
            seen.append(process.memory_info().rss / 2**20)
    print(
        f"memory after {times // 10} charts {seen[0]:.1f} MiB, "
        f"after {times} {seen[-1]:.1f} MiB: {seen[-1] - seen[0]:+.1f} MiB"
    )


async def _loop(name: str, bundles: Sequence[Bundle]) -> None:
    """How late the event loop comes to a sleep of a millisecond while a thread draws."""
    late, done = [], asyncio.Event()

    async def watch() -> None:
        while not done.is_set():
            start = perf_counter()
            await asyncio.sleep(0.001)
            late.append(perf_counter() - start - 0.001)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        for bundle in bundles:
            await asyncio.to_thread(_ours, bundle)
        await asyncio.sleep(0.2)
        done.set()
    print(
        f"{name:<44} {max(late) * 1e3:9.2f} ms   "
        f"{percentile(late, 99) * 1e3:7.2f} ms at the 99th percentile"
    )
