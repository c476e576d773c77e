"""The decision history, the dashboard and the lists over HTTP."""

from typing import Any
from uuid import UUID

import pytest

from engine.domain.decision import Action
from tests.integration.conftest import ANN, EVE, LUIS
from tests.integration.test_api_ideas import approve
from tests.web import Web

PATH = "/v1/ai/history"
DOCUMENTED = [
    "id", "occurred_at", "symbol", "action", "rationale", "confidence_score", "risk_check_result",
    "strategy_id", "trade_idea_id", "snapshot_ref", "human_override",
]  # fmt: skip


async def get(web: Web, path: str) -> Any:
    status, body = await web.ask(EVE, "GET", path)
    assert status == 200, body
    return body


async def test_records_are_told_to_the_letter_and_in_pages(web: Web) -> None:
    idea = await web.desk.until_idea()
    await approve(web, LUIS, idea)
    everything = await get(web, PATH)
    assert [list(line)[: len(DOCUMENTED)] for line in everything] == [DOCUMENTED] * len(everything)
    assert [line["action"] for line in reversed(everything) if line["action"] != "no_trade"] == (
        await web.desk.actions()
    )
    approved = next(line for line in everything if line["action"] == "human_approved")
    assert approved["human_override"] is True
    assert approved["trade_idea_id"] == str(idea.id)
    assert approved["confidence_score"] == float(idea.confidence.score)
    assert approved["occurred_at"].endswith("Z")

    found, path = [], f"{PATH}?limit=2&symbol=EURUSD"
    while path:
        answer = await web.answer(EVE, "GET", path)
        page = await answer.json()
        found += page
        path = answer.headers.get("Link", "").partition("<")[2].partition(">")[0]
        assert len(page) == 2 or not path
    assert found == [line for line in everything if line["symbol"] == "EURUSD"]
    assert await get(web, f"{PATH}?action=human_approved") == [approved]
    for wrong in ("action=nothing", "limit=0", "limit=501", "symbol=%20", "before=0", "page=2"):
        assert (await web.ask(EVE, "GET", f"{PATH}?{wrong}"))[0] == 400

    events = await get(web, "/v1/events?type=human_approved")
    assert [event["id"] for event in events] == [approved["number"]]
    assert events[0]["message"] == approved["rationale"]
    mine = await get(web, f"/v1/events?trade_idea_id={idea.id}&limit=500")
    assert {event["trade_idea_id"] for event in mine} == {str(idea.id)}
    assert len(mine) >= 4


async def test_a_record_shows_what_was_seen_and_is_computed_again(web: Web) -> None:
    idea = await web.desk.until_idea()
    proposed = (await get(web, f"{PATH}?action=ai_proposed"))[0]
    full = await get(web, f"{PATH}/{proposed['id']}")
    assert full["number"] == proposed["number"]
    assert full["hash"].startswith(UUID(proposed["id"]).hex)
    assert full == await get(web, f"{PATH}/{proposed['number']}")

    seen = await get(web, f"{PATH}/{proposed['id']}/snapshot")
    async with web.desk.world.store.begin() as tx:
        bundle = await tx.bundles.get(idea.bundle_hash)
    assert list(seen) == ["market", "calendar", "account", "prediction"]
    assert list(seen["market"]) == ["symbol", "timeframe", "price", "indicators"]
    last = bundle.candles[-1]
    assert seen["market"]["price"] == {
        name: float(getattr(last, name)) for name in ("open", "high", "low", "close")
    }
    assert list(seen["market"]["indicators"])[:2] == ["rsi_14", "atr"]
    assert seen["market"]["indicators"]["atr"] == float(bundle.indicators.atr_14 or 0)
    assert seen["account"]["balance"] == float(bundle.account.balance)
    assert len(seen["calendar"]) == len(bundle.calendar.events)
    for told, event in zip(seen["calendar"], bundle.calendar.events, strict=True):
        assert list(told)[:5] == [
            "event_time", "currency", "impact_level", "title", "minutes_until_release",
        ]  # fmt: skip
        passed = (event.time - bundle.instant).total_seconds() / 60
        assert told["minutes_until_release"] <= passed < told["minutes_until_release"] + 1

    replay = f"{PATH}/{proposed['number']}/replay"
    status, again = await web.ask(EVE, "POST", replay, json={})
    assert (status, again["equal"], again["what_if"]) == (200, True, None)
    changes = {"changes": {"min_confidence_threshold": 100, "max_lot_size": 0.01}}
    status, other = await web.ask(EVE, "POST", replay, json=changes)
    assert (status, other["equal"]) == (200, True)
    assert other["what_if"]["checks"]
    wrong = await web.ask(EVE, "POST", replay, json={"changes": {"lots": 1}})
    assert wrong[0] == 400


async def test_what_is_not_there_is_said_with_its_own_code(web: Web) -> None:
    await web.desk.talk.change_control.pause(ANN.id)
    halted = (await get(web, f"{PATH}?action=ai_halted"))[0]
    assert (halted["symbol"], halted["snapshot_ref"]) == (None, None)
    status, body = await web.ask(EVE, "GET", f"{PATH}/{halted['id']}/snapshot")
    assert (status, body["error"]["code"]) == (404, "SNAPSHOT_NOT_FOUND")
    for wanted in ("00000000-0000-0000-0000-000000000001", "999999"):
        for method, path in (("GET", wanted), ("POST", f"{wanted}/replay")):
            status, body = await web.ask(EVE, method, f"{PATH}/{path}", json={})
            assert (status, body["error"]["code"]) == (404, "NOT_FOUND")
    assert (await web.ask(EVE, "GET", f"{PATH}/nothing"))[0] == 400


async def test_the_dashboard_and_the_account_are_what_the_venue_and_the_control_say(
    web: Web,
) -> None:
    idea = await web.desk.until_idea()
    shown = await get(web, "/v1/dashboard/summary")
    account = await web.desk.world.broker.account()
    assert shown["account"]["equity"] == float(account.equity)
    assert (shown["ai_trading_enabled"], shown["halt_reason"]) == (True, None)
    assert (shown["state"], shown["mode"], shown["ideas_waiting"]) == ("running", "supervised", 1)
    assert shown["today"]["profit"] == float(account.equity) - shown["today"]["start_equity"]
    (watched, *_) = shown["watched"]
    assert watched["symbol"] == "EURUSD"
    assert watched["atr"] > 0
    assert watched["spread"] > 0

    await approve(web, LUIS, idea)
    await web.desk.talk.change_control.pause(LUIS.id)
    shown = await get(web, "/v1/dashboard/summary")
    assert shown["account"]["open_positions"] == 1
    assert (shown["ai_trading_enabled"], shown["halt_reason"]) == (False, "paused_by_person")
    book = await get(web, "/v1/account")
    assert list(book)[:6] == [
        "balance", "equity", "margin_used", "margin_free", "open_pl", "open_positions",
    ]  # fmt: skip
    (held,) = book["open_positions"]
    assert (held["symbol"], held["idea"]) == ("EURUSD", idea.number)
    assert held["take_profit"] == [float(price) for price in idea.proposal.take_profit]
    assert await get(web, "/v1/trading/positions") == [held]
    assert await get(web, "/v1/trading/position?symbol=EURUSD") == [held]
    assert await get(web, "/v1/trading/position?symbol=XAUUSD") == []


async def test_orders_fills_equity_and_figures_are_of_what_was_traded(web: Web) -> None:
    idea = await web.desk.until_idea()
    _, done = await approve(web, LUIS, idea)
    (order,) = await get(web, "/v1/trading/orders")
    assert (order["mt5_order_id"], order["status"]) == (done["mt5_order_id"], "acked")
    assert order["idea_id"] == str(idea.id)
    assert await get(web, "/v1/trading/orders?status=rejected") == []
    (fill,) = await get(web, "/v1/trading/fills")
    assert (fill["order_id"], fill["price"]) == (order["id"], order["filled_price"])
    assert fill["lot_size"] == order["lot_size"]

    for _ in range(200):
        await web.desk.next_candle()
        await web.desk.send_all()
        if str(Action.POSITION_CLOSED) in await web.desk.actions():
            break
    curve = await get(web, "/v1/trading/equity/history?limit=2")
    assert len(curve) == 2
    assert curve[0]["time"] > curve[1]["time"]
    answer = await web.answer(EVE, "GET", "/v1/trading/equity/history?limit=1")
    link = answer.headers["Link"].partition("<")[2].partition(">")[0]
    assert await get(web, link) == curve[1:]

    analysis = await get(web, "/v1/analysis?range=month")
    (trade,) = analysis["trades"]
    assert analysis["figures"]["trades"] == 1
    assert analysis["figures"]["total_pl"] == trade["closed_pl"]
    assert analysis["curve"][-1]["balance"] - analysis["curve"][0]["balance"] == (
        pytest.approx(trade["closed_pl"])
    )
    assert await get(web, "/v1/trading/metrics") == analysis["figures"]
    days = f"first={analysis['first_day']}&last={analysis['last_day']}"
    assert (await get(web, f"/v1/analysis?{days}"))["trades"] == [trade]
    for wrong in (f"range=week&{days}", "first=2026-01-01", "range=year"):
        assert (await web.ask(EVE, "GET", f"/v1/analysis?{wrong}"))[0] == 400


async def test_the_data_of_the_world_is_told(web: Web) -> None:
    await web.desk.next_candle()
    calendar = await get(web, "/v1/data/calendar")
    assert "USD" in calendar["currencies"]
    assert calendar["events"] == sorted(calendar["events"], key=lambda event: event["event_time"])
    shown = await get(web, "/v1/data/indicators")
    assert (shown["symbol"], list(shown["indicators"])[:2]) == ("EURUSD", ["rsi_14", "atr"])
    assert shown == await get(web, "/v1/data/indicators?symbol=EURUSD")
    assert (await web.ask(EVE, "GET", "/v1/data/indicators?symbol=GBPJPY"))[0] == 400
    for headline in await get(web, "/v1/data/news"):
        assert list(headline) == ["published_at", "source", "headline", "symbols"]
