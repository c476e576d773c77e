"""The stand-in for a language model, by an independent client of its protocol: OpenAI's own."""

import json
from typing import Any

import openai
import pytest

from tests.model_server import ChatSite
from tests.provider_server import KEY
from tests.served import served

TOOL: Any = {
    "type": "function",
    "function": {"name": "look", "description": "d", "parameters": {"type": "object"}},
}
ASKED: Any = [{"role": "user", "content": "hello"}]


def client(site: ChatSite, key: str = KEY) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(api_key=key, base_url=f"{site.url}/v1", max_retries=0, timeout=5)


async def test_it_streams_words_and_says_what_they_cost() -> None:
    async with served(ChatSite()) as site, client(site) as openai_client:
        stream = await openai_client.chat.completions.create(
            model="gpt-4o", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    words = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(words) == "You said: hello"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


async def test_it_calls_tools_piece_by_piece() -> None:
    site = ChatSite(speak=lambda _: [("look", '{"symbol": "EURUSD"}'), ("look", "{}")])
    async with (
        served(site),
        client(site) as openai_client,
        openai_client.chat.completions.stream(
            model="gpt-4o", messages=ASKED, tools=[TOOL]
        ) as stream,
    ):
        said = await stream.get_final_completion()
    calls: Any = said.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [{"symbol": "EURUSD"}, {}]
    assert said.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", openai.AuthenticationError),
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("404", openai.NotFoundError),
        ("error event", openai.APIError),
        ("wrong json", json.JSONDecodeError),
    ],
)
async def test_its_faults_are_those_of_a_real_one(fault: str, error: type[Exception]) -> None:
    async with served(ChatSite(faults=[fault])) as site, client(site) as openai_client:
        with pytest.raises(error):
            async for _ in await openai_client.chat.completions.create(
                model="gpt-4o", messages=ASKED, stream=True
            ):
                pass


async def test_it_knows_its_key_and_its_models() -> None:
    async with served(ChatSite()) as site:
        async with client(site, "sk-another") as stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.chat.completions.create(model="gpt-4o", messages=ASKED, stream=True)
        async with client(site) as openai_client:
            assert [model.id async for model in openai_client.models.list()] == list(site.models)
            with pytest.raises(openai.NotFoundError):
                await openai_client.chat.completions.create(
                    model="another", messages=ASKED, stream=True
                )
