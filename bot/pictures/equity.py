"""The curve of an account: its equity, the trades that closed, and its falls from the peak."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.i18n import Words
from bot.pictures.canvas import MARGIN, SMALL, TITLE, WIDTH, Canvas, Point
from bot.pictures.colours import DIM, ENTRY, GRID, INK, STOP, TARGET, UP
from bot.pictures.places import clamp, steps
from bot.pictures.times import moments

HEIGHT = 640
_LEFT, _TOP = 10, 128  # margins of the curve
_PANEL, _FOOT = 108, 44  # height of the drawdown's panel, and what stands under it
_GAP = 26  # between the two
_LABEL = 120  # pixels of a date


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity:
    """What happened to an account, the oldest first.

    ``points`` are instants and the equity then, ``trades`` the instants at which trades closed and
    their profits after costs; both in ``currency``, an ISO code.
    """

    points: tuple[tuple[datetime, Decimal], ...]
    trades: tuple[tuple[datetime, Decimal], ...] = ()
    currency: str


def equity_chart(equity: Equity, words: Words) -> bytes:
    """A PNG of 780 × 640 pixels; the same input gives the same bytes, in any thread.

    The words' zone is the axis's. Call it outside the event loop.
    """
    return paint(equity, words).png()


def paint(equity: Equity, words: Words) -> Canvas:
    """The curve on its canvas; a sentence instead where there is nothing to draw."""
    sample = words.time(equity.points[0][0], "MMMM") if equity.points else words("picture.equity")
    canvas = Canvas(HEIGHT, words, sample)
    if not equity.points:
        canvas.head(MARGIN, HEIGHT - 24, canvas.say("picture.equity"), TITLE, INK)
        text, size = canvas.fit(canvas.say("picture.nothing_yet"), SMALL, WIDTH - 2 * MARGIN)
        canvas.text(WIDTH / 2, HEIGHT / 2, text, size, DIM, 0.5)
        return canvas
    _title(canvas, equity)
    plot = _Plot(canvas, equity)
    plot.scale()
    plot.dates()
    plot.drawdown()
    plot.curve()
    plot.trades()
    return canvas


def drawdowns(points: Sequence[tuple[datetime, Decimal]]) -> list[Decimal]:
    """For every point, how many percent it lies below the highest point so far; zero or above.
    Where nothing above zero was reached yet, zero.
    """
    peak, found = Decimal(0), []
    for _, equity in points:
        peak = max(peak, equity)
        found.append((peak - equity) / peak * 100 if peak > 0 else Decimal(0))
    return found


def span(words: Words, start: datetime, end: datetime) -> str:
    """The first and the last day, or the one day that both are."""
    first, last = (words.time(at, "d MMM y") for at in (start, end))
    return first if first == last else f"{first} – {last}"


def _title(canvas: Canvas, equity: Equity) -> None:
    words, (start, first), (end, last) = canvas.words, equity.points[0], equity.points[-1]
    room = WIDTH - 2 * MARGIN
    title = canvas.say("picture.equity_title", span=span(words, start, end))
    canvas.head(MARGIN, HEIGHT - 24, *canvas.fit(title, TITLE, room), INK)
    change = canvas.say(
        "picture.equity_change",
        start=words.money(first, equity.currency),
        end=words.money(last, equity.currency),
        percent=_signed(words, (last - first) / first * 100 if first > 0 else Decimal(0)),
    )
    canvas.head(MARGIN, HEIGHT - 64, *canvas.fit(change, SMALL + 2, room), INK)
    won = sum(profit > 0 for _, profit in equity.trades)
    lost = sum(profit < 0 for _, profit in equity.trades)
    deepest = words.number(max(drawdowns(equity.points)), 1)
    names = [(canvas.say("picture.drawdown", percent=deepest), STOP)]
    if equity.trades:
        names.append((f"▲ {words.number(won)}", TARGET))
        names.append((f"▼ {words.number(lost)}", STOP))
    canvas.legend(HEIGHT - 102, names)


def _signed(words: Words, percent: Decimal) -> str:
    text = words.number(abs(percent), 2)
    return f"−{text}" if percent < 0 else f"+{text}" if percent > 0 else text


class _Plot:
    """Where instants and money lie, in pixels."""

    def __init__(self, canvas: Canvas, equity: Equity) -> None:
        self.canvas, self.equity = canvas, equity
        self.times = [time for time, _ in equity.points]
        self.values = [float(value) for _, value in equity.points]
        self.start, self.length = self.times[0], self.times[-1] - self.times[0]
        low, high = min(self.values), max(self.values)
        room = max(high - low, abs(high) * 0.002, 0.01)
        self.low, self.high = (low + high - 1.15 * room) / 2, (low + high + 1.15 * room) / 2
        ticks, places = steps(self.low, self.high, 6)
        number = canvas.words.number
        self.ticks = [(value, number(Decimal(str(value)), places)) for value in ticks]
        self.end = number(equity.points[-1][1], 2)
        wide = [canvas.width(text, SMALL) for text in (*(text for _, text in self.ticks), self.end)]
        self.right = WIDTH - max(wide) - 36
        self.foot, self.head = _FOOT + _PANEL + _GAP, HEIGHT - _TOP

    def x(self, time: datetime) -> float:
        part = (time - self.start) / self.length if self.length else 1.0
        return _LEFT + clamp(part, 0, 1) * (self.right - _LEFT)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return self.foot + part * (self.head - self.foot)

    def scale(self) -> None:
        """The last figure on a label, round ones where there is room, and where it all began."""
        canvas, y = self.canvas, clamp(self.y(self.values[-1]), self.foot + 14, self.head - 14)
        canvas.tag((self.right + 8, y - 14, WIDTH - 4, y + 14), self.end, SMALL, UP)
        for value, text in self.ticks:
            at = self.y(value)
            canvas.lines([((_LEFT, at), (self.right, at))], GRID, 1)
            canvas.text_if_free(WIDTH - 11, at, text, SMALL, DIM, 1)
        begun = self.y(self.values[0])
        canvas.lines([((_LEFT, begun), (self.right, begun))], DIM, 1.6, "--")

    def dates(self) -> None:
        most = int((self.right - _LEFT) / _LABEL)
        end = max(self.times[-1], self.start + timedelta(minutes=1))
        labels = moments(self.start, end, self.canvas.words, most)
        for time, text in labels or [(self.start, self.canvas.words.time(self.start, "d MMM"))]:
            x = self.x(time)
            half = self.canvas.width(text, SMALL) / 2
            self.canvas.lines([((x, _FOOT), (x, self.head))], GRID, 1)
            self.canvas.text_if_free(max(x, half + 4), _FOOT / 2, text, SMALL, DIM, 0.5)

    def drawdown(self) -> None:
        """From a line downwards, on a scale of its own; its end is named at the right."""
        canvas, percents = self.canvas, [float(value) for value in drawdowns(self.equity.points)]
        top, deepest = _FOOT + _PANEL, max(percents)
        full = max(deepest, 1.0)
        edge = [
            (self.x(time), top - percent / full * (_PANEL - 10))
            for time, percent in zip(self.times, percents, strict=True)
        ]
        canvas.lines([((_LEFT, top), (self.right, top))], DIM, 1.6)
        canvas.text_if_free(WIDTH - 11, top, _percent(canvas, 0), SMALL, DIM, 1)
        if deepest > 0:
            canvas.shapes([[(edge[0][0], top), *edge, (edge[-1][0], top)]], STOP, 0.35)
            canvas.lines([edge], STOP, 2)
            text = _percent(canvas, -deepest)
            foot = top - deepest / full * (_PANEL - 10)
            canvas.text_if_free(WIDTH - 11, foot, text, SMALL, STOP, 1)

    def curve(self) -> None:
        places = [
            (self.x(time), self.y(value))
            for time, value in zip(self.times, self.values, strict=True)
        ]
        self.canvas.lines([places], UP, 3)
        x, y = places[-1]
        self.canvas.boxes([(x - 4, y - 4, x + 4, y + 4)], ENTRY)

    def trades(self) -> None:
        """A triangle on the curve for every trade that closed: up for a gain, down for a loss."""
        half = 7 if len(self.equity.trades) <= 60 else 4
        for colour, way in ((TARGET, 1), (STOP, -1)):
            chosen = [time for time, profit in self.equity.trades if profit * way > 0]
            shapes = [_triangle(self.x(time), self._at(time), half, way) for time in chosen]
            around = [_triangle(self.x(time), self._at(time), half + 2, way) for time in chosen]
            self.canvas.shapes(around, ENTRY)
            self.canvas.shapes(shapes, colour)

    def _at(self, time: datetime) -> float:
        """The height of the curve at an instant."""
        place = bisect_right(self.times, time)
        if place in (0, len(self.times)):
            return self.y(self.values[max(0, place - 1)])
        before, after = self.times[place - 1], self.times[place]
        part = (time - before) / (after - before)
        low, high = self.values[place - 1], self.values[place]
        return self.y(low + part * (high - low))


def _percent(canvas: Canvas, value: float) -> str:
    figure = canvas.words.number(Decimal(str(abs(value))), 1 if value else 0)
    return canvas.say("picture.percent", percent=f"−{figure}" if value < 0 else figure)


def _triangle(x: float, y: float, half: float, way: int) -> list[Point]:
    return [(x - half, y - way * half), (x + half, y - way * half), (x, y + way * half)]
