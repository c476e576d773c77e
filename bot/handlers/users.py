"""Who may do what: requests answered, roles changed in two steps, and whom the bot reaches."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message

from bot import callbacks
from bot.handlers.questions import expiry, is_fresh
from bot.i18n import Words
from bot.screen import Screen
from bot.views import users as views
from engine.domain.person import Person, Role
from engine.errors import InvalidInput, NotFound
from engine.flow.notices import MarkUnreachable, WelcomeBack
from engine.flow.roles import AnswerRequest, ChangeRole, ReadPeople
from engine.ports import Clock


def build() -> Router:
    """The router."""
    router = Router(name="users")
    router.message.register(users, Command("users"))
    router.callback_query.register(answer, F.data.startswith(callbacks.pack("join", "")))
    router.callback_query.register(page, F.data.startswith(callbacks.pack("users", "")))
    router.callback_query.register(one, F.data.startswith(callbacks.pack("user", "")))
    router.callback_query.register(ask, F.data.startswith(callbacks.pack("role", "")))
    router.callback_query.register(give, F.data.startswith(callbacks.pack("give", "")))
    router.my_chat_member.register(reach)
    return router


async def users(message: Message, person: Person, words: Words, read_people: ReadPeople) -> Screen:
    """Everyone."""
    return views.everyone(words, await read_people(person.id), 0)


async def page(
    query: CallbackQuery, person: Person, words: Words, read_people: ReadPeople
) -> Screen:
    """Another page of everyone, in place."""
    (text,) = callbacks.parts(query.data or "", "users", 1)
    return views.everyone(words, await read_people(person.id), callbacks.number(text), edit=True)


async def answer(
    query: CallbackQuery, person: Person, words: Words, answer_request: AnswerRequest
) -> Screen:
    """Let somebody in, or refuse them."""
    id_, role = callbacks.parts(query.data or "", "join", 2)
    return views.answered(
        words, await answer_request(person.id, callbacks.number(id_), _role(role))
    )


async def one(
    query: CallbackQuery, person: Person, words: Words, read_people: ReadPeople
) -> Screen:
    """One person."""
    (id_,) = callbacks.parts(query.data or "", "user", 1)
    return views.one(words, await _find(read_people, person, callbacks.number(id_)), person)


async def ask(
    query: CallbackQuery, person: Person, words: Words, read_people: ReadPeople, clock: Clock
) -> Screen:
    """The first step of a change."""
    id_, role = callbacks.parts(query.data or "", "role", 2)
    found = await _find(read_people, person, callbacks.number(id_))
    expires = expiry(clock)
    return views.confirm(words, found, _role(role), expires)


async def give(
    query: CallbackQuery, person: Person, words: Words, change_role: ChangeRole, clock: Clock
) -> Screen:
    """The second step, for the person as they were shown."""
    id_, role, version, expires = callbacks.parts(query.data or "", "give", 4)
    if not is_fresh(clock, callbacks.number(expires)):
        return Screen(text=words("control.outdated"), edit=True)
    changed = await change_role(
        person.id, callbacks.number(id_), _role(role), expected=callbacks.number(version)
    )
    return views.one(words, changed, person)


async def reach(
    event: ChatMemberUpdated,
    person: Person,
    mark_unreachable: MarkUnreachable,
    welcome_back: WelcomeBack,
) -> None:
    """They blocked the bot, or let it write again."""
    if event.new_chat_member.status == "member":
        await welcome_back(person.id)
    else:
        await mark_unreachable(person.id, "the bot was blocked")


async def _find(read_people: ReadPeople, person: Person, id_: int) -> Person:
    found = next((other for other in await read_people(person.id) if other.id == id_), None)
    if found is None:
        raise NotFound(f"there is no person {id_}", nobody=id_)
    return found


def _role(text: str) -> Role:
    if text not in list(Role):
        raise InvalidInput(f"there is no role {text!r}")
    return Role(text)
