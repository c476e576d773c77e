"""The chart above a card: what a decision saw, with the levels of the trade.

A picture of what was decided, not a source of figures.
"""

from decimal import Decimal

from bot.i18n import Words
from bot.pictures.candles import candle_chart
from bot.pictures.market import Levels, Market
from engine.domain.account import Direction
from engine.domain.snapshot import Bundle, Impact
from engine.domain.strategy import SessionWindow
from engine.strategies.exits import target_price

__all__ = ["Levels", "draw", "market_of"]


def draw(
    bundle: Bundle, levels: Levels, words: Words, windows: tuple[SessionWindow, ...] = ()
) -> bytes:
    """A PNG of 780 × 640 pixels; ``windows`` are the hours of the strategy that decided.

    Pure: the same input gives the same bytes, in any thread. Takes some 15 ms, and a third of a
    second more the first time: call it outside the event loop.
    """
    return candle_chart(market_of(bundle, levels, windows), words)


def market_of(bundle: Bundle, levels: Levels, windows: tuple[SessionWindow, ...] = ()) -> Market:
    """What of a bundle a chart shows: releases of high impact on its symbol, and the zones the
    strategies' exits know by name (:mod:`engine.strategies.exits`).
    """
    events = bundle.calendar.events if bundle.calendar else ()
    return Market(
        timeframe=bundle.timeframe,
        instant=bundle.instant,
        instrument=bundle.instrument,
        candles=bundle.candles,
        trades=() if levels == Levels() else (levels,),
        support=_zone(bundle, "key_support_zone", Direction.SELL),
        resistance=_zone(bundle, "key_resistance_zone", Direction.BUY),
        windows=windows,
        events=tuple(
            event
            for event in events
            if event.impact is Impact.HIGH and event.currency in bundle.instrument.currencies
        ),
    )


def _zone(bundle: Bundle, name: str, direction: Direction) -> Decimal | None:
    if not bundle.candles:
        return None
    return target_price(name, bundle, direction, bundle.candles[-1].close, Decimal(0))
