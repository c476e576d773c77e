"""Questions about the record, in words: what was understood, and what the record says."""

from collections.abc import Mapping
from datetime import datetime
from html import unescape
from re import sub
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.api.fields import Flag, Given, Number, Text, Told, Whole
from bot.api.routing import Call, Routes
from bot.i18n import words_for
from bot.views import ask as views
from bot.views import asking
from engine.domain.ask import Asked, Evidence, Intent, Row
from engine.domain.person import Role
from engine.domain.wording import Verdict
from engine.flow.ask.answer import Told as Answered
from engine.flow.ask.lexicon import LONGEST
from engine.flow.ask.lookups import LOOKUPS
from engine.flow.ask.wording import Worded, end_of

routes = Routes("ask")

Language = Literal["en", "es", "pt-BR", "de", "ru", "ar"]


class Question(Given):
    """A question. ``language`` is that of the answer, and read first; ``idea`` is the number of the
    idea it is about, where it names none. With ``in_words`` the language model, where one is
    connected, says an answer of the record's in its words too.
    """

    question: Annotated[Text, Field(min_length=1, max_length=LONGEST)]
    language: Language = "en"
    idea: Annotated[Whole, Field(ge=1, le=10**9)] | None = None
    in_words: Flag = False


class ChoiceTold(Told):
    """A question that can be asked instead."""

    intent: Intent
    label: str


class AnswerTold(Told):
    """``intent`` is null where the question was not understood, or has more than one meaning: then
    ``choices`` are what can be asked. ``missing`` is a code that says why there is no answer; the
    figures, and the numbers of decisions and ideas that prove them, stand beside the text.

    ``mode`` says whose the text is: ``model`` where it holds a language model's ``words``, each
    sentence of which the record bears out. ``degraded`` says why it holds none though a model was
    asked: OPENAI_UNAVAILABLE or UNSUPPORTED; ``reason`` says more.
    """

    intent: Intent | None
    text: str
    missing: str | None
    figures: dict[str, Any]
    rows: list[dict[str, Any]]
    decisions: list[int]
    ideas: list[int]
    choices: list[ChoiceTold]
    mode: Literal["model", "template"]
    words: str
    degraded: Literal["OPENAI_UNAVAILABLE", "UNSUPPORTED"] | None
    reason: str | None


class LookupTold(Told):
    """What can be looked up, and the JSON schema of what narrows it."""

    name: str
    description: str
    parameters: dict[str, Any]


class Lookups(Told):
    """Everything that can be looked up."""

    lookups: list[LookupTold]
    per_minute: Number


@routes.post("/v1/ai/ask", role=Role.VIEWER, statuses=(429,))
async def ask(call: Call, body: Question) -> AnswerTold:
    """Ask about decisions, refusals, limits and results, in your own words.

    Answered from the record alone, or not at all; 429 SLOW_DOWN for more questions than a person
    may ask in a minute. Where a language model is connected it is asked what the record's own
    answers do not cover; that may take as long as LLM_TIMEOUT.
    """
    talk = call.uses.talk
    answer = await talk.ask(call.person_id, body.question, language=body.language, about=body.idea)
    stream = None
    if talk.wording is not None:
        stream = talk.wording.stream(
            call.person_id, body.question, answer,
            language=body.language, about=body.idea, in_words=body.in_words,
        )  # fmt: skip
    return _told(body.language, answer, None if stream is None else await end_of(stream))


@routes.get("/v1/ai/lookups", role=Role.VIEWER)
async def lookups(call: Call) -> Lookups:
    """What questions can be about."""
    found = [
        LookupTold(name=one.name, description=one.description, parameters=one.schema)
        for one in LOOKUPS.values()
    ]
    return Lookups(lookups=found, per_minute=call.uses.talk.ask.per_minute)  # type: ignore[arg-type]


def _told(language: str, answer: Answered, done: Worded | None) -> AnswerTold:
    words = words_for(language)
    found = answer.evidence or Evidence(asked=Asked(intent=Intent.HELP))
    rests_on = (found, *(() if done is None or not done.text else done.found))
    screen = views.told(words, answer) if done is None else asking.worded(words, answer, done)
    text = screen.text or ""
    return AnswerTold(
        intent=None if answer.evidence is None else found.asked.intent,
        text=unescape(sub(r"<[^>]+>", "", text)),
        missing=found.missing,
        figures=_plain(found.figures),
        rows=[_plain(row) for row in found.rows],
        decisions=list(dict.fromkeys(number for one in rests_on for number in one.records)),
        ideas=list(dict.fromkeys(number for one in rests_on for number, _ in one.ideas)),
        choices=[
            ChoiceTold(intent=one.intent, label=views.label(words, one)) for one in answer.choices
        ],
        mode="model" if done is not None and done.text else "template",
        words="" if done is None else done.text,
        degraded=None if done is None else _DEGRADED[done.reply.verdict],
        reason=None if done is None else done.reply.reason,
    )


_DEGRADED: Mapping[Verdict, Literal["OPENAI_UNAVAILABLE", "UNSUPPORTED"] | None] = MappingProxyType(
    {
        Verdict.SHOWN: None,
        Verdict.UNSUPPORTED: "UNSUPPORTED",
        # The code of source 004, section 9.5.
        Verdict.UNAVAILABLE: "OPENAI_UNAVAILABLE",
    }
)


def _plain(row: Row) -> dict[str, Any]:
    """Figures as JSON: instants in UTC, numbers with every digit as texts."""
    return {
        name: value.isoformat() if isinstance(value, datetime)
        else value if value is None or isinstance(value, int | str)
        else f"{value:f}"
        for name, value in row.items()
    }  # fmt: skip
