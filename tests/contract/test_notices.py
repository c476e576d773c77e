"""What is true of the outbox in every store: causes, choices, people who are gone, halts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.preferences import Loudness, Preferences, Topic
from storage.models import OutboxRow
from tests.contract.conftest import ANN, EVE, LUIS, rolled_back
from tests.memory import MemoryStore


def notice(key: str, **parts: Any) -> Notice:
    return Notice(**{"kind": Kind.PART_LOST, "key": key, "priority": Priority.NORMAL, **parts})


async def rows(store: Any) -> list[tuple[str, int, str, bool, str | None]]:
    """Key, reader, state, silence, and the key of the row whose message it shares; by key."""
    if isinstance(store, MemoryStore):
        found = store.all("outbox")
        keys = {told.place: told.notice.key for told in found}
        return sorted(
            (t.notice.key, t.person_id, t.state, t.is_silent, keys.get(t.episode)) for t in found
        )
    stored = await OutboxRow.all()
    names = {row.id: row.key for row in stored}
    return sorted(
        (r.key, r.person_id, r.state, r.is_silent, names.get(r.episode or 0)) for r in stored
    )


async def tell(store: Any, *notices: Notice, to: int = ANN.id) -> None:
    for told in notices:
        async with store.begin() as tx:
            await tx.outbox.tell(told, Audience(person_id=to))


async def test_notices_of_one_cause_share_the_message_of_the_first(staffed: Any):
    cause = {"cause": "lost:feed"}
    await tell(
        staffed,
        notice("a", **cause),
        notice("b", **cause),
        notice("b", **cause),
        notice("c", cause="lost:broker"),
        notice("d", **cause, is_resolved=True),
        notice("e", **cause, is_resolved=True),
        notice("f", **cause),
    )
    shared = [(key, first) for key, _, _, _, first in await rows(staffed)]
    assert shared == [("a", None), ("b", "a"), ("c", None), ("d", "a"), ("f", None)]


async def test_redraws_of_a_card_share_nothing(staffed: Any):
    card = {"kind": Kind.CARD, "cause": "card:1"}
    await tell(staffed, notice("a", **card), notice("b", **card))
    assert [first for *_, first in await rows(staffed)] == [None, None]


async def test_people_are_told_by_their_choice_and_halts_whatever_they_chose(staffed: Any):
    chosen = Preferences(
        chosen={
            "closes": Loudness.OFF,
            "closes:stop_loss": Loudness.SILENT,
            "halts": Loudness.OFF,
        }
    )
    async with staffed.begin() as tx:
        await tx.people.save(replace(ANN, notify=chosen))
    async with staffed.begin() as tx:
        assert (await tx.people.get(ANN.id)).notify == chosen
    close = {"kind": Kind.TRADE_CLOSED}
    await tell(
        staffed,
        notice("a", **close, reason="take_profit"),
        notice("b", **close, reason="stop_loss"),
        notice("c", kind=Kind.HALT),
        notice("d", kind=Kind.UNKNOWN_ORDER),
    )
    assert [(key, silent) for key, _, _, silent, _ in await rows(staffed)] == [
        ("b", True),
        ("c", False),
        ("d", False),
    ]
    assert chosen.loudness(Topic.SYSTEM) is Loudness.SILENT


async def test_what_waits_for_somebody_who_is_gone_is_kept_back_and_counted_once(staffed: Any):
    await tell(staffed, notice("a"), notice("b", kind=Kind.IDEA))
    await tell(staffed, notice("c"), to=EVE.id)
    async with staffed.begin() as tx:
        await tx.outbox.keep_back(ANN.id)
        now = await tx.now()
        await tx.people.save(replace(ANN, unreachable_since=now))
    async with staffed.begin() as tx:
        assert (await tx.people.get(ANN.id)).unreachable_since == now
    await tell(staffed, notice("d"))
    assert [state for _, _, state, _, _ in await rows(staffed)] == [
        "missed", "missed", "queued", "missed",
    ]  # fmt: skip
    async with rolled_back(staffed) as tx:
        await tx.outbox.missed(ANN.id)
    async with staffed.begin() as tx:
        assert await tx.outbox.missed(ANN.id) == {"part_lost": 2, "idea": 1}
        assert await tx.outbox.missed(ANN.id) == {}


async def test_what_was_told_in_a_time_is_counted_by_kind(staffed: Any):
    await tell(staffed, notice("a"), notice("b"), notice("c", kind=Kind.IDEA))
    async with staffed.begin() as tx:
        now = await tx.now()
        ago = now - timedelta(minutes=1)
        assert await tx.outbox.told(ANN.id, ago, now) == {"part_lost": 2, "idea": 1}
        assert await tx.outbox.told(ANN.id, now, now + timedelta(minutes=1)) == {}
        assert await tx.outbox.told(LUIS.id, ago, now) == {}


async def test_halts_are_known_by_version_and_by_who_has_seen_them(staffed: Any):
    async with staffed.begin() as tx:
        assert await tx.outbox.last_halt() is None
    await tell(
        staffed,
        notice("control:7", kind=Kind.HALT),
        notice("control:12", kind=Kind.HALT),
        notice("control:13", kind=Kind.STATE),
    )
    async with staffed.begin() as tx:
        assert await tx.outbox.last_halt() == 12
        assert await tx.outbox.see_halt(12, LUIS.id)
        assert not await tx.outbox.see_halt(12, LUIS.id)
        assert await tx.outbox.see_halt(12, ANN.id)
    async with staffed.begin() as tx:
        seen = await tx.outbox.halt_seen(12)
        assert [(s.name, s.role) for s in seen] == [("Luis", "trader"), ("Ann", "admin")]
        assert seen[0].at <= seen[1].at
        assert await tx.outbox.halt_seen(7) == []


async def test_many_notices_are_queued_as_if_one_after_the_other(staffed: Any):
    audience = Audience(person_id=ANN.id)
    told = [
        notice("a", cause="lost:feed"),
        notice("b", cause="lost:feed", is_resolved=True),
        notice("c", cause="lost:broker", is_resolved=True),
        notice("a", cause="lost:feed"),
    ]
    async with staffed.begin() as tx:
        await tx.outbox.tell_all([(each, audience) for each in told])
        await tx.outbox.tell_all([])
    assert [(key, first) for key, *_, first in await rows(staffed)] == [("a", None), ("b", "a")]
