"""The feed guard: whether what a decision sees can be a market at all.

Pure: everything derives from the bundle, which also keeps what is remembered of the feed, so that a
replay finds the same. A fault closes the check ``data_quality`` before a setup becomes an idea, at
the tap and before sending; it heals by itself as soon as the data is right.

What is injected by ``python -m tests.chaos feeds``, and what answers to it:

 1 stale candle            check stale_data (``old``)
 2 missing candle          ``hole``
 3 repeated candle         ``repeated``
 4 candles out of order    ``disorder``
 5 candle of the future    ``future``
 6 summer time begins      ``clock_moved``, ``hole``, ``future``
 7 summer time ends        ``clock_moved``, ``repeated``, ``disorder``, check stale_data
 8 broker's offset jumps   ``clock_moved`` and what it does to the candles' times
 9 price of zero           the adapter refuses it: ``unreadable``, ``no_quote``
10 negative price          the adapter refuses it: ``unreadable``, ``no_quote``
11 high below low          the adapter refuses it: ``unreadable``
12 close outside the range the adapter refuses it: ``unreadable``
13 negative spread         ``no_quote``, ``unreadable``
14 spread twenty times     check spread (``wide``)
15 no volume               ``no_volume``
16 other digits            ``rescaled``
17 renamed symbol          ``renamed``, ``suspended``, ``unreadable``
18 suspended symbol        ``suspended``, ``no_quote``
19 spike of one candle     ``spike``
20 frozen feed             ``frozen``
21 quote far from candles  ``apart``
22 numbers that are none   the adapter refuses them: ``unreadable``
23 calendar missing        check news
24 calendar empty          check news
25 calendar too old        check news
26 calendar malformed      check news
27 a web page for a feed   check news
28 "not modified" for ever check news, when the edition it repeats has ended
29 feed clock skewed       ``future``, check stale_data
A weekend is no fault, nor a daily break that was seen before, nor summer time on long candles.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median

from engine.domain.feed_fault import Fault, FeedFault, Sight, SourceFacts, facts_of
from engine.domain.market import Candle, Timeframe
from engine.domain.snapshot import Bundle

#: Candles whose order is looked at, and of which the usual range and volume are the median.
LOOKED = 100
#: A hole this many candles back still is in a crossing; older than that it is history.
RECENT = 3
#: So long a wrong candle bends stops and indicators.
INFLUENCE = 20
#: A spike is so many usual ranges away from the closes before it, at least and at most so large a
#: part of the price. The widest hour of the shipped recording is 15 usual ranges.
SPIKE_RANGES, SPIKE_LEAST, SPIKE_MOST = Decimal(20), Decimal("0.02"), Decimal("0.15")
#: Some markets move that far in a day.
SPIKE_MOST_OF_A_DAY = Decimal("0.4")
#: Candles in a row without movement where there usually is some.
FLAT = 3
#: The quote is so many usual ranges away from the last close, and at least this part of it.
APART_RANGES, APART_LEAST = Decimal(10), Decimal("0.005")
#: How far clocks may differ: a hundredth of a candle, and no less than this.
SKEW = timedelta(seconds=5)
#: From this length on candles begin on the broker's clock, which has summer time.
_BY_BROKER_CLOCK = timedelta(hours=4)
_SUMMER_TIME = timedelta(hours=1)
_CLOSES_BEFORE = 5
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_SATURDAY = 5


def sight_of(bundle: Bundle) -> Sight:
    """What the guard looks at of a bundle."""
    return Sight(
        timeframe=bundle.timeframe,
        instant=bundle.instant,
        candles=bundle.candles,
        quote=bundle.quote,
        instrument=bundle.instrument,
        memory=bundle.feed,
    )


def faults(sight: Sight) -> tuple[FeedFault, ...]:
    """Everything that is wrong, what comes first first; nothing when the data can be believed."""
    found = (rule(sight) for rule in RULES)
    return tuple(fault for fault in found if fault is not None)


def _none(sight: Sight) -> FeedFault | None:
    return None if sight.candles else FeedFault(code=Fault.UNREADABLE, seen="-")


def _suspended(sight: Sight) -> FeedFault | None:
    if sight.instrument.is_tradable:
        return None
    return FeedFault(code=Fault.SUSPENDED, seen=facts_of(sight.instrument).name)


def _no_quote(sight: Sight) -> FeedFault | None:
    return FeedFault(code=Fault.NO_QUOTE, seen="-") if sight.quote is None else None


def _changed(sight: Sight) -> FeedFault | None:
    """Facts of the venue that are not those that are believed."""
    facts, memory = facts_of(sight.instrument), sight.memory
    if memory is None or not sight.candles or memory.accepts(facts, sight.candles[-1].time):
        return None
    before = memory.believed
    if facts.name != before.name:
        return FeedFault(code=Fault.RENAMED, seen=facts.name, limit=before.name)
    if facts.clock_offset != before.clock_offset:
        seen, known = (_hours(each.clock_offset) for each in (facts, before))
        return FeedFault(code=Fault.CLOCK_MOVED, seen=seen, limit=known)
    return FeedFault(code=Fault.RESCALED, seen=_scale(facts), limit=_scale(before))


def _scale(facts: SourceFacts) -> str:
    return f"{facts.digits} / {facts.pip:f} / {facts.contract_size:f}"


def _hours(offset: int | None) -> str:
    return "-" if offset is None else f"{offset / 3600:+g} h"


def _disorder(sight: Sight) -> FeedFault | None:
    for before, after in _pairs(sight.candles, LOOKED):
        if after.time < before.time:
            return _of(Fault.DISORDER, after, _text(after.time), _text(before.time))
    return None


def _repeated(sight: Sight) -> FeedFault | None:
    for before, after in _pairs(sight.candles, LOOKED):
        if after.time == before.time or _is_copy(before, after):
            return _of(Fault.REPEATED, after, _text(after.time), _text(before.time))
    return None


def _is_copy(one: Candle, other: Candle) -> bool:
    """Whether two candles have all figures alike; where nothing moved that means nothing."""
    if one.volume != other.volume or not one.volume > 0 or one.close != other.close:
        return False
    same = (one.open, one.high, one.low) == (other.open, other.high, other.low)
    return same and one.high > one.low


def _misplaced(sight: Sight) -> FeedFault | None:
    """A step that is no whole number of candles."""
    length, slack = sight.timeframe.length, _slack(sight.timeframe)
    for before, after in _pairs(sight.candles, RECENT):
        step = after.time - before.time
        off = step % length
        if step > timedelta(0) and not min(off, length - off) <= slack:
            return _of(Fault.MISPLACED, after, _text(after.time), _text(before.time))
    return None


def _hole(sight: Sight) -> FeedFault | None:
    """Missing candles of a market that was open."""
    length, slack = sight.timeframe.length, _slack(sight.timeframe)
    for before, after in _pairs(sight.candles, RECENT):
        if after.time - before.time - slack <= length or _was_closed(sight, before, after):
            continue
        return _of(Fault.HOLE, after, _text(after.time), _text(before.time + length))
    return None


def _was_closed(sight: Sight, before: Candle, after: Candle) -> bool:
    """Whether the market was closed between two candles: over a Saturday, or for a break of the
    day that it had before at that time. What is bought and owned is dealt in at any time.
    """
    if sight.instrument.spot:
        return False
    start = before.time + sight.timeframe.length
    noon = datetime.combine(start.date(), time(12), start.tzinfo)
    noon += timedelta(days=(_SATURDAY - start.weekday()) % 7)
    if (noon if noon >= start else noon + _WEEK) < after.time:
        return True
    step = after.time - before.time
    return any(
        b.time - a.time == step and _alike(a.time, before.time)
        for a, b in pairwise(sight.candles)
        if b.time < before.time
    )


def _alike(one: datetime, other: datetime) -> bool:
    """Whether two instants have the same time of the day, but for summer time."""
    apart = (one - other) % _DAY
    return min(apart, _DAY - apart) <= _SUMMER_TIME


def is_unclosed(sight: Sight) -> bool:
    """Whether the last candle has not closed yet: it is no candle to decide on."""
    return sight.candles[-1].time + sight.timeframe.length > _latest(sight)


def _latest(sight: Sight) -> datetime:
    return sight.instant + max(sight.timeframe.length / 100, SKEW)


def _future(sight: Sight) -> FeedFault | None:
    if not sight.candles:
        return None
    last, latest = sight.candles[-1], _latest(sight)
    if is_unclosed(sight):
        return _of(Fault.FUTURE, last, _text(last.time), _text(sight.instant))
    if sight.quote is not None and sight.quote.time > latest:
        told = sight.quote.time
        return FeedFault(code=Fault.FUTURE, seen=_text(told), limit=_text(sight.instant), at=told)
    return None


def _spike(sight: Sight) -> FeedFault | None:
    """A candle that reaches where the closes before it are not near."""
    candles = sight.candles
    near = candles[-INFLUENCE - _CLOSES_BEFORE :]
    lowest = min((c.low for c in near), default=Decimal(1))
    if max((c.high for c in near), default=lowest) - lowest <= SPIKE_LEAST * lowest:
        return None
    usual = _usual_range(candles)
    for place in range(max(_CLOSES_BEFORE, len(candles) - INFLUENCE), len(candles)):
        candle = candles[place]
        centre = median([c.close for c in candles[place - _CLOSES_BEFORE : place]])
        far = max(abs(candle.high - centre), abs(candle.low - centre))
        most = SPIKE_MOST_OF_A_DAY if sight.timeframe is Timeframe.D1 else SPIKE_MOST
        limit = min(max(SPIKE_RANGES * usual, SPIKE_LEAST * centre), most * centre)
        if not far <= limit:
            return _of(Fault.SPIKE, candle, _part(far, centre), _part(limit, centre))
    return None


def _frozen(sight: Sight) -> FeedFault | None:
    last = sight.candles[-FLAT:]
    prices = {price for c in last for price in (c.high, c.low)}
    if len(last) < FLAT or len(prices) > 1 or not _usual_range(sight.candles) > 0:
        return None
    return _of(Fault.FROZEN, last[-1], f"{last[-1].close:f}", str(FLAT))


def _no_volume(sight: Sight) -> FeedFault | None:
    if not sight.candles or sight.candles[-1].volume > 0:
        return None
    usual = median([c.volume for c in sight.candles[-LOOKED:]])
    if not usual > 0:
        return None
    return _of(Fault.NO_VOLUME, sight.candles[-1], "0", f"{usual:g}")


def _apart(sight: Sight) -> FeedFault | None:
    if sight.quote is None or not sight.candles:
        return None
    close, bid = sight.candles[-1].close, sight.quote.bid
    # The cheaper limit first: every idea is looked at, and nearly all are well within it.
    if abs(bid - close) <= APART_LEAST * close:
        return None
    limit = APART_RANGES * _usual_range(sight.candles)
    if abs(bid - close) <= limit:
        return None
    return FeedFault(code=Fault.APART, seen=f"{bid:f}", limit=f"{close:f}", at=sight.quote.time)


def _usual_range(candles: Sequence[Candle]) -> Decimal:
    return median([c.high - c.low for c in candles[-LOOKED:]] or [Decimal(0)])


def _pairs(candles: Sequence[Candle], count: int) -> Iterator[tuple[Candle, Candle]]:
    return pairwise(candles[-count - 1 :])


def _slack(timeframe: Timeframe) -> timedelta:
    return _SUMMER_TIME if timeframe.length >= _BY_BROKER_CLOCK else timedelta(0)


def _of(code: Fault, candle: Candle, seen: str, limit: str) -> FeedFault:
    return FeedFault(code=code, seen=seen, limit=limit, at=candle.time)


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}Z"


def _part(distance: Decimal, price: Decimal) -> str:
    return f"{distance * 100 / price:.1f} %"


RULES: tuple[Callable[[Sight], FeedFault | None], ...] = (
    _none, _suspended, _no_quote, _changed, _disorder, _repeated, _misplaced, _hole, _future,
    _spike, _frozen, _no_volume, _apart,
)  # fmt: skip
