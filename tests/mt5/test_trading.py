"""What is done at the trade server: legs, partial fills, retries, filling modes, netting."""

from decimal import Decimal

from tests.mql5.market import Fault
from tests.mt5.rig import Rig, order_body


def _sizes(rig: Rig) -> list[tuple[float, float]]:
    with rig.server.held() as held:
        return sorted((p.volume, p.tp) for p in held.positions.values())


async def test_each_target_has_a_position_and_a_magic_of_its_own(rig: Rig) -> None:
    body = order_body(lot_size="0.50", take_profit=[1.12, 1.13, 1.14])
    _, told = await rig.post("/mt5/order", body)
    assert (told["lot_size"], len(told["positions"])) == (Decimal("0.50"), 3)
    assert _sizes(rig) == [(0.16, 1.13), (0.16, 1.14), (0.18, 1.12)]
    magics = [request.magic for request in rig.exchange.sent]
    assert magics == [magics[0], magics[0] + 1, magics[0] + 2]
    assert all(2**52 < magic < 2**53 for magic in magics)
    assert all(len(request.comment) <= 26 for request in rig.exchange.sent)


async def test_volumes_are_rounded_down_and_levels_to_the_grid(rig: Rig) -> None:
    body = order_body(lot_size=0.129, stop_loss=1.0900049, take_profit=[1.1200051])
    _, told = await rig.post("/mt5/order", body)
    assert told["lot_size"] == Decimal("0.12")
    assert (rig.exchange.sent[0].sl, rig.exchange.sent[0].tp) == (1.09, 1.12001)
    status, told = await rig.post("/mt5/order", order_body(lot_size=0.009), "k-2")
    assert (status, told["error"]["code"]) == (422, "MT5_EXECUTION_FAILED")
    status, told = await rig.post("/mt5/order", order_body(symbol="eurusd"), "k-3")
    assert (status, told["error"]["details"]) == (422, {"symbol": "eurusd"})
    assert len(rig.exchange.sent) == 1


async def test_a_sale_without_targets_has_its_stop(rig: Rig) -> None:
    body = order_body(direction="sell", stop_loss=1.11, take_profit=[])
    _, told = await rig.post("/mt5/order", body)
    assert told["filled_price"] == Decimal("1.10000")
    _, account = await rig.get("/mt5/account")
    (held,) = account["open_positions"]
    assert (held["direction"], held["stop_loss"], held["take_profit"]) == (
        "sell", Decimal("1.11000"), [],
    )  # fmt: skip


async def test_a_partial_fill_is_the_truth(rig: Rig) -> None:
    rig.exchange.faults = [Fault("partial", part=0.4)]
    _, told = await rig.post("/mt5/order", order_body())
    assert told["lot_size"] == Decimal("0.20")
    position = told["positions"][0]
    rig.exchange.faults = [Fault("partial", part=0.5)]
    _, told = await rig.post(f"/mt5/positions/{position}/close", {}, "c-1")
    assert (told["lot_size"], told["volume_left"]) == (Decimal("0.10"), Decimal("0.10"))


async def test_what_was_certainly_not_done_is_tried_again_at_a_fresh_price(rig: Rig) -> None:
    for number, code in enumerate((10004, 10020, 10021)):
        rig.exchange.sent.clear()
        rig.exchange.faults = [Fault("answer", code)] * 3
        status, told = await rig.post("/mt5/order", order_body(), f"a-{code}")
        assert (status, len(rig.exchange.sent)) == (200, 4)
        assert len({request.magic for request in rig.exchange.sent}) == 1
        rig.exchange.faults = [Fault("answer", code)] * 4
        status, told = await rig.post("/mt5/order", order_body(), f"b-{code}")
        assert (status, told["error"]["details"]) == (422, {"retcode": code})
        assert (len(rig.exchange.sent), len(rig.exchange.deals)) == (8, number + 1)


async def test_a_busy_server_is_asked_again_a_little_later(rig: Rig) -> None:
    rig.exchange.faults = [Fault("answer", 10024)]
    status, _ = await rig.post("/mt5/order", order_body())
    assert (status, len(rig.exchange.sent)) == (200, 2)


async def test_what_is_refused_is_not_tried_again(rig: Rig) -> None:
    for number, code in enumerate((10006, 10013, 10016, 10019, 10027, 10033, 10046), start=1):
        rig.exchange.faults = [Fault("answer", code)]
        body, key = order_body(take_profit=[1.12, 1.13]), f"k-{code}"
        status, told = await rig.post("/mt5/order", body, key)
        assert (status, told["error"]["details"]) == (422, {"retcode": code})
        # The second target is not tried where the first was refused.
        assert len(rig.exchange.sent) == number
        assert (await rig.get(f"/mt5/orders/{key}"))[1]["status"] == "refused"


async def test_another_filling_mode_is_tried_where_one_is_refused(rig: Rig) -> None:
    with rig.server.held() as held:
        held.symbols["EURUSD"].filling = 2
    assert (await rig.post("/mt5/order", order_body(), "k-1"))[0] == 200
    assert [request.type_filling for request in rig.exchange.sent] == [1]
    rig.exchange.faults = [Fault("answer", 10030)]
    with rig.server.held() as held:
        held.symbols["EURUSD"].filling = 3
    assert (await rig.post("/mt5/order", order_body(), "k-2"))[0] == 200
    assert [request.type_filling for request in rig.exchange.sent] == [1, 0, 1]
    with rig.server.held() as held:
        held.symbols["EURUSD"].filling = 0
    status, told = await rig.post("/mt5/order", order_body(), "k-3")
    assert (status, told["error"]["details"]) == (422, {"retcode": 10030})


async def test_algo_trading_that_is_switched_off_meanwhile_is_a_refusal(rig: Rig) -> None:
    rig.server.faults = [("order_send", "algo_off")]
    status, told = await rig.post("/mt5/order", order_body())
    assert (status, told["error"]["details"]) == (422, {"retcode": 10027})


async def test_a_level_that_is_there_already_is_set(rig: Rig) -> None:
    _, told = await rig.post("/mt5/order", order_body())
    path = f"/mt5/positions/{told['positions'][0]}/modify"
    status, told = await rig.post(path, {"stop_loss": 1.09}, "m-1")
    assert (status, told["stop_loss"]) == (200, Decimal("1.09000"))
    assert told["take_profit"] == [Decimal("1.12000")]
    for body in ({}, {"take_profit": [1.12, 1.13]}, {"stop_loss": 0}, {"sl": 1}):
        assert (await rig.post(path, body, "m-2"))[0] == 400
    status, told = await rig.post(path, {"stop_loss": 1.2}, "m-3")
    assert (status, told["error"]["details"]) == (422, {"retcode": 10016})


async def test_levels_within_the_freeze_level_are_refused_before_they_are_sent(rig: Rig) -> None:
    _, told = await rig.post("/mt5/order", order_body(stop_loss=1.099, take_profit=[1.12]))
    path = f"/mt5/positions/{told['positions'][0]}/modify"
    with rig.server.held() as held:
        held.symbols["EURUSD"].freeze_level = 99
    sent = len(rig.exchange.sent)
    # The stop it has stands 100 points below the bid of 1.10000: just outside.
    assert (await rig.post(path, {"take_profit": [1.13]}, "m-1"))[0] == 200
    for number, body in enumerate(({"stop_loss": 1.09901}, {"take_profit": [1.10099]})):
        status, told = await rig.post(path, body, f"m-2{number}")
        assert (status, told["error"]["details"]) == (422, {"reason": "frozen"})
    with rig.server.held() as held:
        held.symbols["EURUSD"].freeze_level = 100
    status, told = await rig.post(path, {"stop_loss": 1.08}, "m-3")
    assert (status, told["error"]["details"]) == (422, {"reason": "frozen"})
    assert "1.09900 is within the freeze level, 0.00100" in told["error"]["message"]
    assert len(rig.exchange.sent) == sent + 1
    # A close is for the broker to refuse.
    status, _ = await rig.post(path.replace("modify", "close"), {}, "c-1")
    assert status == 200


async def test_a_close_off_the_steps_or_of_nothing_is_refused(rig: Rig) -> None:
    _, told = await rig.post("/mt5/order", order_body())
    path = f"/mt5/positions/{told['positions'][0]}/close"
    for number, left in enumerate((0.005, 0.5, 0.6)):
        status, _ = await rig.post(path, {"volume_left": left}, f"c-{number}")
        assert status == 422
    assert (await rig.post(path, {"volume_left": -1}, "c-9"))[0] == 400
    assert len(rig.exchange.sent) == 1


async def test_a_ticket_that_changed_does_not_lose_the_position(rig: Rig) -> None:
    _, told = await rig.post("/mt5/order", order_body())
    with rig.server.held() as held:
        (position,) = held.positions.values()
        held.positions = {777: position}
        position.ticket = 777
    number = told["positions"][0]
    assert (await rig.post(f"/mt5/positions/{number}/modify", {"stop_loss": 1.08}, "m"))[0] == 200
    status, told = await rig.post(f"/mt5/positions/{number}/close", {}, "c")
    assert (status, told["volume_left"]) == (200, 0)


# ---- one position per symbol


async def test_on_a_netting_account_an_order_is_one_position(netting: Rig) -> None:
    _, told = await netting.post("/mt5/order", order_body(take_profit=[1.12, 1.13]))
    assert (len(told["positions"]), told["lot_size"]) == (1, Decimal("0.50"))
    assert _sizes(netting) == [(0.5, 1.12)]
    _, again = await netting.post("/mt5/order", order_body(lot_size=0.1), "k-2")
    assert again["positions"] == told["positions"]
    assert again["lot_size"] == Decimal("0.10")
    assert _sizes(netting) == [(0.6, 1.12)]
    await netting.post(f"/mt5/positions/{told['positions'][0]}/close", {"volume_left": 0.2}, "c")
    assert _sizes(netting) == [(0.2, 1.12)]


async def test_on_a_netting_account_a_lost_answer_is_found_by_its_deal(netting: Rig) -> None:
    await netting.post("/mt5/order", order_body(), "k-1")
    netting.server.faults = [("order_send", "drop_after")]
    status, _ = await netting.post("/mt5/order", order_body(lot_size=0.1), "k-2")
    assert status in (200, 504)
    told = await netting.ends("k-2")
    assert (told["status"], told["lot_size"]) == ("ok", Decimal("0.10"))
    assert _sizes(netting) == [(0.6, 1.12)]
