"""The chart above a card: the last candles, the levels of a trade, and the news around them.

A picture of what was decided, not a source of figures: everything here is drawn with floats, and
the averages are worked out again for the eye only. Prices are places on the vertical axis, slots
(one per candle, so that weekends take no room) on the horizontal one, pixels everywhere else.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from io import BytesIO
from typing import Any

from bot.i18n import LANGUAGES, Words
from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.domain.snapshot import Bundle, Impact

_WIDTH, _HEIGHT, _DPI = 1000, 600, 100
_LEFT, _TOP, _BOTTOM = 10, 58, 46  # margins in pixels; the right one fits the widest label
_COLUMN = (150, 300)  # the least and the most of the right margin
_SHOWN, _AHEAD = 60, 12  # candles drawn, and slots of future after them
_NEWS = 3  # marks at most; the ones nearest to the instant are kept
_TITLE, _LABEL, _SMALL = 30, 25, 21  # heights of letters in pixels; a phone shows about a third

_PAPER, _GRID, _INK, _DIM = "#10161F", "#243040", "#F2F5F9", "#A3B1C2"
# Pairs that differ in brightness too, for eyes that see no hue.
_UP, _DOWN = "#7CC4FF", "#D9731F"
_TARGET, _STOP, _ENTRY, _FILL = "#1BAE88", "#FF9BD2", "#FFFFFF", "#B9C4D2"
_YELLOW = "#F0E05A"
_AVERAGES = ((20, _YELLOW), (50, "#A98BFF"))
#: English for keys that the catalogues may not have yet.
_SPARE = {"chart.fill": "filled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Prices drawn as lines across the chart; what is absent is not drawn."""

    entry: Decimal | None = None
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    fill: Decimal | None = None
    direction: Direction | None = None


def draw(bundle: Bundle, levels: Levels, words: Words) -> bytes:
    """A PNG of 1000 × 600 pixels; the same input gives the same bytes, in any thread.

    Takes about a tenth of a second, and half a second more the first time, when matplotlib is
    loaded: call it outside the event loop.
    """
    # Heavy, and this module is imported by commands that must start at once.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (_WIDTH / _DPI, _HEIGHT / _DPI)
    canvas = FigureCanvasAgg(Figure(figsize=size, dpi=_DPI, facecolor=_PAPER))
    sheet = _Sheet(canvas, bundle, levels, words)
    for part in (_dates, _prices, _zones, _averages, _candles, _news, _title):
        part(sheet)
    picture = BytesIO()
    canvas.print_png(picture, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return picture.getvalue()


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


def average(closes: Sequence[float], length: int) -> list[float]:
    """An exponential average from candle ``length`` on, begun with a plain mean as the indicator
    is; empty for too few candles. Decoration: decisions rest on the bundle's own figures.
    """
    if len(closes) < length:
        return []
    values = [sum(closes[:length]) / length]
    for close in closes[length:]:
        values.append(values[-1] + (close - values[-1]) * 2 / (length + 1))
    return values


class _Sheet:
    """One picture in the making: what is shown, where it goes, and the pens; all in pixels."""

    def __init__(self, canvas: Any, bundle: Bundle, levels: Levels, words: Words) -> None:
        from matplotlib import get_data_path
        from matplotlib.font_manager import FontProperties, get_font

        path = f"{get_data_path()}/fonts/ttf/DejaVuSans-Bold.ttf"
        self.font, self.letters = FontProperties(fname=path), get_font(path).get_charmap()
        self.canvas, self.bundle, self.levels = canvas, bundle, levels
        sample = words.time(bundle.instant, "d MMMM")  # a font lacks whole scripts, not letters
        self.words = words if self.held(sample) == sample else Words(LANGUAGES[0], words.timezone)
        self.candles = bundle.candles[-_SHOWN:]
        self.marks = _marks(self)
        self.low, self.high = self._view([float(price) for price, *_ in self.marks])
        texts = [self.label(price, word) for price, word, *_ in self.marks]
        widest = max((self.width(text, _LABEL) for text in texts), default=0)
        self.right = _WIDTH - min(max(widest + 36, _COLUMN[0]), _COLUMN[1])
        self.slot = (self.right - _LEFT) / (_SHOWN + _AHEAD)

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
        return unescape(self.words(key, **values)) if self.words.has(key) else _SPARE[key]

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
        return self.right - (len(self.candles) + _AHEAD - 0.5 - slot) * self.slot

    def y(self, price: Decimal | float) -> float:
        """The height of a price, which may lie outside the field."""
        part = (float(price) - self.low) / (self.high - self.low)
        return _BOTTOM + part * (_HEIGHT - _BOTTOM - _TOP)

    def width(self, text: str, size: float) -> float:
        """How wide a text will be."""
        font = self.font.copy()
        font.set_size(size * 72 / _DPI)
        renderer = self.canvas.get_renderer()
        return float(renderer.get_text_width_height_descent(self.held(text), font, ismath=False)[0])

    def text(self, x: float, y: float, text: str, size: float, colour: str, **look: Any) -> None:
        """Write a text, centred on its height."""
        font = {"fontproperties": self.font, "fontsize": size * 72 / _DPI, "parse_math": False}
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


def _marks(sheet: _Sheet) -> list[tuple[Decimal, str, str, str]]:
    """Every level to draw: price, word, colour and dash; the last close where there is none."""
    levels, several = sheet.levels, len(sheet.levels.targets) > 1
    marks = [
        (price, sheet.say(f"chart.{name}"), colour, dash)
        for name, price, colour, dash in (
            ("entry", levels.entry, _ENTRY, "-"),
            ("fill", levels.fill, _FILL, ":"),
            ("stop", levels.stop, _STOP, "--"),
        )
        if price is not None
    ]
    word = sheet.say("chart.target")
    for number, price in enumerate(levels.targets, 1):
        marks.append((price, f"{word} {number}" if several else word, _TARGET, "-."))
    return marks or [(c.close, "", _DIM, ":") for c in sheet.candles[-1:]]


def _title(sheet: _Sheet) -> None:
    bundle, y = sheet.bundle, _HEIGHT - _TOP / 2
    moment = sheet.words.moment(bundle.instant)
    title = sheet.say(
        "chart.title", symbol=bundle.symbol, timeframe=bundle.timeframe.value, time=moment
    )
    room = min(sheet.right, _WIDTH - 215) - 2 * _LEFT  # the names of the averages follow
    size = min(_TITLE, _TITLE * room / max(1, sheet.width(title, _TITLE)))
    sheet.text(_LEFT + 4, y, title, size, _INK)


def _inside(y: float) -> float:
    return min(max(y, _BOTTOM), _HEIGHT - _TOP)


def _zones(sheet: _Sheet) -> None:
    """What is at stake to the right of the last candle, and lines at every level."""
    left, right, levels = sheet.x(len(sheet.candles) - 0.2), sheet.right, sheet.levels
    start = levels.entry if levels.entry is not None else levels.fill
    if start is not None:
        for end, colour, hatch in (
            (levels.stop, _STOP, "//"),
            *((target, _TARGET, None) for target in levels.targets),
        ):
            if end is not None:
                foot, head = sorted((_inside(sheet.y(start)), _inside(sheet.y(end))))
                look = {"alpha": 0.3, "hatch": hatch, "edgecolors": colour, "linewidths": 0}
                sheet.boxes([(left, foot, right, head)], colour, **look)
        if levels.direction is not None:
            arrow = "▲" if levels.direction is Direction.BUY else "▼"
            y = _inside(sheet.y(start)) + 20 * levels.direction.sign
            sheet.text((left + right) / 2, y, arrow, 34, _ENTRY, ha="center")
    for price, _, colour, dash in sheet.marks:
        if sheet.low <= price <= sheet.high:
            y = sheet.y(price)
            sheet.lines([((_LEFT, y), (left, y))], colour, 1.2, dash)
            sheet.lines([((left, y), (right, y))], colour, 3)


def _prices(sheet: _Sheet) -> None:
    """The labels of the levels, and a plain scale where they leave room."""
    from matplotlib.ticker import MaxNLocator

    half = 20
    heights = [sheet.y(price) for price, *_ in sheet.marks]
    places = spread(heights, 2 * half, _BOTTOM + half, _HEIGHT - _TOP - half)
    for step in MaxNLocator(6).tick_values(sheet.low, sheet.high):
        y = sheet.y(step)
        if y == _inside(y):
            sheet.lines([((_LEFT, y), (sheet.right, y))], _GRID, 1)
            if all(abs(y - place) > half + 14 for place in places):
                sheet.text(_WIDTH - 12, y, sheet.price(step), _SMALL, _DIM, ha="right")
    for (price, word, colour, _), y, place in zip(sheet.marks, heights, places, strict=True):
        label, room = sheet.label(price, word), _WIDTH - sheet.right - 32
        sheet.lines([((sheet.right, _inside(y)), (sheet.right + 14, place))], colour, 2)
        sheet.boxes([(sheet.right + 14, place - 18, _WIDTH - 4, place + 18)], colour)
        size = min(_LABEL, _LABEL * room / max(1, sheet.width(label, _LABEL)))
        sheet.text(_WIDTH - 12, place, label, size, _PAPER, ha="right")


def _averages(sheet: _Sheet) -> None:
    closes, y = [float(candle.close) for candle in sheet.bundle.candles], _HEIGHT - _TOP / 2
    for (length, colour), right in zip(_AVERAGES, (_WIDTH - 110, _WIDTH - 8), strict=True):
        values = average(closes, length)[-_SHOWN:]
        first = len(sheet.candles) - len(values)
        runs = [
            (sheet.x(slot), sheet.y(value) if sheet.low < value < sheet.high else float("nan"))
            for slot, value in enumerate(values, first)
        ]
        if runs:
            sheet.lines([runs], colour, 2)
            sheet.text(right, y, f"EMA {length}", 19, colour, ha="right")


def _candles(sheet: _Sheet) -> None:
    colours = [_UP if candle.close >= candle.open else _DOWN for candle in sheet.candles]
    wicks, bodies, half = [], [], sheet.slot * 0.34
    for slot, candle in enumerate(sheet.candles):
        x, ends = sheet.x(slot), sorted((sheet.y(candle.open), sheet.y(candle.close)))
        wicks.append(((x, sheet.y(candle.low)), (x, sheet.y(candle.high))))
        bodies.append((x - half, ends[0], x + half, ends[1]))
    sheet.lines(wicks, colours, 1.4)
    sheet.boxes(bodies, colours, edgecolors=colours, linewidths=1)


def _dates(sheet: _Sheet) -> None:
    """Days and hours in the person's zone; a daily candle's date is the market's, not a person's.
    A label that would touch another is left out: hours first, then the earlier day, which at a
    weekend is a Sunday of one candle.
    """
    daily = sheet.bundle.timeframe is Timeframe.D1
    words = Words(sheet.words.language) if daily else sheet.words
    new, great, small = ("y-MM", "MMM", "d") if daily else ("y-MM-dd", "d MMM", "HH:mm")
    times = [candle.time for candle in sheet.candles]
    days = [words.time(time, new) for time in times]
    changes = [slot for slot in range(len(days) - 1, 0, -1) if days[slot] != days[slot - 1]]
    for slot in changes:
        x = sheet.x(slot - 0.5)
        sheet.lines([((x, _BOTTOM), (x, _HEIGHT - _TOP))], _DIM, 1, ":")
    steps = [slot for slot in range(len(times)) if _round(times[slot], words, sheet)]
    taken: list[tuple[float, float]] = []
    for slots, pattern, colour in ((changes, great, _INK), (steps, small, _DIM)):
        for slot in slots:
            text, x = words.time(times[slot], pattern), sheet.x(slot)
            half = sheet.width(text, _SMALL) / 2 + 8
            if x - half >= 0 and all(abs(x - other) >= half + its for other, its in taken):
                taken.append((x, half))
                sheet.text(x, _BOTTOM / 2, text, _SMALL, colour, ha="center")


def _round(time: datetime, words: Words, sheet: _Sheet) -> bool:
    """Whether a candle opens at an hour worth naming, at labels some 100 pixels apart."""
    if sheet.bundle.timeframe is Timeframe.D1:
        return time.weekday() == 0
    least = 100 / sheet.slot * (sheet.bundle.timeframe.length / timedelta(minutes=1))
    step = next((step for step in (15, 30, 60, 120, 180, 360, 720) if step >= least), 1440)
    return (int(words.time(time, "H")) * 60 + int(words.time(time, "m"))) % step == 0


def _news(sheet: _Sheet) -> None:
    """When releases of high impact came or come, by their currencies."""
    shown: dict[float, tuple[str, float]] = {}
    pattern = "d MMM" if sheet.bundle.timeframe is Timeframe.D1 else "HH:mm"
    for moment, currencies in _releases(sheet.bundle):
        x = _instant_x(sheet, moment)
        if x is not None and x not in shown and len(shown) < _NEWS:
            label = f"⚠{'+'.join(sorted(currencies))} {sheet.words.time(moment, pattern)}"
            shown[x] = (label, sheet.width(label, _SMALL) + 14)
    half = max((width for _, width in shown.values()), default=0) / 2
    places = spread(list(shown), 2 * half + 6, _LEFT + half, sheet.right - half)
    y = _BOTTOM + 17
    for (x, (label, width)), place in zip(shown.items(), places, strict=True):
        sheet.lines([((place, y), (x, y + 32), (x, _HEIGHT - _TOP))], _YELLOW, 1.4)
        sheet.boxes([(place - width / 2, y - 15, place + width / 2, y + 15)], _YELLOW)
        sheet.text(place, y, label, _SMALL, _PAPER, ha="center")


def _releases(bundle: Bundle) -> list[tuple[datetime, set[str]]]:
    """The moments of this symbol's releases of high impact, the one nearest to the bundle first."""
    moments: dict[datetime, set[str]] = {}
    for event in bundle.calendar.events if bundle.calendar else ():
        if event.impact is Impact.HIGH and event.currency in bundle.instrument.currencies:
            moments.setdefault(event.time, set()).add(event.currency)
    return sorted(moments.items(), key=lambda item: (abs(item[0] - bundle.instant), item[0]))


def _instant_x(sheet: _Sheet, moment: datetime) -> float | None:
    """Where a moment lies between the candles or, counted in their length, after the last one;
    a weekend's is its Friday's close. None outside the picture.
    """
    slot = bisect_right(sheet.candles, moment, key=lambda candle: candle.time) - 1
    if slot < 0:
        return None
    part = (moment - sheet.candles[slot].time) / sheet.bundle.timeframe.length
    x = sheet.x(slot - 0.5 + (min(part, 1) if slot < len(sheet.candles) - 1 else part))
    return x if x <= sheet.right else None
