"""The language model over HTTP: an answer that can be used, or the reason why there is none."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from broker.ai.analyst import OpenAiAnalyst
from broker.ai.line import Line
from engine.domain.analyst import (
    Author,
    Conversation,
    Message,
    Purpose,
    Said,
    Tool,
    ToolCall,
    Trouble,
)
from engine.domain.provider import Credential, Plan, Provider
from engine.domain.secret import Secret
from engine.errors import AnalystUnavailable, ProviderUnavailable
from tests.model_server import REFUSALS, SPOKEN, ChatSite
from tests.provider_server import KEY
from tests.served import served

HELLO = Conversation(
    purpose=Purpose.ASK,
    messages=(Message(author=Author.SYSTEM, text="s"), Message(author=Author.USER, text="hello")),
)


def analyst(site: ChatSite, **values: Any) -> OpenAiAnalyst:
    """A client of the site that waits for nothing it need not wait for."""

    async def credential() -> Credential:
        return Credential(key=Secret(key), base_url=f"{site.url}/v1", is_typed=False)

    async def no_pause(seconds: float) -> None:
        await asyncio.sleep(0)

    key = values.pop("key", KEY)
    provider = values.pop("provider", Provider.OPENAI)
    model = values.pop("model", "gpt-4o")
    enabled = values.pop("enabled", True)
    plan = Plan(provider=provider, enabled=enabled, model=model, base_url="", key=None)
    fields: dict[str, Any] = {
        "plan": plan, "credential": credential, "first": timedelta(seconds=10),
        "whole": timedelta(seconds=20), "sleep": no_pause,
        "line": Line(patience=timedelta(seconds=5)),
    }  # fmt: skip
    return OpenAiAnalyst(**(fields | values))


async def trouble(site: ChatSite, **values: Any) -> str:
    short = {"first": timedelta(seconds=0.7), "whole": timedelta(seconds=1.5)}
    with pytest.raises(AnalystUnavailable) as caught:
        await analyst(site, **(short | values)).complete(HELLO)
    assert KEY not in str(caught.value)
    return caught.value.reason


async def test_an_answer_comes_in_pieces_and_then_whole() -> None:
    async with served(ChatSite()) as site:
        pieces = [piece async for piece in analyst(site).stream(HELLO)]
        said = pieces.pop()
        assert isinstance(said, Said)
        assert "".join(str(piece) for piece in pieces) == said.text == "You said: hello"
        assert len(pieces) > 1
        assert (said.usage.asked, said.usage.is_guess, said.is_cut) == (1, False, False)
        assert site.talks[0]["max_completion_tokens"] == 400
        assert "tools" not in site.talks[0]
        assert (await analyst(site).complete(HELLO)).text == said.text


async def test_tools_are_offered_called_and_answered() -> None:
    tool = Tool(name="look", description="Look.", schema={"type": "object", "properties": {}})
    site = ChatSite(speak=lambda _: [("look", '{"symbol": "EURUSD"}')])
    async with served(site):
        said = await analyst(site).complete(
            Conversation(purpose=Purpose.ASK, messages=HELLO.messages, tools=(tool,))
        )
        call = ToolCall(id="call_0", name="look", arguments='{"symbol": "EURUSD"}')
        assert (said.text, said.calls) == ("", (call,))
        site.speak = lambda _: "done"
        follow = (
            *HELLO.messages,
            Message(author=Author.ASSISTANT, text="", calls=said.calls),
            Message(author=Author.TOOL, text="{}", answers=call.id),
        )
        said = await analyst(site).complete(Conversation(purpose=Purpose.ASK, messages=follow))
    assert said.text == "done"
    assert site.talks[0]["tools"][0]["function"]["name"] == "look"
    assert site.talks[1]["messages"][2]["tool_calls"][0]["id"] == "call_0"
    assert site.talks[1]["messages"][3]["tool_call_id"] == "call_0"


@pytest.mark.parametrize("provider", [p for p in Provider if p is not Provider.OPENAI])
async def test_other_providers_are_asked_by_the_name_they_know(provider: Provider) -> None:
    async with served(ChatSite()) as site:
        await analyst(site, provider=provider).complete(HELLO)
        assert site.talks[0]["max_tokens"] == 400


TROUBLES = {
    "429": Trouble.BUSY, "429 later": Trouble.BUSY, "429 date": Trouble.BUSY,
    "quota": Trouble.BUSY, "500": Trouble.FAILING, "503": Trouble.FAILING,
    "400": Trouble.REFUSED, "401": Trouble.KEY, "404": Trouble.NO_MODEL, "302": Trouble.REFUSED,
    "402": Trouble.BUSY, "gemini key": Trouble.KEY,
    "error event": Trouble.FAILING, "no http": Trouble.UNREACHABLE, "hang": Trouble.TIMEOUT,
    "hang later": Trouble.TIMEOUT, "cut": Trouble.CUT, "reset": Trouble.UNREACHABLE,
    "slow": Trouble.TIMEOUT, "no end": Trouble.CUT, "filtered": Trouble.REFUSED,
    "silent": Trouble.EMPTY, "drip": Trouble.TIMEOUT, "429 bare": Trouble.BUSY,
}  # fmt: skip
#: What does not keep an answer from being used.
HARMLESS = ("no usage", "cut short", "hang done")


@pytest.mark.parametrize("fault", [f for f in (*REFUSALS, *SPOKEN) if f not in HARMLESS])
async def test_whatever_goes_wrong_has_a_reason(fault: str) -> None:
    words = "It is a long answer. " * 6
    async with served(ChatSite(always=fault, speak=lambda _: words)) as site:
        found = await trouble(site)
    # Whether a reset is seen as such depends on what of it was read.
    assert found == TROUBLES.get(fault, Trouble.GARBLED) or (fault, found) == ("reset", Trouble.CUT)


async def test_what_was_said_is_not_said_twice() -> None:
    async with served(ChatSite(faults=["cut"])) as site:
        assert await trouble(site) == Trouble.CUT
        assert len(site.asked) == 1


async def test_what_does_not_matter_does_no_harm() -> None:
    async with served(ChatSite(faults=["no usage", "cut short", "hang done"])) as site:
        guessed = await analyst(site).complete(HELLO)
        assert guessed.usage.is_guess
        assert guessed.usage.total > 0
        assert (await analyst(site).complete(HELLO)).is_cut
        whole = await analyst(site, whole=timedelta(seconds=4)).complete(HELLO)
        assert whole.text == "You said: hello"


@pytest.mark.parametrize("fault", ["429", "429 date", "500", "503", "error event"])
async def test_what_may_pass_is_tried_again(fault: str) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    async with served(ChatSite(faults=[fault])) as site:
        whole = timedelta(seconds=9)
        said = await analyst(site, sleep=note, whole=whole).complete(HELLO)
    assert said.text == "You said: hello"
    assert pauses == [{"429": 1.0, "429 date": 2.0}.get(fault, 0.5)]


async def test_a_pause_that_is_longer_than_the_patience_is_not_begun() -> None:
    async with served(ChatSite(always="429 later")) as site:
        assert await trouble(site) == Trouble.BUSY
        assert len(site.asked) == 1
    async with served(ChatSite(always="quota")) as site:
        assert await trouble(site) == Trouble.BUSY
        assert len(site.asked) == 1


async def test_it_ends_in_time_however_slowly_words_drip() -> None:
    loop = asyncio.get_running_loop()
    async with served(ChatSite(pause=0.3, speak=lambda _: "word " * 100)) as site:
        begun = loop.time()
        assert await trouble(site, whole=timedelta(seconds=0.8)) == Trouble.TIMEOUT
        assert loop.time() - begun < 3
        hurried = Conversation(
            purpose=Purpose.ASK, messages=HELLO.messages, within=timedelta(seconds=0.2)
        )
        with pytest.raises(AnalystUnavailable, match="timeout"):
            await analyst(site).complete(hurried)


async def test_who_stops_listening_leaves_nothing_behind() -> None:
    async with served(ChatSite(pause=0.01, speak=lambda _: "word " * 100)) as site:
        async with aclosing(analyst(site).stream(HELLO)) as pieces:  # type: ignore[type-var]
            async for _ in pieces:
                break
        others = [task for task in asyncio.all_tasks() if "begin" not in repr(task)]
        assert len(others) <= 2  # this test, and the server's end of the line


async def test_nothing_is_asked_without_a_model_a_switch_or_a_connection() -> None:
    async def no_credential() -> Credential:
        raise ProviderUnavailable("OpenAI is not connected")

    async with served(ChatSite()) as site:
        assert await trouble(site, enabled=False) == Trouble.OFF
        assert await trouble(site, model=None) == Trouble.NO_MODEL
        assert await trouble(site, credential=no_credential) == Trouble.NOT_CONNECTED
        assert site.asked == []
        assert await trouble(site, key="sk-another") == Trouble.KEY
    assert await trouble(site) == Trouble.UNREACHABLE
