"""What the terminal did after it had said that it had not: closes that show late, levels of trades
that ended since.
"""

from decimal import Decimal

import pytest

from engine.errors import BrokerSilent
from engine.ports import Found, NotFound
from tests.integration.ea import Bridge, bridge  # noqa: F401
from tests.integration.test_ea_trading import Desk, desk  # noqa: F401
from tests.terminals import filled, request

NO_TRACE = {"status": "not_executed", "reason": "no_trace", "traced": True}


async def test_a_close_that_shows_late_is_told_and_answered(desk: Desk) -> None:  # noqa: F811
    desk.ea.broker = lambda command: NO_TRACE
    with pytest.raises(BrokerSilent):
        await desk.served(desk.venue.close("900001", volume_left=Decimal(0), client_id="ap-1"))
    assert await desk.venue.look_up_change("ap-1") == NotFound(proven=False)
    (command,) = desk.ea.seen
    # A broker's clock is two hours ahead of UTC in the example.
    opened = {**request("/ea/sync")["deals"][0], "magic": 0}
    closing = {
        **opened, "ticket": 910_002, "type": 1, "entry": 1, "price": 2390.1, "profit": 20.0,
        "magic": desk.ea.magic_base + command["seq"], "time_ms": (command["issued_ms"] + 7_290_000),
    }  # fmt: skip
    for _ in range(2):
        await desk.sync(positions=[], deals=[opened, closing])
    assert await desk.bridge.alerts() == ["late_close"]
    change = await desk.venue.look_up_change("ap-1")
    assert not isinstance(change, NotFound)
    assert (change.volume_left, change.volume_closed) == (0, Decimal("0.1"))
    assert change.price == Decimal("2390.1")


async def test_an_order_that_showed_late_and_has_ended_since_is_found(
    desk: Desk,  # noqa: F811
) -> None:
    desk.ea.broker = lambda command: NO_TRACE
    with pytest.raises(BrokerSilent):
        await desk.served(desk.venue.submit(desk.order()))
    first = desk.ea.seen[0]
    opened = {
        **request("/ea/sync")["deals"][0], "magic": desk.ea.magic_base + first["seq"],
        "time_ms": first["issued_ms"] + 7_290_000,
    }  # fmt: skip
    closing = {
        **opened, "ticket": 910_002, "type": 1, "entry": 1, "reason": 4,
        "time_ms": opened["time_ms"] + 1_000,
    }  # fmt: skip
    await desk.sync(positions=[], deals=[opened, closing])
    found = await desk.venue.look_up(desk.order().client_id)
    assert isinstance(found, Found)
    assert found.fill.volume == Decimal("0.1")


async def test_levels_of_a_trade_that_ended_since_have_an_answer(
    desk: Desk,  # noqa: F811
) -> None:
    await desk.sync(positions=request("/ea/sync")["positions"])
    await desk.served(desk.venue.modify("900001", stop_loss=Decimal("2380.1"), client_id="ap-1"))
    await desk.sync(positions=[])
    change = await desk.venue.look_up_change("ap-1")
    assert not isinstance(change, NotFound)
    assert change.volume_left == 0


async def test_figures_are_shown_without_the_terminals_zeros(desk: Desk) -> None:  # noqa: F811
    padded = {"volume": 0.1, "price": 2386.85}
    desk.ea.broker = lambda command: {**filled(command), **padded}
    fill = await desk.served(desk.venue.submit(desk.order()))
    await desk.bridge.sql(
        "UPDATE ea_command SET result = result"
        ' || \'{"volume": "0.10000000", "price": "2386.50000000"}\''
    )
    found = await desk.venue.look_up(fill.client_id)
    assert isinstance(found, Found)
    assert (str(found.fill.volume), str(found.fill.price)) == ("0.2", "2386.50")
