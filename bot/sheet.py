"""The paper of a chart: its size and colours, where prices and candles lie on it, and the pens."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from typing import Any

from bot.i18n import LANGUAGES, Words
from engine.domain.account import Direction
from engine.domain.snapshot import Bundle

WIDTH, HEIGHT, DPI = 1000, 600, 100
LEFT, TOP, BOTTOM = 10, 58, 46  # margins in pixels; the right one fits the widest label
COLUMN = (150, 300)  # the least and the most of the right margin
SHOWN, AHEAD = 60, 12  # candles drawn, and slots of future after them
NEWS = 3  # marks at most; the ones nearest to the instant are kept
TITLE, LABEL, SMALL = 30, 25, 21  # heights of letters in pixels; a phone shows about a third

PAPER, GRID, INK, DIM = "#10161F", "#243040", "#F2F5F9", "#A3B1C2"
# Pairs that differ in brightness too, for eyes that see no hue.
UP, DOWN = "#7CC4FF", "#D9731F"
TARGET, STOP, ENTRY, FILL = "#1BAE88", "#FF9BD2", "#FFFFFF", "#B9C4D2"
YELLOW = "#F0E05A"
AVERAGES = ((20, YELLOW), (50, "#A98BFF"))
#: English for keys that the catalogues may not have yet.
SPARE = {"chart.fill": "filled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Prices drawn as lines across the chart; what is absent is not drawn."""

    entry: Decimal | None = None
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    fill: Decimal | None = None
    direction: Direction | None = None


class Sheet:
    """One picture in the making: what is shown, where it goes, and the pens; all in pixels."""

    def __init__(self, canvas: Any, bundle: Bundle, levels: Levels, words: Words) -> None:
        from matplotlib import get_data_path
        from matplotlib.font_manager import FontProperties, get_font

        path = f"{get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf"
        self.font, self.letters = FontProperties(fname=path), get_font(path).get_charmap()
        self.canvas, self.bundle, self.levels = canvas, bundle, levels
        sample = words.time(bundle.instant, "d MMMM")  # a font lacks whole scripts, not letters
        self.words = words if self.held(sample) == sample else Words(LANGUAGES[0], words.timezone)
        self.candles = bundle.candles[-SHOWN:]
        self.marks = _marks(self)
        self.low, self.high = self._view([float(price) for price, *_ in self.marks])
        texts = [self.label(price, word) for price, word, *_ in self.marks]
        widest = max((self.width(text, LABEL) for text in texts), default=0)
        self.right = WIDTH - min(max(widest + 36, COLUMN[0]), COLUMN[1])
        self.slot = (self.right - LEFT) / (SHOWN + AHEAD)

    def _view(self, levels: list[float]) -> tuple[float, float]:
        """The prices at foot and head. Candles keep a fifth of the height at least: a level too far
        away for that is named at the edge, with an arrow.
        """
        prices = [float(p) for c in self.candles for p in (c.low, c.high)] or levels or [1.0]
        low, high = min(prices), max(prices)
        span = max(high - low, 6 * float(self.bundle.instrument.pip))
        seen = [min(max(level, low - 2 * span), high + 2 * span) for level in levels]
        low, high = min(low, *seen, low), max(high, *seen, high)
        room = max(high - low, span)
        return (low + high) / 2 - 0.63 * room, (low + high) / 2 + 0.55 * room

    def say(self, key: str, **values: object) -> str:
        """Words as plain text: a picture knows no markup."""
        return unescape(self.words(key, **values)) if self.words.has(key) else SPARE[key]

    def held(self, text: str) -> str:
        """The part of a text the font has letters for; marks of direction it has not."""
        return "".join(letter for letter in text if ord(letter) in self.letters)

    def price(self, price: Decimal | float) -> str:
        """A price with the digits of its symbol, the same in every language."""
        return f"{price:.{self.bundle.instrument.digits}f}"

    def label(self, price: Decimal, word: str) -> str:
        """What stands beside a level; an arrow when it lies outside the picture."""
        arrow = "↑" if price > self.high else "↓" if price < self.low else ""
        return f"{arrow} {word} {self.price(price)}".strip()

    def x(self, slot: float) -> float:
        """The middle of a candle's slot; the first one drawn is 0."""
        return self.right - (len(self.candles) + AHEAD - 0.5 - slot) * self.slot

    def y(self, price: Decimal | float) -> float:
        """The height of a price, which may lie outside the field."""
        part = (float(price) - self.low) / (self.high - self.low)
        return BOTTOM + part * (HEIGHT - BOTTOM - TOP)

    def width(self, text: str, size: float) -> float:
        """How wide a text will be."""
        font = self.font.copy()
        font.set_size(size * 72 / DPI)
        renderer = self.canvas.get_renderer()
        return float(renderer.get_text_width_height_descent(self.held(text), font, ismath=False)[0])

    def text(self, x: float, y: float, text: str, size: float, colour: str, **look: Any) -> None:
        """Write a text, centred on its height."""
        font = {"fontproperties": self.font, "fontsize": size * 72 / DPI, "parse_math": False}
        place = {"va": "center_baseline", "transform": None}
        self.canvas.figure.text(x, y, self.held(text), color=colour, **font, **place, **look)

    def lines(self, lines: Sequence[Any], colour: Any, width: float, dash: str = "-") -> None:
        """Lines through points."""
        from matplotlib.collections import LineCollection

        look: Any = {"colors": colour, "linewidths": width, "linestyles": dash}
        self.canvas.figure.add_artist(LineCollection(lines, zorder=1, transform=None, **look))

    def boxes(self, boxes: Sequence[Any], colour: Any, **look: Any) -> None:
        """Filled upright boxes, each given by left, foot, right and head."""
        from matplotlib.collections import PolyCollection

        shapes = [((a, b), (c, b), (c, d), (a, d)) for a, b, c, d in boxes]
        self.canvas.figure.add_artist(
            PolyCollection(shapes, facecolors=colour, zorder=1, transform=None, **look)
        )


def spread(wanted: Sequence[float], size: float, low: float, high: float) -> list[float]:
    """Centres for labels ``size`` apart, inside ``low`` to ``high``, as near to the wanted ones as
    their order allows (least squares). They come closer than ``size`` only where all would not fit.
    """
    if not wanted:
        return []
    gap = min(size, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    blocks: list[tuple[float, int]] = []  # mean and length of labels that push each other
    for rank, index in enumerate(order):
        mean, length = wanted[index] - rank * gap, 1
        while blocks and blocks[-1][0] >= mean:
            before, count = blocks.pop()
            mean = (before * count + mean * length) / (count + length)
            length += count
        blocks.append((mean, length))
    top = max(low, high - (len(wanted) - 1) * gap)
    bases = [min(max(mean, low), top) for mean, length in blocks for _ in range(length)]
    places = {index: bases[rank] + rank * gap for rank, index in enumerate(order)}
    return [places[index] for index in range(len(wanted))]


def _marks(sheet: Sheet) -> list[tuple[Decimal, str, str, str]]:
    """Every level to draw: price, word, colour and dash; the last close where there is none."""
    levels, several = sheet.levels, len(sheet.levels.targets) > 1
    marks = [
        (price, sheet.say(f"chart.{name}"), colour, dash)
        for name, price, colour, dash in (
            ("entry", levels.entry, ENTRY, "-"),
            ("fill", levels.fill, FILL, ":"),
            ("stop", levels.stop, STOP, "--"),
        )
        if price is not None
    ]
    word = sheet.say("chart.target")
    for number, price in enumerate(levels.targets, 1):
        marks.append((price, f"{word} {number}" if several else word, TARGET, "-."))
    return marks or [(c.close, "", DIM, ":") for c in sheet.candles[-1:]]


def inside(y: float) -> float:
    return min(max(y, BOTTOM), HEIGHT - TOP)
