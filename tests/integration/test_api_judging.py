"""Candles that somebody brings are judged like the market's own; and source 001's paper cycle."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.api.judging import CheckTold
from engine.domain.gate import Check
from engine.domain.idea import IdeaStatus
from engine.flow.judgement import consider
from tests.integration.conftest import EVE, LUIS, START, Desk
from tests.web import Web

#: Source 000, "Strategy Endpoint Payload", word for word, but for one candle more: with two of them
#: the timeframe can be told.
OF_SOURCE: dict[str, Any] = {
    "account_id": "paper-1",
    "symbol": "EURUSD",
    "spread_pips": 1.2,
    "candles": [
        {
            "time": f"2026-02-27T14:{minute}:00Z",
            "open": 1.0821,
            "high": 1.0829,
            "low": 1.0817,
            "close": 1.0826,
        }
        for minute in ("00", "15")
    ],
}
EVALUATE = "/v1/admin/strategy/evaluate"


async def seen(desk: Desk, count: int = 300) -> dict[str, Any]:
    """The market's last candles and its spread, as somebody sends them."""
    symbol, timeframe = desk.world.symbols[0]
    candles = await desk.world.market.candles(symbol, timeframe, count)
    quote = await desk.world.market.quote(symbol)
    assert quote is not None
    told = [
        {"time": c.time.isoformat(), "volume": c.volume}
        | {name: float(getattr(c, name)) for name in ("open", "high", "low", "close")}
        for c in candles
    ]
    return {"symbol": symbol, "spread_pips": float(quote.spread * 10_000), "candles": told}


async def count(desk: Desk) -> tuple[int, int]:
    """How many records and ideas there are."""
    async with desk.world.store.begin() as tx:
        ideas = await tx.ideas.list(status=None, limit=1_000)
        return len(await tx.history.list(limit=10_000)), len(ideas)


async def test_the_payload_of_source_000_is_taken_as_it_is(web: Web) -> None:
    status, told = await web.ask(LUIS, "POST", EVALUATE, json=OF_SOURCE)
    assert (status, told["has_signal"], told["signal"]) == (200, False, None)
    assert (told["timeframe"], told["instant"]) == ("M15", "2026-02-27T14:30:00Z")
    assert [one["strategy"] for one in told["strategies"]] == ["EMA trend M15"]
    assert told["strategies"][0]["reason"].startswith(("none:", "blocked:"))
    assert all(one["observed"] for one in told["strategies"][0]["checks"])

    # With its one candle, nothing can be computed, and there is no signal.
    single = {**OF_SOURCE, "candles": OF_SOURCE["candles"][:1]}
    status, told = await web.ask(LUIS, "POST", EVALUATE, json=single)
    assert (status, told["has_signal"], told["signal"]) == (200, False, None)
    assert (told["timeframe"], told["instant"]) == ("M15", "2026-02-27T14:15:00Z")
    (judged,) = told["strategies"]
    assert {one["observed"] for one in judged["conditions"] if one["required"]} == {"n/a"}
    ready = next(one for one in judged["checks"] if one["code"] == "data_ready")
    assert (ready["passed"], ready["observed"]) == (False, "1")
    # In the hours of the scalp, whose setup looks at two candles.
    five = {**single, "timeframe": "M5"}
    status, told = await web.ask(LUIS, "POST", EVALUATE, json=five)
    assert (status, told["has_signal"]) == (200, False)
    assert "setup_error" not in str(told)


async def test_a_setup_is_judged_as_the_loop_judges_it_and_nothing_is_kept(web: Web) -> None:
    desk = web.desk
    idea = await desk.until_idea()
    async with desk.world.store.begin() as tx:
        bundle = await tx.bundles.get(idea.bundle_hash)
    before, rung = await count(desk), len(desk.bell.rung)
    status, told = await web.ask(LUIS, "POST", EVALUATE, json=await seen(desk, 600))
    assert status == 200
    assert (told["has_signal"], told["instant"]) == (True, f"{bundle.instant:%Y-%m-%dT%H:%M:%SZ}")
    mine = next(o for o in told["strategies"] if o["strategy_id"] == str(idea.strategy_id))
    signal, proposal = mine["signal"], idea.proposal
    assert (signal["direction"], signal["entry"], signal["stop_loss"], signal["take_profit"]) == (
        proposal.direction,
        float(proposal.entry),
        float(proposal.stop_loss),
        [float(price) for price in proposal.take_profit],
    )
    assert signal["confidence"]["score"] == float(idea.confidence.score)
    parts = ("strategy_match", "market_risk", "account_comfort")
    assert sum(signal["confidence"][part] for part in parts) == signal["confidence"]["score"]

    # Every check is there, and says of this account what it says to the loop: the idea that waits
    # is now one of the day's.
    assert [one["code"] for one in mine["checks"]] == list(Check)
    strategy = next(s for s in bundle.strategies if s.id == idea.strategy_id)
    async with desk.world.store.begin() as tx:
        recent = await tx.ideas.recent(bundle.instant.replace(year=2000), bundle.instant)
    again = consider(strategy, replace(bundle, recent=recent))
    assert mine["checks"] == [
        CheckTold(code=c.code, passed=c.passed, observed=c.observed, limit=c.limit).model_dump(
            mode="json"
        )
        for c in again.checks
    ]
    assert (await count(desk), len(desk.bell.rung)) == (before, rung)


async def test_the_gate_refuses_with_what_it_saw_and_its_limit(web: Web) -> None:
    desk = web.desk
    await desk.until_idea()
    wide = {**await seen(desk), "spread_pips": 40}
    _, told = await web.ask(LUIS, "POST", "/v1/admin/signals/evaluate", json=wide)
    assert not told["has_signal"]
    spread = next(c for c in told["strategies"][0]["checks"] if c["code"] == "spread")
    assert (spread["passed"], spread["observed"]) == (False, "40.0")
    assert "blocked:spread" in [one["reason"] for one in told["strategies"]]


async def test_what_cannot_be_judged_is_said(web: Web) -> None:
    first, second = OF_SOURCE["candles"]
    for wrong, status in (
        ({"account_id": "another"}, 404),
        ({"symbol": "NOPE"}, 404),
        ({"candles": []}, 400),
        ({"candles": [first, {**second, "time": "2026-02-27T14:07:00Z"}]}, 400),
        ({"candles": [first, {**second, "time": "0001-01-01T00:00:00Z"}]}, 400),
        ({"candles": [first, {**second, "time": "2026-02-27T14:15:00"}]}, 400),
        ({"candles": [first, {**second, "high": 1.0}]}, 400),
        ({"candles": [first, {**second, "close": -1}]}, 400),
        ({"spread_pips": -1}, 400),
        ({"queue": True}, 400),
    ):
        found, body = await web.ask(LUIS, "POST", EVALUATE, json={**OF_SOURCE, **wrong})
        assert found == status, (wrong, body)
    assert (await web.ask(EVE, "POST", EVALUATE, json=OF_SOURCE))[0] == 403


async def test_a_candle_is_judged_now_and_once(web: Web) -> None:
    status, told = await web.ask(LUIS, "POST", "/v1/trading/paper/cycle")
    assert (status, told["state"], told["missing"]) == (200, "RUNNING", [])
    assert {one["action"] for one in told["decisions"]} <= {
        "no_trade", "ai_proposed", "risk_rejected",
    }  # fmt: skip
    records = (await count(web.desk))[0]
    assert len(told["decisions"]) >= 1
    assert told["decisions"][-1]["seq"] == records
    again = await web.ask(LUIS, "POST", "/v1/trading/paper/cycle")
    assert (again[1]["decisions"], (await count(web.desk))[0]) == ([], records)


async def test_ideas_of_a_cycle_wait_for_a_person(web: Web) -> None:
    desk = web.desk
    for _ in range(60):
        assert await desk.world.market.advance(lambda: START, timedelta(0)) is not None
        await desk.work.sync_broker()
        _, told = await web.ask(LUIS, "POST", "/v1/trading/paper/cycle")
        proposed = [one for one in told["decisions"] if one["action"] == "ai_proposed"]
        if proposed:
            break
    async with desk.world.store.begin() as tx:
        (idea,) = await tx.ideas.list(status=IdeaStatus.NEEDS_APPROVAL, limit=9)
    assert proposed[0]["trade_idea_id"] == str(idea.id)
    assert ("deliver",) in desk.bell.rung


async def test_no_cycle_by_hand_where_real_money_moves(web: Web) -> None:
    object.__setattr__(web.uses.acts.run_paper_cycle, "is_live", True)
    before = await count(web.desk)
    status, body = await web.ask(LUIS, "POST", "/v1/trading/paper/cycle")
    assert (status, body["error"]["code"]) == (409, "CONFLICT")
    assert await count(web.desk) == before
