"""Who may do what, for admins: requests, the list, one person, and the steps of a change."""

from collections.abc import Sequence
from typing import Any

from bot import callbacks
from bot.i18n import Html, Words, words_for
from bot.screen import Button, Screen
from bot.views.people import giver
from engine.domain.person import Person, Role
from engine.flow.roles import ANSWERS, Answered

#: People on a page.
PAGE = 8

_STYLES = {Role.ADMIN: "danger", Role.REFUSED: "danger"}


def request(words: Words, person: Person) -> Screen:
    """Somebody asks to be let in; buttons while nobody has answered."""
    lines = [words("users.asks", name=person.name, id=person.id)]
    if person.role is not Role.PENDING:
        return Screen(text=Html("\n".join([*lines, _given(words, person)])))
    return Screen(text=Html("\n".join(lines)), buttons=(_answers(words, person),))


def _answers(words: Words, person: Person) -> tuple[Button, ...]:
    return tuple(
        Button(
            words("button.refuse") if role is Role.REFUSED else words(f"role.{role}"),
            callbacks.pack("join", person.id, role),
            "success" if role.has_access else "danger",
        )
        for role in ANSWERS
    )


def answered(words: Words, answer: Answered) -> Screen:
    """A request after its answer: one's own, or the one another admin gave first."""
    screen = request(words, answer.person)
    toast = _given(words, answer.person)
    if not answer.mine:
        toast = words("users.already", answer=toast)
    return Screen(text=screen.text, edit=True, toast=toast, alert=not answer.mine)


def _given(words: Words, person: Person) -> Html:
    """The role a person has now, and who gave it."""
    role = words(f"role.{person.role}")
    if not person.decided_by:
        return words("users.role", role=role)
    return words("users.given", role=role, by=giver(words, person))


def everyone(words: Words, people: Sequence[Person], page: int, *, edit: bool = False) -> Screen:
    """A page of the list; a button for each person and for the other pages."""
    last = max(0, (len(people) - 1) // PAGE)
    page = min(page, last)
    shown = people[page * PAGE : (page + 1) * PAGE]
    waiting = sum(person.role is Role.PENDING for person in people)
    lines = [words("users.title")]
    lines += [words("users.waiting", count=waiting)] if waiting else []
    lines += [line(words, person) for person in shown]
    rows: list[tuple[Button, ...]] = [
        (Button(f"{_sign(person)} {person.name[:40]}", callbacks.pack("user", person.id)),)
        for person in shown
    ]
    turns = []
    if page > 0:
        turns.append(Button(words("button.back"), callbacks.pack("users", page - 1)))
    if page < last:
        turns.append(Button(words("button.next"), callbacks.pack("users", page + 1)))
    rows += [tuple(turns)] if turns else []
    return Screen(text=Html("\n".join(lines)), buttons=tuple(rows), edit=edit)


_SIGNS = {
    Role.REFUSED: "🚫", Role.PENDING: "⏳", Role.VIEWER: "👁", Role.TRADER: "🤝", Role.ADMIN: "🔑",
}  # fmt: skip


def _sign(person: Person) -> str:
    return _SIGNS[person.role]


def line(words: Words, person: Person) -> Html:
    """One person in one line."""
    return words(
        "users.line",
        sign=_sign(person),
        name=person.name,
        role=words(f"role.{person.role}"),
        language=words_for(person.language)("language.name"),
        seen=_seen(words, person),
    )


def _seen(words: Words, person: Person) -> Html:
    if not person.reachable:
        return words("users.blocked")
    if person.last_seen is None:
        return words("users.never")
    return words("users.seen", time=words.stamp(person.last_seen))


def one(words: Words, person: Person, me: Person) -> Screen:
    """One person: who they are, and what an admin may do about them."""
    lines = [
        words("users.one", name=person.name, id=person.id, zone=person.timezone),
        line(words, person),
        _given(words, person),
    ]
    back = (Button(words("button.back"), callbacks.pack("users", 0)),)
    if person.id == me.id:
        lines.append(words("users.you"))
        return Screen(text=Html("\n".join(lines)), buttons=(back,), edit=True)
    if person.role is Role.PENDING:
        rows: tuple[tuple[Button, ...], ...] = (_answers(words, person), back)
        return Screen(text=Html("\n".join(lines)), buttons=rows, edit=True)
    choices = tuple(
        Button(_wish(words, role), callbacks.pack("role", person.id, role))
        for role in (Role.VIEWER, Role.TRADER, Role.ADMIN, Role.REFUSED)
        if role is not person.role
    )
    return Screen(text=Html("\n".join(lines)), buttons=(*_rows(choices), back), edit=True)


def _rows(buttons: Sequence[Button]) -> tuple[tuple[Button, ...], ...]:
    return tuple(tuple(buttons[at : at + 2]) for at in range(0, len(buttons), 2))


def _wish(words: Words, role: Role) -> Html:
    """The button that gives a role or takes all access away."""
    if role is Role.REFUSED:
        return words("button.remove")
    return words("button.make", role=words(f"role.{role}"))


def confirm(words: Words, person: Person, role: Role, expires: int) -> Screen:
    """The second step: what would change, for the person as they were shown."""
    key = "users.confirm_remove" if role is Role.REFUSED else "users.confirm"
    text = words(
        key,
        name=person.name,
        id=person.id,
        before=words(f"role.{person.role}"),
        after=words(f"role.{role}"),
    )
    data = callbacks.pack("give", person.id, role, person.version, expires)
    yes = Button(_wish(words, role), data, _STYLES.get(role, "success"))
    no = Button(words("button.cancel"), callbacks.pack("user", person.id))
    return Screen(text=text, buttons=((no, yes),), edit=True)


def own_role(words: Words, detail: dict[str, Any]) -> Screen:
    """What a person is told of their own new role."""
    if not Role(detail["role"]).has_access:
        return Screen(text=words("users.you_are_out"))
    role = words(f"role.{detail['role']}")
    button = Button(words("button.tour"), callbacks.pack("tour"))
    return Screen(
        text=words("users.you_are", role=role, by=_by(words, detail)), buttons=((button,),)
    )


def role_of(words: Words, detail: dict[str, Any]) -> Html:
    """What the other admins are told of a change."""
    return words(
        "users.changed",
        name=detail["name"],
        id=detail["id"],
        before=words(f"role.{detail['before']}"),
        after=words(f"role.{detail['role']}"),
        by=_by(words, detail),
    )


def _by(words: Words, detail: dict[str, Any]) -> Html | str:
    key = f"actor.{detail['by']}"
    return words(key) if words.has(key) else str(detail["by"])
