"""The record: ideas, why, what was seen, the stream, the replay."""

from collections.abc import Callable

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message, Update

from bot import callbacks
from bot.handlers.ask import Question, answered
from bot.handlers.numbers import number
from bot.i18n import Words
from bot.lexicon import why_in
from bot.screen import Screen
from bot.views import card as card_views
from bot.views import history as views
from engine.domain.decision import Action
from engine.domain.person import Person
from engine.errors import InvalidInput
from engine.flow.ask.answer import Ask
from engine.flow.ask.inquiries import Wording
from engine.flow.in_words import WantInWords
from engine.flow.market import ReadMarket
from engine.flow.overview import JUDGED, ListHistory, ListIdeas, ReadIdea
from engine.flow.replay import ReplayDecision

_PAGE = 8
#: What /events shows, and the filter in its buttons.
EVENTS = tuple(action for action in Action if action not in JUDGED)
_EVENTS = views.EVENTS


def build() -> Router:
    """The router."""
    router = Router(name="history")
    router.message.register(ideas, Command("ideas"))
    router.message.register(idea, Command("idea"))
    router.message.register(why_text, Command("why"))
    router.message.register(history, Command("history"))
    router.message.register(events, Command("events"))
    router.message.register(replay, Command("replay"))
    router.callback_query.register(open_card, F.data.startswith(callbacks.pack("card", "")))
    router.callback_query.register(why, F.data.startswith(callbacks.pack("why", "")))
    router.callback_query.register(in_words, F.data.startswith(callbacks.pack("inwords", "")))
    router.callback_query.register(saw, F.data.startswith(callbacks.pack("saw", "")))
    router.callback_query.register(older, F.data.startswith(callbacks.pack("hist", "")))
    return router


async def ideas(
    message: Message, person: Person, words: Words, list_ideas: ListIdeas, is_live: bool
) -> Screen:
    """Those that wait; when none does, the latest."""
    waiting = await list_ideas(person.id, waiting=True)
    found = waiting or await list_ideas(person.id, waiting=False)
    return views.ideas(words, found, waiting=bool(waiting), is_live=is_live)


async def idea(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_idea: ReadIdea,
    is_live: bool,
) -> Screen:
    """One idea in full, with its buttons."""
    found = await read_idea(person.id, number(command, words))
    return card_views.card(words, found, is_live=is_live, role=person.role)


async def open_card(
    query: CallbackQuery, person: Person, words: Words, read_idea: ReadIdea, is_live: bool
) -> Screen:
    """The same by button."""
    idea_id = callbacks.id_in(query.data or "", "card")
    found = await read_idea(person.id, idea_id)
    return card_views.card(words, found, is_live=is_live, role=person.role)


async def why_text(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    read_idea: ReadIdea,
    list_ideas: ListIdeas,
    ask: Ask,
    wording: Wording | None,
    want_in_words: WantInWords | None,
    event_update: Update,
) -> Screen | None:
    """/why 12, /why EURUSD or other words of a question, or /why for the latest idea."""
    if command.args and not command.args.strip().lstrip("#").isdigit():
        question = f"{why_in(words.language)} {command.args}"
        key = f"update:{event_update.update_id}"
        return await answered(Question(question, key), person, words, ask, wording)
    has_model = want_in_words is not None
    if command.args:
        found = await read_idea(person.id, number(command, words))
        return views.why(words, found, has_model=has_model)
    latest = await list_ideas(person.id, waiting=False, limit=1)
    if not latest:
        return Screen(text=words("ideas.none"))
    return views.why(words, await read_idea(person.id, latest[0].id), has_model=has_model)


async def why(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_idea: ReadIdea,
    want_in_words: WantInWords | None,
) -> Screen:
    """Why, from the record."""
    idea_id = callbacks.id_in(query.data or "", "why")
    found = await read_idea(person.id, idea_id)
    return views.why(words, found, has_model=want_in_words is not None)


async def in_words(
    query: CallbackQuery, person: Person, words: Words, want_in_words: WantInWords | None
) -> Screen:
    """Have an idea explained that is not; the card and /why show what comes of it."""
    idea_id = callbacks.id_in(query.data or "", "inwords")
    if want_in_words is None:
        return Screen(toast=words("in_words.no_model"), alert=True)
    is_asked = await want_in_words(person.id, idea_id)
    return Screen(toast=words("in_words.asked" if is_asked else "in_words.not_now"), alert=True)


async def saw(query: CallbackQuery, person: Person, words: Words, read_idea: ReadIdea) -> Screen:
    """What it saw."""
    idea_id = callbacks.id_in(query.data or "", "saw")
    return views.saw(words, await read_idea(person.id, idea_id))


async def history(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    list_history: ListHistory,
    read_market: ReadMarket,
) -> Screen:
    """/history [symbol] [action]."""
    symbol, actions = _filters((command.args or "").split(), read_market.spelled)
    found = await list_history(person.id, symbol=symbol, actions=actions, limit=_PAGE)
    return views.stream(words, found, filters=_written(symbol, actions), page=_PAGE)


async def events(
    message: Message, person: Person, words: Words, list_history: ListHistory
) -> Screen:
    """/events: what happened beside the judging of candles, the newest first."""
    found = await list_history(person.id, actions=EVENTS, limit=_PAGE)
    return views.stream(words, found, filters=_EVENTS, page=_PAGE)


async def older(
    query: CallbackQuery,
    person: Person,
    words: Words,
    list_history: ListHistory,
    read_market: ReadMarket,
) -> Screen:
    """The next page, in place."""
    seq, *filters = callbacks.unpack(query.data or "", "hist")
    before = callbacks.number(seq)
    symbol, actions = _filters(" ".join(filters).split(), read_market.spelled)
    found = await list_history(
        person.id, symbol=symbol, actions=actions, before=before, limit=_PAGE
    )
    written = " ".join(filters) if filters == [_EVENTS] else _written(symbol, actions)
    return views.stream(words, found, filters=written, page=_PAGE, edit=True)


async def replay(
    message: Message,
    command: CommandObject,
    person: Person,
    words: Words,
    replay_decision: ReplayDecision,
) -> Screen:
    """/replay 40, or /replay 40 min_confidence_threshold=80 to ask "what if"."""
    seq, *rest = (command.args or "").split() or [""]
    asked = CommandObject(command=command.command, args=seq)
    decision = number(asked, words)
    done = await replay_decision(decision, _changes(decision, rest, words), person_id=person.id)
    return views.replay(words, done)


def _changes(seq: int, parts: list[str], words: Words) -> dict[str, str]:
    """What ``NAME=VALUE`` asks for; raises :class:`InvalidInput` for anything else."""
    example = f"/replay {seq} max_spread_pips=1.5"
    changes: dict[str, str] = {}
    for part in parts:
        name, sign, text = part.partition("=")
        if not sign:
            raise InvalidInput(words("error.usage", example=example))
        if not words.has(f"setting.{name}"):
            raise InvalidInput(f"{name[:40]} is no setting", unknown=name[:40], example=example)
        changes[name] = text
    return changes


def _filters(
    parts: list[str], spell: Callable[[str], str]
) -> tuple[str | None, tuple[Action, ...]]:
    """A symbol and an action in any order; anything else is a symbol."""
    if parts == [_EVENTS]:
        return None, EVENTS
    known = {str(action): action for action in Action}
    actions = tuple(known[part.lower()] for part in parts if part.lower() in known)
    symbols = [spell(part[:24]) for part in parts if part.lower() not in known]
    return (symbols[0] if symbols else None), actions


def _written(symbol: str | None, actions: tuple[Action, ...]) -> str:
    return " ".join([*([symbol] if symbol else []), *(str(action) for action in actions[:1])])
