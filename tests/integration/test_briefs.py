"""The daily brief and the weekly review: once a person and day, and from the record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tortoise import connections

from bot.briefing import RenderAll
from bot.i18n import LANGUAGES, words_for
from bot.notices import Reader
from bot.wiring import build_read_brief
from engine.domain.notice import Kind
from engine.domain.person import Role
from engine.domain.preferences import Loudness, Preferences, Topic
from engine.errors import InvalidInput
from engine.flow.briefs import QueueBriefs, due
from tests.integration.conftest import ANN, EVE, LUIS, Desk

#: A Monday and a Tuesday at ten past seven in the morning, in UTC.
MONDAY = datetime(2026, 11, 2, 7, 10, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
BOTH = Preferences().choose(Topic.BRIEFS, None, Loudness.ON).choose(
    Topic.REVIEWS, None, Loudness.SILENT
)  # fmt: skip


@pytest.mark.parametrize(
    ("person", "kind", "now", "wanted"),
    [
        (ANN, Kind.BRIEF, TUESDAY, None),
        (replace(ANN, notify=BOTH), Kind.BRIEF, TUESDAY, TUESDAY.replace(minute=0)),
        (replace(ANN, notify=BOTH), Kind.BRIEF, TUESDAY - timedelta(minutes=11), None),
        (replace(ANN, notify=BOTH), Kind.BRIEF, TUESDAY + timedelta(hours=5),
         TUESDAY.replace(minute=0)),
        (replace(ANN, notify=BOTH), Kind.BRIEF, TUESDAY + timedelta(hours=7), None),
        (replace(ANN, notify=BOTH), Kind.REVIEW, TUESDAY, None),
        (replace(ANN, notify=BOTH), Kind.REVIEW, MONDAY, MONDAY.replace(minute=0)),
        (replace(ANN, notify=BOTH, role=Role.PENDING), Kind.BRIEF, TUESDAY, None),
        # Seven in Tokyo was ten in the evening of UTC's day before.
        (replace(ANN, notify=BOTH, timezone="Asia/Tokyo"), Kind.BRIEF, TUESDAY, None),
        (replace(ANN, notify=BOTH, timezone="Asia/Tokyo"), Kind.BRIEF,
         datetime(2026, 11, 2, 22, 5, tzinfo=UTC), datetime(2026, 11, 2, 22, tzinfo=UTC)),
        (replace(ANN, notify=BOTH, timezone="Asia/Tokyo"), Kind.REVIEW,
         datetime(2026, 11, 1, 22, 5, tzinfo=UTC), datetime(2026, 11, 1, 22, tzinfo=UTC)),
        # Clocks go forward in Berlin on 29 March 2026: seven o'clock is an hour earlier.
        (replace(ANN, notify=BOTH, timezone="Europe/Berlin"), Kind.BRIEF,
         datetime(2026, 3, 29, 5, 1, tzinfo=UTC), datetime(2026, 3, 29, 5, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_brief_is_due_at_the_hour_of_the_persons_own_clock(person, kind, now, wanted):
    assert due(person, kind, now) == wanted


def test_the_hour_is_a_time_of_day():
    assert Preferences().brief("6:05").brief_at == "06:05"
    with pytest.raises(InvalidInput):
        Preferences().brief("25:00")


async def queued() -> list[tuple[int, str, str]]:
    return [
        (row["person_id"], row["kind"], row["key"])
        for row in await connections.get("default").execute_query_dict(
            "SELECT person_id, kind, key FROM outbox WHERE kind IN ('brief', 'review') ORDER BY id"
        )
    ]


async def test_who_wants_a_brief_gets_one_a_day_however_often_it_is_asked(desk: Desk) -> None:
    store = desk.world.store
    async with store.begin() as tx:
        now = await tx.now()
        hour = f"{now.hour:02}:00"
        wants = replace(BOTH.brief(hour), chosen=dict(BOTH.chosen))
        await tx.people.save(replace(LUIS, notify=wants))
        await tx.people.save(replace(EVE, notify=replace(wants, brief_at=hour)))
    queue = QueueBriefs(store=store, bell=desk.bell)
    assert await queue() >= 2
    first = await queued()
    assert {person for person, kind, _ in first if kind == "brief"} == {LUIS.id, EVE.id}
    assert await queue() == 0
    # After a change of the hour it is still one a day.
    await desk.talk.change_notify.brief(LUIS.id, f"{now.hour:02}:{max(0, now.minute - 1):02}")
    # Even if what was queued is not seen any more, as after a crash between the two.
    async with store.begin() as tx:
        await tx.outbox.keep_back(LUIS.id)
    await queue()
    assert await queued() == first


async def test_a_brief_says_what_the_record_holds_in_every_language(desk: Desk) -> None:
    await desk.until_idea()
    read = build_read_brief(desk.world)
    render = RenderAll(store=desk.world.store, broker=desk.world.broker, read_brief=read)
    seen = await read(Kind.BRIEF)
    made = seen.parts[0]
    assert made.count("ai_proposed") == 1
    for language in LANGUAGES:
        words = words_for(language)
        parcel = await render(Kind.REVIEW, {}, Reader(words, Role.VIEWER, EVE.id))
        assert parcel is not None
        assert len(parcel.text) < 4096
        assert words("action.ai_proposed") in parcel.text
    english = await render(Kind.BRIEF, {}, Reader(words_for("en"), Role.VIEWER, EVE.id))
    assert english is not None
    assert "The last 24 hours" in english.text
    assert "No trade was closed" in english.text
    assert "Trading is ON" in english.text
    assert await render(Kind.BRIEF, {}, Reader(words_for("en"), Role.REFUSED, 1)) is None
