"""Orders by hand over HTTP (source 001): the gate sizes and refuses, and a key is one order."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from bot.api.acts import build_acts
from bot.i18n import words_for
from bot.settings import Settings
from bot.views.card import card
from engine.domain.idea import IdeaStatus
from engine.domain.order import Order, OrderState
from engine.domain.person import Role
from engine.domain.state import Mode
from engine.flow.overview import story
from engine.flow.replay import ReplayDecision, ReplayHistory
from storage.models import OutboxRow
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.integration.test_api_ideas import with_a_worker
from tests.web import Web, serve

PATH = "/v1/trading/live/order"


async def wanted(desk: Desk, **others: Any) -> dict[str, Any]:
    """A buy whose stop is 40 pips away and whose target is twice as far."""
    quote = await desk.world.market.quote("EURUSD")
    assert quote is not None
    body = {
        "symbol": "EURUSD",
        "direction": "buy",
        "stop_loss": float(quote.ask - Decimal("0.0040")),
        "take_profit": [float(quote.ask + Decimal("0.0080"))],
        "idempotency_key": "first",
    }
    return {name: value for name, value in {**body, **others}.items() if value is not None}


async def traded(desk: Desk) -> list[str]:
    """The history but for the keys of this test."""
    return [action for action in await desk.actions() if action != "access_changed"]


async def order(web: Web, who: Any, body: dict[str, Any]) -> Any:
    return await with_a_worker(web.desk, web.ask(who, "POST", PATH, json=body))


async def orders(desk: Desk) -> list[Order]:
    async with desk.world.store.begin() as tx:
        return [one for state in OrderState for one in await tx.orders.in_state(state)]


async def test_an_order_by_hand_lives_as_every_other_order_does(web: Web) -> None:
    body = await wanted(web.desk, lot_size=0.1, reason="a break of the range", entry_type="market")
    status, told = await order(web, LUIS, body)
    assert (status, told["status"], told["mode"]) == (200, "executed", "PAPER")
    assert (told["lot_size"], told["order"]["status"]) == (0.1, "acked")
    assert told["risk_money"] == pytest.approx(40, abs=0.5)
    # Supervised: what only asks a person was answered by ordering.
    assert [one["code"] for one in told["closed"]] == ["mode"]
    assert await traded(web.desk) == [
        "human_proposed", "human_approved", "order_sending", "order_filled",
    ]  # fmt: skip
    (made,) = await orders(web.desk)
    assert made.take_profit == (Decimal(str(body["take_profit"][0])),)
    (held,) = await web.desk.world.broker.positions()
    assert (held.client_id, held.volume) == (made.client_id, Decimal("0.1"))

    async with web.desk.world.store.begin() as tx:
        found = await story(tx, told["idea"])
        records = await tx.history.list(idea_id=found.idea.id, limit=10)
    entry = records[-1].entry
    assert (entry.actor, entry.human_override) == (f"person:{LUIS.id}", True)
    assert entry.rationale == "+ by_hand a break of the range: Luis"
    assert (found.idea.status, found.approval.decided_by) == (IdeaStatus.APPROVED, LUIS.id)  # type: ignore[union-attr]
    shown = card(words_for("de"), found, is_live=False, role=Role.TRADER)
    assert "von Hand geordert: Luis" in (shown.text or "")
    assert {row.kind for row in await OutboxRow.all()} == {"idea", "card"}


async def test_what_was_ordered_by_hand_is_computed_again_bit_for_bit(web: Web) -> None:
    _, told = await order(web, LUIS, await wanted(web.desk))
    assert told["status"] == "executed"
    seen = [one async for one in ReplayHistory(store=web.desk.world.store)()]
    replays = [one for _, one in seen if not isinstance(one, Exception)]
    assert len(replays) == 3
    assert [one.differences for one in replays] == [(), (), ()]
    proposed = next(one for one in replays if one.decision.entry.action == "human_proposed")
    again = await ReplayDecision(store=web.desk.world.store)(
        proposed.decision.seq, {"max_lot_size": "0.01"}
    )
    assert again.what_if is not None
    assert again.what_if.sizing is not None
    assert again.what_if.sizing.volume == Decimal("0.01")


async def test_without_a_size_the_limits_size_it(web: Web) -> None:
    _, told = await order(web, ANN, await wanted(web.desk))
    assert told["status"] == "executed"
    async with web.desk.world.store.begin() as tx:
        _, risk = await tx.settings.risk()
    assert 0 < told["risk_percent"] <= risk.risk_per_trade_percent


async def test_the_same_key_is_one_order_whoever_is_how_quick(web: Web) -> None:
    body = await wanted(web.desk, lot_size=0.1)
    asked = [web.ask(LUIS, "POST", PATH, json=body) for _ in range(4)]
    found = await with_a_worker(web.desk, asyncio.gather(*asked))
    assert [status for status, _ in found] == [200] * 4
    assert len({told["idea"] for _, told in found}) == 1
    (made,) = await orders(web.desk)
    assert {told["mt5_order_id"] for _, told in found} == {int(made.broker_id or 0)}
    # Much later, too; and the price that it is asked at does not count any more.
    await web.desk.next_candle()
    assert (await order(web, LUIS, body))[1]["mt5_order_id"] == int(made.broker_id or 0)
    for other in (
        {"lot_size": 0.2}, {"direction": "sell"}, {"reason": "other"}, {"lot_size": None},
    ):  # fmt: skip
        changed = {k: v for k, v in {**body, **other}.items() if v is not None}
        status, told = await order(web, LUIS, changed)
        assert (status, told["error"]["code"]) == (409, "CONFLICT"), other
    assert len(await orders(web.desk)) == 1
    # The same key of somebody else is an order of theirs, which finds the first one in its way.
    status, told = await order(web, ANN, body)
    assert (status, told["status"]) == (200, "blocked")
    assert len(await orders(web.desk)) == 1


async def refused(web: Web, **others: Any) -> str:
    """The check that closed."""
    body = await wanted(web.desk, **others)
    status, told = await order(web, LUIS, body)
    assert (status, told["status"], told["order"]) == (200, "blocked", None), told
    assert told["reason"] in [one["code"] for one in told["closed"]]
    # Asked again it is as it was.
    assert await order(web, LUIS, body) == (status, told)
    return str(told["reason"])


async def test_the_gate_refuses_by_hand_what_it_refuses_of_any_idea(web: Web) -> None:
    quote = await web.desk.world.market.quote("EURUSD")
    assert quote is not None
    near, far = float(quote.ask + Decimal("0.0010")), float(quote.ask + Decimal("0.0080"))
    assert await refused(web, idempotency_key="a", stop_loss=far) == "stop_loss"
    assert await refused(web, idempotency_key="b", direction="sell") == "stop_loss"
    assert await refused(web, idempotency_key="c", take_profit=[near]) == "reward_ratio"
    assert await refused(web, idempotency_key="d", lot_size=0.001) == "lot_size"
    price = float(quote.ask - Decimal("0.0060"))
    assert await refused(web, idempotency_key="e", entry_price=price) == "price_drift"
    await web.desk.change_risk(max_spread_pips=Decimal("0.1"))
    assert await refused(web, idempotency_key="f") == "spread"
    assert set(await traded(web.desk)) == {"risk_rejected"}
    assert await orders(web.desk) == []


async def test_nothing_is_ordered_by_hand_while_trading_is_stopped(web: Web) -> None:
    await web.desk.talk.change_control.stop(ANN.id)
    assert await refused(web) == "state"
    async with web.desk.world.store.begin() as tx:
        (idea,) = await tx.ideas.list(status=None, limit=5)
    assert idea.status is IdeaStatus.HALTED_BY_RISK
    assert await orders(web.desk) == []


async def test_a_stop_between_the_order_and_its_sending_holds(web: Web) -> None:
    body = await wanted(web.desk)
    asked = asyncio.ensure_future(web.ask(LUIS, "POST", PATH, json=body))
    async with asyncio.timeout(10):
        while not await orders(web.desk):  # noqa: ASYNC110 -- what another connection commits
            await asyncio.sleep(0.01)
    await web.desk.talk.change_control.stop(ANN.id)
    status, told = await with_a_worker(web.desk, asked)
    assert (status, told["status"]) == (200, "blocked")
    assert await web.desk.world.broker.positions() == ()
    assert [one.state for one in await orders(web.desk)] == [OrderState.CANCELLED]


async def test_a_viewer_another_account_and_an_unknown_symbol_order_nothing(web: Web) -> None:
    body = await wanted(web.desk)
    assert (await web.ask(EVE, "POST", PATH, json=body))[0] == 403
    status, told = await web.ask(LUIS, "POST", PATH, json={**body, "mode": "LIVE"})
    assert (status, told["error"]["code"]) == (409, "CONFLICT")
    status, told = await web.ask(LUIS, "POST", PATH, json={**body, "symbol": "GBPUSD"})
    assert (status, told["error"]["code"]) == (404, "NOT_FOUND")
    mistakes: tuple[dict[str, Any], ...] = (
        {"idempotency_key": None}, {"stop_loss": 0}, {"take_profit": []}, {"lots": 1},
    )  # fmt: skip
    for wrong in mistakes:
        changed = {k: v for k, v in {**body, **wrong}.items() if v is not None}
        assert (await web.ask(LUIS, "POST", PATH, json=changed))[0] == 400, wrong
    assert await traded(web.desk) == []


async def test_real_money_needs_its_checklist_by_hand_too(desk: Desk) -> None:
    from tests.integration.test_live import Told, as_live

    live = as_live(desk, Told())
    acts = build_acts(
        Settings(_env_file=None), live.world, live.bell, live.talk, None,  # type: ignore[arg-type, call-arg]
    )  # fmt: skip
    web = await serve(live, acts=acts)
    try:
        body = await wanted(live, mode="LIVE")
        status, told = await order(web, LUIS, body)
    finally:
        await web.close()
    assert (status, told["status"], told["mode"]) == (200, "blocked", "LIVE")
    assert told["reason"] == "live_checklist"
    assert await live.world.broker.positions() == ()


class TestAlone:
    """The same where ideas need nobody."""

    @pytest.fixture
    def mode(self) -> Mode:
        return Mode.AUTONOMOUS

    async def test_a_person_is_named_in_the_autonomous_mode_too(self, web: Web) -> None:
        _, told = await order(web, LUIS, await wanted(web.desk))
        assert (told["status"], told["closed"]) == ("executed", [])
        assert "human_approved" in await traded(web.desk)


def test_an_order_by_hand_is_told_apart_from_every_strategy() -> None:
    """Its id is none that a document could have."""
    from engine.strategies.by_hand import BY_HAND
    from engine.strategies.documents import slug, strategy_id

    assert BY_HAND not in {strategy_id(slug(name)) for name in ("By hand", "/by hand", "by-hand")}


@pytest.mark.parametrize("place", ["stop_loss", "take_profit"])
async def test_what_is_nothing_in_the_symbols_digits_is_no_price(web: Web, place: str) -> None:
    least = 0.000000001
    body = await wanted(web.desk, **{place: least if place == "stop_loss" else [least]})
    status, told = await web.ask(LUIS, "POST", PATH, json=body)
    assert (status, told["error"]["details"]["field"]) == (400, place)
    assert await traded(web.desk) == []
