"""A chart of candles: an idea's with its levels, or a symbol's alone.

Prices are places on the vertical axis, slots (one per candle, so that weekends take no room) on
the horizontal one, pixels everywhere else.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from bot.i18n import Words
from bot.pictures.canvas import MARGIN, SMALL, TITLE, WIDTH, Canvas, Point
from bot.pictures.colours import (
    DIM,
    DOWN,
    ENTRY,
    FAST,
    GRID,
    INK,
    NEWS,
    SLOW,
    STOP,
    TARGET,
    UP,
)
from bot.pictures.field import AHEAD, BOTTOM, HALF, HEIGHT, LEFT, SHOWN, TOP, Field
from bot.pictures.market import Levels, Market
from bot.pictures.places import clamp, spread, steps
from engine.domain.market import Timeframe

AVERAGES = ((20, FAST), (50, SLOW))
RELEASES = 3  # marks at most; the ones nearest to the instant are kept
_HEAD = HEIGHT - TOP


def candle_chart(market: Market, words: Words) -> bytes:
    """A PNG of 780 × 640 pixels; the same input gives the same bytes, in any thread.

    Takes some 15 ms, and a third of a second more the first time, when the renderer is loaded:
    call it outside the event loop.
    """
    return paint(market, words).png()


def paint(market: Market, words: Words) -> Canvas:
    """The chart on its canvas, everything in its order from the back to the front."""
    field = Field(market, words)
    if not field.marks:
        _title(field)
        text = field.canvas.say("picture.nothing_yet")
        field.canvas.text(WIDTH / 2, HEIGHT / 2, text, SMALL, DIM, 0.5)
        return field.canvas
    for part in (_hours, _days, _stake, _prices, _averages, _candles, _news, _dates, _title):
        part(field)
    return field.canvas


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


def _title(field: Field) -> None:
    """Symbol, timeframe and moment, and under them what the lines are."""
    canvas, market = field.canvas, field.market
    title = canvas.say(
        "chart.title",
        symbol=market.instrument.symbol,
        timeframe=market.timeframe.value,
        time=canvas.words.moment(market.instant),
    )
    title, size = canvas.fit(title, TITLE, WIDTH - 2 * MARGIN)
    canvas.head(MARGIN, HEIGHT - 24, title, size, INK)
    names = [(f"EMA {n}", colour) for n, colour in AVERAGES if len(market.candles) >= n]
    if _open_slots(field):
        names.append((canvas.say("picture.session"), DIM))
    canvas.legend(HEIGHT - 62, names)


def _open_slots(field: Field) -> list[int]:
    """The slots in the strategy's hours; none where that would say nothing: a candle of hours may
    be half inside, and hours that never end need no shade.
    """
    candles, length = field.candles, field.market.timeframe.length
    if not candles or not field.market.windows or length > timedelta(hours=1):
        return []
    times = [c.time for c in candles] + [candles[-1].time + n * length for n in range(1, AHEAD)]
    found = [
        slot
        for slot, time in enumerate(times)
        if any(window.holds(time) for window in field.market.windows)
    ]
    return found if len(found) < len(times) else []


def _hours(field: Field) -> None:
    """The strategy's hours: a shade, and a rail at the foot for eyes that do not see the shade."""
    slots = _open_slots(field)
    for _, run in groupby(enumerate(slots), key=lambda item: item[1] - item[0]):
        inside = [slot for _, slot in run]
        left = max(field.x(inside[0] - 0.5), LEFT)
        right = min(field.x(inside[-1] + 0.5), field.right)
        field.canvas.boxes([(left, BOTTOM, right, _HEAD)], GRID, 0.45)
        field.canvas.boxes([(left, BOTTOM, right, BOTTOM + 5)], DIM)


def _stake(field: Field) -> None:
    """What is at stake to the right of the last candle, and lines at every level."""
    left, right = field.x(len(field.candles) - 0.2), field.right
    if len(field.market.trades) == 1:
        _zones(field, field.market.trades[0], left)
    for mark in field.marks:
        if field.low <= mark.price <= field.high:
            y = field.y(mark.price)
            field.canvas.lines([((LEFT, y), (left, y))], mark.colour, 1.6, mark.dash)
            field.canvas.lines([((left, y), (right, y))], mark.colour, 3)


def _zones(field: Field, trade: Levels, left: float) -> None:
    start = trade.entry if trade.entry is not None else trade.fill
    if start is None:
        return
    canvas, right = field.canvas, field.right
    foot = clamp(field.y(start), BOTTOM, _HEAD)
    ends = [(trade.stop, STOP)] + [(target, TARGET) for target in trade.targets]
    for price, colour in ends:
        if price is not None:
            low, high = sorted((foot, clamp(field.y(price), BOTTOM, _HEAD)))
            canvas.boxes([(left, low, right, high)], colour, 0.28)
            if colour == STOP and high > low:
                canvas.hatched((left, low, right, high), colour)
    if trade.direction is not None:
        way, x = trade.direction.sign, (left + right) / 2
        y = clamp(foot + way * 21, BOTTOM + 13, _HEAD - 13)
        base, tip = y - way * 13, y + way * 13
        canvas.shapes([((x - 16, base), (x + 16, base), (x, tip))], ENTRY)


def _prices(field: Field) -> None:
    """The labels of the levels, and a plain scale where they leave room."""
    canvas = field.canvas
    heights = [field.y(mark.price) for mark in field.marks]
    places = spread(heights, 2 * HALF + 4, BOTTOM + HALF, _HEAD - HALF)
    edge = field.right + 14
    for mark, (text, size), y, place in zip(
        field.marks, field.labels, heights, places, strict=True
    ):
        at = clamp(y, BOTTOM, _HEAD)
        canvas.lines([((field.right, at), (edge, place))], mark.colour, 2)
        left = max(edge, WIDTH - 4 - canvas.width(text, size) - 14)
        canvas.lines([((edge, place), (left, place))], mark.colour, 2)
        canvas.tag((left, place - HALF, WIDTH - 4, place + HALF), text, size, mark.colour)
    for step in steps(field.low, field.high, 7)[0]:
        y = field.y(step)
        canvas.lines([((LEFT, y), (field.right, y))], GRID, 1)
        if BOTTOM + 12 <= y <= _HEAD - 12:
            canvas.text_if_free(WIDTH - 11, y, field.price(step), SMALL, DIM, 1)


def _averages(field: Field) -> None:
    closes = [float(candle.close) for candle in field.market.candles]
    for length, colour in AVERAGES:
        values = average(closes, length)[-SHOWN:]
        first = len(field.candles) - len(values)
        runs: list[list[Point]] = [[]]
        for slot, value in enumerate(values, first):
            if field.low < value < field.high:
                runs[-1].append((field.x(slot), field.y(value)))
            elif runs[-1]:
                runs.append([])
        field.canvas.lines(runs, colour, 2)


def _candles(field: Field) -> None:
    """Bodies of whole pixels, so that all look alike."""
    half = max(1, round(field.slot * 0.72)) / 2
    for colour, rising in ((UP, True), (DOWN, False)):
        wicks, bodies = [], []
        for slot, candle in enumerate(field.candles):
            if (candle.close >= candle.open) is rising:
                x = int(field.x(slot)) + half % 1
                low, high = sorted((round(field.y(candle.open)), round(field.y(candle.close))))
                wicks.append(((x, field.y(candle.low)), (x, field.y(candle.high))))
                bodies.append((x - half, low, x + half, max(high, low + 1)))
        field.canvas.lines(wicks, colour, 1)
        field.canvas.boxes(bodies, colour)


def _clock(field: Field) -> tuple[Words, list[datetime]]:
    """Words and the candles' times on the axis: a daily candle's date is the market's."""
    times, words = [candle.time for candle in field.candles], field.canvas.words
    if field.market.timeframe is Timeframe.D1:
        return Words(words.language), [time.astimezone(UTC) for time in times]
    return words, [words.local(time) for time in times]


def _changes(field: Field, times: Sequence[datetime]) -> list[int]:
    """The slots at which a day begins, or a month on a daily chart; the latest first."""
    daily = field.market.timeframe is Timeframe.D1
    days = [(time.year, time.month, 0 if daily else time.day) for time in times]
    return [slot for slot in range(len(days) - 1, 0, -1) if days[slot] != days[slot - 1]]


def _days(field: Field) -> None:
    """A line where a day begins, behind everything."""
    for slot in _changes(field, _clock(field)[1]):
        x = field.x(slot - 0.5)
        field.canvas.lines([((x, BOTTOM), (x, _HEAD))], GRID, 2)


def _dates(field: Field) -> None:
    """Days and hours in the person's zone. A label that would touch another is shortened, or left
    out: hours first, then the earlier day, which at a weekend is a Sunday of one candle.
    """
    words, times = _clock(field)
    daily = field.market.timeframe is Timeframe.D1
    changes = _changes(field, times)
    rounds = [slot for slot, time in enumerate(times) if _is_round(time, field)]
    if not rounds and not changes:
        rounds = list(range(min(1, len(times))))  # something must say when
    for slots, patterns, colour in (
        (changes, ("MMM y", "MMM") if daily else ("d MMM", "d"), INK),
        (rounds, ("d MMM",) if daily else ("HH:mm",), DIM),
    ):
        for slot in slots:
            texts = (words.time(field.candles[slot].time, pattern) for pattern in patterns)
            x = field.x(slot)
            any(field.canvas.text_if_free(x, BOTTOM / 2, t, SMALL, colour, 0.5) for t in texts)


def _is_round(time: datetime, field: Field) -> bool:
    """Whether a candle opens at an hour worth naming, at labels some 100 pixels apart."""
    if field.market.timeframe is Timeframe.D1:
        return time.weekday() == 0
    least = 100 / field.slot * (field.market.timeframe.length / timedelta(minutes=1))
    step = next((step for step in (15, 30, 60, 120, 180, 360, 720) if step >= least), 1440)
    minute = time.hour * 60 + time.minute
    return minute > 0 and minute % step == 0  # midnight is named as a day


def _news(field: Field) -> None:
    """When releases come or came, by their currencies."""
    canvas, shown = field.canvas, dict[float, str]()
    pattern = "d MMM" if field.market.timeframe is Timeframe.D1 else "HH:mm"
    for moment, currencies in _releases(field.market):
        x = _instant_x(field, moment)
        if x is not None and x not in shown and len(shown) < RELEASES:
            shown[x] = f"⚠{'+'.join(sorted(currencies))} {canvas.words.time(moment, pattern)}"
    room = (field.right - LEFT) / max(1, len(shown)) - 20
    labels = [canvas.fit(label, SMALL, room)[0] for label in shown.values()]
    widths = [canvas.width(label, SMALL) + 14 for label in labels]
    half = max(widths, default=0) / 2
    places = spread(list(shown), 2 * half + 6, LEFT + half, field.right - half)
    y = BOTTOM + 24
    for x, label, width, place in zip(shown, labels, widths, places, strict=True):
        canvas.lines([((place, y), (x, y + 32), (x, _HEAD))], NEWS, 1.6)
        canvas.tag((place - width / 2, y - 14, place + width / 2, y + 14), label, SMALL, NEWS)


def _releases(market: Market) -> list[tuple[datetime, set[str]]]:
    """The moments of the releases with their currencies, the one nearest to the instant first."""
    moments: dict[datetime, set[str]] = {}
    for event in market.events:
        moments.setdefault(event.time, set()).add(event.currency)
    return sorted(moments.items(), key=lambda item: (abs(item[0] - market.instant), item[0]))


def _instant_x(field: Field, moment: datetime) -> float | None:
    """Where a moment lies between the candles or, counted in their length, after the last one;
    a weekend's is its Friday's close. None outside the picture.
    """
    slot = bisect_right(field.candles, moment, key=lambda candle: candle.time) - 1
    if slot < 0:
        return None
    part = (moment - field.candles[slot].time) / field.market.timeframe.length
    x = field.x(slot - 0.5 + (min(part, 1) if slot < len(field.candles) - 1 else part))
    return x if x <= field.right else None
