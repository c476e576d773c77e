"""Ideas over HTTP: source 004 §6.4. Answers take effect once, and say how they ended."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from bot.api.reads import build_reads
from engine.domain.idea import Idea
from engine.domain.order import Order
from tests.builders import order
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.web import Web, serve

DOCUMENTED = [
    "id", "symbol", "direction", "entry_price", "stop_loss", "take_profit", "expected_hold",
    "rationale", "confidence_score", "status",
]  # fmt: skip


async def with_a_worker(desk: Desk, asked: Awaitable[Any]) -> Any:
    """Do what is rung for while somebody waits for their answer."""
    waiting = asyncio.ensure_future(asked)
    while not waiting.done():
        await desk.send_all()
        await asyncio.sleep(0.02)
    return await waiting


async def approve(web: Web, who: Any, idea: Idea, **body: Any) -> Any:
    path = f"/v1/ai/ideas/{idea.id}/approve"
    return await with_a_worker(web.desk, web.ask(who, "POST", path, json=body))


async def order_of(desk: Desk, idea: Idea) -> Order | None:
    async with desk.world.store.begin() as tx:
        return await tx.orders.of_idea(idea.id)


async def test_an_idea_is_approved_once_and_everybody_learns_by_whom(web: Web) -> None:
    idea = await web.desk.until_idea()
    status, (told,) = await web.ask(EVE, "GET", "/v1/ai/ideas/active")
    assert status == 200
    assert list(told)[: len(DOCUMENTED)] == DOCUMENTED
    assert (told["id"], told["status"]) == (str(idea.id), "needs_approval")
    assert told["take_profit"] == [float(price) for price in idea.proposal.take_profit]
    assert (told["number"], told["expires_at"][-1]) == (idea.number, "Z")

    size = round(float(idea.sizing.volume) - 0.01, 2)
    status, done = await approve(web, LUIS, idea, lot_size=size)
    made = await order_of(web.desk, idea)
    assert made is not None
    assert (status, done) == (200, {"status": "executed", "mt5_order_id": int(made.broker_id)})
    assert made.volume == Decimal(str(size))
    # The same person may ask again; somebody else learns who was first.
    assert await approve(web, LUIS, idea) == (200, done)
    status, body = await approve(web, ANN, idea)
    assert (status, body["error"]["code"]) == (409, "CONFLICT")
    assert body["error"]["details"]["answered_by"] == "Luis"
    assert (await web.ask(LUIS, "POST", f"/v1/ai/ideas/{idea.number}/reject"))[0] == 409
    assert (await web.desk.actions()).count("human_approved") == 1
    assert (await web.desk.actions()).count("order_filled") == 1

    _, (open_,) = await web.ask(EVE, "GET", "/v1/ai/ideas/active")
    assert (open_["status"], open_["expires_at"]) == ("approved", None)
    _, story = await web.ask(EVE, "GET", f"/v1/ai/ideas/{idea.number}")
    assert story["idea"]["id"] == str(idea.id)
    assert (story["answer"]["ending"], story["answer"]["answered_by"]) == ("approved", "Luis")
    assert story["order"]["mt5_order_id"] == done["mt5_order_id"]
    assert story["order"]["lot_size"] == float(made.volume)


async def test_a_size_is_at_most_the_cards_and_goes_down_to_the_step(web: Web) -> None:
    idea = await web.desk.until_idea()
    # The least is 0.01 lots. None of these ends the idea.
    for wrong in (float(idea.sizing.volume) + 0.01, 0, -1, "1", 0.001, 0.0099):
        status, body = await approve(web, LUIS, idea, lot_size=wrong)
        assert (status, body["error"]["code"]) == (400, "INVALID_INPUT"), wrong
    status, body = await approve(web, LUIS, idea, lot_size=0.0234)
    assert (status, body["status"]) == (200, "executed")
    made = await order_of(web.desk, idea)
    assert made is not None
    assert made.volume == Decimal("0.02")
    records = await web.ask(EVE, "GET", "/v1/ai/history?action=human_approved")
    path = f"/v1/ai/history/{records[1][0]['id']}/replay"
    status, again = await web.ask(EVE, "POST", path, json={})
    assert (status, again["equal"], again["differences"]) == (200, True, [])


async def test_a_full_book_blocks_with_source_004s_word(web: Web) -> None:
    await web.desk.change_risk(max_trades_per_direction=9, max_concurrent_trades=1)
    second = await web.desk.until_idea()
    async with web.desk.world.store.begin() as tx:
        await tx.orders.add(order(account_id=web.desk.world.broker.account_id))
    status, body = await approve(web, LUIS, second)
    assert status == 200
    assert body == {"status": "blocked", "reason": "max_concurrent_trades_exceeded"}
    assert await order_of(web.desk, second) is None
    assert (await web.desk.actions())[-1] == "risk_rejected"
    # Asked again, it is answered alike and nothing more is written.
    assert (await approve(web, LUIS, second))[1] == body
    assert (await web.desk.actions()).count("risk_rejected") == 1


async def test_a_rejected_idea_is_rejected_once(web: Web) -> None:
    idea = await web.desk.until_idea()
    path = f"/v1/ai/ideas/{idea.id}/reject"
    assert await web.ask(LUIS, "POST", path) == (200, {"status": "rejected"})
    assert await web.ask(LUIS, "POST", path) == (200, {"status": "rejected"})
    assert (await web.ask(ANN, "POST", path))[0] == 409
    assert (await approve(web, LUIS, idea))[0] == 409
    assert (await web.desk.actions()).count("human_rejected") == 1
    _, rejected = await web.ask(EVE, "GET", "/v1/ai/ideas?status=rejected")
    assert [one["id"] for one in rejected] == [str(idea.id)]
    assert (await web.ask(EVE, "GET", "/v1/ai/ideas?status=expired"))[1] == []
    assert (await web.ask(EVE, "GET", "/v1/ai/ideas/active"))[1] == []
    assert (await web.ask(LUIS, "POST", "/v1/ai/ideas/999/reject"))[0] == 404


async def test_while_no_worker_sends_the_answer_is_accepted(desk: Desk) -> None:
    reads = build_reads(desk.world, desk.talk)
    web = await serve(desk, reads=replace(reads, approve=replace(reads.approve, patience=0)))
    try:
        idea = await desk.until_idea()
        path = f"/v1/ai/ideas/{idea.id}/approve"
        answers = await asyncio.gather(
            *(web.ask(who, "POST", path, json={}) for who in (LUIS, ANN) * 4)
        )
        made = await order_of(desk, idea)
        assert made is not None
        accepted = {"status": "accepted", "order_id": made.client_id}
        won = [body for status, body in answers if status == 200]
        assert won == [accepted] * 4
        assert [body["error"]["code"] for status, body in answers if status == 409] == [
            "CONFLICT"
        ] * 4
        assert (await desk.actions()).count("human_approved") == 1
        await desk.send_all()
        status, done = await web.ask(LUIS if answers[0][0] == 200 else ANN, "POST", path, json={})
        assert (status, done["status"]) == (200, "executed")
    finally:
        await web.close()
