"""What may be done with an open trade: each rule at its boundary, for a long and for a short."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.instruments import instrument
from engine.domain.account import Direction, Position
from engine.domain.position_orders import (
    Deed,
    PositionOrder,
    PositionOrderState,
)
from engine.errors import IllegalMove, PositionRefused
from engine.gate.management import (
    MOST_TARGETS,
    break_even,
    check_left,
    check_stop,
    check_targets,
    costs,
    half,
    in_order,
    on_tick,
    result_in_r,
)
from tests.builders import NOW, quote

D = Decimal
BUY, SELL = Direction.BUY, Direction.SELL
EURUSD = instrument("EURUSD")
#: The market stands at 1.10000 / 1.10008.
QUOTE = quote()


def position(direction: Direction = BUY, **values: Any) -> Position:
    """Two tenths of a lot, ten pips behind the market's side of it, its stop fifty pips away."""
    sign = direction.sign
    fields: dict[str, Any] = {
        "id": "1", "symbol": "EURUSD", "direction": direction, "volume": D("0.20"),
        "entry_price": D("1.10000") - sign * D("0.00100"),
        "stop_loss": D("1.10000") - sign * D("0.00500"),
        "take_profit": D("1.10000") + sign * D("0.00500"),
        "opened_at": NOW, "profit": D("20.00"), "client_id": "at-1",
    }  # fmt: skip
    return Position(**(fields | values))


def refused(reason: str):
    return pytest.raises(PositionRefused, match=f"^{reason}")


def stop(direction: Direction, price: str, original: str | None = None, **values: Any) -> None:
    known = replace(EURUSD, **values)
    first = None if original is None else D(original)
    check_stop(position(direction), D(price), quote=QUOTE, instrument=known, original=first)


@pytest.mark.parametrize(
    ("direction", "good", "bad"),
    [(BUY, "1.09999", "1.10000"), (SELL, "1.10009", "1.10008")],
)
def test_a_stop_is_on_its_side_of_the_price_the_trade_leaves_at(direction, good, bad):
    stop(direction, good)
    with refused("stop_side"):
        stop(direction, bad)
    with refused("stop_side"):
        stop(direction, "0")


@pytest.mark.parametrize(
    ("direction", "good", "bad"),
    [(BUY, "1.09900", "1.09901"), (SELL, "1.10108", "1.10107")],
)
def test_a_stop_keeps_the_distance_the_venue_asks_for(direction, good, bad):
    stop(direction, good, stops_level=D("0.00100"))
    with refused("too_near"):
        stop(direction, bad, stops_level=D("0.00100"))


@pytest.mark.parametrize(
    ("direction", "good", "bad"),
    [(BUY, "1.09899", "1.09900"), (SELL, "1.10109", "1.10108")],
)
def test_a_stop_that_the_venue_would_freeze_is_refused(direction, good, bad):
    stop(direction, good, freeze_level=D("0.00100"))
    with refused("frozen"):
        stop(direction, bad, freeze_level=D("0.00100"))


@pytest.mark.parametrize("level", ["stop_loss", "take_profit"])
@pytest.mark.parametrize("direction", [BUY, SELL])
def test_a_trade_with_a_level_at_the_market_is_frozen(level, direction):
    market = QUOTE.bid if direction is BUY else QUOTE.ask
    sign = direction.sign * (-1 if level == "stop_loss" else 1)
    near = position(direction, **{level: market + sign * D("0.00100")})
    known = replace(EURUSD, freeze_level=D("0.00100"))
    wanted = market - direction.sign * D("0.00400")
    with refused("frozen"):
        check_stop(near, wanted, quote=QUOTE, instrument=known, original=D("1.1") - direction.sign)
    with refused("frozen"):
        target = market + direction.sign * D("0.00400")
        check_targets(near, [target], quote=QUOTE, instrument=known)
    farther = replace(near, **{level: market + sign * D("0.00101")})
    check_stop(farther, wanted, quote=QUOTE, instrument=known, original=D("1.1") - direction.sign)


@pytest.mark.parametrize(
    ("direction", "first", "wider"),
    [(BUY, "1.09400", "1.09399"), (SELL, "1.10600", "1.10601")],
)
def test_a_stop_may_go_back_to_the_first_one_and_not_beyond(direction, first, wider):
    stop(direction, first, first)
    with refused("stop_wider"):
        stop(direction, wider, first)


def test_the_stop_of_a_trade_that_is_not_ours_only_comes_nearer():
    stop(BUY, "1.09500")
    with refused("stop_wider"):
        stop(BUY, "1.09499")
    bare = position(stop_loss=None)
    check_stop(bare, D("1.05"), quote=QUOTE, instrument=EURUSD, original=None)


@given(st.decimals("0.5", "2", places=5), st.sampled_from([BUY, SELL]))
def test_no_stop_that_passes_risks_more_than_the_first(price, direction):
    held = position(direction)
    assert held.stop_loss is not None
    try:
        check_stop(held, price, quote=QUOTE, instrument=EURUSD, original=held.stop_loss)
    except PositionRefused:
        return
    r = result_in_r(held, price, held.stop_loss)
    assert r is not None
    assert r >= -1


@pytest.mark.parametrize(
    ("direction", "good", "bad"),
    [(BUY, "1.10001", "1.10000"), (SELL, "1.10007", "1.10008")],
)
def test_targets_are_beyond_the_market_and_few(direction, good, bad):
    def check(*prices):
        check_targets(position(direction), prices, quote=QUOTE, instrument=EURUSD)

    check(D(good))
    with refused("target_side"):
        check(D(good), D(bad))
    for count in (0, MOST_TARGETS + 1):
        with refused("targets_count"):
            check(*[D(good)] * count)
    with refused("too_near"):
        check_targets(
            position(direction), [D(good)], quote=QUOTE,
            instrument=replace(EURUSD, stops_level=D("0.00002")),
        )  # fmt: skip


def test_targets_are_put_in_the_order_they_are_met():
    prices = (D("1.12"), D("1.11"), D("1.12"))
    assert in_order(prices, BUY) == (D("1.11"), D("1.12"))
    assert in_order(prices, SELL) == (D("1.12"), D("1.11"))


@pytest.mark.parametrize(
    ("held", "left"), [("0.20", "0.10"), ("0.21", "0.11"), ("0.03", "0.02"), ("0.02", "0.01")]
)
def test_half_is_rounded_so_that_no_more_than_half_is_closed(held, left):
    trade = position(volume=D(held))
    assert half(trade, EURUSD) == D(left)
    check_left(trade, half(trade, EURUSD), EURUSD)


@pytest.mark.parametrize(
    ("left", "reason"),
    [("0.20", "left"), ("0.21", "left"), ("-0.01", "left"), ("0.005", "part"), ("0.195", "part"),
     ("0.105", "part")],
)  # fmt: skip
def test_a_part_that_cannot_be_held_or_dealt_is_refused(left, reason):
    with refused(reason):
        check_left(position(), D(left), EURUSD)
    check_left(position(), D(0), EURUSD)


def test_the_smallest_trade_has_no_half():
    least = position(volume=D("0.01"))
    with refused("left"):
        check_left(least, half(least, EURUSD), EURUSD)


@pytest.mark.parametrize(
    ("direction", "charged", "price"),
    [
        (BUY, "0", "1.09900"),
        (SELL, "0", "1.10100"),
        (BUY, "0.000101", "1.09911"),
        (SELL, "0.000101", "1.10089"),
    ],
)
def test_break_even_is_entry_and_costs_rounded_in_the_trades_favour(direction, charged, price):
    trade = position(direction)
    assert break_even(trade, D(charged), quote=QUOTE, instrument=EURUSD) == D(price)


@pytest.mark.parametrize(("direction", "entry"), [(BUY, "1.10000"), (SELL, "1.10008")])
def test_break_even_waits_until_the_market_is_beyond(direction, entry):
    trade = position(direction, entry_price=D(entry))
    with refused("not_beyond"):
        break_even(trade, D(0), quote=QUOTE, instrument=EURUSD)


def test_costs_are_what_the_venues_result_is_short_of_the_prices():
    assert costs(position(), QUOTE, EURUSD, D(1)) == 0
    assert costs(position(profit=D("19.99")), QUOTE, EURUSD, D(1)) == 0
    assert costs(position(profit=D("16.00")), QUOTE, EURUSD, D(1)) == D("0.0002")
    assert costs(position(profit=D("8.00")), QUOTE, EURUSD, D("0.5")) == D("0.0002")
    assert costs(position(profit=D("25.00")), QUOTE, EURUSD, D(1)) == 0


def test_the_result_in_r_needs_a_first_risk():
    assert result_in_r(position(), D("1.10300"), D("1.09500")) == 1
    assert result_in_r(position(), D("1.09500"), D("1.09500")) == -1
    assert result_in_r(position(), D("1.09500"), None) is None
    assert result_in_r(position(), D("1.09500"), D("1.09900")) is None


def test_a_typed_price_goes_to_the_nearest_tick():
    assert on_tick(D("1.100049"), EURUSD) == D("1.10005")
    assert on_tick(D("1.1"), EURUSD) == D("1.10000")


# ---- the life of an order ---------------------------------------------------------------------


def order(**values: Any) -> PositionOrder:
    fields: dict[str, Any] = {
        "client_id": "ap-1", "account_id": "paper-1", "position_id": "1", "symbol": "EURUSD",
        "deed": Deed.CLOSE, "state": PositionOrderState.ASKED, "asked_by": 1, "asked_name": "Ann",
        "created_at": NOW, "valid_until": NOW, "seen": position(), "volume_left": D(0),
    }  # fmt: skip
    return PositionOrder(**(fields | values))


S = PositionOrderState
WAYS = {
    (S.ASKED, S.INTENT), (S.ASKED, S.CANCELLED), (S.INTENT, S.SENDING), (S.INTENT, S.CANCELLED),
    (S.SENDING, S.DONE), (S.SENDING, S.REJECTED), (S.SENDING, S.UNKNOWN), (S.UNKNOWN, S.DONE),
    (S.UNKNOWN, S.REJECTED), (S.UNKNOWN, S.ABSENT),
}  # fmt: skip


@pytest.mark.parametrize("before", S)
@pytest.mark.parametrize("after", S)
def test_nothing_that_was_sent_can_be_sent_again(before, after):
    if (before, after) in WAYS:
        assert order(state=before).move(after).state is after
        return
    with pytest.raises(IllegalMove):
        order(state=before).move(after)


def test_a_flatten_is_never_sent_itself():
    flatten = order(deed=Deed.FLATTEN, state=S.INTENT)
    assert flatten.move(S.DONE).state is S.DONE
    with pytest.raises(IllegalMove):
        flatten.move(S.SENDING)


def test_a_goal_is_read_off_the_position():
    part = order(volume_left=D("0.10"))
    assert not part.reached(position())
    assert part.reached(position(volume=D("0.10")))
    assert part.reached(position(volume=D("0.05")))
    assert part.reached(None)
    moved = order(deed=Deed.STOP, volume_left=None, stop_loss=D("1.09600"))
    assert not moved.reached(position())
    assert moved.reached(position(stop_loss=D("1.09600")))
    assert not moved.reached(None)
    aimed = order(deed=Deed.TARGETS, volume_left=None, take_profit=(D("1.2"), D("1.3")))
    assert not aimed.reached(position())
    assert aimed.reached(position(take_profit=D("1.2")))
    # If the nearest one was to stay, the position does not tell.
    same = order(deed=Deed.TARGETS, volume_left=None, take_profit=(position().take_profit,))
    assert not same.reached(position())


def test_an_exit_waits_for_no_level_and_a_level_for_everything():
    close = order()
    level = order(client_id="ap-2", deed=Deed.STOP, volume_left=None, stop_loss=D(1))
    assert not close.excludes(level)
    assert level.excludes(close)
    assert close.excludes(order(client_id="ap-3", volume_left=D("0.1")))
    assert not close.excludes(close)
