"""How much is open, per currency and per symbol, against the limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.i18n import Words
from bot.pictures.canvas import MARGIN, SMALL, TITLE, WIDTH, Box, Canvas
from bot.pictures.colours import DIM, DOWN, GRID, INK, STOP, UP

ROWS = 8  # of a group at most; the largest are kept
_HEAD, _GROUP, _NAME, _BAR, _SPACE = 56, 42, 32, 22, 12  # heights
_LEAST = 240  # of a whole picture
_TRACK = (MARGIN + 30, WIDTH - MARGIN)  # where bars begin, after their arrow, and end


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is open in one currency or symbol: money that is long and money that is short, neither
    below zero, and the most that either may be (None: no limit). They are not set off against each
    other here: where a limit is for the net, pass the net in one of them.
    """

    name: str
    long: Decimal
    short: Decimal
    limit: Decimal | None = None

    @property
    def most(self) -> Decimal:
        """The larger of both."""
        return max(self.long, self.short)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """Everything open, in ``currency``, an ISO code."""

    by_currency: tuple[Held, ...]
    by_symbol: tuple[Held, ...]
    currency: str


def exposure_chart(exposed: Exposed, words: Words) -> bytes:
    """A PNG 780 pixels wide and as high as it has rows; the same input gives the same bytes, in any
    thread. Call it outside the event loop.
    """
    return paint(exposed, words).png()


def paint(exposed: Exposed, words: Words) -> Canvas:
    """The bars on their canvas, the largest first; a sentence instead where nothing is open."""
    groups = [
        (key, sorted(held, key=lambda each: (-each.most, each.name)))
        for key, held in (
            ("picture.by_currency", exposed.by_currency),
            ("picture.by_symbol", exposed.by_symbol),
        )
        if held
    ]
    height = _HEAD + sum(_GROUP + sum(map(_height, held[:ROWS])) for _, held in groups) + _SPACE
    canvas = Canvas(max(_LEAST, height), words, words("picture.exposure"))
    title = canvas.say("picture.exposure_title", currency=exposed.currency)
    canvas.head(MARGIN, canvas.height - 26, *canvas.fit(title, TITLE, WIDTH - 2 * MARGIN), INK)
    if not groups:
        text, size = canvas.fit(canvas.say("picture.nothing_open"), SMALL, WIDTH - 2 * MARGIN)
        canvas.text(WIDTH / 2, canvas.height / 2, text, size, DIM, 0.5)
    y = float(canvas.height - _HEAD)
    for key, held in groups:
        y = _group(canvas, y, canvas.say(key), held)
    return canvas


def _height(held: Held) -> int:
    return _NAME + _SPACE + _BAR * len(_bars(held))


def _bars(held: Held) -> list[tuple[Decimal, str, str]]:
    """Money, arrow and colour; one of nothing where both sides are empty."""
    found = [(held.long, "▲", UP), (held.short, "▼", DOWN)]
    return [bar for bar in found if bar[0] > 0] or found[:1]


def _group(canvas: Canvas, y: float, title: str, held: Sequence[Held]) -> float:
    """A heading and its rows under ``y``; where the next begins."""
    canvas.head(MARGIN, y - _GROUP / 2, title, SMALL, DIM)
    if len(held) > ROWS:
        more = f"+{canvas.words.number(len(held) - ROWS)}"
        canvas.head(MARGIN, y - _GROUP / 2, more, SMALL, DIM, at_end=True)
    y -= _GROUP
    free = max((each.most for each in held if each.limit is None), default=Decimal(0))
    for each in held[:ROWS]:
        _row(canvas, y, each, max(each.most, each.limit or free))
        y -= _height(each)
    return y


def _row(canvas: Canvas, y: float, held: Held, full: Decimal) -> None:
    """Name and figures, and under them a bar for each side; ``full`` is a bar's whole length."""
    over = held.limit is not None and not held.most <= held.limit
    figures, _ = canvas.fit(_figures(canvas.words, held, over=over), SMALL, WIDTH * 0.75)
    room = WIDTH - 3 * MARGIN - canvas.width(figures, SMALL)
    name, size = canvas.fit(held.name, SMALL, room)
    canvas.head(MARGIN, y - _NAME / 2, name, size, INK)
    canvas.head(MARGIN, y - _NAME / 2, figures, SMALL, STOP if over else INK, at_end=True)
    y -= _NAME
    for money, arrow, colour in _bars(held):
        canvas.head(MARGIN, y - _BAR / 2, arrow, SMALL, colour)
        _bar(canvas, y, float(money / full) if full else 0.0, colour)
        if over and held.limit is not None:
            x = _TRACK[0] + float(held.limit / full) * (_TRACK[1] - _TRACK[0])
            canvas.boxes([_sided(canvas, (x - 2, y - _BAR, x + 2, y))], STOP)
        y -= _BAR


def _figures(words: Words, held: Held, *, over: bool) -> str:
    """What is open, of what may be: ``⚠ 4,200 / 20,000``; ``▲ 4,200 ▼ 900`` where it is both."""
    bars = _bars(held)
    text = _money(words, held.most)
    if len(bars) > 1:
        text = " ".join(f"{arrow} {_money(words, money)}" for money, arrow, _ in bars)
    if held.limit is not None:
        text = f"{text} / {_money(words, held.limit)}"
    return f"⚠ {text}" if over else text


def _money(words: Words, money: Decimal) -> str:
    return words.number(money, 0 if money >= 100 or money == 0 else 2)


def _bar(canvas: Canvas, y: float, part: float, colour: str) -> None:
    """A track, and the part of it that is used; what is short is striped."""
    left, right = _TRACK
    foot, head = y - _BAR + 3, y - 3
    canvas.boxes([_sided(canvas, (left, foot, right, head))], GRID)
    used = _sided(canvas, (left, foot, left + max(part * (right - left), 2), head))
    if colour == DOWN:
        canvas.boxes([used], colour, 0.4)
        canvas.hatched(used, colour)
    else:
        canvas.boxes([used], colour)


def _sided(canvas: Canvas, box: Box) -> Box:
    """The box from the side its language begins to read at."""
    left, foot, right, head = box
    return (WIDTH - right, foot, WIDTH - left, head) if canvas.words.is_rtl else box
