"""Who may do what: every kind of sender against every command and every button.

A tap or a text without the right changes no table and shows nothing but that it was refused.
"""

import pytest

from bot.commands import ACTIONS, COMMANDS
from bot.i18n import words_for
from engine.domain.person import Role
from storage.models import OutboxRow
from tests.forgery import (
    ANN,
    EVE,
    LUIS,
    NOBODY,
    OUT,
    SAM,
    SENDERS,
    Door,
    Sender,
    door,
    forge,
    ready,
    seat,
    taps,
    texts,
)
from tests.integration.conftest import Desk, desk, mode  # noqa: F401

EN = words_for("en")

#: Nothing but these is ever shown to whoever has no right.
NEUTRAL = {
    *(EN(f"door.{role}", id=id_) for role in ("stranger", "pending", "refused")
      for id_ in (NOBODY, SAM, OUT)),
    *(words_for(language)("error.not_allowed", role=words_for(language)(f"role.{role}"))
      for language in ("en", "es") for role in Role),
    EN("door.forwarded"),
    EN("start.pending", id=NOBODY),
}  # fmt: skip


@pytest.fixture
async def watched(desk: Desk) -> Door:  # noqa: F811
    """The door of a desk where an idea waits for an answer."""
    await seat(desk.world.store)
    return door(desk.talk)


def forbidden(sender: Sender, idea: str, version: int) -> list[dict]:
    """What this sender may not do, as updates."""
    roles = {command.name: command.role for command in COMMANDS}
    if sender.name in ("stranger", "removed person"):
        del roles["start"]  # They may knock; what comes of it has a test of its own.
    found = [
        sender.writes(text)
        for text in texts()
        if sender.role.rank < roles.get(text[1:].split()[0], Role.REFUSED).rank
    ]
    for action, all_data in taps(idea, version).items():
        if sender.role.rank < ACTIONS[action].rank:
            found += [sender.taps(data) for data in all_data]
    return found


async def test_nobody_does_or_sees_what_their_role_does_not_allow(
    desk: Desk,  # noqa: F811
    watched: Door,
) -> None:
    idea, version = await ready(desk)
    before = await watched.snapshot()
    wrong, tried = [], 0
    for sender in SENDERS:
        for update in forbidden(sender, idea, version):
            tried += 1
            for screen in await watched.feed(update):
                shown = {screen.text, screen.toast} - {None}
                if not shown <= NEUTRAL or screen.buttons or screen.chart:
                    wrong.append((sender.name, update, shown))
        after = await watched.snapshot()
        wrong += [(sender.name, table) for table in before if after[table] != before[table]]
        before = after
    assert wrong == []
    assert tried > 13 * len(ACTIONS)
    told = await OutboxRow.filter(person_id__not_in=[ANN, LUIS, EVE]).count()
    assert told == 0


async def test_everyone_without_access_is_answered_once_and_then_no_more(
    desk: Desk,  # noqa: F811
    watched: Door,
) -> None:
    for sender in SENDERS:
        if sender.name in ("stranger", "pending", "removed person"):
            assert len(await watched.feed(sender.writes("/status"))) == 1, sender.name
        for update in (sender.writes("/status"), sender.taps("v1:status")):
            if sender.role.has_access:
                assert await watched.feed(update), sender.name
            elif sender.name != "admin who forwards":
                assert await watched.feed(update) == [], sender.name


async def test_start_of_somebody_without_access_gives_none(
    desk: Desk,  # noqa: F811
    watched: Door,
) -> None:
    before = await watched.snapshot("person")
    for sender in SENDERS:
        if not sender.role.has_access:
            for text in ("/start", "/start code-of-the-test", "/start x"):
                await watched.feed(sender.writes(text))
    assert await watched.snapshot("person") == before
    people = await desk.talk.read_people(None)
    assert {one.id for one in people if one.role.has_access} == {ANN, LUIS, EVE}
    assert {one.id for one in people if one.role is Role.PENDING} == {SAM, NOBODY}


@pytest.mark.parametrize(
    ("who", "update"),
    [
        (ANN, "/pause"), (LUIS, "/stop"), (LUIS, "v1:no:{idea}"),
        (ANN, "v1:mode:autonomous:1:{ever}"), (ANN, "v1:join:1004:viewer"),
        (ANN, "v1:give:1003:admin:1:{ever}"), (EVE, "v1:lang:de"),
        (EVE, "/timezone madrid"),
    ],
)  # fmt: skip
async def test_the_same_has_an_effect_for_who_may(
    desk: Desk,  # noqa: F811
    watched: Door,
    who: int,
    update: str,
) -> None:
    """What the table above rests on: these updates do something when they are allowed."""
    idea, _ = await ready(desk)
    own = next(
        one for one in SENDERS if one.name == {ANN: "admin", LUIS: "trader"}.get(who, "viewer")
    )
    text = update.format(idea=idea, ever=4_102_444_800)
    before = await watched.snapshot()
    await watched.feed(own.writes(text) if text.startswith("/") else own.taps(text))
    assert await watched.snapshot() != before


async def test_forged_and_replayed_taps_have_no_effect(
    desk: Desk,  # noqa: F811
    watched: Door,
) -> None:
    assert await forge(desk, watched, taps_=1000, seed=1) == []
