"""Questions over HTTP: answered from the record, or not at all."""

from dataclasses import replace

from bot.analyst_settings import ModelParts
from tests.asking import PARTS, STRANGE, confidence, wording_for
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.model_server import ChatSite
from tests.served import served as model
from tests.web import Web, serve

PATH = "/v1/ai/ask"


async def test_an_answer_has_its_figures_and_what_proves_them(web: Web) -> None:
    idea = await web.desk.until_idea()
    body = {"question": f"what is the confidence of idea {idea.number}?"}
    status, told = await web.ask(EVE, "POST", PATH, json=body)
    assert status == 200
    assert told["intent"] == "confidence"
    assert told["figures"]["score"] == f"{idea.confidence.score:f}"
    assert told["ideas"] == [idea.number]
    assert told["missing"] is None
    (number,) = told["decisions"]
    status, record = await web.ask(EVE, "GET", f"/v1/ai/history/{number}")
    assert (status, record["trade_idea_id"]) == (200, str(idea.id))
    assert f"Idea #{idea.number}" in told["text"]
    assert "<" not in told["text"]

    about = {"question": "who approved it?", "idea": idea.number, "language": "de"}
    status, told = await web.ask(LUIS, "POST", PATH, json=about)
    assert (status, told["figures"]["ending"]) == (200, "pending")
    assert f"Idee #{idea.number}" in told["text"]


async def test_what_is_not_understood_is_no_answer(web: Web) -> None:
    status, told = await web.ask(EVE, "POST", PATH, json={"question": "buy the moon"})
    assert (status, told["intent"], told["figures"], told["decisions"]) == (200, None, {}, [])
    assert len(told["choices"]) == 6
    status, told = await web.ask(EVE, "POST", PATH, json={"question": "refused in XAUUSD"})
    assert (status, told["missing"]) == (200, "nothing")
    for wrong in (
        {},
        {"question": ""},
        {"question": "x" * 301},
        {"question": "x", "language": "fr"},
        {"question": "x", "idea": 0},
        {"question": "x", "more": 1},
    ):
        assert (await web.ask(EVE, "POST", PATH, json=wrong))[0] == 400
    status, known = await web.ask(EVE, "GET", "/v1/ai/lookups")
    assert status == 200
    names = {one["name"]: one["parameters"] for one in known["lookups"]}
    assert names["threshold"]["required"] == ["number"]


async def test_more_questions_than_a_minute_has_are_put_off(web: Web) -> None:
    few = replace(web.desk.talk, ask=replace(web.desk.talk.ask, per_minute=2))
    served = await serve(replace(web.desk, talk=few))
    for wanted in (200, 200, 429):
        body = {"question": "is trading on?"}
        assert (await served.ask(ANN, "POST", PATH, json=body))[0] == wanted
    assert (await served.ask(EVE, "POST", PATH, json={"question": "is trading on?"}))[0] == 200
    await served.close()


async def test_a_model_says_what_no_template_says_and_whose_words_they_are(web: Web) -> None:
    idea = await web.desk.until_idea()
    async with model(ChatSite(speak=confidence)) as site:
        served = await serve(with_model(web.desk, site))
        status, told = await served.ask(EVE, "POST", PATH, json={"question": STRANGE})
        assert (status, told["mode"], told["degraded"]) == (200, "model", None)
        assert f"The confidence of idea #{idea.number} is" in told["words"]
        assert told["words"] in told["text"]
        assert (told["ideas"], len(told["decisions"])) == ([idea.number], 1)

        # The record's own answer comes first, and costs no call of a model's.
        asked = len(site.talks)
        body = {"question": f"what is the confidence of idea {idea.number}?"}
        status, told = await served.ask(EVE, "POST", PATH, json=body)
        assert (told["mode"], told["words"], len(site.talks)) == ("template", "", asked)
        status, told = await served.ask(EVE, "POST", PATH, json=body | {"in_words": True})
        assert (told["mode"], told["intent"]) == ("model", "confidence")
        assert told["figures"]["score"] == f"{idea.confidence.score:f}"

        site.speak = lambda _: "Everything is fine, profit was 900 EUR."
        status, told = await served.ask(EVE, "POST", PATH, json={"question": STRANGE + "!"})
        assert (told["mode"], told["degraded"]) == ("template", "UNSUPPORTED")
        assert "900" not in told["text"]
        site.always = "401"
        status, told = await served.ask(EVE, "POST", PATH, json={"question": STRANGE + "?"})
        assert (status, told["degraded"], told["reason"]) == (200, "OPENAI_UNAVAILABLE", "key")
        assert "I do not understand" in told["text"]
        await served.close()


async def test_a_model_is_asked_no_more_often_than_a_person_may_ask(web: Web) -> None:
    few = replace(PARTS, per_minute=1)
    async with model(ChatSite(speak=confidence)) as site:
        await web.desk.until_idea()
        served = await serve(with_model(web.desk, site, few))
        for reason in (None, "too_often"):
            status, told = await served.ask(ANN, "POST", PATH, json={"question": STRANGE})
            assert (status, told["reason"]) == (200, reason)
        status, told = await served.ask(EVE, "POST", PATH, json={"question": STRANGE})
        assert (status, told["mode"]) == (200, "model")
        await served.close()


def with_model(desk: Desk, site: ChatSite, parts: ModelParts = PARTS) -> Desk:
    return replace(desk, talk=replace(desk.talk, wording=wording_for(desk, site, parts)))
