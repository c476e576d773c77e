"""What is lost on the way: found again in the log, done once, called absent only in its time."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from broker.oanda.venue import OandaBroker
from broker.turns import Books, turn
from engine.domain.order import Order
from engine.domain.position_orders import PositionChange
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from tests.oanda import ACCOUNT
from tests.oanda.rig import Rig
from tests.oanda.shown import Json
from tests.oanda.storm import storm

D = Decimal
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
AFTER = ["lose_after", "late", "unknown", "gateway", "nonsense"]
BEFORE = ["lose_before", "busy", "moved"]
BOOKS = f"oanda:{ACCOUNT}"


def hasty(rig: Rig) -> OandaBroker:
    """A process that waits for no answer for long."""
    return rig.broker(rig.client(seconds=0.25))


# ---- orders


@pytest.mark.parametrize("kind", AFTER)
async def test_an_answer_lost_after_the_deal_is_found_in_the_log(rig: Rig, kind: str) -> None:
    rig.server.faults = [("POST orders", kind)]
    order = rig.order()
    with pytest.raises(BrokerSilent):
        await hasty(rig).submit(order)
    with pytest.raises(BrokerSilent, match="given before"):
        await rig.broker().submit(order)
    found = await rig.broker().look_up(order.client_id)
    assert isinstance(found, Found)
    (trade,) = rig.account.placed(order.client_id)
    assert (found.fill.broker_id, found.fill.price) == (trade.id, D("1.10010"))
    assert found.fill.volume == D("0.10")
    assert trade.stop is not None


@pytest.mark.parametrize("kind", BEFORE)
async def test_an_order_lost_before_the_deal_is_absent_in_its_time(rig: Rig, kind: str) -> None:
    rig.server.faults = [("POST orders", kind)]
    order = rig.order()
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    rig.shift += timedelta(minutes=4)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    rig.shift += timedelta(minutes=2)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=True)
    with pytest.raises(BrokerRefused, match="struck off"):
        await rig.broker().submit(rig.order())
    assert rig.account.log == []


async def test_a_lost_order_that_was_cancelled_there_is_absent_at_once(rig: Rig) -> None:
    rig.server.faults = [("POST orders", "lose_after")]
    order = rig.order(volume=D(5))
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=True)


async def test_a_lost_order_that_was_rejected_there_is_absent_at_once(rig: Rig) -> None:
    rig.server.faults = [("POST orders", "lose_after")]
    euro = rig.account.products["EUR_USD"]
    broker = rig.broker()
    await broker.closed_since(BEGINNING)
    await broker.intake.symbols.rules("EURUSD")
    euro.most = "5000"
    with pytest.raises(BrokerSilent):
        await broker.submit(rig.order())
    assert [row["type"] for row in rig.account.log] == ["MARKET_ORDER_REJECT"]
    assert await rig.broker().look_up(rig.order().client_id) == NotFound(proven=True)


async def test_a_log_that_is_behind_proves_nothing(rig: Rig) -> None:
    """What was answered may not be shown for a moment."""
    order = rig.order()
    rig.server.faults = [("POST orders", "lose_after")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    rig.server.lag = 4
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    rig.server.lag = 0
    assert isinstance(await rig.broker().look_up(order.client_id), Found)


async def test_a_log_that_breaks_off_is_silence(rig: Rig) -> None:
    order = rig.order()
    rig.server.faults = [("POST orders", "lose_after")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    rig.shift += timedelta(minutes=6)
    rig.server.page = 0
    for _ in range(2):
        with pytest.raises(BrokerSilent, match="all of its log"):
            await rig.broker().look_up(order.client_id)
    rig.server.page = 1
    assert isinstance(await rig.broker().look_up(order.client_id), Found)


async def test_an_order_that_arrives_late_is_found(rig: Rig) -> None:
    order = rig.order()
    rig.server.faults = [("POST orders", "held")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    await asyncio.gather(*rig.server.later)
    assert isinstance(await rig.broker().look_up(order.client_id), Found)


async def test_an_order_that_arrives_beyond_all_measure_is_told(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """OANDA promises no end after which it takes nothing: it is not hidden at least."""
    order = rig.order()
    rig.server.faults = [("POST orders", "held")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    rig.shift += timedelta(minutes=6)
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=True)
    await asyncio.gather(*rig.server.later)
    with caplog.at_level(logging.ERROR):
        assert isinstance(await rig.broker().look_up(order.client_id), Found)
    assert "after it had been called absent" in caplog.text
    (position,) = await rig.broker().positions()
    assert (position.client_id, position.stop_loss) == (order.client_id, D("1.09800"))


async def test_an_order_that_arrives_while_it_is_looked_for_is_found(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, broker = rig.order(), rig.broker()
    _, body = await broker.intake.checked(order)
    rig.server.faults = [("POST orders", "lose_before")]
    with pytest.raises(BrokerSilent):
        await broker.submit(order)
    rig.shift += timedelta(minutes=6)
    look = rig.server._order

    def arrives(asked: Json, sent: Json, name: str) -> Json:
        """It is dealt after the log was read and before the trades are."""
        try:
            return look(asked, sent, name)
        finally:
            rig.account.market(dict(body))

    monkeypatch.setattr(rig.server, "_order", arrives)
    assert isinstance(await rig.broker().look_up(order.client_id), Found)


async def test_a_cancellation_for_an_id_in_use_proves_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order in use may be this very one, sent by somebody who was cut off."""
    reason = "CLIENT_TRADE_ID_ALREADY_EXISTS"
    monkeypatch.setattr(rig.account, "_unfilled", lambda *asked: reason)
    with pytest.raises(BrokerSilent, match=reason):
        await rig.broker().submit(rig.order())
    assert await rig.broker().look_up(rig.order().client_id) == NotFound(proven=False)


async def test_our_clock_that_jumps_ahead_proves_nothing(rig: Rig) -> None:
    broker = rig.broker()
    rig.server.faults = [("POST orders", "lose_before")]
    with pytest.raises(BrokerSilent):
        await broker.submit(rig.order())
    rig.shift += timedelta(minutes=6)
    rig.skew -= timedelta(minutes=6)
    assert await broker.look_up(rig.order().client_id) == NotFound(proven=False)


async def test_a_duplicate_that_was_rejected_does_not_strike_the_first_off(rig: Rig) -> None:
    """Somewhere on the way a second copy is made; OANDA refuses it while the trade is open."""
    rig.server.faults = [("POST orders", "lose_after")]
    order = rig.order()
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(order)
    rejected = {**rig.account.log[0], "id": "2303", "type": "MARKET_ORDER_REJECT",
                "rejectReason": "CLIENT_TRADE_ID_ALREADY_EXISTS"}  # fmt: skip
    rig.account.log.insert(0, rejected)
    document = json.loads(rig.ledger.documents[BOOKS])
    document["marks"]["seen"] = 2302
    rig.ledger.documents[BOOKS] = json.dumps(document)
    # The refusal is shown, and the deal that it was for is not yet.
    rig.server.lag = len(rig.account.log) - 1
    assert await rig.broker().look_up(order.client_id) == NotFound(proven=False)
    rig.server.lag = 0
    assert isinstance(await rig.broker().look_up(order.client_id), Found)


async def test_a_silent_oanda_proves_nothing(rig: Rig) -> None:
    rig.server.faults = [("POST orders", "lose_before")]
    with pytest.raises(BrokerSilent):
        await rig.broker().submit(rig.order())
    rig.shift += timedelta(minutes=6)
    for call in ("GET transactions/sinceid", "GET orders", "GET trades"):
        for kind in ("busy", "nonsense", "gateway"):
            rig.server.faults = [(call, kind)]
            with pytest.raises(BrokerSilent):
                await rig.broker().look_up(rig.order().client_id)
    assert await rig.broker().look_up(rig.order().client_id) == NotFound(proven=True)


async def test_books_of_an_older_backup_find_what_they_do_not_know(rig: Rig) -> None:
    await rig.broker().closed_since(BEGINNING)
    backup = dict(rig.ledger.documents)
    order = rig.order()
    fill = await rig.broker().submit(order)
    rig.ledger.documents = backup
    assert await rig.broker().look_up(order.client_id) == Found(fill)


async def test_books_that_were_lost_take_nothing_for_absent(rig: Rig) -> None:
    order = rig.order()
    fill = await rig.broker().submit(order)
    rig.ledger.documents.clear()
    with pytest.raises(BrokerSilent, match="OANDA knows"):
        await rig.broker().look_up(order.client_id)
    await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-1")
    rig.account.orders.clear()
    with pytest.raises(BrokerSilent, match="OANDA knows"):
        await rig.broker().look_up(order.client_id)
    assert await rig.broker().look_up(rig.order(2).client_id) == NotFound(proven=True)


async def test_what_cannot_be_asked_before_is_refused_and_not_sent(rig: Rig) -> None:
    for call in ("GET summary", "GET openTrades", "GET pricing", "GET instruments",
                 "GET transactions/sinceid"):  # fmt: skip
        rig.server.faults = [(call, "busy")]
        with pytest.raises(BrokerRefused, match="nothing was sent"):
            await rig.broker().submit(rig.order())
    assert rig.account.log == []
    await rig.broker().submit(rig.order())


async def test_whoever_lost_the_turn_sends_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = OandaBroker._begin

    async def slow(self: OandaBroker, books: Books, order: Order) -> datetime:
        """Somebody else has a turn before the order is written down."""
        sent = await begin(self, books, order)
        rig.shift += timedelta(seconds=16)
        async with turn(rig.ledger, BOOKS, rig.clock) as others:
            others.orders["at-others"] = None
        return sent

    monkeypatch.setattr(OandaBroker, "_begin", slow)
    with pytest.raises(BrokerSilent, match="the turn at the books was lost"):
        await rig.broker().submit(rig.order())
    assert rig.account.log == []
    assert await rig.broker().look_up(rig.order().client_id) == NotFound(proven=True)


# ---- exits


@pytest.mark.parametrize("left", ["0", "0.04"])
@pytest.mark.parametrize("kind", AFTER)
async def test_a_close_whose_answer_was_lost_ends_once(rig: Rig, kind: str, left: str) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.server.faults = [("PUT trades/close", kind)]
    with pytest.raises(BrokerSilent):
        await hasty(rig).close(fill.broker_id, volume_left=D(left), client_id="pc-1")
    change = await rig.broker().look_up_change("pc-1")
    assert isinstance(change, PositionChange)
    assert (change.volume_left, change.price) == (D(left), D("1.10000"))
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert trade.volume == change.volume_closed == D("0.10") - D(left)
    assert abs(rig.account.trades[fill.broker_id].left) == D(left) * 100_000


@pytest.mark.parametrize("kind", BEFORE)
async def test_a_close_that_was_lost_is_absent_in_its_time(rig: Rig, kind: str) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.server.faults = [("PUT trades/close", kind)]
    with pytest.raises(BrokerSilent):
        await rig.broker().close(fill.broker_id, volume_left=D("0.04"), client_id="pc-1")
    assert await rig.broker().look_up_change("pc-1") == NotFound(proven=False)
    # Until it is known, no other part is closed: both might be.
    with pytest.raises(BrokerRefused, match="is being closed"):
        await rig.broker().close(fill.broker_id, volume_left=D("0.04"), client_id="pc-2")
    rig.shift += timedelta(seconds=63)
    assert await rig.broker().look_up_change("pc-1") == NotFound(proven=True)
    change = await rig.broker().close(fill.broker_id, volume_left=D("0.04"), client_id="pc-3")
    assert change.volume_closed == D("0.06")
    assert rig.account.trades[fill.broker_id].left == 4_000


async def test_a_close_that_arrives_while_it_is_looked_for_is_found(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.server.faults = [("PUT trades/close", "lose_before")]
    with pytest.raises(BrokerSilent):
        await rig.broker().close(fill.broker_id, volume_left=D("0.04"), client_id="pc-1")
    rig.shift += timedelta(seconds=63)
    since = rig.server._since

    def arrives(asked: Json, sent: Json) -> Json:
        """It is dealt after the log was read."""
        told = since(asked, sent)
        if rig.account.trades[fill.broker_id].left == 10_000:
            rig.account.close(fill.broker_id, "6000")
        return told

    monkeypatch.setattr(rig.server, "_since", arrives)
    assert isinstance(await rig.broker().look_up_change("pc-1"), PositionChange)


async def test_a_close_of_somebody_else_is_not_taken_for_a_lost_one_of_before(rig: Rig) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.account.close(fill.broker_id, "3000")
    rig.server.faults = [("PUT trades/close", "lose_before")]
    with pytest.raises(BrokerSilent):
        await rig.broker().close(fill.broker_id, volume_left=D("0.04"), client_id="pc-1")
    rig.shift += timedelta(seconds=63)
    assert await rig.broker().look_up_change("pc-1") == NotFound(proven=True)


async def test_a_stop_that_is_hit_while_a_close_is_asked_for_is_told(rig: Rig) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.account.quote("EUR_USD", "1.09700", "1.09710")
    with pytest.raises(BrokerRefused, match="is not open"):
        await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-1")
    (trade,) = await rig.broker().closed_since(BEGINNING)
    assert trade.reason == "stop_loss"


@pytest.mark.parametrize("kind", [*AFTER, *BEFORE])
async def test_a_move_is_known_to_be_made_or_not(rig: Rig, kind: str) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.server.faults = [("PUT trades/orders", kind)]
    with pytest.raises(BrokerSilent):
        await hasty(rig).modify(
            fill.broker_id, stop_loss=D("1.09900"), take_profit=(D("1.105"),), client_id="pm-1"
        )
    if kind in BEFORE:
        assert await rig.broker().look_up_change("pm-1") == NotFound(proven=False)
        with pytest.raises(BrokerRefused, match="is being changed"):
            await rig.broker().modify(fill.broker_id, stop_loss=D("1.099"), client_id="pm-2")
    rig.shift += timedelta(seconds=63)
    change = await rig.broker().look_up_change("pm-1")
    (position,) = await rig.broker().positions()
    if kind in BEFORE:
        assert change == NotFound(proven=True)
        assert (position.stop_loss, position.take_profit) == (D("1.09800"), D("1.10400"))
    else:
        assert isinstance(change, PositionChange)
        assert (position.stop_loss, position.take_profit) == (D("1.09900"), D("1.10500"))


async def test_an_exit_waits_for_no_level(rig: Rig) -> None:
    fill = await rig.broker().submit(rig.order())
    rig.server.faults = [("PUT trades/orders", "lose_before")]
    with pytest.raises(BrokerSilent):
        await rig.broker().modify(fill.broker_id, stop_loss=D("1.09900"), client_id="pm-1")
    await rig.broker().close(fill.broker_id, volume_left=D(0), client_id="pc-1")
    rig.shift += timedelta(seconds=63)
    assert await rig.broker().look_up_change("pm-1") == NotFound(proven=True)


async def test_a_move_of_which_a_part_was_made_is_no_refusal(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documents do not say that both levels are moved or none."""
    fill = await rig.broker().submit(rig.order())
    account = rig.account
    levels = account.levels

    def halfway(number: str, told: dict[str, dict[str, str]]) -> object:
        levels(number, {"stopLoss": told["stopLoss"]})
        account.products["EUR_USD"].bid = D("1.10350")
        return levels(number, {"takeProfit": told["takeProfit"]})

    monkeypatch.setattr(account, "levels", halfway)
    with pytest.raises(BrokerSilent, match="a part of it was done"):
        await rig.broker().modify(
            fill.broker_id, stop_loss=D("1.099"), take_profit=(D("1.103"),), client_id="pm-1"
        )
    rig.shift += timedelta(seconds=63)
    assert await rig.broker().look_up_change("pm-1") == NotFound(proven=True)
    (position,) = await rig.broker().positions()
    assert (position.stop_loss, position.take_profit) == (D("1.09900"), D("1.10400"))


async def test_a_caller_that_loses_patience_leaves_it_to_the_next(rig: Rig) -> None:
    rig.server.faults = [("POST orders", "late")]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(rig.broker().submit(rig.order()), 0.25)
    assert isinstance(await rig.broker().look_up(rig.order().client_id), Found)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_storm_of_faults_doubles_nothing_and_leaves_nothing_open(
    rig: Rig, seed: int
) -> None:
    made = await storm(rig, seed=seed, orders=25)
    assert made.violations == []
    assert made.counts["faults"] > 20
    assert made.counts["ended acked"] > 3
    assert made.counts["ended absent"] + made.counts["ended rejected"] > 3
    assert made.counts["ended unknown"] == 0
