"""What rules want of an open trade: when, how far, once, and never what would risk more."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.instruments import instrument
from engine.domain.account import Direction
from engine.domain.market import Quote
from engine.domain.position_orders import Rule
from engine.domain.strategy import BreakEven, ExitRules, PartialClose, Trailing
from engine.gate.management import exit_price
from engine.gate.steward import Held, Wish, best_price, wishes
from tests.builders import HOUR, NOW, candle, position

D = Decimal
BUY, SELL = Direction.BUY, Direction.SELL
EURUSD = instrument("EURUSD")


def rules(**values) -> ExitRules:
    return ExitRules("2 * atr", ("RR>=2",), **values)


def held(direction=BUY, at="0", best=None, **values) -> Held:
    """A trade from 1.10000 that risks twenty pips and stands ``at`` so many pips of profit; it was
    ``best`` pips beyond its entry at most. The spread is a pip.
    """
    sign, pip = direction.sign, D("0.0001")
    price = D("1.10000") + sign * D(at) * pip
    quote = Quote(price, price + pip, NOW) if direction is BUY else Quote(price - pip, price, NOW)
    stop = D("1.10000") - sign * 20 * pip
    its = {
        "direction": direction, "entry_price": D("1.10000"), "stop_loss": stop,
        "volume": D("0.10"), "take_profit": D("1.10000") + sign * 40 * pip,
    } | values.pop("position", {})  # fmt: skip
    fields = {
        "position": position(**its), "instrument": EURUSD, "quote": quote, "first_stop": stop,
        "targets": (D("1.10000") + sign * 40 * pip,), "charged": D(0), "atr": D("0.00100"),
        "best": D("1.10000") + sign * max(D(at), D(at if best is None else best)) * pip,
    }  # fmt: skip
    return Held(**(fields | values))


def stop_of(found: tuple[Wish, ...]) -> str | None:
    return next((f"{wish.stop_loss:f}" for wish in found if wish.stop_loss), None)


EVEN = rules(break_even=BreakEven("1 R"))


@pytest.mark.parametrize(
    ("direction", "at", "best", "stop"),
    [
        (BUY, "19.9", None, None),
        (BUY, "20", None, "1.10000"),
        (BUY, "5", "20", "1.10000"),
        # The price is back at the entry: a stop there would be hit where it stands.
        (BUY, "0", "25", None),
        (BUY, "-3", "25", None),
        (SELL, "19.9", None, None),
        (SELL, "20", None, "1.10000"),
        (SELL, "5", "20", "1.10000"),
        (SELL, "0", "25", None),
    ],
)
def test_the_stop_goes_to_the_entry_once_the_trade_was_far_enough(direction, at, best, stop):
    assert stop_of(wishes(EVEN, held(direction, at, best), ())) == stop


@pytest.mark.parametrize(
    ("at", "best"), [("1 R", 20), ("1.5 R", 30), ("15 pips", 15), ("150 points", 15),
                     ("0.25 cents", 25), ("1 * atr", 10), ("first_target", 40)]
)  # fmt: skip
def test_a_stage_is_reached_at_its_distance(at, best):
    led = rules(break_even=BreakEven(at))
    assert stop_of(wishes(led, held(at="5", best=str(best)), ())) == "1.10000"
    assert wishes(led, held(at="5", best=str(best - D("0.1"))), ()) == ()


@pytest.mark.parametrize(
    ("direction", "charged", "offset", "stop"),
    [
        (BUY, "0.000071", None, "1.10008"),
        (BUY, "0", "2 pips", "1.10020"),
        (BUY, "0.00005", "0.1 R", "1.10025"),
        (SELL, "0.000071", "2 pips", "1.09972"),
    ],
)
def test_break_even_is_beyond_the_costs_and_the_offset(direction, charged, offset, stop):
    led = rules(break_even=BreakEven("1 R", offset))
    seen = held(direction, at="25", charged=D(charged))
    assert stop_of(wishes(led, seen, ())) == stop


def test_without_what_is_needed_nothing_is_wanted():
    assert wishes(EVEN, held(at="30", charged=None), ()) == ()
    assert wishes(rules(trailing=Trailing("2 * atr")), held(at="60", atr=None), ()) == ()
    assert wishes(EVEN, held(at="30", position={"stop_loss": None}), ()) == ()
    nothing = held(at="30", first_stop=D("1.10000"))
    assert wishes(rules(trailing=Trailing("1 pips")), nothing, ()) == ()


def test_a_stop_that_is_as_near_already_stays():
    for stop in ("1.10000", "1.10010"):
        assert wishes(EVEN, held(at="30", position={"stop_loss": D(stop)}), ()) == ()


def test_a_venue_that_keeps_stops_away_gets_none_too_near():
    known = replace(EURUSD, stops_level=D("0.00200"))
    assert wishes(EVEN, held(at="19", best="25", instrument=known), ()) == ()
    assert stop_of(wishes(EVEN, held(at="20", instrument=known), ())) == "1.10000"


TRAIL = rules(trailing=Trailing("1 R", "1 R", "0.5 R"))


@pytest.mark.parametrize(
    ("direction", "best", "step", "stop"),
    [
        (BUY, "19", None, None),
        (BUY, "20", 2, "1.10000"),
        (BUY, "29", 2, "1.10000"),
        (BUY, "30", 3, "1.10100"),
        (BUY, "39.9", 3, "1.10100"),
        (BUY, "60", 6, "1.10400"),
        (SELL, "30", 3, "1.09900"),
        (SELL, "45", 4, "1.09800"),
    ],
)
def test_a_trailing_stop_follows_in_steps(direction, best, step, stop):
    found = wishes(TRAIL, held(direction, at=best), ())
    assert stop_of(found) == stop
    assert [wish.step for wish in found] == ([] if step is None else [step])


def test_a_trailing_stop_moves_by_a_quarter_of_the_risk_where_nothing_is_said():
    led = rules(trailing=Trailing("1 * atr"))
    (wish,) = wishes(led, held(at="3"), ())
    # Ten pips behind 3 is 13 beyond the first stop: two steps of five.
    assert (wish.step, f"{wish.stop_loss}") == (2, "1.09900")


def test_each_step_is_wanted_once_and_the_nearest_stop_wins():
    led = rules(break_even=BreakEven("1 R"), trailing=Trailing("1 R", "1 R", "0.5 R"))
    (even,) = wishes(led, held(at="20"), ())
    assert even.rule is Rule.BREAK_EVEN
    (trail,) = wishes(led, held(at="30"), ())
    assert (trail.rule, trail.step) == (Rule.TRAILING, 3)
    done = {(Rule.TRAILING, 3)}
    (even,) = wishes(led, held(at="30"), done)
    assert even.rule is Rule.BREAK_EVEN
    assert wishes(led, held(at="30"), done | {(Rule.BREAK_EVEN, 0)}) == ()


@pytest.mark.parametrize(
    ("volume", "percent", "left"),
    [
        ("0.10", 50, "0.05"), ("0.10", 33, "0.07"), ("0.10", 99, "0.01"), ("0.03", 50, "0.02"),
        ("0.10", 9, None), ("0.01", 50, None), ("1.00", 1, "0.99"),
    ],
)  # fmt: skip
def test_a_part_is_closed_in_whole_steps_and_something_stays(volume, percent, left):
    led = rules(partial_close=(PartialClose("1 R", percent),))
    found = wishes(led, held(at="20", position={"volume": D(volume)}), ())
    assert [wish.volume_left for wish in found] == ([] if left is None else [D(left)])


def test_a_part_is_closed_only_while_the_price_stands_there():
    led = rules(partial_close=(PartialClose("1 R", 50),))
    assert wishes(led, held(at="19", best="60"), ()) == ()
    assert wishes(led, held(SELL, at="20"), ())[0].volume_left == D("0.05")


def test_parts_are_closed_one_after_the_other_and_once():
    led = rules(partial_close=(PartialClose("1 R", 50), PartialClose("first_target", 50)))
    one, two = (Rule.PARTIAL_TARGET, 0), (Rule.PARTIAL_TARGET, 1)
    assert [(w.rule, w.step) for w in wishes(led, held(at="50"), ())] == [one]
    assert [(w.rule, w.step) for w in wishes(led, held(at="50"), {one})] == [two]
    assert wishes(led, held(at="39"), {one}) == ()
    assert wishes(led, held(at="50"), {one, two}) == ()


def test_the_best_price_is_of_candles_and_of_now_and_a_short_leaves_at_the_ask():
    seen = held(at="5")
    hours = [candle(NOW - HOUR, high="1.10300", low="1.09900")]
    assert best_price(seen.position, seen.quote, hours) == D("1.10300")
    assert best_price(seen.position, seen.quote, ()) == D("1.10050")
    short = held(SELL, at="5")
    assert best_price(short.position, short.quote, hours) == D("1.09910")
    assert best_price(short.position, short.quote, ()) == D("1.09950")


distances = st.sampled_from(
    ["0.1 R", "1 R", "2.5 R", "3 pips", "77 points", "0.5 * atr", "2 * atr"]
)
fixed = st.sampled_from(["0.05 R", "0.25 R", "1 R", "3 pips", "1 points"])
ats = distances | st.just("first_target")
LED = st.builds(
    rules,
    break_even=st.none() | st.builds(BreakEven, ats, st.none() | distances),
    trailing=st.none() | st.builds(Trailing, distances, st.none() | ats, st.none() | fixed),
    partial_close=st.lists(st.builds(PartialClose, ats, st.integers(1, 99)), max_size=3).map(tuple),
)
WALK = st.lists(
    st.tuples(st.integers(-190, 900), st.integers(0, 400), st.integers(1, 400)),
    min_size=1,
    max_size=25,
)


@given(LED, WALK, st.sampled_from(Direction), st.sampled_from(["0", "0.00050"]))
def test_a_stop_never_loosens_never_meets_the_price_and_each_step_is_done_once(
    led, walk, direction, level
):
    """A trade is led along a walk: points of profit, more points it was at its best, ATR points."""
    known = replace(EURUSD, stops_level=D(level))
    stop, volume, best = D("1.10000") - direction.sign * D("0.00200"), D("0.10"), D(-10_000)
    done: set[tuple[Rule, int]] = set()
    for points, more, atr in walk:
        best = max(best, D(points + more) / 10)
        seen = held(
            direction, at=f"{D(points) / 10}", best=f"{best}", instrument=known,
            atr=D(atr) * D("0.00001"), charged=D("0.00007"),
            position={"stop_loss": stop, "volume": volume},
        )  # fmt: skip
        market = exit_price(seen.position, seen.quote)
        found = wishes(led, seen, done)
        assert len(found) <= 2
        for wish in found:
            assert (wish.rule, wish.step) not in done
            done.add((wish.rule, wish.step))
            if wish.stop_loss is None:
                assert wish.volume_left is not None
                assert D(0) < wish.volume_left < volume
                assert wish.volume_left % known.volume_step == 0
                volume = wish.volume_left
                continue
            assert direction.sign * (wish.stop_loss - stop) > 0
            assert direction.sign * (market - wish.stop_loss) > 0
            assert abs(market - wish.stop_loss) >= known.stops_level
            assert wish.stop_loss == wish.stop_loss.quantize(D("0.00001"))
            stop = wish.stop_loss
    assert sum(rule is Rule.BREAK_EVEN for rule, _ in done) <= 1
    assert sum(rule is Rule.PARTIAL_TARGET for rule, _ in done) <= len(led.partial_close)
