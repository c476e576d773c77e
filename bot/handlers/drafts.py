"""Changes of the settings that wait for a person's yes: shown first, in force only when confirmed.

A draft is kept in the conversation's durable place, never in a button: the button names the draft,
the version that was looked at and until when it holds.
"""

from dataclasses import dataclass
from typing import Any

from aiogram import F, Router
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.handlers.questions import expiry, is_fresh
from bot.i18n import Words
from bot.screen import Screen
from bot.views import drafts as views
from engine.domain.person import Person, Role
from engine.domain.settings import (
    NO_REASON,
    RiskSettings,
    back_to,
    differences,
    must_agree,
    with_changes,
    written,
)
from engine.errors import InvalidInput, Outdated
from engine.flow.settings import ChangeSettings, ReadSettings, said
from engine.flow.usage import Limits, ReadLimits
from engine.ports import Clock


class Drafting(StatesGroup):
    """A change is shown; what is typed now is its reason."""

    confirm = State()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A change that was asked for; ``number`` tells it from an earlier one of the same person,
    ``back`` is where its buttons lead, as parts of callback data.
    """

    number: int
    changes: dict[str, str]
    back: tuple[str, ...]
    reason: str | None = None
    default: str = NO_REASON


def build() -> Router:
    """The router."""
    router = Router(name="drafts")
    router.message.register(reason, Drafting.confirm, F.text)
    router.callback_query.register(apply, F.data.startswith(callbacks.pack("apply", "")))
    router.callback_query.register(drop, F.data.startswith(callbacks.pack("drop", "")))
    router.callback_query.register(undo, F.data.startswith(callbacks.pack("undo", "")))
    return router


def number_of(event: Message | CallbackQuery) -> int:
    """The number of the draft an update makes: the same when it is delivered again."""
    if isinstance(event, Message):
        return event.message_id
    return int(event.id) % 10**9 if event.id.isdigit() else 0


def changed(before: RiskSettings, after: RiskSettings) -> dict[str, str]:
    """What turns some settings into others, as a person would write it."""
    return {name: written(getattr(after, name)) for name in differences(before, after)}


async def propose(
    draft: Draft,
    *,
    person: Person,
    words: Words,
    state: FSMContext,
    seen: Limits,
    clock: Clock,
    edit: bool = False,
) -> Screen:
    """Show a change and wait for the yes. Raises :class:`InvalidInput` for one that cannot be, and
    :class:`NotAllowed` below an admin; a question that waits goes on waiting then.
    """
    person.must_be(Role.ADMIN)
    after = with_changes(seen.settings, draft.changes)
    if not differences(seen.settings, after):
        raise InvalidInput("nothing would change", mistake="unchanged")
    must_agree(after)
    reason = None if draft.reason is None else said(draft.reason)
    await state.set_data(
        {
            "draft": draft.number,
            "version": seen.version,
            "changes": draft.changes,
            "reason": reason,
            "default": draft.default,
            "back": list(draft.back),
        }
    )
    await state.set_state(Drafting.confirm)
    asked = views.Question(draft=draft.number, version=seen.version, until=expiry(clock))
    return views.confirm(words, seen, after, asked, reason=reason, edit=edit)


async def reason(
    message: Message,
    person: Person,
    words: Words,
    state: FSMContext,
    read_limits: ReadLimits,
    clock: Clock,
) -> Screen:
    """A typed reason; the change is shown again with it."""
    data = await state.get_data()
    seen = await read_limits(person.id)
    if data.get("version") != seen.version:
        await state.clear()
        return Screen(text=words("drafts.outdated"))
    # The message that made the draft, delivered again, is no reason for it.
    again = message.message_id == data["draft"]
    draft = Draft(
        number=data["draft"],
        changes=data["changes"],
        back=tuple(data["back"]),
        reason=data["reason"] if again else message.text,
        default=data["default"],
    )
    return await propose(draft, person=person, words=words, state=state, seen=seen, clock=clock)


async def apply(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    change_settings: ChangeSettings,
    read_settings: ReadSettings,
    clock: Clock,
) -> Screen:
    """The yes, for the draft and the version it was asked about."""
    data = await state.get_data()
    if not is_for(query, "apply", data, clock):
        return Screen(toast=words("drafts.outdated"), alert=True)
    why = data["reason"] or data["default"]
    try:
        await change_settings(person.id, data["changes"], reason=why, expected=data["version"])
    except Outdated:
        # Delivered again after it was done: what was asked for is what is in force.
        if not await _is_done(read_settings, person, data):
            await state.clear()
            raise
    found = await read_settings(person.id, limit=2)
    await state.clear()
    return views.done(words, found[0], found[1], tuple(data["back"]))


async def _is_done(read_settings: ReadSettings, person: Person, data: dict[str, Any]) -> bool:
    now, before = await read_settings(person.id, limit=2)
    mine = now.version == data["version"] + 1 and now.changed_by == person.name[:60]
    return mine and now.settings == with_changes(before.settings, data["changes"])


def is_for(query: CallbackQuery, action: str, data: dict[str, Any], clock: Clock) -> bool:
    """Whether the yes of a button is for the draft that waits, and for the version it was shown
    for; raises :class:`InvalidInput` for a button of another shape.
    """
    number, version, until = map(callbacks.number, callbacks.parts(query.data or "", action, 3))
    asked = (data.get("draft"), data.get("version"))
    return is_fresh(clock, until) and asked == (number, version)


async def drop(query: CallbackQuery, words: Words, state: FSMContext) -> Screen:
    """Leave everything as it is, and forget the question."""
    data = await state.get_data()
    await state.clear()
    return views.dropped(words, tuple(data.get("back", ("risk",))))


async def undo(
    query: CallbackQuery,
    person: Person,
    words: Words,
    state: FSMContext,
    read_limits: ReadLimits,
    clock: Clock,
) -> Screen:
    """Back to what one version changed: shown and confirmed like any other change."""
    (text,) = callbacks.parts(query.data or "", "undo", 1)
    seen = await read_limits(person.id)
    pairs = zip(seen.versions, seen.versions[1:], strict=False)
    found = next((pair for pair in pairs if pair[0].version == callbacks.whole(text)), None)
    if found is None:
        return Screen(toast=words("drafts.outdated"), alert=True)
    draft = Draft(
        number=number_of(query),
        changes=changed(found[0].settings, found[1].settings),
        back=("risk",),
        default=back_to(found[1].version),
    )
    return await propose(
        draft, person=person, words=words, state=state, seen=seen, clock=clock, edit=True
    )
