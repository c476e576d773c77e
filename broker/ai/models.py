"""The provider's API by OpenAI's protocol and client: which models there are."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib import import_module
from typing import Any

from broker.ai.dialect import is_bad_key
from broker.ai.line import Line, permit_of
from engine.domain.provider import AiReach, Credential, Offer

#: Names that are kept of an answer, and how much of each.
_MOST, _LONGEST = 1_000, 200
#: How Anthropic's keys begin.
_ANTHROPIC_KEY = "sk-ant-"
#: Characters of a refusal that are looked at.
_LOOKED_AT = 4_000
#: What a server that asks for no key is sent all the same: the client insists on one.
_NO_KEY = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAiModels:
    """The port ``ModelServer``. A redirect is an answer that is not followed."""

    line: Line = field(default_factory=lambda: Line(patience=timedelta(seconds=10)))

    async def models(self, credential: Credential) -> Offer:
        # Two seconds of imports, once, and only where somebody asks.
        openai = await asyncio.to_thread(import_module, "openai")
        ours = await asyncio.to_thread(import_module, "broker.ai.transport")
        line = replace(self.line, permit=permit_of(is_typed=credential.is_typed))
        transport = ours.LineTransport(line)
        try:
            async with self._client(openai, transport, credential) as client:
                return _offer((await _listed(openai, client, credential)).data)
        except openai.APIStatusError as error:
            is_bad = is_bad_key(error.status_code, str(error.body)[:_LOOKED_AT])
            return Offer(reach=AiReach.KEY if is_bad else _meaning(error.status_code))
        except (openai.APIConnectionError, ours.InvalidURL):
            return Offer(reach=transport.trouble or AiReach.UNREACHABLE)
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, RecursionError):
            return Offer(reach=AiReach.GARBLED)

    def _client(self, openai: Any, transport: Any, credential: Credential) -> Any:
        return openai.AsyncOpenAI(
            api_key=_NO_KEY if credential.key is None else credential.key.reveal(),
            base_url=credential.base_url,
            max_retries=0,
            timeout=self.line.patience.total_seconds(),
            http_client=openai.DefaultAsyncHttpxClient(
                transport=transport, follow_redirects=False, trust_env=False
            ),
        )


async def _listed(openai: Any, client: Any, credential: Credential) -> Any:
    """The list of models; Anthropic's is not of OpenAI's protocol and takes its key elsewhere."""
    if credential.key is None or not credential.key.reveal().startswith(_ANTHROPIC_KEY):
        return await client.models.list()
    headers = {
        "x-api-key": credential.key.reveal(),
        "anthropic-version": "2023-06-01",
        "Authorization": openai.omit,
    }
    try:
        return await client.models.list(extra_headers=headers, extra_query={"limit": _MOST})
    except openai.APIStatusError as error:
        # A gateway that passes such a key on may know OpenAI's way alone.
        if error.status_code not in (400, 401, 404):
            raise
        return await client.models.list()


def _offer(data: Any) -> Offer:
    """The models of an answer; the client checks nothing of what it was sent."""
    if not isinstance(data, list):
        return Offer(reach=AiReach.GARBLED)
    names = [getattr(one, "id", None) for one in data[:_MOST]]
    if not all(isinstance(name, str) for name in names):
        return Offer(reach=AiReach.GARBLED)
    return Offer(reach=AiReach.ONLINE, models=tuple(str(name)[:_LONGEST] for name in names))


_MEANINGS: tuple[tuple[Callable[[int], bool], AiReach], ...] = (
    (lambda status: status == 401, AiReach.KEY),
    (lambda status: status == 403, AiReach.FORBIDDEN),
    (lambda status: status in (408, 504), AiReach.TIMEOUT),
    (lambda status: status in (402, 429), AiReach.BUSY),
    (lambda status: status >= 500, AiReach.FAILING),
    (lambda status: status >= 400, AiReach.NO_API),
    (lambda status: status >= 300, AiReach.REDIRECT),
)


def _meaning(status: int) -> AiReach:
    return next((reach for holds, reach in _MEANINGS if holds(status)), AiReach.GARBLED)
