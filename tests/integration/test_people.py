"""Who is let in, by whom, and what is written down: on a real database."""

import asyncio
from dataclasses import replace

import pytest
from tortoise import connections

from bot.talk import build_talk
from engine.domain.person import Person, Role, Told
from engine.errors import InvalidInput, LastAdmin, NotAllowed, NotFound, Outdated, OwnRole
from storage.audit import PostgresAuditor
from storage.dialogues import PostgresDialogues
from storage.models import OutboxRow
from tests.integration.conftest import ANN, EVE, LUIS, Desk

CODE = "code-of-the-test"
MALLORY = Person(id=1004, name="Mallory", role=Role.PENDING, chat_id=1004)
_updates = iter(range(1, 10**6))


async def knock(desk: Desk, code: str | None = None, who: Person = MALLORY, update: int = 0):
    return await desk.talk.join(who, code, update_id=update or next(_updates))


async def turned_away(desk: Desk, who: Person = MALLORY, update: int = 0) -> bool:
    return await desk.talk.turn_away(who, update_id=update or next(_updates))


async def role_of(desk: Desk, who: int) -> Role:
    return (await desk.talk.find_person(who)).role


async def told(desk: Desk, kind: str) -> list[int]:
    """Who has a notice of a kind in the outbox."""
    return [
        row.person_id
        for row in await OutboxRow.filter(kind=kind).filter(state="queued").order_by("person_id")
    ]


async def unclaimed(desk: Desk) -> None:
    """Nobody is in."""
    await connections.get("default").execute_query("DELETE FROM person")


async def later(seconds: int) -> None:
    """What was noted at the door gets older."""
    await connections.get("default").execute_query(
        "UPDATE knock SET document = document || jsonb_build_object("
        " 'first_wrong', (document ->> 'first_wrong')::timestamptz - make_interval(secs => $1),"
        " 'answered_at', (document ->> 'answered_at')::timestamptz - make_interval(secs => $1))",
        [seconds],
    )


# ---- the code --------------------------------------------------------------------------------


async def test_code_makes_one_admin_once_and_the_history_names_them(desk: Desk) -> None:
    await unclaimed(desk)
    waiting = await knock(desk, who=EVE)
    assert waiting.told is Told.ASKED
    joined = await knock(desk, CODE)
    assert (joined.told, joined.person.role) == (Told.CLAIMED, Role.ADMIN)
    assert await told(desk, "asks_to_join") == [MALLORY.id]
    assert (await desk.actions()) == ["person_joined"]
    assert (await knock(desk, CODE, who=LUIS)).told is Told.ASKED
    assert await role_of(desk, LUIS.id) is Role.PENDING


async def test_code_that_was_used_is_worth_nothing_when_the_admins_are_gone(desk: Desk) -> None:
    await unclaimed(desk)
    await knock(desk, CODE)
    await unclaimed(desk)
    assert (await knock(desk, CODE, who=LUIS)).told is Told.WRONG_CODE
    other = build_talk(desk.world, desk.bell, claim_code="code-of-the-next-start")
    joined = await other.join(LUIS, "code-of-the-next-start", update_id=next(_updates))
    assert joined.told is Told.CLAIMED


async def test_two_with_the_code_at_once_make_one_admin(desk: Desk) -> None:
    await unclaimed(desk)
    people = [replace(MALLORY, id=2000 + n, chat_id=2000 + n) for n in range(6)]
    found = await asyncio.gather(*(knock(desk, CODE, who=person) for person in people))
    assert sorted(str(one.told) for one in found) == ["asked"] * 5 + ["claimed"]


async def test_after_five_wrong_codes_there_is_silence_for_an_hour(desk: Desk) -> None:
    await unclaimed(desk)
    left = [(await knock(desk, f"guess {n}")) for n in range(5)]
    assert [one.told for one in left] == [Told.WRONG_CODE] * 5
    assert [one.tries_left for one in left] == [4, 3, 2, 1, 0]
    for code in ("guess", CODE):
        assert (await knock(desk, code)).told is Told.NOTHING
    assert await role_of(desk, MALLORY.id) is Role.PENDING
    assert (await knock(desk, CODE + " ", who=LUIS)).told is Told.WRONG_CODE
    assert (await desk.actions()) == ["code_refused"] * 6
    await later(3599)
    assert (await knock(desk, CODE)).told is Told.NOTHING
    await later(2)
    assert (await knock(desk, CODE)).told is Told.CLAIMED


async def test_wrong_code_that_is_handled_twice_counts_once(desk: Desk) -> None:
    await unclaimed(desk)
    first, again = [await knock(desk, "guess", update=900) for _ in range(2)]
    assert (first.told, first.tries_left) == (again.told, again.tries_left) == ("wrong_code", 4)
    assert (await desk.actions()) == ["code_refused"]


async def test_wrong_code_of_a_claimed_bot_is_a_plain_request(desk: Desk) -> None:
    assert (await knock(desk, CODE)).told is Told.ASKED
    assert await desk.actions() == []


# ---- the door --------------------------------------------------------------------------------


async def test_start_asks_the_admins_once_and_is_answered_once_a_day(desk: Desk) -> None:
    assert [(await knock(desk)).told for _ in range(4)] == [
        Told.ASKED, Told.TURNED_AWAY, Told.NOTHING, Told.NOTHING,
    ]  # fmt: skip
    assert await told(desk, "asks_to_join") == [ANN.id]
    await later(86_401)
    assert (await knock(desk)).told is Told.TURNED_AWAY


async def test_stranger_is_announced_once_and_answered_once_a_day(desk: Desk) -> None:
    assert [await turned_away(desk) for _ in range(3)] == [True, False, False]
    assert await told(desk, "stranger") == [ANN.id]
    assert await desk.talk.find_person(MALLORY.id) is None
    await later(86_401)
    assert [await turned_away(desk, update=77) for _ in range(2)] == [True, True]
    assert not await turned_away(desk)
    assert await told(desk, "stranger") == [ANN.id]


async def test_who_asked_or_was_refused_is_not_announced_as_a_stranger(desk: Desk) -> None:
    await knock(desk)
    await turned_away(desk)
    await desk.talk.answer_request(ANN.id, MALLORY.id, Role.REFUSED)
    await later(86_401)
    assert await turned_away(desk)
    assert (await knock(desk)).told is Told.NOTHING
    assert await role_of(desk, MALLORY.id) is Role.REFUSED
    assert await told(desk, "stranger") == []


# ---- requests --------------------------------------------------------------------------------


async def test_two_admins_answer_at_once_and_one_wins(desk: Desk) -> None:
    await desk.talk.change_role(None, LUIS.id, Role.ADMIN)
    await knock(desk)
    answers = await asyncio.gather(
        desk.talk.answer_request(ANN.id, MALLORY.id, Role.TRADER),
        desk.talk.answer_request(LUIS.id, MALLORY.id, Role.REFUSED),
    )
    assert sorted(one.mine for one in answers) == [False, True]
    first = next(one.person for one in answers if one.mine)
    assert {(one.person.role, one.person.decided_by) for one in answers} == {
        (first.role, first.decided_by)
    }
    assert (await desk.actions())[1:] in (["person_joined"], ["person_refused"])
    again = ANN.id if first.decided_by == "Ann" else LUIS.id
    assert (await desk.talk.answer_request(again, MALLORY.id, first.role)).mine


async def test_newcomer_is_told_and_the_other_admins_are(desk: Desk) -> None:
    await desk.talk.change_role(None, LUIS.id, Role.ADMIN)
    await knock(desk)
    await desk.talk.answer_request(ANN.id, MALLORY.id, Role.VIEWER)
    assert await told(desk, "role") == [LUIS.id, MALLORY.id]
    assert await told(desk, "role_of") == [ANN.id, LUIS.id]
    assert ("deliver",) in desk.bell.rung


@pytest.mark.parametrize("who", [LUIS.id, EVE.id, MALLORY.id, 99])
async def test_only_an_admin_answers_changes_and_reads(desk: Desk, who: int) -> None:
    await knock(desk)
    talk = desk.talk
    for attempt in (
        talk.answer_request(who, MALLORY.id, Role.VIEWER),
        talk.change_role(who, EVE.id, Role.ADMIN),
        talk.read_people(who),
    ):
        with pytest.raises(NotAllowed):
            await attempt
    assert await role_of(desk, MALLORY.id) is Role.PENDING
    assert await desk.actions() == []


@pytest.mark.parametrize("role", [Role.ADMIN, Role.PENDING])
async def test_a_request_makes_no_admin(desk: Desk, role: Role) -> None:
    await knock(desk)
    with pytest.raises(InvalidInput):
        await desk.talk.answer_request(ANN.id, MALLORY.id, role)


# ---- roles -----------------------------------------------------------------------------------


async def test_nobody_changes_themselves_and_the_last_admin_stays(desk: Desk) -> None:
    for role in (Role.TRADER, Role.REFUSED, Role.ADMIN):
        with pytest.raises(OwnRole):
            await desk.talk.change_role(ANN.id, ANN.id, role)
    for role in (Role.TRADER, Role.REFUSED):
        with pytest.raises(LastAdmin):
            await desk.talk.change_role(None, ANN.id, role)
    with pytest.raises(NotFound):
        await desk.talk.change_role(ANN.id, 99, Role.VIEWER)
    with pytest.raises(InvalidInput):
        await desk.talk.change_role(ANN.id, EVE.id, Role.PENDING)
    assert await desk.actions() == []


async def test_two_admins_who_demote_each_other_at_once_leave_one(desk: Desk) -> None:
    await desk.talk.change_role(None, LUIS.id, Role.ADMIN)
    found = await asyncio.gather(
        desk.talk.change_role(ANN.id, LUIS.id, Role.VIEWER),
        desk.talk.change_role(LUIS.id, ANN.id, Role.REFUSED),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in found) == ["NotAllowed", "Person"]
    people = await desk.talk.read_people(None)
    assert [one.role for one in people].count(Role.ADMIN) == 1


async def test_confirmation_counts_for_the_person_as_they_were_shown(desk: Desk) -> None:
    changed = await desk.talk.change_role(ANN.id, EVE.id, Role.TRADER, expected=1)
    assert (changed.version, changed.decided_by) == (2, "Ann")
    # The same tap again is harmless, a replay after another change is refused.
    assert await desk.talk.change_role(ANN.id, EVE.id, Role.TRADER, expected=1) == changed
    await desk.talk.change_role(ANN.id, EVE.id, Role.VIEWER, expected=2)
    with pytest.raises(Outdated):
        await desk.talk.change_role(ANN.id, EVE.id, Role.TRADER, expected=1)
    assert await desk.actions() == ["role_changed"] * 2


async def test_who_is_removed_is_asked_nothing_and_sent_nothing_but_that(desk: Desk) -> None:
    await desk.talk.change_control.pause(ANN.id)
    await PostgresDialogues().ask(LUIS.id, "risk:value")
    await PostgresDialogues().ask(EVE.id, "risk:value")
    queued = OutboxRow.filter(person_id=LUIS.id, state="queued")
    assert await queued.count() == 1
    await desk.talk.change_role(ANN.id, LUIS.id, Role.REFUSED, expected=1)
    assert [row.kind for row in await queued] == ["role"]
    assert await PostgresDialogues().get(LUIS.id) is None
    assert await PostgresDialogues().get(EVE.id) is not None
    assert (await desk.actions())[-1] == "person_removed"
    with pytest.raises(NotAllowed):
        await desk.talk.change_control.stop(LUIS.id)
    await desk.talk.change_control.resume(ANN.id)
    assert [row.kind for row in await queued] == ["role"]


async def test_a_language_changed_at_once_with_the_role_loses_neither(desk: Desk) -> None:
    for number in range(5):
        await asyncio.gather(
            desk.talk.change_language(EVE.id, "de" if number % 2 else "es"),
            desk.talk.change_zone(EVE.id, "Asia/Tokyo"),
            desk.talk.change_role(ANN.id, EVE.id, Role.VIEWER if number % 2 else Role.TRADER),
        )
    eve = await desk.talk.find_person(EVE.id)
    assert (eve.language, eve.timezone, eve.role, eve.version) == (
        "es", "Asia/Tokyo", Role.TRADER, 6,
    )  # fmt: skip


async def test_a_zone_that_does_not_exist_is_refused(desk: Desk) -> None:
    for zone in ("Nowhere", "../etc/passwd", "", "Europe/", "x\0y"):
        with pytest.raises(InvalidInput):
            await desk.talk.change_zone(EVE.id, zone)
    assert (await desk.talk.find_person(EVE.id)).timezone == "UTC"


async def test_somebody_is_added_from_the_command_line_once(desk: Desk) -> None:
    added = await desk.talk.add_person(7, " New  One ", Role.ADMIN, language="de")
    assert (added.name, added.role, added.chat_id, added.decided_by) == (
        "New One", Role.ADMIN, 7, "cli",
    )  # fmt: skip
    for id_ in (7, 0, -5, 2**60):
        with pytest.raises(InvalidInput):
            await desk.talk.add_person(id_, "x", Role.ADMIN, language="en")
    for name, role in ((" ", Role.ADMIN), ("x", Role.PENDING), ("x", Role.REFUSED)):
        with pytest.raises(InvalidInput):
            await desk.talk.add_person(8, name, role, language="en")
    assert await desk.actions() == ["person_joined"]


# ---- reach -----------------------------------------------------------------------------------


async def test_who_blocks_the_bot_is_skipped_and_announced_once(desk: Desk) -> None:
    assert await desk.talk.mark_unreachable(LUIS.id, "the bot was blocked")
    assert not await desk.talk.mark_unreachable(LUIS.id, "the bot was blocked")
    assert await told(desk, "unreachable") == [ANN.id]
    await desk.talk.change_control.pause(ANN.id)
    assert await told(desk, "state") == [EVE.id]
    assert await desk.talk.welcome_back(LUIS.id)
    assert not await desk.talk.welcome_back(LUIS.id)
    await desk.talk.change_control.resume(ANN.id)
    assert await told(desk, "state") == [LUIS.id, EVE.id, EVE.id]


async def test_the_history_of_people_verifies(desk: Desk) -> None:
    await knock(desk)
    await desk.talk.answer_request(ANN.id, MALLORY.id, Role.TRADER)
    await desk.talk.change_role(ANN.id, MALLORY.id, Role.REFUSED)
    assert await PostgresAuditor().verify() == (2, ())
