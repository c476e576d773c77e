"""Models, trainings and generated signals over HTTP, in the shapes of source 003."""

from decimal import Decimal

from engine.domain.market import Timeframe
from tests.integration.conftest import ANN, EVE, LUIS
from tests.models import play_to, registered, trained
from tests.web import Web

WANTED = {"symbol": "EURUSD", "timeframe": "H1"}


async def test_a_training_is_asked_for_looked_at_and_cancelled(web: Web) -> None:
    status, told = await web.ask(LUIS, "POST", "/v1/trainings", json={**WANTED, "trees": 20})
    assert (status, told["state"], told["percent"]) == (202, "queued", 0)
    id_ = told["id"]
    again = await web.ask(LUIS, "POST", "/v1/trainings", json=WANTED)
    assert again == (202, told)
    assert (await web.ask(EVE, "GET", f"/v1/trainings/{id_}"))[1] == told
    assert (await web.ask(EVE, "GET", "/v1/trainings"))[1] == [told]
    assert (await web.ask(EVE, "POST", f"/v1/trainings/{id_}/cancel"))[0] == 403
    for was_open in (True, False):
        answer = await web.ask(LUIS, "POST", f"/v1/trainings/{id_}/cancel")
        assert answer == (200, {"status": "ok", "was_open": was_open})
    assert (await web.ask(EVE, "GET", f"/v1/trainings/{id_}"))[1]["state"] == "cancelled"
    assert (await web.ask(EVE, "GET", "/v1/trainings/999"))[0] == 404
    unknown = await web.ask(LUIS, "POST", "/v1/trainings", json={**WANTED, "symbol": "GBPUSD"})
    assert unknown[0] == 404
    for wrong in ({"trees": 5}, {"depth": 99}, {"trees": "20"}, {"timeframe": "H9"}, {"x": 1}):
        assert (await web.ask(LUIS, "POST", "/v1/trainings", json=WANTED | wrong))[0] == 400


async def test_a_model_is_let_in_by_an_admin_and_told_with_its_numbers(web: Web) -> None:
    model = await registered(web.desk, approved=False)
    status, (told,) = await web.ask(EVE, "GET", "/v1/models")
    assert (status, told["status"], told["name"]) == (200, "candidate", "rf_h1_v1")
    assert (told["hash"], told["data_hash"]) == (trained().hash, trained().report.data_hash)
    assert told["metrics"]["auc"] == float(trained().report.score.auc)
    assert len(told["features"]) == 15
    path = f"/v1/models/{model.id}"
    assert (await web.ask(EVE, "GET", path)) == (200, told)
    assert (await web.ask(LUIS, "POST", f"{path}/approve"))[0] == 403
    status, approved = await web.ask(ANN, "POST", f"{path}/approve")
    assert (status, approved["status"], approved["decided_by"]) == (
        200, "approved", f"person:{ANN.id}",
    )  # fmt: skip
    await play_to(web.desk, 2_500)
    status, drift = await web.ask(EVE, "GET", f"{path}/drift")
    assert (status, drift["rows"], len(drift["features"])) == (200, 500, 15)
    assert (await web.ask(ANN, "POST", f"{path}/retire"))[1]["status"] == "retired"
    assert (await web.ask(EVE, "GET", "/v1/models/999"))[0] == 404
    await registered(web.desk, approved=False)
    answer = await web.answer(EVE, "GET", "/v1/models?limit=1")
    assert f"before={model.id + 1}" in answer.headers["Link"]
    assert (await web.ask(EVE, "GET", f"/v1/models?before={model.id + 1}"))[1][0]["id"] == model.id


async def test_a_signal_is_generated_in_the_shape_of_the_source(web: Web) -> None:
    path = "/v1/signals/generate"
    status, told = await web.ask(LUIS, "POST", path, json=WANTED)
    assert (status, told["error"]["code"]) == (409, "NOT_SET_UP")
    await registered(web.desk)
    assert (await web.ask(LUIS, "POST", path, json={**WANTED, "timeframe": "M1"}))[0] == 409
    assert (await web.ask(EVE, "POST", path, json=WANTED))[0] == 403
    between = made = None
    for count in range(2_000, 3_400, 20):
        await play_to(web.desk, count)
        status, told = await web.ask(LUIS, "POST", path, json={**WANTED, "force": False})
        assert status == 200
        if told["success"]:
            made = made or told
        else:
            between = told
            forced = (await web.ask(LUIS, "POST", path, json={**WANTED, "force": True}))[1]
            assert forced["success"]
            assert forced["signal"]["side"] == ("BUY" if told["probability"] >= 0.5 else "SELL")
            if made:
                break
    assert between is not None
    assert between["signal"] is None
    assert 0.45 < between["probability"] < 0.55
    assert made is not None
    assert made["message"] == "Signal generated and added to queue"
    signal = made["signal"]
    assert list(signal) == [
        "signal_id", "symbol", "timeframe", "side", "confidence", "sl_pips", "tp_pips", "timestamp",
    ]  # fmt: skip
    assert (signal["symbol"], signal["timeframe"]) == ("EURUSD", "H1")
    assert signal["side"] in ("BUY", "SELL")
    assert signal["confidence"] >= 0.55
    assert Decimal(str(signal["tp_pips"])) == 2 * Decimal(str(signal["sl_pips"]))
    assert signal["timestamp"].endswith("Z")
    status, queue = await web.ask(EVE, "GET", "/v1/signals/queue-status")
    assert queue["queue_status"]["PENDING"]["count"] >= 2
    async with web.desk.world.store.begin() as tx:
        assert ("EURUSD", Timeframe.H1) in await tx.models.approved()
