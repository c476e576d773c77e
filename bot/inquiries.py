"""Answers questions by the language model beside everything else: nobody else's update waits.

What people see while it is written are whole sentences that the record bears out, as a draft where
Telegram has them, else in one message that is edited. The end is a message of the outbox, under a
key of its own: however often a question is taken up, it is answered once. One that was begun and
cut off is not begun again, it gets the answer that stands without a model.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from bot.courier import payload
from bot.i18n import Words, words_for
from bot.live_text import Drafts, LiveText
from bot.screen import Screen, parcel_of
from bot.views import asking as views
from engine.domain.ask import Evidence
from engine.domain.wording import ABANDONED, STOPPED, Inquiry
from engine.errors import TraderError
from engine.flow.ask.answer import Told
from engine.flow.ask.inquiries import Inquiries, Wording
from engine.flow.ask.wording import Worded
from engine.flow.people import FindPerson
from engine.ports import Bell
from storage.outbox import PostgresDeliveries

log = logging.getLogger(__name__)

#: Questions answered at once, of all people.
TOGETHER = 4
_LOOK_SECONDS = 1.0
#: How soon a tap on Stop is noticed.
_STOP_SECONDS = 0.4
#: A question that could not even be refused so often is left alone.
_MOST_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerInquiries:
    """Take up what waits. ``wording`` wakes it; without, it looks every second, which is how what
    another process left is found.
    """

    wording: Wording
    inquiries: Inquiries
    find_person: FindPerson
    deliveries: PostgresDeliveries
    bell: Bell
    drafts: Drafts
    _busy: set[int] = field(default_factory=set)

    async def run(self) -> None:
        """Work for ever. What is under way when it is told to end is left for the next start."""
        async with asyncio.TaskGroup() as group:
            while True:
                self.wording.asked.clear()
                for inquiry_id in await self._free():
                    self._busy.add(inquiry_id)
                    group.create_task(self._safely(inquiry_id))
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self.wording.asked.wait()
                except TimeoutError:
                    continue

    async def drain(self) -> int:
        """Answer everything that waits, one after the other; how many there were."""
        due = await self._free()
        for inquiry_id in due:
            self._busy.add(inquiry_id)
            await self._safely(inquiry_id)
        return len(due)

    async def _free(self) -> Sequence[int]:
        due = await self.inquiries.due(TOGETHER * 4)
        return [id_ for id_ in due if id_ not in self._busy][: max(0, TOGETHER - len(self._busy))]

    async def _safely(self, inquiry_id: int) -> None:
        try:
            inquiry = await self.inquiries.claim(inquiry_id)
            if inquiry is not None and inquiry.tries <= _MOST_TRIES:
                await self._answer(inquiry)
            elif inquiry is not None:
                await self.inquiries.done(inquiry_id)
        except TraderError as problem:
            # Who asked may not know any more, or the question is of another version.
            log.info("question %s gets no answer: %s", inquiry_id, problem)
            await self.inquiries.done(inquiry_id)
        except Exception:
            log.exception("question %s was not answered; it is taken up again", inquiry_id)
        finally:
            self._busy.discard(inquiry_id)
            self.wording.asked.set()

    async def _answer(self, inquiry: Inquiry) -> None:
        person = await self.find_person(inquiry.person_id)
        zone = "UTC" if person is None else person.timezone
        words = words_for(inquiry.language, zone)
        told = await self.inquiries.told(inquiry)
        done: Worded | str = ABANDONED
        if inquiry.tries == 1:
            done = await self._listen(inquiry, told, words)
        await self._end(inquiry, views.worded(words, told, done))

    async def _listen(self, inquiry: Inquiry, told: Told, words: Words) -> Worded | str:
        """What the model says, shown as it grows; a code when it was stopped."""
        live = LiveText(
            inquiry=inquiry, words=words, drafts=self.drafts, deliveries=self.deliveries,
            bell=self.bell,
        )  # fmt: skip
        given = () if told.evidence is None else (told.evidence,)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._read(inquiry, given, live))
            painting = group.create_task(live.paint())
            while not (await asyncio.wait({reading}, timeout=_STOP_SECONDS))[0]:
                if await self.inquiries.watch(inquiry.id):
                    reading.cancel()
                    break
            await asyncio.wait({reading})
            painting.cancel()
        return STOPPED if reading.cancelled() else reading.result()

    async def _read(self, inquiry: Inquiry, given: tuple[Evidence, ...], live: LiveText) -> Worded:
        stream = self.wording.word.stream(
            inquiry.person_id,
            inquiry.question,
            language=inquiry.language,
            first=given,
            about=inquiry.about,
        )
        async with aclosing(stream) as texts:
            async for text in texts:
                if isinstance(text, Worded):
                    return text
                live.show(text)
        raise RuntimeError("an answer without an end")

    async def _end(self, inquiry: Inquiry, screen: Screen) -> None:
        """The answer, once; in the place of the message that grew, if there is one."""
        parcel = replace(parcel_of(screen), edit_key=LiveText.key_of(inquiry))
        person = inquiry.person_id
        await self.deliveries.answer(f"asked:{inquiry.id}", person, person, payload(parcel))
        await self.bell.ring("deliver")
        await self.inquiries.done(inquiry.id)
