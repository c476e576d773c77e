"""No order leaves with a check closed, however old its card or its approval is."""

from collections import Counter

from hypothesis import settings

from tests.properties.stale import property_of


def test_an_old_card_sends_nothing_that_a_check_would_stop():
    tally: Counter[str] = Counter()
    run = settings(max_examples=300, derandomize=True, deadline=None, database=None)
    run(property_of(tally))()
    for end in ("sent", "tap price_moved price_drift", "tap gate_closed spread", "tap expired"):
        assert tally[end], f"no idea ended {end}: nothing was tried"
    assert tally["not sent"] > tally["sent"] / 4
