"""What the courier makes of refusals, repeats, people who are gone, halts and quiet hours."""

from datetime import UTC, datetime, timedelta

import pytest
from tortoise import connections

from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.flow.notices import RemindOfHalt, SumUpQuietHours
from storage.models import OutboxRow
from tests.e2e.conftest import Chat


async def tell(chat: Chat, notice: Notice, person: int | None = 1001) -> None:
    async with chat.desk.world.store.begin() as tx:
        await tx.outbox.tell(notice, Audience(person_id=person))


async def say_later(chat: Chat, text: str, **parts: object) -> None:
    number = await OutboxRow.all().count()
    await chat.answerer.deliveries.answer(f"x:{number}", 1001, 1001, {"text": text, **parts})


def lost(number: int, *, over: bool = False) -> Notice:
    return Notice(
        kind=Kind.PART_LOST,
        key=f"lost:{number}",
        priority=Priority.NORMAL,
        detail={"part": "feed", "since": "2026-01-02T10:00:00+00:00"},
        cause="lost:feed",
        is_resolved=over,
    )


async def sql(text: str) -> None:
    await connections.get("default").execute_query(text)


def silent(chat: Chat, message: dict) -> bool:
    return chat.sandbox.telegram.world.chats[1001].posts[message["message_id"]].silent


async def test_alerts_of_one_cause_share_a_message_with_a_counter(chat: Chat) -> None:
    for number in range(4):
        await tell(chat, lost(number))
        await chat.courier.deliver()
    alerts = [m for m in chat.sandbox.messages(1001) if "No sign of life" in m.get("text", "")]
    assert len(alerts) == 1
    assert "×4, last" in alerts[0]["text"]
    await tell(chat, lost(9, over=True))
    await chat.courier.deliver()
    assert "Over since" in chat.sandbox.messages(1001)[-1]["text"]
    await tell(chat, lost(10))
    await chat.courier.deliver()
    alerts = [m for m in chat.sandbox.messages(1001) if "No sign of life" in m.get("text", "")]
    assert len(alerts) == 2
    assert "×" not in alerts[1]["text"]


async def test_repeats_that_wait_together_are_one_call(chat: Chat) -> None:
    for number in range(5):
        await tell(chat, lost(number))
    calls = len(chat.sandbox.calls)
    await chat.courier.deliver()
    made = [call["method"] for call in list(chat.sandbox.calls)[calls:]]
    assert made == ["sendMessage", "editMessageText"]
    assert "×5" in chat.sandbox.messages(1001)[-1]["text"]


async def test_end_of_a_trouble_nobody_was_told_of_is_not_told(chat: Chat) -> None:
    await tell(chat, lost(1, over=True))
    assert await OutboxRow.filter(kind="part_lost").count() == 0


async def test_waiting_redraws_of_a_card_are_one_edit(chat: Chat) -> None:
    idea = await chat.desk.until_idea()
    await chat.card()
    for number in range(6):
        notice = Notice(
            kind=Kind.CARD,
            key=f"card:{number}",
            priority=Priority.TRADE,
            detail={"idea_id": str(idea.id)},
            cause=f"card:{idea.id}",
        )
        await tell(chat, notice)
    calls = len(chat.sandbox.calls)
    await chat.courier.deliver()
    assert len(chat.sandbox.calls) == calls + 1
    assert await OutboxRow.filter(state="merged").count() == 5


async def test_text_that_cannot_be_parsed_comes_plain(chat: Chat) -> None:
    await say_later(chat, "<b>price < 1.5 & rising</b> <i>open")
    await chat.courier.deliver()
    assert chat.sandbox.messages(1001)[-1]["text"] == "price  open"


async def test_long_text_comes_in_parts_cut_between_lines(chat: Chat) -> None:
    lines = [f"line {number} of a long list" for number in range(400)]
    buttons = [[{"text": "Done", "callback_data": "v1:x"}]]
    before = len(chat.sandbox.messages(1001))
    await say_later(chat, "<pre>" + "\n".join(lines) + "</pre>", buttons=buttons)
    await chat.courier.deliver()
    parts = chat.sandbox.messages(1001)[before:]
    assert "\n".join(part["text"] for part in parts).split("\n") == lines
    assert all(part["entities"][0]["type"] == "pre" for part in parts)
    assert ["reply_markup" in part for part in parts] == [False] * (len(parts) - 1) + [True]


@pytest.mark.parametrize("method", ["sendMessage", "sendPhoto"])
async def test_message_whose_answer_was_lost_is_found_and_not_sent_again(
    chat: Chat, method: str
) -> None:
    chat.sandbox.fault(method, disconnect=True, after=True, contains="1001")
    if method == "sendPhoto":
        await chat.desk.until_idea()
    else:
        await say_later(chat, "only once")
    await chat.courier.deliver()
    kept = await OutboxRow.filter(chat_id=1001).order_by("-id").first()
    assert kept is not None
    assert kept.state == "sent"
    (told,) = [
        m
        for m in chat.sandbox.messages(1001)
        if m.get("text") == "only once" or "IDEA #" in m.get("caption", "")
    ]
    assert kept.message_id == told["message_id"]


async def test_message_is_found_where_private_chats_count_together(chat: Chat) -> None:
    chats = chat.sandbox.telegram.world.chats
    await sql("UPDATE telegram_inbox SET payload = '{}'")
    await sql("DELETE FROM sent_message")
    chats[1001].next_message_id = 100
    chats[1002].next_message_id = 101
    await say_later(chat, "before")
    await chat.courier.deliver()
    chats[1001].next_message_id = 103
    chat.sandbox.fault("sendMessage", disconnect=True, after=True)
    await say_later(chat, "behind others")
    await chat.courier.deliver()
    told = [m["message_id"] for m in chat.sandbox.messages(1001) if m["text"] == "behind others"]
    assert told == [103]


async def test_person_who_blocked_the_bot_is_reported_once_and_told_what_they_missed(
    chat: Chat,
) -> None:
    await chat.sandbox.block(1002)
    await tell(chat, lost(1), 1002)
    await chat.courier.deliver()
    for number in (2, 3):
        await tell(chat, lost(number), 1002)
    await chat.settle()
    told = [m for m in chat.sandbox.messages(1001) if "cannot be written to" in m.get("text", "")]
    assert len(told) == 1
    assert "Luis" in told[0]["text"]
    assert await OutboxRow.filter(person_id=1002, state="missed").count() == 3
    answers = await chat.say("/status", 1002)
    assert any("Sistema: 3" in m["text"] for m in answers)
    async with chat.desk.world.store.begin() as tx:
        luis = await tx.people.get(1002)
    assert luis is not None
    assert luis.unreachable_since is None
    assert "Over since" in next(
        m["text"] for m in chat.sandbox.messages(1001) if m["message_id"] == told[0]["message_id"]
    )


async def halted(chat: Chat, who: int = 1001) -> dict:
    return [m for m in chat.sandbox.messages(who) if "EMERGENCY" in m.get("text", "")][-1]


async def test_halt_is_pinned_until_it_is_seen_and_says_who_saw_it(chat: Chat) -> None:
    await chat.desk.talk.change_control.stop(None)
    await chat.courier.deliver()
    alert = await halted(chat)
    assert chat.sandbox.pins(1001) == [alert["message_id"]]
    assert not silent(chat, alert)
    assert (await chat.tap(alert, "👁 Seen"))["text"] == "Noted: you have seen it."
    assert chat.sandbox.pins(1001) == []
    assert len(chat.sandbox.pins(1003)) == 1
    assert "Seen by Ann" in (await halted(chat, 1003))["text"]
    assert "Seen by Ann" in (await halted(chat))["text"]
    assert "👁" not in str((await halted(chat))["reply_markup"])


async def test_halt_that_is_over_says_so_and_is_unpinned_everywhere(chat: Chat) -> None:
    await chat.desk.talk.change_control.stop(None)
    await chat.courier.deliver()
    await chat.desk.talk.change_control.resume(None)
    await chat.courier.deliver()
    for who in (1001, 1003):
        assert chat.sandbox.pins(who) == []
        alert = await halted(chat, who)
        assert "resumed by the terminal" in alert["text"]
        assert "reply_markup" not in alert


async def test_traders_are_reminded_of_a_halt_until_one_has_seen_it(chat: Chat) -> None:
    remind = RemindOfHalt(store=chat.desk.world.store, every=timedelta(minutes=15))
    await chat.desk.talk.change_control.stop(None)
    await chat.courier.deliver()
    assert not await remind()
    past = (datetime.now(UTC) - timedelta(minutes=16)).isoformat()
    await sql(f'UPDATE control SET document = document || \'{{"changed_at": "{past}"}}\'')
    assert await remind()
    await remind()
    await chat.courier.deliver()
    reminders = [m for m in chat.sandbox.messages(1001) if "no trader has seen" in m["text"]]
    assert len(reminders) == 1
    assert not any("no trader" in m.get("text", "") for m in chat.sandbox.messages(1003))
    await chat.tap(reminders[0], "👁 Seen")
    assert not await remind()


async def test_choices_are_buttons_that_change_in_place(chat: Chat) -> None:
    (screen,) = await chat.say("/notify")
    await chat.tap(screen, "Ideas: 🔔 on")
    changed = next(
        m for m in chat.sandbox.messages(1001) if m["message_id"] == screen["message_id"]
    )
    assert "Ideas: 🔕 silent" in str(changed["reply_markup"])
    await chat.desk.until_idea()
    assert silent(chat, await chat.card())
    await chat.tap(changed, "Ideas: 🔕 silent")
    idea = await chat.desk.until_idea()
    await chat.settle()
    assert not await OutboxRow.filter(key=f"idea:{idea.id}", person_id=1001).exists()
    assert await OutboxRow.filter(key=f"idea:{idea.id}", person_id=1003).exists()


async def test_forged_choice_cannot_silence_halts(chat: Chat) -> None:
    (screen,) = await chat.say("/notify")
    for data in ("v1:nt:halts::off", "v1:nt:closes:nonsense:off", "v1:nt:x::on", "v1:nqs:99:1"):
        query = await chat.sandbox.tap(1001, screen["message_id"], data=data)
        await chat.settle()
        assert chat.sandbox.answers[query].get("show_alert"), data
    async with chat.desk.world.store.begin() as tx:
        ann = await tx.people.get(1001)
    assert ann is not None
    assert ann.notify.chosen == {}


async def test_quiet_hours_are_silent_but_for_halts_and_are_summed_up(chat: Chat) -> None:
    now = datetime.now(UTC)
    since, until = (now + timedelta(hours=h) for h in (-1, 1))
    (asked,) = await chat.say(f"/notify {since:%H:00}-{until:%H:59}")
    await chat.tap(asked, f"{since:%H:00}–{until:%H:59}")
    await tell(chat, lost(1))
    await chat.desk.until_idea()
    assert silent(chat, await chat.card())
    await chat.desk.talk.change_control.stop(None)
    await chat.courier.deliver()
    assert not silent(chat, await halted(chat))
    await sql(
        "UPDATE person SET notify = jsonb_set(jsonb_set(notify, '{quiet_from}',"
        f" '\"{now - timedelta(hours=2):%H:%M}\"'), '{{quiet_until}}', '\"{now:%H:%M}\"')"
        " WHERE id = 1001"
    )
    await sql("UPDATE outbox SET created_at = created_at - interval '10 minutes'")
    for _ in range(2):
        await SumUpQuietHours(store=chat.desk.world.store)()
    await chat.courier.deliver()
    digests = [m for m in chat.sandbox.messages(1001) if "your quiet hours" in m.get("text", "")]
    assert len(digests) == 1
    assert "Ideas: 1" in digests[0]["text"]


async def test_row_that_fails_for_good_does_not_hold_up_the_others(chat: Chat) -> None:
    chat.sandbox.fault(
        "sendMessage", code=400, description="Bad Request: BUTTON_DATA_INVALID", contains="broken"
    )
    await say_later(chat, "broken")
    await say_later(chat, "fine")
    await chat.courier.deliver()
    assert chat.sandbox.messages(1001)[-1]["text"] == "fine"
    assert await OutboxRow.filter(state="failed").count() == 1


async def test_pauses_that_telegram_asks_for_outlive_the_process(chat: Chat) -> None:
    for who in (1001, 1002):
        chat.sandbox.fault(
            "sendMessage", code=429, description="Too Many Requests", retry_after=40,
            contains=str(who),
        )  # fmt: skip
        await tell(chat, lost(who), who)
    await chat.courier.deliver()
    await tell(chat, lost(3), 1003)
    calls = len(chat.sandbox.calls)
    await chat.courier.deliver()
    assert len(chat.sandbox.calls) == calls
    rows = await connections.get("default").execute_query_dict(
        "SELECT scope FROM flood_budget WHERE held_until > now() + interval '30 seconds'"
    )
    assert {row["scope"] for row in rows} == {0, 1001, 1002}


async def test_moved_chat_gets_what_waits(chat: Chat) -> None:
    chat.sandbox.fault(
        "sendMessage",
        code=400,
        description="Bad Request: group chat was upgraded to a supergroup chat",
        parameters={"migrate_to_chat_id": 1003},
        contains="wanders",
    )
    await say_later(chat, "wanders")
    await chat.courier.deliver()
    assert chat.sandbox.messages(1003)[-1]["text"] == "wanders"


async def test_viewers_are_not_told_of_the_unreachable(chat: Chat) -> None:
    await chat.sandbox.block(1003)
    await tell(chat, lost(1), 1003)
    await chat.courier.deliver()
    rows = await OutboxRow.filter(kind="unreachable")
    assert [row.person_id for row in rows] == [1001]
