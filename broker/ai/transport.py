"""The transport that is put under the ``openai`` client: our own bounds, and our own addresses.

Loaded when first needed: it brings that client's HTTP library.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import httpx2

from broker.ai.line import Line, NoAnswer, Opened
from engine.domain.provider import AiReach

#: What the client raises for an address that it cannot read.
InvalidURL = httpx2.InvalidURL

#: What says how the bytes came, not what they are.
_OF_THE_LINE = ("content-length", "transfer-encoding", "connection", "content-encoding")


class LineTransport(httpx2.AsyncBaseTransport):
    """Requests of the client over a :class:`Line`; ``trouble`` says why none was answered."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.trouble: AiReach | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, whole; raises what the client knows as a lost connection."""
        body = await request.aread()
        try:
            answered = await self._line.ask(
                request.method, str(request.url), dict(request.headers), body
            )
        except NoAnswer as problem:
            self.trouble = problem.reach
            raise _lost(problem, request) from None
        return httpx2.Response(
            answered.status,
            headers=_kept(answered.headers),
            content=answered.body,
            request=request,
        )


class StreamTransport(httpx2.AsyncBaseTransport):
    """The same, with bodies that are read while they come."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.trouble: AiReach | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer's head; its stream has to be closed, which the client does."""
        body = await request.aread()
        stack = AsyncExitStack()
        try:
            opened = await stack.enter_async_context(
                self._line.open(request.method, str(request.url), dict(request.headers), body)
            )
        except NoAnswer as problem:
            self.trouble = problem.reach
            raise _lost(problem, request) from None
        return httpx2.Response(
            opened.status,
            headers=_kept(opened.headers),
            stream=_Body(self, opened, stack, request),
            request=request,
        )


class _Body(httpx2.AsyncByteStream):
    """A body in parts, and what has to be closed behind it."""

    def __init__(
        self,
        transport: StreamTransport,
        opened: Opened,
        stack: AsyncExitStack,
        request: httpx2.Request,
    ) -> None:
        self._transport, self._request = transport, request
        self._opened, self._stack = opened, stack

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._opened.parts:
                yield part
        except NoAnswer as problem:
            self._transport.trouble = problem.reach
            raise _lost(problem, self._request) from None

    async def aclose(self) -> None:
        """Nothing more is read."""
        await self._stack.aclose()


def _kept(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, text) for name, text in headers.items() if name.lower() not in _OF_THE_LINE]


def _lost(problem: NoAnswer, request: httpx2.Request) -> httpx2.RequestError:
    kind = httpx2.ReadTimeout if problem.reach is AiReach.TIMEOUT else httpx2.ConnectError
    return kind(str(problem), request=request)
