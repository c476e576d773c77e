"""What is done to a feed: each fault changes a picture of the market on its way in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from tests.chaos.feed_sources import BROKER_OFFSET, HOUR, Picture

D = Decimal
Change = Callable[[Picture, Random], None]
_DAY = timedelta(hours=25)


@dataclass(frozen=True)
class Wrong:
    """A fault. ``names`` are the findings of which one must be shown. ``late`` is how long the
    market goes on under it, ``over`` that it goes on over a week's end; ``settles`` that it would
    be believed after a candle, ``told`` that an exchange is asked for it once in a while only
    (until then it refuses an order itself, and its clock is not used); ``page`` what the calendar's
    address answers.
    """

    change: Change
    names: frozenset[str]
    late: timedelta = timedelta(0)
    over: bool = False
    still: bool = False
    settles: bool = False
    told: bool = False
    page: str = "good"


def _stale(shown: Picture, chance: Random) -> None:
    shown.quiet = True


def _hole(shown: Picture, chance: Random) -> None:
    del shown.rows[-chance.randint(2, 3)]


def _repeated(shown: Picture, chance: Random) -> None:
    # A terminal sends the last three: both must be among them.
    back = chance.randint(1, 2)
    again = list(shown.rows[-back])
    again[5] += 1
    shown.rows.insert(len(shown.rows) - back + 1, again)


def _disorder(shown: Picture, chance: Random) -> None:
    back = chance.randint(1, 3)
    rows = shown.rows
    rows[-back], rows[-back - 1] = rows[-back - 1], rows[-back]


def _future(shown: Picture, chance: Random) -> None:
    shown.rows[-1][0] += chance.randint(2, 9) * HOUR


def _moved(hours: int) -> Change:
    """The feed's clock goes so many hours wrong at the last candle, as in the night of a change."""

    def change(shown: Picture, chance: Random) -> None:
        if hours > 0:
            shown.rows[-1][0] += hours * HOUR
        else:
            shown.rows[-1][0] = shown.rows[-2][0]
        shown.wall, shown.quiet, shown.offset = hours * HOUR, True, BROKER_OFFSET

    return change


def _odd(shown: Picture, chance: Random) -> None:
    shown.rows[-1][0] -= timedelta(minutes=chance.randint(5, 55))


def _offset(shown: Picture, chance: Random) -> None:
    hours = chance.choice((-1, 1))
    for row in shown.rows[-3:]:
        row[0] += hours * HOUR
    shown.offset, shown.quiet = BROKER_OFFSET + hours * 3600, True


def _price(value: Callable[[Random], Any]) -> Change:
    """A price of the last candles, or the quote's, is no price."""

    def change(shown: Picture, chance: Random) -> None:
        if chance.random() < 0.3:
            shown.bid = value(chance)
            return
        shown.rows[-chance.randint(1, 3)][chance.randint(1, 4)] = value(chance)

    return change


def _high_low(shown: Picture, chance: Random) -> None:
    row = shown.rows[-chance.randint(1, 3)]
    row[2], row[3] = row[3], row[2] + D("0.0001")


def _outside(shown: Picture, chance: Random) -> None:
    row = shown.rows[-chance.randint(1, 3)]
    if chance.random() < 0.5:
        row[chance.choice((1, 4))] = row[2] + D("0.0010")
    else:
        row[chance.choice((1, 4))] = row[3] - D("0.0010")


def _negative_spread(shown: Picture, chance: Random) -> None:
    shown.ask = shown.bid - D("0.0001") * chance.randint(1, 20)


def _wide(shown: Picture, chance: Random) -> None:
    shown.ask = shown.bid + 20 * (shown.ask - shown.bid)


def _no_volume(shown: Picture, chance: Random) -> None:
    shown.rows[-1][5] = 0


def _digits(shown: Picture, chance: Random) -> None:
    shown.digits = chance.choice((3, 4))
    shown.bid = round(shown.bid, shown.digits)
    shown.ask = shown.bid + D(1).scaleb(-shown.digits)
    for row in shown.rows:
        row[1:5] = [round(price, shown.digits) for price in row[1:5]]


def _renamed(shown: Picture, chance: Random) -> None:
    shown.renamed = True


def _suspended(shown: Picture, chance: Random) -> None:
    shown.suspended = True


def _spike(shown: Picture, chance: Random) -> None:
    row = shown.rows[-chance.randint(1, 3)]
    factor = chance.choice((D("1.2"), D("0.8")))
    row[2 if factor > 1 else 3] = round(row[4] * factor, 5)
    if chance.random() < 0.5:
        row[4] = row[2 if factor > 1 else 3]


def _frozen(shown: Picture, chance: Random) -> None:
    still = shown.rows[-chance.randint(4, 8)][4]
    for row in shown.rows[-3:]:
        row[1:5] = [still] * 4
    shown.bid, shown.ask = still, still + D("0.00008")


def _apart(shown: Picture, chance: Random) -> None:
    factor = D(chance.choice((chance.randint(80, 95), chance.randint(105, 120)))) / 100
    shown.bid = round(shown.bid * factor, 5)
    shown.ask = shown.bid + D("0.00008")


def _skew(shown: Picture, chance: Random) -> None:
    shown.wall = timedelta(minutes=chance.choice((-1, 1)) * chance.randint(240, 600))


def _calendar(kind: str) -> Change:
    def change(shown: Picture, chance: Random) -> None:
        shown.calendar = kind

    return change


def _none(shown: Picture, chance: Random) -> None:
    return None


def _nothing(chance: Random) -> Any:
    return D(chance.choice(("NaN", "Infinity", "-Infinity")))


_ANY = frozenset(
    ("hole", "repeated", "disorder", "future", "clock_moved", "old", "unreadable", "misplaced")
)
_SENSELESS = frozenset(("unreadable", "no_quote", "old"))
_CALENDAR = frozenset(("no_calendar", "calendar_old", "calendar_never", "calendar_terminal"))
_QUOTE = frozenset(("unreadable", "no_quote"))

FAULTS: dict[str, Wrong] = {
    "stale candle": Wrong(_stale, frozenset(("old",)), timedelta(hours=5), still=True),
    "missing candle": Wrong(_hole, frozenset(("hole", "unreadable"))),
    "repeated candle": Wrong(_repeated, _ANY),
    "candles out of order": Wrong(_disorder, _ANY),
    "candle of the future": Wrong(_future, _ANY),
    "summer time begins": Wrong(_moved(1), _ANY),
    "summer time ends": Wrong(_moved(-1), _ANY),
    "broker offset jumps": Wrong(_offset, _ANY, settles=True),
    "candle at an odd time": Wrong(_odd, frozenset(("misplaced", "unreadable"))),
    "price of zero": Wrong(_price(lambda _: D(0)), _SENSELESS),
    "negative price": Wrong(_price(lambda c: D(-c.randint(1, 9))), _SENSELESS),
    "high below low": Wrong(_high_low, frozenset(("unreadable",))),
    "close outside the range": Wrong(_outside, frozenset(("unreadable",))),
    "negative spread": Wrong(_negative_spread, _QUOTE),
    "spread twenty times": Wrong(_wide, frozenset(("wide",))),
    "no volume": Wrong(_no_volume, frozenset(("no_volume",))),
    "other digits": Wrong(_digits, frozenset(("rescaled",)), settles=True, told=True),
    "renamed symbol": Wrong(
        _renamed, frozenset(("renamed", "suspended", "unreadable")), settles=True, told=True
    ),
    "suspended symbol": Wrong(_suspended, frozenset(("suspended",)), told=True),
    "spike of one candle": Wrong(_spike, frozenset(("spike",))),
    "frozen feed": Wrong(_frozen, frozenset(("frozen",))),
    "quote far from candles": Wrong(_apart, frozenset(("apart",))),
    "numbers that are none": Wrong(_price(_nothing), _SENSELESS),
    "calendar missing": Wrong(_calendar("missing"), _CALENDAR, _DAY, page="missing"),
    "calendar empty": Wrong(_calendar("empty"), _CALENDAR, _DAY, page="empty"),
    "calendar too old": Wrong(_calendar("old"), _CALENDAR, _DAY, page="old"),
    "calendar malformed": Wrong(
        _calendar("malformed"), _CALENDAR | {"old"}, _DAY, page="malformed"
    ),
    "a web page for a feed": Wrong(_calendar("missing"), _CALENDAR, _DAY, page="html"),
    "not modified for ever": Wrong(_calendar("old"), _CALENDAR, over=True, page="unchanged"),
    "feed clock skewed": Wrong(_skew, _ANY, told=True),
}
