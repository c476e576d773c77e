"""The field of a candle chart: where candles and prices lie on it, and the labels at its right."""

from dataclasses import dataclass
from decimal import Decimal

from bot.i18n import Words
from bot.pictures.canvas import SMALL, WIDTH, Canvas
from bot.pictures.colours import DIM, ENTRY, FILL, STOP, TARGET, ZONE
from bot.pictures.market import Levels, Market
from bot.pictures.places import clamp
from engine.domain.account import Direction

HEIGHT = 640
LEFT, TOP, BOTTOM = 10, 84, 44  # margins; the right one fits the widest label
COLUMN = (130, 280)  # the least and the most of the right margin
NAMED = 310  # the most of it where trades have names
SHOWN, AHEAD = 120, 11  # candles drawn, and slots of future after them
MARKS = 15  # labels at most; more would lie on each other
HALF = 14  # of a label's height


@dataclass(frozen=True, slots=True)
class Mark:
    """A level to draw: its price, word, colour and dash."""

    price: Decimal
    word: str
    colour: str
    dash: str


class Field:
    """One chart in the making: what is shown and where it goes, in pixels."""

    def __init__(self, market: Market, words: Words) -> None:
        self.market = market
        self.canvas = Canvas(HEIGHT, words, words.time(market.instant, "d MMMM"))
        self.candles = market.candles[-SHOWN:]
        self.column = NAMED if any(trade.name for trade in market.trades) else COLUMN[1]
        marks = [mark for trade in market.trades for mark in self._trade(trade)][:MARKS]
        self.low, self.high = self._view([float(mark.price) for mark in marks])
        marks += self._zones()[: MARKS - len(marks)]
        self.marks = marks or [Mark(c.close, "", DIM, ":") for c in self.candles[-1:]]
        self.labels = [self._label(mark) for mark in self.marks]
        wide = [self.canvas.width(text, size) for text, size in self.labels]
        wide.append(self.canvas.width(self.price(self.high), SMALL))
        self.right = WIDTH - clamp(max(wide) + 34, COLUMN[0], self.column)
        self.slot = (self.right - LEFT) / (SHOWN + AHEAD)

    def price(self, price: Decimal | float) -> str:
        """A price with the digits of its symbol, the same in every language."""
        return f"{price:.{self.market.instrument.digits}f}"

    def x(self, slot: float) -> float:
        """The middle of a candle's slot; the first one drawn is 0."""
        return self.right - (len(self.candles) + AHEAD - 0.5 - slot) * self.slot

    def y(self, price: Decimal | float) -> float:
        """The height of a price, which may lie outside the field."""
        part = (float(price) - self.low) / (self.high - self.low)
        return BOTTOM + part * (HEIGHT - BOTTOM - TOP)

    def _view(self, levels: list[float]) -> tuple[float, float]:
        """The prices at foot and head. Candles keep a fifth of the height at least: a level too far
        away for that is named at the edge, with an arrow.
        """
        prices = [float(p) for c in self.candles for p in (c.low, c.high)] or levels or [1.0]
        low, high = min(prices), max(prices)
        span = max(high - low, 6 * float(self.market.instrument.pip))
        seen = [clamp(level, low - 2 * span, high + 2 * span) for level in levels]
        low, high = min(low, *seen, low), max(high, *seen, high)
        room = max(high - low, span)
        return (low + high) / 2 - 0.63 * room, (low + high) / 2 + 0.55 * room

    def _trade(self, levels: Levels) -> list[Mark]:
        """The marks of a trade; where there are several trades, an entry says which way it goes."""
        several, name = len(levels.targets) > 1, f"{levels.name} " if levels.name else ""
        entry, fill, stop, target = (
            self.canvas.say(f"chart.{word}") for word in ("entry", "fill", "stop", "target")
        )
        if name and levels.direction is not None:
            entry = "▲" if levels.direction is Direction.BUY else "▼"
        marks = [
            Mark(price, name + word, colour, dash)
            for word, price, colour, dash in (
                (entry, levels.entry, ENTRY, "-"),
                (fill, levels.fill, FILL, ":"),
                (stop, levels.stop, STOP, "--"),
            )
            if price is not None
        ]
        for number, price in enumerate(levels.targets, 1):
            word = f"{target} {number}" if several else target
            marks.append(Mark(price, name + word, TARGET, "-."))
        return marks

    def _zones(self) -> list[Mark]:
        """Support and resistance, as far as they lie in the picture."""
        return [
            Mark(price, self.canvas.say(f"picture.{name}"), ZONE, ":")
            for name, price in (
                ("resistance", self.market.resistance),
                ("support", self.market.support),
            )
            if price is not None and self.low <= price <= self.high
        ]

    def _label(self, mark: Mark) -> tuple[str, float]:
        """What stands beside a level, and how large; an arrow when it lies outside the picture."""
        arrow = "↑ " if mark.price > self.high else "↓ " if mark.price < self.low else ""
        price = self.price(mark.price)
        if not mark.word:
            return arrow + price, SMALL
        return self.canvas.fit(arrow + mark.word, SMALL, self.column - 34, f" {price}")
