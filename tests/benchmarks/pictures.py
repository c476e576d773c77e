"""Bundles as several symbols make them bar by bar: the recorded candles, begun at other places."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from broker.feeds.calendar_csv import shipped_calendar
from broker.feeds.recorded import shipped_recording
from engine.domain.market import Candle, Timeframe
from engine.domain.snapshot import Bundle, Frame
from engine.domain.strategy import Strategy
from engine.snapshot.indicators import WINDOW, compute
from engine.snapshot.rows import groups
from engine.strategies.documents import shipped
from tests.builders import HOUR, account, bundle, quote

SYMBOLS = ("EURUSD", "GBPUSD", "AUDUSD", "NZDUSD", "USDCHF")
#: Behind it there are enough hours for a whole window of the longer timeframe.
_START = 4 * WINDOW


def strategies(count: int = 5) -> tuple[Strategy, ...]:
    """So many strategies: the shipped ones, and again under other names."""
    every = shipped() * count
    return tuple(
        replace(every[i], id=UUID(int=i + 1), name=f"{every[i].name} {i}") for i in range(count)
    )


def series(number: int) -> Sequence[Candle]:
    """The recorded prices begun elsewhere, at the recorded times: another symbol."""
    recorded = shipped_recording().candles
    place = number * 487 % len(recorded)
    moved = [*recorded[place:], *recorded[:place]]
    return [replace(c, time=at.time) for c, at in zip(moved, recorded, strict=True)]


def four_hours(candles: Sequence[Candle]) -> tuple[Candle, ...]:
    """The same market in candles of four hours."""
    return tuple(
        Candle(
            four[0].time, four[0].open, max(c.high for c in four), min(c.low for c in four),
            four[-1].close, sum(c.volume for c in four),
        )
        for four in groups(candles, HOUR / 8)
    )  # fmt: skip


async def pictures(
    bars: int, *, symbols: Sequence[str] = SYMBOLS, frames: bool = False
) -> list[Bundle]:
    """The bundles of so many successive bars, all symbols bar by bar; the account moves, too."""
    calendar, asked = shipped_calendar(), strategies()
    markets = {name: series(i) for i, name in enumerate(symbols)}
    found = []
    for bar in range(bars):
        for name, market in markets.items():
            end = _START + bar
            shown, at = tuple(market[end - WINDOW : end]), market[end - 1].time + HOUR
            now, before = compute(shown, digits=5)
            bid = shown[-1].close
            found.append(
                replace(
                    bundle(),
                    symbol=name,
                    instrument=replace(bundle().instrument, symbol=name),
                    candles=shown,
                    instant=at,
                    indicators=now,
                    indicators_before=before,
                    quote=quote(f"{bid}", f"{bid + Decimal('0.00008')}", at=at),
                    calendar=await calendar.around(at),
                    account=account(
                        equity=f"{10_000 + Decimal(bar * 37 % 900) / 100}", captured_at=at
                    ),
                    strategies=asked,
                    frames=tuple(_frames(market[:end])) if frames else (),
                )
            )
    return found


def _frames(market: Sequence[Candle]) -> Iterator[Frame]:
    shown = four_hours(market)[-WINDOW - 1 : -1]
    now, before = compute(shown, digits=5)
    yield Frame(timeframe=Timeframe.H4, candles=shown, indicators=now, indicators_before=before)
