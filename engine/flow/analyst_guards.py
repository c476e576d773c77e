"""Guards around a language model, each an ``Analyst`` itself: one that rests after failures, one
that lets each person ask so often, and what they share.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from engine.domain.analyst import Conversation, Said, Trouble
from engine.errors import AnalystUnavailable
from engine.ports import Analyst

#: What says nothing about whether the provider is well.
_NOT_ITS_FAULT = frozenset(
    (
        Trouble.OFF, Trouble.NOT_CONNECTED, Trouble.NO_MODEL, Trouble.REFUSED, Trouble.EMPTY,
        Trouble.BUDGET, Trouble.RESTING, Trouble.TOO_OFTEN,
    )
)  # fmt: skip


class Guard(ABC):
    """An ``Analyst`` by its pieces."""

    @abstractmethod
    def _pieces(self, conversation: Conversation) -> AsyncGenerator[str | Said]:
        """As the port's ``stream``."""

    def stream(self, conversation: Conversation) -> AsyncIterator[str | Said]:
        return self._pieces(conversation)

    async def complete(self, conversation: Conversation) -> Said:
        async with aclosing(self._pieces(conversation)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Said):
                    return piece
        raise AnalystUnavailable(Trouble.EMPTY)


async def pieces_of(inner: Analyst, conversation: Conversation) -> AsyncGenerator[str | Said]:
    """The pieces of another, which is closed when nobody listens any more."""
    stream = inner.stream(conversation)
    try:
        async for piece in stream:
            yield piece
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


@dataclass(slots=True)
class _Health:
    failures: int = 0
    rests_until: float = 0.0
    rest: float = 0.0
    is_trying: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resting(Guard):
    """After so many failures in a row the model is left alone: for ``rest`` seconds, then twice as
    long, up to ``longest``; each rest ends with one try. The state is this process's own.
    """

    inner: Analyst
    tick: Callable[[], float]
    most: int = 4
    rest: float = 30.0
    longest: float = 600.0
    health: _Health = field(default_factory=_Health)

    async def _pieces(self, conversation: Conversation) -> AsyncGenerator[str | Said]:
        health = self.health
        tries = health.failures >= self.most
        if tries and (health.is_trying or self.tick() < health.rests_until):
            raise AnalystUnavailable(Trouble.RESTING)
        health.is_trying = health.is_trying or tries
        try:
            async with aclosing(pieces_of(self.inner, conversation)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Said):
                        self._well()
                    yield piece
        except AnalystUnavailable as problem:
            if problem.reason not in _NOT_ITS_FAULT:
                self._failed()
            raise
        finally:
            health.is_trying = health.is_trying and not tries

    def _well(self) -> None:
        self.health.failures, self.health.rest = 0, 0.0

    def _failed(self) -> None:
        health = self.health
        health.failures += 1
        if health.failures >= self.most:
            health.rest = min(self.longest, health.rest * 2 or self.rest)
            health.rests_until = self.tick() + health.rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled(Guard):
    """Each person may ask so many times in a minute; what nobody asked for is not counted."""

    inner: Analyst
    tick: Callable[[], float]
    per_minute: int = 10
    asked: dict[int, deque[float]] = field(default_factory=dict)

    async def _pieces(self, conversation: Conversation) -> AsyncGenerator[str | Said]:
        person = conversation.person_id
        if person is not None and not self._may(person):
            raise AnalystUnavailable(Trouble.TOO_OFTEN)
        async with aclosing(pieces_of(self.inner, conversation)) as pieces:
            async for piece in pieces:
                yield piece

    def _may(self, person: int) -> bool:
        now = self.tick()
        times = self.asked.setdefault(person, deque())
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= self.per_minute:
            return False
        times.append(now)
        return True
