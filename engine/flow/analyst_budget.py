"""What a language model costs, by day, and what it need not be asked twice; in the database, so
that all processes share it.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.domain.analyst import Conversation, Said, Trouble, Usage
from engine.domain.explanation import Budget, Spent
from engine.errors import AnalystUnavailable
from engine.flow.analyst_guards import Guard, pieces_of
from engine.ports import Analyst, Store
from engine.snapshot.canonical import canonical, digest, plain

#: Characters for a token, rather too few than too many.
_PER_TOKEN = 3
#: Reasons for which the provider asks no money; of the others nobody knows, so they keep what was
#: put aside for them.
_FREE = frozenset(
    (
        Trouble.OFF, Trouble.NOT_CONNECTED, Trouble.NO_MODEL, Trouble.KEY, Trouble.BUSY,
        Trouble.FAILING, Trouble.UNREACHABLE, Trouble.RESTING, Trouble.TOO_OFTEN,
    )
)  # fmt: skip
#: How long an answer is kept.
KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgeted(Guard):
    """Asks only what the day's budget can still pay.

    The most that a call may cost is reserved before it; what it did cost is booked after it. A call
    that a crash cut off keeps its reservation. ``room`` is how many tokens the model may think
    with, beside those of its answer.
    """

    inner: Analyst
    store: Store
    budget: Budget
    room: Callable[[], int] = int

    async def _pieces(self, conversation: Conversation) -> AsyncGenerator[str | Said]:
        asked = sum(len(m.text) for m in conversation.messages) // _PER_TOKEN + 1
        aside = Usage(asked=asked, said=conversation.max_tokens + self.room())
        cost = self.budget.cost_of(aside.asked, aside.said)
        async with self.store.begin() as tx:
            day = (await tx.now()).date()
            if not await tx.analyst_books.reserve(day, aside.total, cost, self.budget):
                raise AnalystUnavailable(Trouble.BUDGET)
        used = aside
        answered = False
        try:
            async with aclosing(pieces_of(self.inner, conversation)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Said):
                        used, answered = piece.usage, True
                    yield piece
        except AnalystUnavailable as problem:
            used = Usage(asked=0, said=0) if problem.reason in _FREE else used
            raise
        finally:
            real = self.budget.cost_of(used.asked, used.said)
            async with self.store.begin() as tx:
                await tx.analyst_books.settle(
                    day, used.total - aside.total, real - cost, answered=answered
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembering(Guard):
    """Gives an equal question to the same model the answer that it had before. Equal is a question
    with the same hash over everything that would be sent, evidence included.
    """

    inner: Analyst
    store: Store
    model: str

    async def _pieces(self, conversation: Conversation) -> AsyncGenerator[str | Said]:
        key = key_of(conversation, self.model)
        async with self.store.begin() as tx:
            known = await tx.analyst_books.remembered(key)
            if known is not None:
                await tx.analyst_books.count((await tx.now()).date(), remembered=1)
        if known is not None:
            if known.text:
                yield known.text
            yield replace(known, is_cached=True, usage=Usage(asked=0, said=0))
            return
        async with aclosing(pieces_of(self.inner, conversation)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Said) and not piece.is_cut:
                    async with self.store.begin() as tx:
                        await tx.analyst_books.remember(key, piece)
                yield piece


def key_of(conversation: Conversation, model: str) -> str:
    """The hash of what is sent to a model."""
    sent = [
        model,
        plain(conversation.messages),
        [[tool.name, tool.description, dict(tool.schema)] for tool in conversation.tools],
        conversation.max_tokens,
    ]
    return digest(canonical(sent))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSpent:
    """What today cost so far."""

    store: Store

    async def __call__(self) -> Spent:
        async with self.store.begin() as tx:
            return await tx.analyst_books.spent((await tx.now()).date())


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetAnswers:
    """Remove answers that are older than they are kept."""

    store: Store

    async def __call__(self) -> int:
        async with self.store.begin() as tx:
            return await tx.analyst_books.forget(await tx.now() - KEPT)
