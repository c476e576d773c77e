"""What the market did after an idea: each ending, the gaps, and what must hold for all of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.exits import exit_of
from broker.feeds.recorded import shipped_recording
from engine.domain.account import Direction
from engine.domain.market import Candle, Timeframe
from engine.domain.outcome import Outcome, Progress, Result
from engine.scoring.outcome import MAX_CANDLES, MAX_HOLE, follow
from tests.builders import HOUR, NOW, candle, held, progress, proposal

D = Decimal
SELL = proposal(direction=Direction.SELL, entry="1.10000")
# The proposal: a buy at 1.10008, stop 1.09808, target 1.10408; the sell: 1.10000, 1.10200, 1.09600.
RISES = {"open": "1.10010", "high": "1.10450", "low": "1.10000", "close": "1.10430"}
FALLS = {"open": "1.09900", "high": "1.09950", "low": "1.09700", "close": "1.09750"}


def hours(*prices: dict[str, str]) -> list[Candle]:
    """Candles of an hour each, the first of which opens with the idea."""
    return [candle(NOW + HOUR * i, **given) for i, given in enumerate(prices)]


def test_buy_that_rises_to_its_target_earns_its_reward() -> None:
    outcome = follow(progress(), hours({}, RISES))
    assert outcome == Outcome(
        result=Result.TARGET, r=D(2), at=NOW + 2 * HOUR, candles=2, favourable=D(2),
        adverse=D("-0.29"),
    )  # fmt: skip


def test_buy_that_falls_to_its_stop_loses_one_r() -> None:
    outcome = follow(progress(), hours({}, FALLS))
    assert outcome == Outcome(
        result=Result.STOP, r=D(-1), at=NOW + 2 * HOUR, candles=2, favourable=D("0.21"),
        adverse=D(-1),
    )  # fmt: skip


def test_target_that_was_jumped_over_earns_no_more_than_its_price() -> None:
    jump = {"open": "1.10500", "high": "1.10600", "low": "1.10450", "close": "1.10500"}
    outcome = follow(progress(), hours(jump))
    assert (outcome.result, outcome.r, outcome.favourable) == (Result.TARGET, D(2), D(2))


@pytest.mark.parametrize(
    ("made", "opened", "r"),
    [
        (proposal(), "1.09708", "-1.5"),
        # A sell leaves at the ask: 1.10292 and the spread of 0.8 pips.
        (SELL, "1.10292", "-1.5"),
    ],
)
def test_stop_that_was_jumped_over_is_left_at_the_open(made, opened: str, r: str) -> None:
    flat = dict.fromkeys(("open", "high", "low", "close"), opened)
    outcome = follow(progress(proposal=made), hours(flat))
    assert (outcome.result, outcome.r, outcome.adverse) == (Result.STOP, D(r), D(r))


def test_sell_is_stopped_and_paid_at_the_ask() -> None:
    touches_by_bid = {"open": "1.09900", "high": "1.09900", "low": "1.09600", "close": "1.09700"}
    beyond_by_spread = {**touches_by_bid, "low": "1.09592"}
    assert isinstance(follow(progress(proposal=SELL), hours(touches_by_bid)), Progress)
    assert follow(progress(proposal=SELL), hours(beyond_by_spread)).result is Result.TARGET
    near = {"open": "1.10100", "high": "1.10191", "low": "1.10050", "close": "1.10100"}
    assert isinstance(follow(progress(proposal=SELL), hours(near)), Progress)
    assert follow(progress(proposal=SELL), hours({**near, "high": "1.10192"})).r == -1


def test_candle_that_touches_both_counts_as_the_stop() -> None:
    both = {"open": "1.10010", "high": "1.10500", "low": "1.09700", "close": "1.10400"}
    outcome = follow(progress(), hours(both))
    assert (outcome.result, outcome.r) == (Result.STOP, D(-1))
    assert outcome.favourable == 0  # nobody knows whether it rose before it fell


def test_time_limit_ends_it_at_the_first_close_at_or_after_it() -> None:
    made = progress(deadline=NOW + timedelta(minutes=90))
    outcome = follow(made, hours({}, {"close": "1.10048"}, RISES))
    assert (outcome.result, outcome.r, outcome.at) == (Result.TIMED_OUT, D("0.2"), NOW + 2 * HOUR)
    sold = progress(proposal=SELL, deadline=NOW + HOUR)
    # The ask of 1.09960 + 0.8 pips is 3.2 pips below the entry; the risk is twenty.
    assert follow(sold, hours({"close": "1.09960"})).r == D("0.16")


def test_idea_is_given_up_after_the_most_candles() -> None:
    quiet = hours(*([{}] * (MAX_CANDLES + 5)))
    assert isinstance(follow(progress(), quiet[: MAX_CANDLES - 1]), Progress)
    outcome = follow(progress(), quiet)
    assert (outcome.result, outcome.candles) == (Result.TIMED_OUT, MAX_CANDLES)
    assert outcome.r == D("-0.04")


def test_weekend_is_no_hole_and_a_longer_hole_leaves_nothing_known() -> None:
    monday = replace(candle(**RISES), time=NOW - HOUR + timedelta(days=3))
    assert follow(progress(), [monday]).result is Result.TARGET
    later = replace(monday, time=NOW - HOUR + MAX_HOLE + HOUR)
    outcome = follow(progress(), [later])
    assert (outcome.result, outcome.r, outcome.at) == (Result.UNKNOWN, None, NOW - HOUR)


@pytest.mark.parametrize("stop", ["1.10008", "1.10100"])
def test_idea_whose_stop_is_not_on_the_losing_side_is_unknown(stop: str) -> None:
    made = progress(proposal=proposal(stop_loss=stop, take_profit=(D("1.10408"),)))
    assert follow(made, hours(RISES)).result is Result.UNKNOWN


def test_candles_from_before_the_idea_do_not_count() -> None:
    before = candle(NOW - HOUR, **FALLS)
    assert follow(progress(), [before]) == progress()


# Every price is whole points, as a feed's are.
POINT = D("0.00001")
points = st.integers(-400, 400)


@st.composite
def walks(draw: st.DrawFn) -> list[Candle]:
    """Up to thirty candles that wander around 1.1, with jumps between them."""
    price, made = 0, []
    for i in range(draw(st.integers(0, 30))):
        first = price + draw(st.sampled_from((0, 0, 0, 30, -30, 250, -250)))
        last = first + draw(st.integers(-120, 120))
        high = max(first, last) + draw(st.integers(0, 60))
        low = min(first, last) - draw(st.integers(0, 60))
        prices = [D("1.1") + POINT * p for p in (first, high, low, last)]
        made.append(Candle(NOW + HOUR * i, *prices, 1))
        price = last
    return made


@st.composite
def tracks(draw: st.DrawFn) -> Progress:
    """An idea either way with some stop, target, spread and, perhaps, a deadline."""
    way = draw(st.sampled_from(Direction))
    entry = D("1.1")
    stop, target = (POINT * draw(st.integers(1, 300)) for _ in range(2))
    made = proposal(
        direction=way,
        entry=str(entry),
        stop_loss=entry - way.sign * stop,
        take_profit=(entry + way.sign * target,),
    )
    limit = draw(st.none() | st.integers(1, 20))
    return progress(
        proposal=made,
        spread=POINT * draw(st.integers(0, 30)),
        deadline=None if limit is None else NOW + limit * HOUR,
    )


@given(tracks(), walks(), st.integers(0, 30))
def test_two_portions_give_the_same_as_all_at_once(
    made: Progress, walk: list[Candle], at: int
) -> None:
    whole = follow(made, walk)
    first = follow(made, walk[:at])
    if isinstance(first, Outcome):
        assert first == whole
    else:
        assert follow(first, walk[at:]) == whole
        assert follow(first, walk) == whole  # what was seen before is passed over


@given(tracks(), walks())
def test_buy_and_sell_are_mirror_images(made: Progress, walk: list[Candle]) -> None:
    middle = D("1.1")
    shift = 2 * middle - made.spread

    def flip(price: Decimal) -> Decimal:
        return 2 * middle - price

    before = made.proposal
    other = Direction.SELL if before.direction is Direction.BUY else Direction.BUY
    mirrored = replace(
        before,
        direction=other,
        entry=flip(before.entry),
        stop_loss=flip(before.stop_loss),
        take_profit=tuple(flip(price) for price in before.take_profit),
    )
    # What a buy sees as the bid, its mirror image sees as the ask.
    seen = [
        Candle(c.time, shift - c.open, shift - c.low, shift - c.high, shift - c.close, 1)
        for c in walk
    ]
    one, two = follow(made, walk), follow(replace(made, proposal=mirrored), seen)
    if isinstance(one, Progress):
        assert isinstance(two, Progress)
        two = replace(two, proposal=made.proposal)
    assert one == two


@given(tracks(), walks())
def test_figures_agree_with_the_ending(made: Progress, walk: list[Candle]) -> None:
    end = follow(made, walk)
    assert end.adverse <= 0 <= end.favourable
    assert end.candles <= len(walk)
    if isinstance(end, Progress):
        return
    assert end.r is not None
    assert end.adverse <= end.r <= end.favourable
    last = walk[end.candles - 1]
    assert end.at == last.time + HOUR
    cost = 0 if made.proposal.direction is Direction.BUY else made.spread
    sign = made.proposal.direction.sign
    jumped = sign * (last.open + cost - made.proposal.stop_loss) < 0
    if end.result is Result.STOP:
        assert end.r == -1 if not jumped else end.r <= -1
    elif end.result is Result.TARGET:
        assert abs(end.r - made.proposal.reward_ratio) <= D("0.00005")
    else:
        assert made.deadline is not None
        assert end.at >= made.deadline
        assert -1 < end.r < made.proposal.reward_ratio + D("0.0001")


@pytest.mark.parametrize("way", Direction)
def test_real_candles_end_ideas_where_the_paper_broker_ends_its_trades(way: Direction) -> None:
    recording = shipped_recording()
    spread, endings = D("0.00008"), []
    for start in range(300, 1500, 40):
        last = recording.candles[start - 1]
        entry = last.close + (spread if way is Direction.BUY else 0)
        made = proposal(direction=way, entry=str(entry))
        trade = held(direction=way, stop_loss=made.stop_loss, targets=made.take_profit[:1])
        after = recording.candles[start:]
        outcome = follow(progress(proposal=made, seen=last.time, spread=spread), after)
        assert isinstance(outcome, Outcome)
        candle_, (price, reason) = next(
            (c, ended) for c in after if (ended := exit_of(trade, c, spread)) is not None
        )
        assert outcome.at == candle_.time + Timeframe.H1.length
        assert str(outcome.result) == {"stop_loss": "stop", "take_profit": "target"}[reason]
        paid = way.sign * (price - entry) / made.risk
        assert outcome.r == (paid if outcome.result is Result.STOP else 2)
        endings.append(outcome.result)
    assert set(endings) == {Result.STOP, Result.TARGET}


def real(opened: str) -> list[Candle]:
    """The recorded candles from the one that opened at an hour of May 2017 on."""
    first = datetime.fromisoformat(f"2017-05-{opened}:00Z")
    return [c for c in shipped_recording().candles if c.time >= first]


def test_real_monday_stops_a_buy_as_counted_by_hand() -> None:
    made = proposal(entry="1.09678")  # the ask after midnight's close; stop 1.09478
    candles = real("08T00:00")
    outcome = follow(progress(proposal=made, seen=candles[0].time), candles)
    assert outcome == Outcome(
        result=Result.STOP,
        r=D(-1),
        at=datetime.fromisoformat("2017-05-08T10:00:00Z"),
        candles=9,
        favourable=D("1.45"),  # 1.09968 at six o'clock, 29 of the 20 pips at risk
        adverse=D(-1),
    )


def test_real_weekend_jumps_over_the_stop_of_a_sell() -> None:
    made = proposal(
        direction=Direction.SELL,
        entry="1.09989",
        stop_loss="1.10100",
        take_profit=(D("1.09700"),),
    )
    candles = real("05T20:00")
    outcome = follow(progress(proposal=made, seen=candles[0].time), candles)
    # Sunday opened at 1.10200 bid, 1.10208 ask: 21.9 pips lost where 11.1 were at risk.
    assert (outcome.result, outcome.r, outcome.candles) == (Result.STOP, D("-1.9730"), 1)
