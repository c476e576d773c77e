"""Source 001's approvals over HTTP: listed, answered once, expired, and on record."""

import asyncio
from typing import Any

from engine.domain.state import TradingState
from tests.integration.conftest import ANN, EVE, LUIS
from tests.web import Web


async def approvals(web: Web, query: str = "") -> Any:
    status, told = await web.ask(EVE, "GET", f"/v1/ai/approvals{query}")
    assert status == 200, told
    return told


async def test_an_idea_that_waits_is_listed_and_approved_by_its_number(web: Web) -> None:
    idea = await web.desk.until_idea()
    (told,) = await approvals(web, "?status=pending")
    assert (told["id"], told["number"], told["status"]) == (str(idea.id), idea.number, "pending")
    assert (told["symbol"], told["entry_price"]) == ("EURUSD", float(idea.proposal.entry))
    assert await approvals(web, "?status=ended") == []

    path = f"/v1/ai/approvals/{idea.number}/approve"
    status, done = await web.ask(LUIS, "POST", path)
    assert (status, done["status"], done["effective"]) == (200, "approved", True)
    assert done["approval"]["decided_by"] == "Luis"
    await web.desk.send_all()
    assert (await web.desk.actions())[-3:] == ["human_approved", "order_sending", "order_filled"]
    assert [one["id"] for one in await approvals(web, "?status=ended")] == [str(idea.id)]

    again = await web.ask(ANN, "POST", f"/v1/ai/approvals/{idea.id}/reject")
    assert (again[0], again[1]["status"], again[1]["effective"]) == (200, "answered", False)
    assert again[1]["approval"]["status"] == "approved"


async def test_two_who_answer_at_once_have_one_effect(web: Web) -> None:
    idea = await web.desk.until_idea()
    answers = await asyncio.gather(
        *(
            web.ask(person, "POST", f"/v1/ai/approvals/{idea.id}/{answer}")
            for person in (ANN, LUIS)
            for answer in ("approve", "reject")
        )
    )
    assert [status for status, _ in answers] == [200] * 4
    assert [told["effective"] for _, told in answers].count(True) == 1
    actions = await web.desk.actions()
    assert actions.count("human_approved") + actions.count("human_rejected") == 1


async def test_an_approval_under_a_pause_is_blocked_by_name(web: Web) -> None:
    idea = await web.desk.until_idea()
    await web.desk.talk.change_control.pause(ANN.id)
    _, done = await web.ask(LUIS, "POST", f"/v1/ai/approvals/{idea.id}/approve")
    assert (done["status"], done["effective"], done["reason"]) == ("blocked", True, "state")
    assert done["approval"]["status"] == "halted"
    assert "order_sending" not in await web.desk.actions()


async def test_nobody_answers_what_is_not_there_or_is_not_theirs(web: Web) -> None:
    idea = await web.desk.until_idea()
    for path in ("999", "00000000-0000-0000-0000-000000000009"):
        assert (await web.ask(LUIS, "POST", f"/v1/ai/approvals/{path}/approve"))[0] == 404
    for path in ("0", "x", "-1"):
        assert (await web.ask(LUIS, "POST", f"/v1/ai/approvals/{path}/approve"))[0] == 400
    assert (await web.ask(EVE, "POST", f"/v1/ai/approvals/{idea.id}/approve"))[0] == 403
    assert [one["status"] for one in await approvals(web)] == ["pending"]


async def test_what_nobody_answered_expires(web: Web) -> None:
    idea = await web.desk.until_idea()
    path = "/v1/ai/approvals/expire-check"
    assert (await web.ask(LUIS, "POST", path))[1] == {
        "expired": [], "count": 0, "proposals": [],
    }  # fmt: skip
    async with web.desk.world.store.begin() as tx:
        asked = await tx.ideas.approval(idea.id)
        assert asked is not None
        await tx.ideas._connection.execute_query(
            "UPDATE approval SET expires_at = clock_timestamp() WHERE idea_id = $1", [idea.id]
        )
    assert (await web.ask(LUIS, "POST", path))[1] == {
        "expired": [str(idea.id)], "count": 1, "proposals": [],
    }  # fmt: skip
    assert [one["status"] for one in await approvals(web)] == ["expired"]
    assert (await web.desk.actions())[-1] == "idea_expired"


async def test_events_are_told_in_pages_newest_first(web: Web) -> None:
    idea = await web.desk.until_idea()
    await web.ask(LUIS, "POST", f"/v1/ai/approvals/{idea.id}/reject")
    await web.desk.talk.change_control.pause(ANN.id)
    found, path = [], "/v1/ai/events?limit=1"
    while path:
        answer = await web.answer(EVE, "GET", path)
        page = await answer.json()
        found += page
        link = answer.headers.get("Link", "")
        path = link[1:].partition(">")[0] if page and link else ""
    actions = [one["action"] for one in found]
    assert actions[:2] == ["human_rejected", "ai_proposed"]
    assert str(TradingState.PAUSED) not in str(actions)
    assert [one["seq"] for one in found] == sorted((o["seq"] for o in found), reverse=True)
    assert found[0]["trade_idea_id"] == str(idea.id)
    assert found[0]["human_override"]


async def test_a_page_of_approvals_names_the_next(web: Web) -> None:
    first = await web.desk.until_idea()
    await web.ask(LUIS, "POST", f"/v1/ai/approvals/{first.id}/reject")
    second = await web.desk.until_idea()
    answer = await web.answer(EVE, "GET", "/v1/ai/approvals?limit=1")
    assert [one["number"] for one in await answer.json()] == [second.number]
    assert answer.headers["Link"] == (
        f'</v1/ai/approvals?limit=1&before={second.number}>; rel="next"'
    )
    (told,) = await approvals(web, f"?limit=1&before={second.number}")
    assert told["number"] == first.number
