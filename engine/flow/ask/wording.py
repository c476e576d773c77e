"""A language model answers a question about the record: it looks up, it says, and it is checked.

It is given what it asked for and nothing else, reads and never writes, and what it says is shown
sentence by sentence, each only after the record bears it out. Whatever else happens, the answer is
the one that stands without it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.domain.analyst import Author, Conversation, Message, Said, ToolCall, Trouble
from engine.domain.ask import Asked, Evidence, Intent
from engine.domain.wording import UNSUPPORTED, Reply, Verdict
from engine.errors import AnalystUnavailable, TraderError
from engine.flow.analyst_guards import pieces_of
from engine.flow.ask.answer import Told
from engine.flow.ask.lookups import LookUp
from engine.flow.ask.scene import names_of
from engine.flow.ask.tools import TOOLS, asked_by, more_of
from engine.flow.latch import market_time
from engine.llm import prompts
from engine.llm.asked import Scope, scopes_of, unsupported
from engine.llm.asked_lines import lines_of
from engine.llm.cleaning import clean, is_written_in
from engine.llm.evidence import Evidence as Grounds
from engine.llm.sentences import Sentences
from engine.ports import Analyst, Store

#: Times a model is asked about one question, and look-ups that it may make in all.
ROUNDS, MOST_CALLS = 4, 8
#: Readings that are none of the record's: nothing that could be looked up was said.
_NO_QUESTION = ("too_long",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worded:
    """The end: what became of it, and what was looked up, each with its records."""

    reply: Reply
    found: tuple[Evidence, ...]

    @property
    def text(self) -> str:
        """What is shown; empty when nothing is."""
        return self.reply.text


@dataclass(slots=True)
class _Talk:
    """One question under way."""

    person_id: int | None
    question: str
    language: str
    ends: float
    now: datetime
    people: tuple[str, ...] = ()
    found: list[Evidence] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    calls: int = 0
    said: str = ""
    model: str | None = None
    asked_tokens: int = 0
    said_tokens: int = 0
    opening: Grounds = field(default_factory=Grounds)
    kept: list[str] = field(default_factory=list)
    wrong: tuple[str, ...] = ()

    def add(self, found: Evidence) -> tuple[list[str], list[str]]:
        """What was looked up, from now on something to rest on; as the model reads it."""
        more = more_of(found)
        self.found.append(found)
        self.scopes += scopes_of(found, more)
        return lines_of(found, more)

    def judge(self, sentence: str) -> bool:
        """Keep a sentence that the record bears out; after the first that it does not, none."""
        plain = clean(sentence, prompts.LONGEST_ANSWER)
        if self.wrong or not plain:
            return False
        if len(" ".join((*self.kept, plain))) > prompts.LONGEST_ANSWER:
            return False
        self.wrong = unsupported(plain, self.scopes, self.people, self.language)
        if not self.wrong and not is_written_in(plain, self.language):
            self.wrong = ("another language",)
        if not self.wrong:
            self.kept.append(plain)
        return not self.wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Ask a model about the record. ``within`` is how long all of it may take, from the question to
    its last word. Nobody but who asked waits for it.
    """

    store: Store
    analyst: Analyst
    look_up: LookUp
    within: timedelta
    clock: Callable[[], float]

    def is_for(self, told: Told) -> bool:
        """Whether a model may add something: the question is none that the record answers itself,
        nor one that has to be asked back.
        """
        if told.evidence is not None or told.reading is None or told.reading.choices:
            return False
        return told.reading.why not in _NO_QUESTION

    async def stream(
        self,
        person_id: int | None,
        question: str,
        *,
        language: str,
        first: Sequence[Evidence] = (),
        about: int | None = None,
    ) -> AsyncGenerator[str | Worded]:
        """All that may be shown so far, whenever there is more (or, after a look-up, less), and at
        last what became of it. ``first`` is what was looked up before, ``about`` the number of the
        idea that is answered to. It raises nothing of the model's.
        """
        talk = await self._open(person_id, question, language)
        reason: str | None = None
        try:
            given = [*first, *await self._of_idea(talk, about)]
            async with aclosing(self._rounds(talk, given)) as texts:
                async for text in texts:
                    yield text
        except AnalystUnavailable as problem:
            reason = problem.reason
        yield await self._end(talk, reason)

    async def _open(self, person_id: int | None, question: str, language: str) -> _Talk:
        async with self.store.begin() as tx:
            people, wall = tuple((await names_of(tx)).values()), await tx.now()
        return _Talk(
            person_id=person_id,
            question=question,
            language=language,
            ends=self.clock() + self.within.total_seconds(),
            now=await market_time(self.look_up.market) or wall,
            people=people,
        )

    async def _of_idea(self, talk: _Talk, about: int | None) -> list[Evidence]:
        if about is None:
            return []
        return [await self.look_up(talk.person_id, Asked(intent=Intent.WHY, idea=about))]

    async def _rounds(self, talk: _Talk, given: Sequence[Evidence]) -> AsyncGenerator[str]:
        opening = self._opening(talk, given)
        messages = list(opening.messages)
        for number in range(ROUNDS):
            is_last = number == ROUNDS - 1
            conversation = Conversation(
                purpose=opening.purpose,
                messages=tuple(messages),
                # Who has looked up enough has to answer.
                tools=() if is_last or talk.calls >= MOST_CALLS else opening.tools,
                max_tokens=opening.max_tokens,
                # A question counts once, however often it looks something up.
                person_id=talk.person_id if number == 0 else None,
                within=timedelta(seconds=max(0.0, talk.ends - self.clock())),
            )
            said: Said | None = None
            talk.kept, talk.wrong = [], ()
            async with aclosing(self._pieces(talk, conversation)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Said):
                        said = piece
                    else:
                        yield piece
            if said is None or said.is_cut:
                raise AnalystUnavailable(Trouble.CUT)
            if not said.calls:
                return
            if talk.kept:
                yield ""
            messages.append(Message(author=Author.ASSISTANT, text=said.text, calls=said.calls))
            messages += [await self._call(talk, call) for call in said.calls]

    def _opening(self, talk: _Talk, given: Sequence[Evidence]) -> Conversation:
        lines: list[str] = [
            f"now {talk.now:%Y-%m-%d %H:%M} UTC",
            f"watched {', '.join(symbol for symbol, _ in self.look_up.symbols)}",
        ]
        strangers: list[str] = []
        for found in given:
            more, texts = talk.add(found)
            lines, strangers = [*lines, *more], [*strangers, *texts]
        talk.opening = Grounds(facts=tuple(lines), untrusted=tuple(strangers))
        return prompts.answer(talk.opening, talk.question, talk.language, TOOLS)

    async def _pieces(self, talk: _Talk, conversation: Conversation) -> AsyncGenerator[str | Said]:
        """One round: what may be shown of it, as it grows, and the whole as the last."""
        sentences = Sentences(talk.language)
        async with aclosing(pieces_of(self.analyst, conversation)) as pieces:
            while True:
                try:
                    async with asyncio.timeout(max(0.0, talk.ends - self.clock())):
                        piece = await anext(pieces, None)
                except TimeoutError:
                    raise AnalystUnavailable(Trouble.TIMEOUT) from None
                if piece is None:
                    return
                said = piece if isinstance(piece, Said) else None
                whole = sentences.end() if said is not None else sentences.add(str(piece))
                if sum([talk.judge(sentence) for sentence in whole]):
                    yield " ".join(talk.kept)
                if said is not None:
                    self._count(talk, said)
                    yield said
                    return

    def _count(self, talk: _Talk, said: Said) -> None:
        talk.said, talk.model = said.text, said.model
        talk.asked_tokens += said.usage.asked
        talk.said_tokens += said.usage.said

    async def _call(self, talk: _Talk, call: ToolCall) -> Message:
        """Carry out a look-up; whatever is wrong with it is told to who asked for it."""
        talk.calls += 1
        try:
            if talk.calls > MOST_CALLS:
                text = f"error: at most {MOST_CALLS} look-ups; answer now"
            else:
                text = await self._looked_up(talk, asked_by(call))
        except TraderError as problem:
            text = f"error: {clean(str(problem), 200)}"
        return Message(author=Author.TOOL, text=text, answers=call.id)

    async def _looked_up(self, talk: _Talk, asked: Asked) -> str:
        if asked.code() in talk.done:
            return "error: this was looked up before"
        found = await self.look_up(talk.person_id, asked)
        talk.done.add(asked.code())
        lines, strangers = talk.add(found)
        return prompts.looked_up(lines, strangers, talk.opening, talk.question)

    async def _end(self, talk: _Talk, reason: str | None) -> Worded:
        text, verdict = " ".join(talk.kept), Verdict.SHOWN
        if reason is not None:
            text, verdict = "", Verdict.UNAVAILABLE
        elif talk.wrong or not text:
            reason = ", ".join(talk.wrong)[:200] or UNSUPPORTED
            text, verdict = "", Verdict.UNSUPPORTED
        async with self.store.begin() as tx:
            now = await tx.now()
            reply = Reply(
                person_id=talk.person_id,
                language=talk.language,
                question=_storable(talk.question)[:400],
                verdict=verdict,
                reason=reason,
                looked_up=tuple(found.asked.code() for found in talk.found),
                said=_storable(talk.said),
                text=text,
                model=talk.model,
                asked_tokens=talk.asked_tokens,
                said_tokens=talk.said_tokens,
                at=now,
            )
            await tx.inquiries.keep(reply)
            if verdict is Verdict.UNSUPPORTED:
                await tx.analyst_books.count(now.date(), unsupported=1)
        return Worded(reply=reply, found=tuple(talk.found))


async def end_of(stream: AsyncGenerator[str | Worded]) -> Worded:
    """What becomes of an answer, for who cannot show it while it grows."""
    async with aclosing(stream) as texts:
        async for text in texts:
            if isinstance(text, Worded):
                return text
    raise RuntimeError("an answer without an end")


def _storable(text: str) -> str:
    """Without what no database keeps: half characters, and the one of no code."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
