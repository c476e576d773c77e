"""The feed guard: what cannot be a market is refused by name, and what only looks odd is not."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from broker.feeds.recorded import shipped_recording
from broker.instruments import instrument
from engine.domain.feed_fault import Fault, FeedMemory, Sight, facts_of
from engine.domain.gate import Check
from engine.domain.market import Candle, Quote, Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.strategy import ForbiddenConditions
from engine.flow.feed_watch import over_limits
from engine.flow.judgement import consider
from engine.gate.case import Scene, run_before
from engine.gate.checks import feed
from engine.gate.feed_guard import faults, sight_of
from engine.snapshot.indicators import WINDOW
from tests.builders import HOUR, NOW, bundle, calendar, candles, quote, strategy

DAY = timedelta(days=1)
TAPE = shipped_recording().candles
EURO = instrument("EURUSD")


def sight(shown: Any = None, **values: Any) -> Sight:
    """A euro whose last candle has just closed."""
    shown = tuple(candles()) if shown is None else tuple(shown)
    last = shown[-1]
    closed = last.time + Timeframe.H1.length
    fields: dict[str, Any] = {
        "timeframe": Timeframe.H1, "instant": closed, "candles": shown, "instrument": EURO,
        "quote": Quote(last.close, last.close + Decimal("0.00008"), closed), "memory": None,
    }  # fmt: skip
    return Sight(**(fields | values))


def codes(seen: Sight) -> list[Fault]:
    return [fault.code for fault in faults(seen)]


def changed(back: int, **values: Any) -> list[Candle]:
    """The quiet hours with another candle so far from the end."""
    shown = list(candles())
    shown[-back] = replace(shown[-back], **values)
    return shown


def without(*back: int) -> list[Candle]:
    shown = list(candles())
    return [c for place, c in enumerate(shown) if len(shown) - place not in back]


def flat(count: int) -> list[Candle]:
    shown, still = list(candles()), Decimal("1.10000")
    same = {"open": still, "high": still, "low": still, "close": still}
    return [*shown[:-count], *(replace(c, **same) for c in shown[-count:])]


FAULTS: dict[str, tuple[Sight, Fault]] = {
    "nothing": (replace(sight(), candles=()), Fault.UNREADABLE),
    "no quote": (sight(quote=None), Fault.NO_QUOTE),
    "suspended": (sight(instrument=replace(EURO, is_tradable=False)), Fault.SUSPENDED),
    "an older candle last": (sight(instant=NOW, shown=[*candles(), candles()[-5]]), Fault.DISORDER),
    "a time twice": (
        sight(shown=[*candles(), replace(candles()[-1], volume=7)]), Fault.REPEATED,
    ),
    "figures twice": (
        sight(shown=[*candles(), replace(candles()[-1], time=NOW)]), Fault.REPEATED,
    ),
    "half an hour": (sight(shown=changed(1, time=NOW - HOUR / 2)), Fault.MISPLACED),
    "a hole": (sight(shown=without(2)), Fault.HOLE),
    "a hole three candles ago": (sight(shown=without(4)), Fault.HOLE),
    "not closed": (sight(instant=NOW - HOUR / 2), Fault.FUTURE),
    "a quote of later": (sight(quote=quote(at=NOW + HOUR / 2)), Fault.FUTURE),
    "a spike": (sight(shown=changed(1, high=Decimal("1.32"))), Fault.SPIKE),
    "a spike of some candles ago": (sight(shown=changed(9, low=Decimal("0.9"))), Fault.SPIKE),
    "frozen": (sight(shown=flat(3)), Fault.FROZEN),
    "no volume": (sight(shown=changed(1, volume=0)), Fault.NO_VOLUME),
    "another price": (sight(quote=quote("1.12", "1.1201")), Fault.APART),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_has_its_name(name: str) -> None:
    seen, code = FAULTS[name]
    assert codes(seen)[0] is code
    found = faults(seen)[0]
    assert found.seen


@pytest.mark.parametrize(
    "seen",
    [
        sight(),
        sight(shown=flat(2)),
        sight(shown=without(5)),
        sight(shown=changed(21, high=Decimal("1.32"))),
        sight(shown=changed(1, high=Decimal("1.119"))),
        sight(shown=[replace(c, volume=0) for c in candles()]),
        sight(instant=NOW + timedelta(seconds=-30)),
        sight(quote=quote("1.1099", "1.11")),
        sight(shown=candles(end=NOW, volume=101)[:1]),
    ],
    ids=[
        "quiet", "still for two candles", "a hole of long ago", "a spike of long ago", "a move",
        "a feed without volumes", "clocks apart a little", "a quote that moved", "one candle",
    ],
)  # fmt: skip
def test_what_can_be_is_believed(seen: Sight) -> None:
    assert codes(seen) == []


def test_nothing_in_a_recorded_year_is_refused() -> None:
    """Weekends, Christmas, summer time and news: a real market is no fault."""
    last = len(TAPE)
    refused = {}
    for end in range(WINDOW, last, 7):
        found = codes(sight(shown=TAPE[end - WINDOW : end]))
        if found:
            refused[TAPE[end - 1].time] = found
    assert refused == {}


@pytest.mark.parametrize("first", [c.time for b, c in pairwise(TAPE)
                                   if c.time - b.time > DAY][1:6])  # fmt: skip
def test_the_first_candles_after_a_weekend_are_believed(first: Any) -> None:
    place = next(i for i, c in enumerate(TAPE) if c.time == first)
    for end in range(place + 1, place + 5):
        assert codes(sight(shown=TAPE[max(0, end - 300) : end])) == []


def test_a_market_that_never_closes_has_no_weekend() -> None:
    place = [i for i, (a, b) in enumerate(pairwise(TAPE), 1) if b.time - a.time > DAY][2]
    shown = TAPE[place - 90 : place + 1]
    assert codes(sight(shown=shown)) == []
    assert codes(sight(shown=shown, instrument=replace(EURO, spot=True))) == [Fault.HOLE]


def test_a_daily_break_is_a_hole_only_the_first_time() -> None:
    shown = [replace(c, volume=100 + i) for i, c in enumerate(candles(100))]
    broken = [c for c in shown if c.time.hour != 8]
    end = next(i for i in range(len(broken) - 1, 0, -1) if broken[i].time.hour == 9)
    assert codes(sight(shown=broken[: end + 1])) == []
    once = [c for c in shown if c.time != shown[-3].time]
    assert codes(sight(shown=once)) == [Fault.HOLE]


def test_summer_time_moves_the_beginning_of_long_candles_only() -> None:
    start = NOW - 40 * DAY
    shown = [Candle(start + i * DAY - (HOUR if i > 35 else 0 * HOUR), *prices, 100 + i)
             for i, prices in enumerate([(Decimal("1.1"), Decimal("1.11"), Decimal("1.09"),
                                          Decimal("1.1"))] * 38)]  # fmt: skip
    instant = shown[-1].time + DAY
    seen = sight(shown=shown, timeframe=Timeframe.D1, instant=instant)
    days_seen = replace(seen, quote=Quote(Decimal("1.1"), Decimal("1.1001"), instant))
    assert not {Fault.HOLE, Fault.MISPLACED} & set(codes(days_seen))
    assert Fault.MISPLACED in codes(replace(days_seen, timeframe=Timeframe.H1, candles=tuple(
        replace(c, time=c.time - HOUR / 2 * (i > 36)) for i, c in enumerate(shown))))  # fmt: skip


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"venue_name": "EURUSD.m"}, Fault.RENAMED),
        ({"digits": 4}, Fault.RESCALED),
        ({"pip": Decimal("0.001")}, Fault.RESCALED),
        ({"contract_size": Decimal(1000)}, Fault.RESCALED),
        ({"clock_offset": 10_800}, Fault.CLOCK_MOVED),
    ],
)
def test_what_changes_at_the_venue_is_believed_one_candle_later(values: Any, code: Fault) -> None:
    known = replace(EURO, clock_offset=7200)
    memory = FeedMemory(believed=facts_of(known))
    now, then = sight(memory=memory, instrument=known), candles()[-1].time
    assert codes(now) == []
    other = replace(known, **values)
    assert codes(replace(now, instrument=other)) == [code]
    remembered = memory.after(facts_of(other), then)
    assert codes(replace(now, instrument=other, memory=remembered)) == [code]
    # It went away again: nothing is left of it.
    assert remembered.after(facts_of(known), then) == memory
    later = sight(shown=candles(end=NOW + HOUR), instrument=other, memory=remembered)
    assert codes(later) == []
    settled = remembered.after(facts_of(other), then + HOUR)
    assert settled == FeedMemory(believed=facts_of(other))


def test_no_idea_is_made_of_a_fault_and_the_record_names_it() -> None:
    setup = strategy()
    good = consider(setup, bundle())
    assert good.report is not None
    bad = consider(setup, bundle(candles=candles(high="1.40000")))
    assert (bad.report, bad.blocked_by) == (None, Check.DATA_QUALITY)
    (check,) = [c for c in bad.before if c.code is Check.DATA_QUALITY]
    assert check.observed.startswith("spike: ")
    old = consider(setup, bundle(quote=quote(at=NOW - 4 * HOUR)))
    assert (old.report, old.blocked_by) == (None, Check.STALE_DATA)


def test_a_record_of_an_older_form_is_judged_as_it_was() -> None:
    seen = bundle(schema=2, quote=quote(at=NOW - 4 * HOUR), candles=candles(high="1.40000"))
    made = consider(strategy(), seen)
    assert made.blocked_by not in (Check.DATA_QUALITY, Check.STALE_DATA)
    first = [c.code for c in consider(strategy(entry={"ema_trend": "against_trade"}), seen).before]
    assert (first or [Check.SESSION])[0] is Check.SESSION


def test_a_traders_own_limits_are_named_for_people() -> None:
    settings = RiskSettings(max_data_age_candles=1)
    assert over_limits(sight_of(bundle()), settings) == ()
    old = over_limits(sight(instant=NOW + 2 * HOUR), settings)
    assert [(f.code, f.seen, f.limit) for f in old] == [(Fault.OLD, "2.0", "1")]
    wide = over_limits(sight(quote=quote("1.1", "1.1016")), settings)
    assert [(f.code, f.seen, f.limit) for f in wide] == [(Fault.WIDE, "16.0", "2.5")]


def test_the_last_hour_of_a_weekly_calendar_is_closed_unless_nobody_waits_for_news() -> None:
    ends = bundle(calendar=calendar(known_until=NOW + timedelta(minutes=59)))
    for minutes, passed in ((60, False), (59, True), (0, True)):
        rule = ForbiddenConditions(minutes, ("USD", "EUR"))
        asked = Scene(bundle=ends, strategy=strategy(forbidden_conditions=rule))
        assert run_before(Check.NEWS, asked).passed is passed


def test_the_data_of_a_bundle_is_looked_at_once_for_all_strategies(monkeypatch: Any) -> None:
    looked: list[Sight] = []

    def look(sight: Sight) -> tuple[()]:
        looked.append(sight)
        return ()

    monkeypatch.setattr(feed, "faults", look)
    one, other = (bundle(settings_version=number) for number in (1, 2))
    for each in (one, other, one, other):
        for name in ("a", "b"):
            asked = Scene(bundle=each, strategy=replace(strategy(), name=name))
            assert run_before(Check.DATA_QUALITY, asked).passed
    assert len(looked) == 2
    # What is equal and another object is looked at for itself.
    assert run_before(Check.DATA_QUALITY, Scene(bundle=replace(one), strategy=strategy())).passed
    assert len(looked) == 3
