"""The trades of a run on the prices they were made in: where each began, and where it ended.

A line of prices, not candles: a run has thousands. One slot per candle, so that weekends take no
room.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.i18n import Words
from bot.pictures.canvas import MARGIN, SMALL, TITLE, WIDTH, Canvas, Point
from bot.pictures.colours import DIM, DOWN, GRID, INK, STOP, TARGET, UP, ZONE
from bot.pictures.places import steps
from bot.pictures.times import moments
from engine.domain.account import Direction

HEIGHT = 640
_LEFT, _TOP, _FOOT = 10, 92, 44
_LABEL = 120  # pixels of a date


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A closed trade: two instants, two prices, and its profit in account currency."""

    direction: Direction
    opened_at: datetime
    closed_at: datetime
    entry: Decimal
    exit: Decimal
    profit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """Prices and the trades made in them. ``times`` are when each candle closed, the oldest first,
    ``lows`` and ``highs`` its prices. ``name`` says what is shown: ``EURUSD H1``.
    """

    name: str
    digits: int
    times: Sequence[datetime]
    lows: Sequence[float]
    highs: Sequence[float]
    trades: tuple[Done, ...]


def trades_chart(traded: Traded, words: Words) -> bytes:
    """A PNG of 780 × 640 pixels; the same input gives the same bytes, in any thread.

    The words' zone is the axis's. Call it outside the event loop.
    """
    canvas = Canvas(HEIGHT, words, words.time(traded.times[0], "MMMM"))
    plot = _Plot(canvas, traded)
    plot.scale()
    plot.dates()
    plot.prices()
    plot.trades()
    plot.title()
    return canvas.png()


class _Plot:
    """Where candles and prices lie, in pixels."""

    def __init__(self, canvas: Canvas, traded: Traded) -> None:
        self.canvas, self.traded = canvas, traded
        prices = [float(price) for each in traded.trades for price in (each.entry, each.exit)]
        low, high = min([*traded.lows, *prices]), max([*traded.highs, *prices])
        room = max(high - low, high * 1e-5)
        self.low, self.high = low - 0.04 * room, high + 0.04 * room
        ticks, places = steps(self.low, self.high, 7)
        places = min(max(places, 2), traded.digits)
        self.ticks = [(tick, f"{tick:.{places}f}") for tick in ticks]
        widest = max((canvas.width(text, SMALL) for _, text in self.ticks), default=0.0)
        self.right, self.head = WIDTH - widest - 28, HEIGHT - _TOP

    def x(self, slot: float) -> float:
        return _LEFT + slot / max(1, len(self.traded.times) - 1) * (self.right - _LEFT)

    def y(self, price: float) -> float:
        return _FOOT + (price - self.low) / (self.high - self.low) * (self.head - _FOOT)

    def at(self, time: datetime) -> float:
        """Where an instant lies."""
        return self.x(min(bisect_left(self.traded.times, time), len(self.traded.times) - 1))

    def title(self) -> None:
        """What is shown, when, and what the marks are."""
        canvas, seen, words = self.canvas, self.traded, self.canvas.words
        span = " – ".join(words.time(seen.times[end], "d MMM y") for end in (0, -1))
        text = canvas.fit(f"{seen.name} · {span}", TITLE, WIDTH - 2 * MARGIN)
        canvas.head(MARGIN, HEIGHT - 24, *text, INK)
        canvas.legend(
            HEIGHT - 62,
            [
                (f"▲ {canvas.say('direction.buy')}", UP),
                (f"▼ {canvas.say('direction.sell')}", DOWN),
                (canvas.say("backtest.won"), TARGET),
                (canvas.say("backtest.lost"), STOP),
            ],
        )

    def scale(self) -> None:
        for price, text in self.ticks:
            y = self.y(price)
            self.canvas.lines([((_LEFT, y), (self.right, y))], GRID, 1)
            self.canvas.text_if_free(WIDTH - 11, y, text, SMALL, DIM, 1)

    def dates(self) -> None:
        times, words = self.traded.times, self.canvas.words
        end = max(times[-1], times[0] + timedelta(minutes=1))
        most = int((self.right - _LEFT) / _LABEL)
        for time, text in moments(times[0], end, words, most):
            x, half = self.at(time), self.canvas.width(text, SMALL) / 2
            self.canvas.lines([((x, _FOOT), (x, self.head))], GRID, 1)
            self.canvas.text_if_free(max(x, half + 4), _FOOT / 2, text, SMALL, DIM, 0.5)

    def prices(self) -> None:
        """One stroke for each column of pixels, from its lowest price to its highest."""
        seen = self.traded
        step = max(1, len(seen.times) // int(self.right - _LEFT))
        line: list[Point] = []
        for first in range(0, len(seen.times), step):
            x = self.x(first)
            low, high = min(seen.lows[first : first + step]), max(seen.highs[first : first + step])
            line += [(x, self.y(low)), (x, self.y(high))]
        self.canvas.lines([line], ZONE, 1.2)

    def trades(self) -> None:
        """A line from entry to exit, green for a gain; a triangle at the entry by its direction."""
        trades = self.traded.trades
        half = 7 if len(trades) <= 80 else 5 if len(trades) <= 300 else 3
        ways: dict[str, list[Sequence[Point]]] = {TARGET: [], STOP: []}
        marks: dict[str, list[Sequence[Point]]] = {UP: [], DOWN: []}
        for each in trades:
            start = (self.at(each.opened_at), self.y(float(each.entry)))
            end = (self.at(each.closed_at), self.y(float(each.exit)))
            ways[TARGET if each.profit > 0 else STOP].append((start, end))
            (x, y), way = start, each.direction.sign
            colour = UP if each.direction is Direction.BUY else DOWN
            marks[colour].append(
                [(x - half, y - way * half), (x + half, y - way * half), (x, y + way * half)]
            )
        for colour, lines in ways.items():
            self.canvas.lines(lines, colour, 2.4)
        for colour, shapes in marks.items():
            self.canvas.shapes(shapes, colour)
