"""Ask a question in words: how often a person may, what it means, and what the record says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.domain.ask import Asked, Evidence, Intent
from engine.domain.person import Role
from engine.errors import TooManyQuestions
from engine.flow.ask.lexicon import Lexicon
from engine.flow.ask.lookups import LookUp
from engine.flow.ask.reading import Reading, read
from engine.flow.people import must_be
from engine.ports import Store

#: The span that questions are counted in, in seconds.
SPAN_SECONDS = 60
#: What is offered to somebody whose question was not understood; each is answered as it stands.
EXAMPLES = (
    Asked(intent=Intent.REFUSED, period="d7"),
    Asked(intent=Intent.RESULT, period="this_week"),
    Asked(intent=Intent.BLOCKED),
    Asked(intent=Intent.LIMITS),
    Asked(intent=Intent.WOULD, period="d7", what="untaken"),
    Asked(intent=Intent.LAST, what="decision"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer: the evidence; or, without any, why there is none and what to choose from."""

    evidence: Evidence | None = None
    reading: Reading | None = None
    choices: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Questions of people. ``per_minute`` is how many one person may ask.

    Raises :class:`TooManyQuestions` with the instant from which it goes on, and as :class:`LookUp`
    does. ``lexicons`` are by language.
    """

    store: Store
    look_up: LookUp
    lexicons: Mapping[str, Lexicon]
    per_minute: int

    async def __call__(
        self, person_id: int | None, text: str, *, language: str, about: int | None = None
    ) -> Told:
        """Answer a text; ``about`` is the number of the idea whose card it replies to."""
        await self.admit(person_id)
        return await self.uncounted(person_id, text, language=language, about=about)

    async def uncounted(
        self, person_id: int | None, text: str, *, language: str, about: int | None = None
    ) -> Told:
        """The same of a question that was counted before."""
        names = await self._names(person_id)
        own = [lexicon for name, lexicon in self.lexicons.items() if name == language]
        others = [lexicon for name, lexicon in self.lexicons.items() if name != language]
        known = [lexicon.with_names(names) for lexicon in (*own, *others)]
        reading = read(text, known, about=about, asker=person_id)
        asked = reading.asked
        if asked is None:
            return Told(reading=reading, choices=reading.choices or EXAMPLES)
        return await self._told(person_id, asked)

    async def again(self, person_id: int | None, asked: Asked) -> Told:
        """Answer a question that was understood before, from its button."""
        await self.admit(person_id)
        return await self._told(person_id, asked)

    async def idea_of_message(self, person_id: int, chat_id: int, message_id: int) -> int | None:
        """The number of the idea whose card is replied to; None for another message."""
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            return await tx.recorded.idea_of_message(chat_id, message_id)

    async def _told(self, person_id: int | None, asked: Asked) -> Told:
        if asked.intent is Intent.HELP:
            return Told(choices=EXAMPLES)
        return Told(evidence=await self.look_up(person_id, asked))

    async def admit(self, person_id: int | None) -> None:
        """Count the question; the machine's own are not counted."""
        if person_id is None:
            return
        async with self.store.begin() as tx:
            await must_be(tx, person_id, Role.VIEWER)
            asked, until = await tx.recorded.ask(person_id, SPAN_SECONDS)
            _within(asked, self.per_minute, until)

    async def _names(self, person_id: int | None) -> list[tuple[str, str]]:
        """What people, symbols and strategies are called."""
        async with self.store.begin() as tx:
            if person_id is not None:
                await must_be(tx, person_id, Role.VIEWER)
            people = [(one.name, f"person:{one.id}") for one in await tx.people.list()]
            made = [(one.name, f"strategy:{one.name}") for one in await tx.settings.strategies()]
        watched = {symbol for symbol, _ in self.look_up.symbols}
        symbols = [(symbol, f"symbol:{symbol}") for symbol in sorted(watched)]
        return [*_alone(people), *_alone(made), *symbols]


def _within(asked: int, per_minute: int, until: datetime) -> None:
    allowed = asked <= per_minute
    if not allowed:
        raise TooManyQuestions(f"more than {per_minute} questions a minute", until)


def _alone(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that nobody else is called by: of two people of one name none is meant."""
    spoken = [name.casefold() for name, _ in names]
    return [one for one, name in zip(names, spoken, strict=True) if spoken.count(name) == 1]
