"""Servers that speak the protocol in their own way: each is understood, and at most a few tries are
made to find out how.
"""

import json
from typing import Any

import pytest

from broker.ai.dialect import ROOM
from engine.domain.analyst import Author, Conversation, Message, Purpose, Tool, ToolCall, Trouble
from engine.domain.explanation import Budget
from engine.domain.provider import AiReach, Credential, Provider
from engine.domain.secret import Secret
from engine.errors import AnalystUnavailable
from engine.flow.analyst_budget import Budgeted
from tests.builders import NOW
from tests.memory import MemoryStore
from tests.model_server import ChatSite
from tests.provider_server import KEY, MODELS, Asked, ModelSite, answer
from tests.served import served
from tests.unit.test_ai_provider import SERVER, ask
from tests.unit.test_analyst import HELLO, analyst, trouble

TOOL = Tool(name="look", description="Look.", schema={"type": "object", "properties": {}})
ASKING = Conversation(purpose=Purpose.ASK, messages=HELLO.messages, tools=(TOOL,))


def unsupported(name: str, instead: str = "") -> bytes:
    """As OpenAI refuses a field."""
    told = f"Unsupported parameter: '{name}' is not supported with this model." + (
        f" Use '{instead}' instead." if instead else ""
    )
    return answer(400, {"error": {"message": told, "param": name, "code": "unsupported_parameter"}})


def forbidden(*names: str) -> bytes:
    """As a server refuses a field that checks what it is sent with pydantic."""
    found = {"type": "extra_forbidden", "loc": ["body", *names]}
    return answer(422, {"object": "error", "message": {"detail": [found]}, "code": None})


#: What a server refuses; what it is asked with in the end, and how often it was asked for it.
DIALECTS: dict[str, tuple[Provider, dict[str, bytes], set[str], int]] = {
    "openai": (Provider.OPENAI, {}, {"max_completion_tokens", "stream_options"}, 1),
    "openai, an old gateway": (
        Provider.OPENAI,
        {"max_completion_tokens": forbidden("max_completion_tokens")},
        {"max_tokens", "stream_options"},
        2,
    ),
    "a model that thinks, behind a gateway": (
        Provider.ANTHROPIC,
        {"max_tokens": unsupported("max_tokens", "max_completion_tokens")},
        {"max_completion_tokens", "stream_options"},
        2,
    ),
    "no usage in streams": (
        Provider.GEMINI,
        {"stream_options": forbidden("stream_options", "include_usage")},
        {"max_tokens"},
        2,
    ),
    "nothing but the least": (
        Provider.OLLAMA,
        {
            "stream_options": forbidden("stream_options"),
            "max_tokens": unsupported("max_tokens"),
            "max_completion_tokens": unsupported("max_completion_tokens"),
        },
        set(),
        4,
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
async def test_what_a_server_refuses_is_left_out_from_then_on(name: str) -> None:
    provider, refuses, wanted, count = DIALECTS[name]
    async with served(ChatSite(refuses=refuses)) as site:
        client = analyst(site, provider=provider)
        said = await client.complete(HELLO)
        assert said.text == "You said: hello"
        assert said.usage.is_guess is ("stream_options" not in wanted)
        assert len(site.asked) == count
        last = json.loads(site.asked[-1].body)
        assert set(last) - {"model", "messages", "stream"} == wanted
        # It is known now.
        await client.complete(HELLO)
        assert len(site.asked) == count + 1


async def test_a_refusal_of_something_else_is_one() -> None:
    refuses = {"model": answer(400, {"error": {"message": "max_tokens: bad model", "code": None}})}
    async with served(ChatSite(refuses=refuses)) as site:
        # It names a field that was not sent.
        assert await trouble(site) == Trouble.REFUSED
        assert len(site.asked) == 1


async def test_a_model_that_thinks_gets_room_and_what_it_thought_in_vain_is_counted() -> None:
    async with served(ChatSite(thinks=1_408)) as site:
        client = analyst(site)
        said = await client.complete(HELLO)
        assert said.text == "You said: hello"
        limits = [talk["max_completion_tokens"] for talk in site.talks]
        assert limits == [HELLO.max_tokens, HELLO.max_tokens + ROOM]
        # 400 of the first try, 1408 and some words of the second.
        assert said.usage.said > 1_800
        await client.complete(HELLO)
        assert len(site.talks) == 3
    async with served(ChatSite(thinks=10**6)) as site:
        assert await trouble(site) == Trouble.EMPTY
        assert len(site.talks) == 2
    full = answer(
        400,
        {"error": {"message": "Could not finish: max_tokens or model output limit was reached"}},
    )
    async with served(ChatSite(refuses={"max_completion_tokens": full})) as site:
        assert await trouble(site) == Trouble.REFUSED
        assert len(site.asked) == 2


@pytest.mark.parametrize(
    ("fault", "found"), [("gemini key", Trouble.KEY), ("402", Trouble.BUSY), ("400", "refused")]
)
async def test_other_ways_to_say_no(fault: str, found: str) -> None:
    async with served(ChatSite(always=fault)) as site:
        assert await trouble(site) == found
        assert len(site.asked) == 1


async def test_calls_that_nobody_offered_are_no_answer() -> None:
    async with served(ChatSite(speak=lambda _: [("panic", "{}")])) as site:
        assert await trouble(site) == Trouble.EMPTY
        assert [call.name for call in (await analyst(site).complete(ASKING)).calls] == ["panic"]


def events(*deltas: dict[str, Any]) -> bytes:
    """A whole stream of these pieces, then its end."""
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return answer(200, "".join(lines).encode(), kind="text/event-stream")


def call(id_: str, **more: Any) -> dict[str, Any]:
    function = {"name": "look", "arguments": f'{{"n": "{id_}"}}'}
    return {"tool_calls": [{"id": id_, "type": "function", "function": function, **more}]}


@pytest.mark.parametrize(
    "deltas",
    [
        (call("a", index=0), call("b", index=0)),
        (call("a"), call("b")),
        (call("a", index=0), call("b", index=1)),
    ],
    ids=["one index", "no index", "each its own"],
)
async def test_calls_are_told_apart_however_they_are_numbered(deltas: Any) -> None:
    async with served(ChatSite(refuses={"model": events(*deltas)})) as site:
        said = await analyst(site).complete(ASKING)
    assert [(each.id, each.arguments) for each in said.calls] == [
        ("a", '{"n": "a"}'), ("b", '{"n": "b"}'),
    ]  # fmt: skip


@pytest.mark.parametrize("index", [[], {}, "x", -1, 99, 1.5])
async def test_an_index_that_is_none_is_garbled(index: Any) -> None:
    async with served(ChatSite(refuses={"model": events(call("a", index=index))})) as site:
        with pytest.raises(AnalystUnavailable, match="garbled"):
            await analyst(site).complete(ASKING)


async def test_of_an_answer_in_parts_only_the_text_is_shown() -> None:
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]
    text = [{"type": "text", "text": "RSI "}, {"type": "text", "text": "is low."}]
    pieces = events({"content": thought}, {"content": text}, {"reasoning_content": "Hm."})
    async with served(ChatSite(refuses={"model": pieces})) as site:
        assert (await analyst(site).complete(HELLO)).text == "RSI is low."


async def test_beside_calls_no_empty_text_is_sent() -> None:
    made = ToolCall(id="c", name="look", arguments="{}")
    spoken = (
        *HELLO.messages,
        Message(author=Author.ASSISTANT, text="", calls=(made,)),
        Message(author=Author.TOOL, text="{}", answers="c"),
    )
    async with served(ChatSite()) as site:
        await analyst(site).complete(Conversation(purpose=Purpose.ASK, messages=spoken))
        assert site.talks[0]["messages"][2]["content"] is None


class Anthropic(ModelSite):
    """Its list of models: another header, and a version that has to be named."""

    def respond(self, asked: Asked) -> bytes:
        if asked.headers.get("x-api-key") != self.key or "authorization" in asked.headers:
            error = {"type": "authentication_error", "message": "x-api-key header is required"}
            return answer(401, {"type": "error", "error": error})
        assert asked.headers["anthropic-version"]
        assert asked.path == "/v1/models?limit=1000"
        data = [{"type": "model", "id": name, "display_name": name} for name in self.models]
        return answer(200, {"data": data, "has_more": False, "first_id": "a", "last_id": "b"})


async def test_the_models_of_anthropic_are_listed() -> None:
    key = "sk-ant-CANARY"
    async with served(Anthropic(key=key)) as site:
        assert (await ask(site, key)).models == MODELS
        assert (await ask(site, f"{key}x")).reach is AiReach.KEY
    # A gateway that knows OpenAI's way alone.
    async with served(ModelSite(key=key)) as site:
        assert (await ask(site, key)).models == MODELS
        assert len(site.asked) == 2


class Gemini(ModelSite):
    """Its names stand in a folder, and a bad key is a 400."""

    def respond(self, asked: Asked) -> bytes:
        if asked.headers["authorization"] != f"Bearer {self.key}":
            error = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}
            return answer(400, [{"error": error}])
        data = [{"id": "models/gemini-x", "object": "model", "owned_by": "google"}]
        return answer(200, {"object": "list", "data": data})


async def test_the_models_of_gemini_are_found_by_their_short_names() -> None:
    async with served(Gemini()) as site:
        assert (await ask(site)).has("gemini-x")
        assert (await ask(site, "AIza-another")).reach is AiReach.KEY


class Ollama(ModelSite):
    """It asks for no key."""

    def respond(self, asked: Asked) -> bytes:
        data = [{"id": "llama3.2:latest", "object": "model", "owned_by": "library"}]
        return answer(200, {"object": "list", "data": data})


async def test_ollama_is_asked_without_a_key() -> None:
    async with served(Ollama()) as site:
        place = Credential(key=None, base_url=f"{site.url}/v1", is_typed=False)
        assert (await SERVER.models(place)).has("llama3.2")
        # Something stands in its place; no other key of the installation does.
        assert site.asked[0].headers["authorization"] == "Bearer none"


async def test_credit_that_is_used_up_is_said() -> None:
    class Poor(ModelSite):
        def respond(self, asked: Asked) -> bytes:
            return answer(402, {"error": {"message": f"Insufficient Balance of {Secret(KEY)}"}})

    async with served(Poor()) as site:
        assert (await ask(site)).reach is AiReach.BUSY


async def test_room_for_thinking_is_put_aside_once_it_is_known() -> None:
    store = MemoryStore(lambda: NOW)
    put: list[int] = []
    async with served(ChatSite(thinks=1_408)) as site:
        client = analyst(site)
        budgeted = Budgeted(
            inner=client, store=store, budget=Budget(), room=lambda: client.dialect.room
        )
        site.speak = lambda _: put.append(store.all("analyst_day")[0].tokens) or "Yes."
        await budgeted.complete(HELLO)
        before = store.all("analyst_day")[0].tokens
        await budgeted.complete(HELLO)
    assert put[1] - before >= HELLO.max_tokens + ROOM
