"""The chart above a card: the last candles, the levels of a trade, and the news around them.

A picture of what was decided, not a source of figures: everything here is drawn with floats, and
the averages are worked out again for the eye only. Prices are places on the vertical axis, slots
(one per candle, so that weekends take no room) on the horizontal one, pixels everywhere else.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from io import BytesIO

from bot.i18n import Words
from bot.sheet import (
    AVERAGES,
    BOTTOM,
    DIM,
    DOWN,
    DPI,
    ENTRY,
    GRID,
    HEIGHT,
    INK,
    LABEL,
    LEFT,
    NEWS,
    PAPER,
    SHOWN,
    SMALL,
    STOP,
    TARGET,
    TITLE,
    TOP,
    UP,
    WIDTH,
    YELLOW,
    Levels,
    Sheet,
    inside,
    spread,
)
from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.domain.snapshot import Bundle, Impact

__all__ = ["Levels", "average", "draw"]


def draw(bundle: Bundle, levels: Levels, words: Words) -> bytes:
    """A PNG of 1000 × 600 pixels; the same input gives the same bytes, in any thread.

    Takes about a tenth of a second, and half a second more the first time, when matplotlib is
    loaded: call it outside the event loop.
    """
    # Heavy, and this module is imported by commands that must start at once.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (WIDTH / DPI, HEIGHT / DPI)
    canvas = FigureCanvasAgg(Figure(figsize=size, dpi=DPI, facecolor=PAPER))
    sheet = Sheet(canvas, bundle, levels, words)
    for part in (_dates, _prices, _zones, _averages, _candles, _news, _title):
        part(sheet)
    picture = BytesIO()
    canvas.print_png(picture, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return picture.getvalue()


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


def _title(sheet: Sheet) -> None:
    bundle, y = sheet.bundle, HEIGHT - TOP / 2
    moment = sheet.words.moment(bundle.instant)
    title = sheet.say(
        "chart.title", symbol=bundle.symbol, timeframe=bundle.timeframe.value, time=moment
    )
    room = min(sheet.right, WIDTH - 215) - 2 * LEFT  # the names of the averages follow
    size = min(TITLE, TITLE * room / max(1, sheet.width(title, TITLE)))
    sheet.text(LEFT + 4, y, title, size, INK)


def _zones(sheet: Sheet) -> None:
    """What is at stake to the right of the last candle, and lines at every level."""
    left, right, levels = sheet.x(len(sheet.candles) - 0.2), sheet.right, sheet.levels
    start = levels.entry if levels.entry is not None else levels.fill
    if start is not None:
        for end, colour, hatch in (
            (levels.stop, STOP, "//"),
            *((target, TARGET, None) for target in levels.targets),
        ):
            if end is not None:
                foot, head = sorted((inside(sheet.y(start)), inside(sheet.y(end))))
                look = {"alpha": 0.3, "hatch": hatch, "edgecolors": colour, "linewidths": 0}
                sheet.boxes([(left, foot, right, head)], colour, **look)
        if levels.direction is not None:
            arrow = "▲" if levels.direction is Direction.BUY else "▼"
            y = inside(sheet.y(start)) + 20 * levels.direction.sign
            sheet.text((left + right) / 2, y, arrow, 34, ENTRY, ha="center")
    for price, _, colour, dash in sheet.marks:
        if sheet.low <= price <= sheet.high:
            y = sheet.y(price)
            sheet.lines([((LEFT, y), (left, y))], colour, 1.2, dash)
            sheet.lines([((left, y), (right, y))], colour, 3)


def _prices(sheet: Sheet) -> None:
    """The labels of the levels, and a plain scale where they leave room."""
    from matplotlib.ticker import MaxNLocator

    half = 20
    heights = [sheet.y(price) for price, *_ in sheet.marks]
    places = spread(heights, 2 * half, BOTTOM + half, HEIGHT - TOP - half)
    for step in MaxNLocator(6).tick_values(sheet.low, sheet.high):
        y = sheet.y(step)
        if y == inside(y):
            sheet.lines([((LEFT, y), (sheet.right, y))], GRID, 1)
            if all(abs(y - place) > half + 14 for place in places):
                sheet.text(WIDTH - 12, y, sheet.price(step), SMALL, DIM, ha="right")
    for (price, word, colour, _), y, place in zip(sheet.marks, heights, places, strict=True):
        label, room = sheet.label(price, word), WIDTH - sheet.right - 32
        sheet.lines([((sheet.right, inside(y)), (sheet.right + 14, place))], colour, 2)
        sheet.boxes([(sheet.right + 14, place - 18, WIDTH - 4, place + 18)], colour)
        size = min(LABEL, LABEL * room / max(1, sheet.width(label, LABEL)))
        sheet.text(WIDTH - 12, place, label, size, PAPER, ha="right")


def _averages(sheet: Sheet) -> None:
    closes, y = [float(candle.close) for candle in sheet.bundle.candles], HEIGHT - TOP / 2
    for (length, colour), right in zip(AVERAGES, (WIDTH - 110, WIDTH - 8), strict=True):
        values = average(closes, length)[-SHOWN:]
        first = len(sheet.candles) - len(values)
        runs = [
            (sheet.x(slot), sheet.y(value) if sheet.low < value < sheet.high else float("nan"))
            for slot, value in enumerate(values, first)
        ]
        if runs:
            sheet.lines([runs], colour, 2)
            sheet.text(right, y, f"EMA {length}", 19, colour, ha="right")


def _candles(sheet: Sheet) -> None:
    colours = [UP if candle.close >= candle.open else DOWN for candle in sheet.candles]
    wicks, bodies, half = [], [], sheet.slot * 0.34
    for slot, candle in enumerate(sheet.candles):
        x, ends = sheet.x(slot), sorted((sheet.y(candle.open), sheet.y(candle.close)))
        wicks.append(((x, sheet.y(candle.low)), (x, sheet.y(candle.high))))
        bodies.append((x - half, ends[0], x + half, ends[1]))
    sheet.lines(wicks, colours, 1.4)
    sheet.boxes(bodies, colours, edgecolors=colours, linewidths=1)


def _dates(sheet: Sheet) -> None:
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
        sheet.lines([((x, BOTTOM), (x, HEIGHT - TOP))], DIM, 1, ":")
    steps = [slot for slot in range(len(times)) if _round(times[slot], words, sheet)]
    taken: list[tuple[float, float]] = []
    for slots, pattern, colour in ((changes, great, INK), (steps, small, DIM)):
        for slot in slots:
            text, x = words.time(times[slot], pattern), sheet.x(slot)
            half = sheet.width(text, SMALL) / 2 + 8
            if x - half >= 0 and all(abs(x - other) >= half + its for other, its in taken):
                taken.append((x, half))
                sheet.text(x, BOTTOM / 2, text, SMALL, colour, ha="center")


def _round(time: datetime, words: Words, sheet: Sheet) -> bool:
    """Whether a candle opens at an hour worth naming, at labels some 100 pixels apart."""
    if sheet.bundle.timeframe is Timeframe.D1:
        return time.weekday() == 0
    least = 100 / sheet.slot * (sheet.bundle.timeframe.length / timedelta(minutes=1))
    step = next((step for step in (15, 30, 60, 120, 180, 360, 720) if step >= least), 1440)
    return (int(words.time(time, "H")) * 60 + int(words.time(time, "m"))) % step == 0


def _news(sheet: Sheet) -> None:
    """When releases of high impact came or come, by their currencies."""
    shown: dict[float, tuple[str, float]] = {}
    pattern = "d MMM" if sheet.bundle.timeframe is Timeframe.D1 else "HH:mm"
    for moment, currencies in _releases(sheet.bundle):
        x = _instant_x(sheet, moment)
        if x is not None and x not in shown and len(shown) < NEWS:
            label = f"⚠{'+'.join(sorted(currencies))} {sheet.words.time(moment, pattern)}"
            shown[x] = (label, sheet.width(label, SMALL) + 14)
    half = max((width for _, width in shown.values()), default=0) / 2
    places = spread(list(shown), 2 * half + 6, LEFT + half, sheet.right - half)
    y = BOTTOM + 17
    for (x, (label, width)), place in zip(shown.items(), places, strict=True):
        sheet.lines([((place, y), (x, y + 32), (x, HEIGHT - TOP))], YELLOW, 1.4)
        sheet.boxes([(place - width / 2, y - 15, place + width / 2, y + 15)], YELLOW)
        sheet.text(place, y, label, SMALL, PAPER, ha="center")


def _releases(bundle: Bundle) -> list[tuple[datetime, set[str]]]:
    """The moments of this symbol's releases of high impact, the one nearest to the bundle first."""
    moments: dict[datetime, set[str]] = {}
    for event in bundle.calendar.events if bundle.calendar else ():
        if event.impact is Impact.HIGH and event.currency in bundle.instrument.currencies:
            moments.setdefault(event.time, set()).add(event.currency)
    return sorted(moments.items(), key=lambda item: (abs(item[0] - bundle.instant), item[0]))


def _instant_x(sheet: Sheet, moment: datetime) -> float | None:
    """Where a moment lies between the candles or, counted in their length, after the last one;
    a weekend's is its Friday's close. None outside the picture.
    """
    slot = bisect_right(sheet.candles, moment, key=lambda candle: candle.time) - 1
    if slot < 0:
        return None
    part = (moment - sheet.candles[slot].time) / sheet.bundle.timeframe.length
    x = sheet.x(slot - 0.5 + (min(part, 1) if slot < len(sheet.candles) - 1 else part))
    return x if x <= sheet.right else None
