"""Questions that wait for a language model: put, stopped, answered once, whatever dies between."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import timedelta

from engine.domain.ask import Evidence, asked_of
from engine.domain.person import Role
from engine.domain.wording import Inquiry
from engine.flow.ask.answer import Ask, Told
from engine.flow.ask.wording import Word, Worded
from engine.flow.people import must_be
from engine.ports import Store

#: How long whoever answers one has it to themselves, from one sign of life to the next.
LEASE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquire:
    """Put a question that a model is to answer. ``wake`` is called once it is kept."""

    store: Store
    wake: Callable[[], None]

    async def __call__(
        self,
        person_id: int,
        question: str,
        *,
        key: str,
        language: str,
        about: int | None = None,
        code: str | None = None,
    ) -> bool:
        """False when the same was put before, by its ``key``."""
        inquiry = Inquiry(
            key=key, person_id=person_id, language=language, question=question[:400],
            about=about, code=code,
        )  # fmt: skip
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            is_new = await tx.inquiries.add(inquiry)
        self.wake()
        return is_new


@dataclass(frozen=True, slots=True, kw_only=True)
class StopInquiry:
    """Who asked wants no more of it."""

    store: Store

    async def __call__(self, person_id: int, inquiry_id: int) -> bool:
        """False when it is answered already, or is somebody else's."""
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            return await tx.inquiries.stop(person_id, inquiry_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What there is where a language model is used; ``asked`` is set when a question waits, for who
    answers in this process.
    """

    word: Word
    inquire: Inquire
    stop: StopInquiry
    asked: asyncio.Event

    def stream(
        self,
        person_id: int | None,
        question: str,
        told: Told,
        *,
        language: str,
        about: int | None = None,
        in_words: bool = False,
    ) -> AsyncGenerator[str | Worded] | None:
        """What the model adds to an answer, for who waits for it; None where it is not asked.
        ``in_words`` asks it to say a sure answer too.
        """
        if told.evidence is not None and in_words:
            given: tuple[Evidence, ...] = (told.evidence,)
        elif self.word.is_for(told):
            given = ()
        else:
            return None
        return self.word.stream(person_id, question, language=language, first=given, about=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiries:
    """What waits, for who answers it. ``ask`` gives the answer that stands without a model."""

    store: Store
    ask: Ask

    async def due(self, limit: int) -> tuple[int, ...]:
        """Ids of questions that nobody answers."""
        async with self.store.begin() as tx:
            return tuple(await tx.inquiries.due(limit))

    async def claim(self, inquiry_id: int) -> Inquiry | None:
        """Answer one from now on; None when somebody else does, or did."""
        async with self.store.begin() as tx:
            return await tx.inquiries.claim(inquiry_id, LEASE)

    async def watch(self, inquiry_id: int) -> bool:
        """Go on with it; True when who asked wants no more."""
        async with self.store.begin() as tx:
            return await tx.inquiries.watch(inquiry_id, LEASE)

    async def done(self, inquiry_id: int) -> None:
        """It is answered for good."""
        async with self.store.begin() as tx:
            await tx.inquiries.done(inquiry_id)

    async def told(self, inquiry: Inquiry) -> Told:
        """The answer without a model; it is not counted as another question."""
        if inquiry.code is not None:
            asked = asked_of(inquiry.code)
            return Told(evidence=await self.ask.look_up(inquiry.person_id, asked))
        return await self.ask.uncounted(
            inquiry.person_id, inquiry.question, language=inquiry.language, about=inquiry.about
        )
