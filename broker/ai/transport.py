"""The transport that is put under the ``openai`` client: our own bounds, and our own addresses.

Loaded when first needed: it brings that client's HTTP library.
"""

import httpx2

from broker.ai.line import Line, NoAnswer
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
            kind = httpx2.ReadTimeout if problem.reach is AiReach.TIMEOUT else httpx2.ConnectError
            raise kind(str(problem), request=request) from None
        headers = [
            (name, text)
            for name, text in answered.headers.items()
            if name.lower() not in _OF_THE_LINE
        ]
        return httpx2.Response(
            answered.status, headers=headers, content=answered.body, request=request
        )
