"""Sweeps over HTTP."""

from uuid import UUID

from bot.playing import PlayApart
from engine.research.sweeping import WorkSweep
from tests.integration.conftest import ANN, EVE, LUIS
from tests.web import Web

WANTED = {
    "symbol": "EURUSD", "timeframe": "H1", "strategy": "EMA trend",
    "since": "2017-12-01T00:00:00Z", "until": "2017-12-15T00:00:00Z",
    "axes": [{"path": "exit_rules.stop_loss", "values": ["1.2 * atr", "1.8 * atr"]}],
}  # fmt: skip


async def test_a_sweep_is_started_played_and_read(web: Web) -> None:
    status, told = await web.ask(LUIS, "POST", "/v1/sweeps", json=WANTED)
    assert (status, told["state"], told["total"]) == (202, "running", 3)
    status, same = await web.ask(ANN, "POST", "/v1/sweeps", json=WANTED)
    assert (status, same["id"]) == (202, told["id"])
    store = web.desk.world.store
    work = WorkSweep(store=store, play=PlayApart(web.desk.world))
    while await work() is not None:
        pass
    status, read = await web.ask(EVE, "GET", f"/v1/sweeps/{told['id']}")
    assert (status, read["state"], read["done"], read["failed"]) == (200, "done", 3, 0)
    assert len(read["result"]) == 64
    profits = [run["profit"] for run in read["runs"]]
    assert profits == sorted(profits, reverse=True)
    assert {"exit_rules.stop_loss": "1.8 * atr"} in [run["values"] for run in read["runs"]]
    assert {} in [run["values"] for run in read["runs"]]
    assert (await web.ask(EVE, "GET", "/v1/sweeps"))[1][0]["id"] == told["id"]


async def test_one_that_is_cancelled_goes_on_when_it_is_asked_for_again(web: Web) -> None:
    _, told = await web.ask(LUIS, "POST", "/v1/sweeps", json=WANTED)
    assert (await web.ask(EVE, "POST", f"/v1/sweeps/{told['id']}/cancel"))[0] == 403
    status, ended = await web.ask(LUIS, "POST", f"/v1/sweeps/{told['id']}/cancel")
    assert (status, ended["state"]) == (200, "cancelled")
    _, again = await web.ask(LUIS, "POST", "/v1/sweeps", json=WANTED)
    assert again == told


async def test_what_cannot_be_varied_is_refused_at_once(web: Web) -> None:
    axis = WANTED["axes"][0]
    for change, word in (
        ({"symbol": "GBPUSD"}, "GBPUSD"),
        ({"strategy": "nobody"}, "nobody"),
        ({"axes": [axis, axis]}, "twice"),
        ({"most": 257}, "most"),
    ):
        status, body = await web.ask(LUIS, "POST", "/v1/sweeps", json={**WANTED, **change})
        assert status == 400, body
        assert word in str(body["error"])
    assert (await web.ask(EVE, "POST", "/v1/sweeps", json=WANTED))[0] == 403
    assert (await web.ask(LUIS, "GET", f"/v1/sweeps/{UUID(int=1)}"))[0] == 404
