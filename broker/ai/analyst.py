"""The language model by OpenAI's chat-completions protocol, streamed, over our own line."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from importlib import import_module
from types import ModuleType
from typing import Any

from broker.ai.chunks import Answer, Failed
from broker.ai.dialect import Dialect, is_bad_key
from broker.ai.line import Line, permit_of
from engine.domain.analyst import Conversation, Said, Trouble, Usage
from engine.domain.provider import AiReach, Credential, Plan
from engine.errors import AnalystUnavailable, ProviderUnavailable, SecretUnreadable

#: What a server that asks for no key is sent all the same: the client insists on one.
_NO_KEY = "none"
_TRIES, _FIRST_PAUSE = 3, 0.5
#: Characters of a refusal that are looked at.
_LONGEST = 4_000
#: Seconds for what may follow the end of an answer: its usage.
_GRACE = 2.0


async def get_ready() -> None:
    """The imports of the client, which take two seconds of the processor; else whoever asks first
    brings them, which is when something else is to be done.
    """
    for name in ("openai", "broker.ai.transport"):
        await asyncio.to_thread(import_module, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAiAnalyst:
    """The port ``Analyst``. ``first`` is how long its first piece may take, ``whole`` all of it,
    tries and pauses included. What may pass is tried again while there is time and nothing was
    said yet; a pause that the server asks for is kept, or not begun. What a server refuses to be
    asked with is left out at once and from then on; ``dialect`` is what it was seen to refuse.
    """

    plan: Plan
    credential: Callable[[], Awaitable[Credential]]
    line: Line = field(default_factory=Line)
    first: timedelta = timedelta(seconds=15)
    whole: timedelta = timedelta(seconds=30)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dialect: Dialect = field(default_factory=Dialect)

    async def complete(self, conversation: Conversation) -> Said:
        async with aclosing(self._pieces(conversation)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Said):
                    return piece
        raise AnalystUnavailable(Trouble.EMPTY)

    def stream(self, conversation: Conversation) -> AsyncIterator[str | Said]:
        return self._pieces(conversation)

    async def _pieces(self, conversation: Conversation) -> AsyncGenerator[str | Said]:
        if not self.plan.enabled:
            raise AnalystUnavailable(Trouble.OFF)
        if self.plan.model is None:
            raise AnalystUnavailable(Trouble.NO_MODEL)
        # Two seconds of imports, once, and only where somebody asks; they count as no wait for it.
        openai = await asyncio.to_thread(import_module, "openai")
        now = asyncio.get_running_loop().time
        ends = now() + min(conversation.within or self.whole, self.whole).total_seconds()
        left, wasted = _TRIES, Usage(asked=0, said=0)
        while True:
            has_begun = False
            request = self.dialect.request(conversation, self.plan)
            try:
                async with aclosing(self._once(openai, conversation, request, ends)) as pieces:
                    async for piece in pieces:
                        has_begun = True
                        yield _with(wasted, piece)
                return
            except Failed as problem:
                wasted += problem.usage
                if not has_begun and now() < ends and self._learns(request, problem):
                    continue
                left -= 1
                pause = _pause_before(_TRIES - left, problem)
                if has_begun or not left or not problem.again or now() + pause >= ends:
                    raise AnalystUnavailable(problem.trouble) from None
            await self.sleep(pause)

    def _learns(self, request: Mapping[str, Any], problem: Failed) -> bool:
        """Whether another request is worth its while at once."""
        if problem.is_full:
            return self.dialect.make_room(request)
        return problem.trouble is Trouble.REFUSED and self.dialect.learn(request, problem.refusal)

    async def _once(
        self,
        openai: ModuleType,
        conversation: Conversation,
        request: Mapping[str, Any],
        ends: float,
    ) -> AsyncGenerator[str | Said]:
        try:
            credential = await self.credential()
        except (ProviderUnavailable, SecretUnreadable):
            raise Failed(Trouble.NOT_CONNECTED) from None
        ours = await asyncio.to_thread(import_module, "broker.ai.transport")
        line = replace(self.line, permit=permit_of(is_typed=credential.is_typed))
        transport = ours.StreamTransport(line)
        answer = Answer(conversation, str(self.plan.model))
        async with self._client(openai, transport, credential) as client:
            sent = client.chat.completions.create(**request)
            reading = self._chunks(openai, sent, transport, answer, ends)
            async with aclosing(reading) as chunks:
                async for chunk in chunks:
                    text = answer.add(chunk)
                    if text:
                        yield text
        yield answer.said()

    async def _chunks(
        self,
        openai: ModuleType,
        sent: Awaitable[Any],
        transport: Any,
        answer: Answer,
        ends: float,
    ) -> AsyncGenerator[Any]:
        """The pieces as the client reads them; raises :class:`Failed` and nothing else."""
        now = asyncio.get_running_loop().time
        until = min(ends, now() + self.first.total_seconds())
        with _as_failed(openai, transport):
            async with asyncio.timeout_at(until):
                stream = await sent
            pieces = aiter(stream)
            try:
                while True:
                    until = now() + _GRACE if answer.is_ended else until
                    try:
                        async with asyncio.timeout_at(min(until, ends)):
                            chunk = await anext(pieces, None)
                    except (TimeoutError, openai.APIConnectionError):
                        if answer.is_ended:
                            return
                        raise
                    if chunk is None:
                        return
                    yield chunk
                    until = ends
            finally:
                with suppress(Exception):
                    await stream.close()

    def _client(self, openai: ModuleType, transport: Any, credential: Credential) -> Any:
        return openai.AsyncOpenAI(
            api_key=_NO_KEY if credential.key is None else credential.key.reveal(),
            base_url=credential.base_url,
            max_retries=0,
            timeout=self.whole.total_seconds(),
            http_client=openai.DefaultAsyncHttpxClient(
                transport=transport, follow_redirects=False, trust_env=False
            ),
        )


def _with(wasted: Usage, piece: str | Said) -> str | Said:
    """What was paid for in vain belongs to the answer that came in the end."""
    return replace(piece, usage=piece.usage + wasted) if isinstance(piece, Said) else piece


def _pause_before(number: int, problem: Failed) -> float:
    """Seconds before a try, from the second: what the server asks for, or a growing pause."""
    return _FIRST_PAUSE * 2.0 ** (number - 1) if problem.pause is None else problem.pause


@contextmanager
def _as_failed(openai: ModuleType, transport: Any) -> Iterator[None]:
    """Whatever the client, the line or what came raises, as :class:`Failed`."""
    try:
        yield
    except TimeoutError:
        raise Failed(Trouble.TIMEOUT) from None
    except openai.APIStatusError as error:
        raise _refused(error) from None
    except openai.APIConnectionError:
        trouble = _LOST.get(transport.trouble, Trouble.UNREACHABLE)
        raise Failed(trouble, again=trouble is Trouble.UNREACHABLE) from None
    except openai.APIError:
        # An error that was said in the middle of the stream.
        raise Failed(Trouble.FAILING, again=True) from None
    except (openai.OpenAIError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        raise Failed(Trouble.GARBLED) from None


_LOST = {
    AiReach.TIMEOUT: Trouble.TIMEOUT,
    AiReach.GARBLED: Trouble.GARBLED,
    AiReach.CLOSED: Trouble.REFUSED,
    AiReach.TLS: Trouble.REFUSED,
}


def _refused(error: Any) -> Failed:
    status, pause = error.status_code, _pause(error.response.headers)
    # Its text is what the server wrote in one field, of which some have several.
    refusal = str(error.body)[:_LONGEST]
    if status == 429:
        # A quota that is used up does not come back in seconds.
        return Failed(Trouble.BUSY, again=error.code != "insufficient_quota", pause=pause)
    if status in (408, 504):
        return Failed(Trouble.TIMEOUT, again=True, pause=pause)
    if status >= 500:
        return Failed(Trouble.FAILING, again=True, pause=pause)
    if status in (401, 403) or is_bad_key(status, refusal):
        return Failed(Trouble.KEY)
    if status == 402:
        return Failed(Trouble.BUSY)
    trouble = Trouble.NO_MODEL if status == 404 else Trouble.REFUSED
    return Failed(trouble, refusal=refusal)


def _pause(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: RFC 9110, section 10.2.3, and what OpenAI adds."""
    for name, part in (("retry-after-ms", 1000), ("retry-after", 1)):
        text = headers.get(name, "").strip()
        if not text:
            continue
        try:
            seconds = float(text) / part
        except ValueError:
            seconds = _until(text, headers.get("date", ""))
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _until(text: str, now: str) -> float:
    """Seconds from an answer's own date to another; NaN when either is none."""
    try:
        return (parsedate_to_datetime(text) - parsedate_to_datetime(now)).total_seconds()
    except (ValueError, TypeError):
        return float("nan")
