"""Backtests over HTTP."""

from uuid import UUID

from bot.backtest_jobs import Player
from tests.integration.conftest import ANN, EVE, LUIS
from tests.web import Web

WANTED = {
    "symbol": "EURUSD", "timeframe": "H1", "strategy": "EMA trend",
    "since": "2017-12-01T00:00:00Z", "costs": {"spread_pips": 1.5}, "starting_balance": 5000,
}  # fmt: skip


async def test_a_backtest_is_started_played_and_read(web: Web) -> None:
    status, told = await web.ask(LUIS, "POST", "/v1/backtests", json=WANTED)
    assert (status, told["state"]) == (201, "waiting")
    status, same = await web.ask(LUIS, "POST", "/v1/backtests", json=WANTED)
    assert (status, same["id"]) == (200, told["id"])
    await Player(world=web.desk.world)()
    status, read = await web.ask(LUIS, "GET", f"/v1/backtests/{told['id']}")
    assert (status, read["state"], read["problem"]) == (200, "done", None)
    report = read["report"]
    assert report["plan"]["costs"]["spread_pips"] == "1.5"
    assert report["plan"]["balance"] == "5000"
    assert len(report["hash"]) == 64
    assert report["metrics"]["trades"] == len(report["trades"])
    assert (await web.ask(LUIS, "GET", "/v1/backtests"))[1][0]["id"] == told["id"]
    assert (await web.ask(ANN, "GET", f"/v1/backtests/{told['id']}"))[0] == 404
    assert (await web.ask(ANN, "GET", "/v1/backtests"))[1] == []


async def test_one_that_waits_is_cancelled(web: Web) -> None:
    _, told = await web.ask(LUIS, "POST", "/v1/backtests", json=WANTED)
    status, told = await web.ask(LUIS, "POST", f"/v1/backtests/{told['id']}/cancel")
    assert (status, told["state"], told["cancelled"]) == (200, "cancelled", True)


async def test_what_cannot_be_played_is_refused_at_once(web: Web) -> None:
    for change, word in (
        ({"symbol": "GBPUSD"}, "GBPUSD"),
        ({"strategy": "nobody"}, "nobody"),
        ({"settings": {"luck": "1"}}, "luck"),
        ({"until": "2016-01-01T00:00:00Z"}, "period"),
    ):
        status, body = await web.ask(LUIS, "POST", "/v1/backtests", json={**WANTED, **change})
        assert status == 400, body
        assert word in body["error"]["message"]
    assert (await web.ask(EVE, "POST", "/v1/backtests", json=WANTED))[0] == 403
    assert (await web.ask(LUIS, "GET", f"/v1/backtests/{UUID(int=1)}"))[0] == 404
