"""The gatekeeper alone: with nothing behind it that asks again, it lets through by the table."""

from datetime import UTC, datetime, timedelta

import pytest
from aiogram.types import Update

from bot.commands import ACTIONS, COMMANDS
from bot.gatekeeper import Gatekeeper, command_of, plain_name, sender
from bot.i18n import words_for
from engine.domain.person import Person, Role
from tests.forgery import ANN, SENDERS, message, person, private, tap

NOW = datetime.now(UTC)
EN = words_for("en")


class Behind:
    """Whatever comes after the gatekeeper; it counts who got through."""

    def __init__(self, role: Role | None) -> None:
        self.role, self.reached, self.turned_away = role, 0, 0
        self.gate = Gatekeeper(self.find, self.turn_away, lambda: NOW)  # type: ignore[arg-type]

    async def find(self, id_: int, *, uses: bool) -> Person | None:
        if self.role is None:
            return None
        return Person(id=id_, name="P", role=self.role, chat_id=id_)

    async def turn_away(self, person_: Person, *, update_id: int) -> bool:
        self.turned_away += 1
        return self.turned_away == 1

    async def handler(self, event: object, data: dict) -> str:
        self.reached += 1
        assert data["person"].id
        return "reached"

    async def feed(self, content: dict, **data: object) -> object:
        update = Update.model_validate({"update_id": 1, **content})
        return await self.gate(self.handler, update, dict(data))  # type: ignore[arg-type]


def writes(text: str, **values: object) -> dict:
    return {"message": message(person(ANN), private(ANN), text, **values)}


def taps(data: str) -> dict:
    return tap(person(ANN), private(ANN), data)


@pytest.mark.parametrize("role", [None, *Role])
async def test_the_table_decides_about_every_command_and_button(role):
    for name, needs, content in (
        *((c.name, c.role, writes(f"/{c.name} x")) for c in COMMANDS),
        *((a, needs, taps(f"v1:{a}:x")) for a, needs in ACTIONS.items()),
    ):
        behind = Behind(role)
        await behind.feed(content)
        inside = role is not None and role.has_access and role.rank >= needs.rank
        assert behind.reached == int(inside or name == "start"), name


@pytest.mark.parametrize("sender_", SENDERS, ids=lambda one: one.name)
async def test_who_is_nobody_reaches_nothing_even_with_an_admins_role(sender_):
    if sender_.role is Role.REFUSED and sender_.name not in ("stranger", "removed person"):
        behind = Behind(Role.ADMIN)
        refused = {EN("door.forwarded")}
        for content in (sender_.writes("/stop"), sender_.taps("v1:status")):
            made = await behind.feed(content)
            own_tap = sender_.name == "stranger who forwards an admin" and "message" not in content
            if not own_tap:
                assert made is None or made.text in refused, content
                assert behind.reached == 0, content


@pytest.mark.parametrize("data", ["", "x", "v0:ok:1", "v1:", "v1:nothing:1", "ok", "V1:ok:1", "v1"])
async def test_a_button_nobody_made_reaches_nothing(data):
    behind = Behind(Role.ADMIN)
    made = await behind.feed(taps(data))
    assert (behind.reached, made.alert, made.toast) == (0, True, EN("toast.outdated"))


async def test_a_command_nobody_made_reaches_nothing():
    for text in ("/nonsense", "/", "/Stop", "/stop/", "/ stop"):
        behind = Behind(Role.ADMIN)
        assert (await behind.feed(writes(text))).text == EN("error.unknown_command"), text
        assert behind.reached == 0, text


async def test_a_command_under_a_picture_is_a_command():
    behind = Behind(Role.VIEWER)
    sent = message(person(ANN), private(ANN), "x")
    del sent["text"]
    made = await behind.feed({"message": {**sent, "caption": "/stop"}})
    assert behind.reached == 0
    assert made.text == EN("error.not_allowed", role=EN("role.trader"))


async def test_an_update_that_is_two_things_is_nobodys():
    behind = Behind(Role.ADMIN)
    assert await behind.feed({**writes("/stop"), **taps("v1:status")}) is None
    assert behind.reached == 0


async def test_what_starts_something_is_not_obeyed_when_it_is_old():
    old = int((NOW - timedelta(seconds=121)).timestamp())
    for text, reached in (("/resume", 0), ("/approve 1", 0), ("/stop", 1), ("/reject 1", 1)):
        behind = Behind(Role.ADMIN)
        await behind.feed(writes(text, date=old))
        assert behind.reached == reached, text


async def test_who_is_turned_away_is_told_once_in_the_form_they_asked():
    behind = Behind(None)
    first = await behind.feed(writes("/status"))
    assert first.text == EN("door.stranger", id=ANN)
    assert await behind.feed(writes("/status")) is None
    behind = Behind(Role.REFUSED)
    first = await behind.feed(taps("v1:status"))
    assert (first.text, first.toast) == (None, EN("door.refused", id=ANN))


async def test_a_block_reaches_the_handler_for_who_is_known_alone():
    change = {
        "chat": private(ANN), "from": person(ANN), "date": 1,
        "old_chat_member": {"status": "member", "user": person(7, is_bot=True)},
        "new_chat_member": {"status": "kicked", "user": person(7, is_bot=True), "until_date": 0},
    }  # fmt: skip
    for role, reached in ((None, 0), (Role.REFUSED, 1), (Role.ADMIN, 1)):
        behind = Behind(role)
        await behind.feed({"my_chat_member": change})
        assert behind.reached == reached
    group = {**change, "chat": {"id": -5, "type": "group", "title": "x"}}
    assert sender(Update.model_validate({"update_id": 1, "my_chat_member": group})) is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Ann", "Ann"), (" Ann  Lee\n", "Ann Lee"), ("\u202eAnn\u2066", "Ann"), ("", "?"),
        ("\u200b", "?"), ("x" * 500, "x" * 120), ("<b>Ann</b>", "<b>Ann</b>"),
    ],
)  # fmt: skip
def test_a_name_cannot_turn_a_text_around_or_break_its_line(name, kept):
    assert plain_name(name) == kept


def test_a_message_that_is_no_text_is_no_command():
    assert command_of(None) is None
