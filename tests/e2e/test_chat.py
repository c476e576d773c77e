"""The main job, through the real protocol: a card with a chart, a tap, a paper order, a stamp."""

from decimal import Decimal

import pytest
from tortoise import connections

from storage.models import InboxRow, OrderRow
from tests.e2e.conftest import Chat, label_of


async def test_idea_arrives_as_a_photo_card_with_buttons_for_everyone(chat: Chat) -> None:
    idea = await chat.desk.until_idea()
    card = await chat.card()
    assert f"IDEA #{idea.number}" in card["caption"]
    assert "PAPER" in card["caption"]
    assert len(card["caption"]) <= 1024
    assert card["photo"][-1]["width"] == 780
    labels = [b["text"] for row in card["reply_markup"]["inline_keyboard"] for b in row]
    assert labels == ["✅ Approve", "❌ Reject", "✅ ½ size", "❓ Why", "📄 What it saw"]
    assert "COMPRA" in (await chat.card(1002))["caption"]


async def test_tap_on_approve_fills_an_order_and_stamps_the_card(chat: Chat) -> None:
    idea = await chat.desk.until_idea()
    card = await chat.card()
    answer = await chat.tap(card, "✅ Approve")
    assert answer["text"] == "Approved. Sending the order; the card will show the result."
    stamped = await chat.card()
    assert stamped["message_id"] == card["message_id"]
    assert "Approved by Ann" in stamped["caption"]
    assert "Order #1" in stamped["caption"]
    assert "Approve" not in str(stamped["reply_markup"])
    positions = await chat.say("/positions")
    assert str(idea.proposal.stop_loss) in positions[0]["text"]
    others = await chat.card(1002)
    assert "Aprobada por Ann" in others["caption"]


async def test_history_why_and_replay_tell_the_same_story(chat: Chat) -> None:
    idea = await chat.desk.until_idea()
    await chat.tap(await chat.card(), "✅ Approve")
    (history,) = await chat.say("/history")
    for words in ("AI proposed", "human approved", "order sent", "filled"):
        assert words in history["text"]
    (why,) = await chat.say(f"/why {idea.number}")
    assert "Approved by Ann" in why["text"]
    seq = why["text"].rsplit(" ", 1)[1]
    answer = await chat.say(f"/replay {seq}")
    text = answer[-1].get("text") or answer[-1]["caption"]
    assert "equal, bit for bit" in text
    assert "AI proposed" in text
    what_if = (await chat.say(f"/replay {seq} min_confidence_threshold=100 confidence_floor=100"))[
        -1
    ]
    assert "What if" in (what_if.get("text") or what_if["caption"])


async def test_second_person_is_told_who_was_first(chat: Chat) -> None:
    await chat.desk.until_idea()
    mine, theirs = await chat.card(1001), await chat.card(1002)
    first = await chat.sandbox.tap(1001, mine["message_id"], label="✅ Approve")
    second = await chat.sandbox.tap(1002, theirs["message_id"], label="❌ Rechazar")
    third = await chat.sandbox.tap(1001, mine["message_id"], label="✅ Approve")
    await chat.settle()
    assert chat.sandbox.answers[first]["text"].startswith("Approved")
    assert "Aprobada por Ann" in chat.sandbox.answers[second]["text"]
    assert "Already answered" in chat.sandbox.answers[third]["text"]
    assert await OrderRow.all().count() == 1


async def test_tap_after_expiry_and_tap_while_paused_have_their_own_words(chat: Chat) -> None:
    await chat.desk.until_idea()
    card = await chat.card()
    await connections.get("default").execute_query(
        "UPDATE approval SET expires_at = clock_timestamp()"
    )
    assert "expired" in (await chat.tap(card, "✅ Approve"))["text"]
    assert "Expired" in (await chat.card())["caption"]

    await chat.desk.until_idea()
    card = await chat.card()
    await chat.say("/pause")
    assert "trading is off" in (await chat.tap(card, "✅ Approve"))["text"]
    assert "Not sent when" in (await chat.card())["caption"]
    assert await OrderRow.all().count() == 0


async def test_viewer_and_stranger_tap_in_vain(chat: Chat) -> None:
    idea = await chat.desk.until_idea()
    card = await chat.card(1003)
    assert "Approve" not in str(card["reply_markup"])
    forged = await chat.sandbox.tap(1003, card["message_id"], data=f"v1:ok:{idea.id.hex}")
    await chat.settle()
    assert "needs the role trader" in chat.sandbox.answers[forged]["text"]
    assert await OrderRow.all().count() == 0


@pytest.mark.parametrize(
    "data", ["v1:ok:", "v1:ok:zz", "v0:ok:1", "v1:go:1:2", "v1:mode:mad:1:99999999999", "x" * 64]
)
async def test_forged_button_does_nothing_and_is_answered(chat: Chat, data: str) -> None:
    (message,) = await chat.say("/status")
    query = await chat.sandbox.tap(1001, message["message_id"], data=data)
    await chat.settle()
    assert chat.sandbox.answers[query] is not None
    assert (await chat.desk.talk.read_status(None)).control.version == 1


@pytest.mark.parametrize("who", [1001, 1002])
async def test_every_command_answers(chat: Chat, who: int) -> None:
    await chat.desk.until_idea()
    commands = (
        "/help", "/status", "/ideas", "/idea 1", "/positions", "/today", "/risk", "/history",
        "/history EURUSD no_trade", "/why", "/replay 1", "/mode", "/whoami", "/language",
        "/idea", "/idea 99", "/replay x", "/nonsense", "hello",
    )  # fmt: skip
    for command in commands:
        assert await chat.say(command, who), command
    assert await InboxRow.filter(done_at__isnull=True).count() == 0


async def test_stop_is_one_step_and_resume_takes_two(chat: Chat) -> None:
    (stopped,) = [m for m in await chat.say("/stop") if "reply_markup" in m][:1]
    assert "EMERGENCY STOP" in stopped["text"]
    (asked,) = await chat.say("/resume")
    yes = label_of(asked, "Yes")
    assert (await chat.desk.talk.read_status(None)).control.state == "emergency_stop"
    await chat.tap(asked, yes)
    assert (await chat.desk.talk.read_status(None)).control.state == "running"
    with pytest.raises(LookupError):
        await chat.tap(asked, yes)


async def test_trade_that_ends_replies_to_its_card(chat: Chat) -> None:
    await chat.desk.until_idea()
    card = await chat.card()
    await chat.tap(card, "✅ Approve")
    for _ in range(200):
        await chat.desk.next_candle()
        if not await chat.desk.world.broker.positions():
            break
    await chat.settle()
    reply = next(
        m for m in chat.sandbox.messages(1001)
        if m.get("reply_to_message", {}).get("message_id") == card["message_id"]
    )  # fmt: skip
    assert "Closed by" in reply["text"]


async def test_halt_is_pinned_with_its_reason_and_a_resume_button(chat: Chat) -> None:
    await chat.desk.change_risk(max_drawdown_amount=Decimal("1"))
    await chat.desk.until_idea()
    await chat.tap(await chat.card(), "✅ Approve")
    for _ in range(5):
        await chat.desk.next_candle()
    await chat.settle()
    alert = next(m for m in chat.sandbox.messages(1001) if "HALTED" in m.get("text", ""))
    assert "maximum drawdown" in alert["text"]
    assert label_of(alert, "Resume")
    assert alert["message_id"] in chat.sandbox.pins(1001)


async def test_update_that_comes_three_times_is_handled_once(chat: Chat) -> None:
    await chat.desk.until_idea()
    card = await chat.card()
    await chat.sandbox.tap(1001, card["message_id"], label="✅ Approve")
    for _ in range(3):
        await chat._fetch()
    rows = await InboxRow.all().order_by("-update_id").limit(1)
    await chat.settle()
    assert not await chat.answerer.inbox.put(rows[0].update_id, rows[0].payload)
    await chat.settle()
    assert await OrderRow.all().count() == 1


async def test_stranger_waits_and_the_code_makes_the_first_admin_only_once(chat: Chat) -> None:
    (answer,) = await chat.say("/start code-of-the-test", 1004)
    assert "An admin has to let you in" in answer["text"]
    (answer,) = await chat.say("/status", 1004)
    assert "still waits for an admin" in answer["text"]
    assert await chat.say("/status", 1004) == []


async def test_flood_answer_is_waited_for_and_nothing_is_lost(chat: Chat) -> None:
    chat.sandbox.fault(
        "sendMessage", code=429, description="Too Many Requests: retry after 60", retry_after=60
    )
    before = len(chat.sandbox.messages(1001))
    await chat.sandbox.send(1001, "/status")
    await chat.settle()
    assert len(chat.sandbox.messages(1001)) == before + 1
    await connections.get("default").execute_query("UPDATE flood_budget SET held_until = now()")
    await chat.settle()
    assert "Status" in chat.sandbox.messages(1001)[-1]["text"]


async def test_group_and_anonymous_senders_reach_nothing(chat: Chat) -> None:
    from bot.sandbox import GROUP_ID

    before = len(chat.sandbox.messages(GROUP_ID))
    await chat.sandbox.send(1001, "/stop", chat_id=GROUP_ID)
    await chat.settle()
    assert (await chat.desk.talk.read_status(None)).control.state == "running"
    assert len(chat.sandbox.messages(GROUP_ID)) == before + 1


async def test_old_resume_is_not_obeyed_and_old_stop_is(chat: Chat) -> None:
    await chat.say("/pause")
    for number, (command, state) in enumerate((("/resume", "paused"), ("/stop", "emergency_stop"))):
        person = {"id": 1001, "is_bot": False, "first_name": "Ann"}
        message = {
            "message_id": 9000 + number, "date": 1_700_000_000, "from": person, "text": command,
            "chat": {"id": 1001, "type": "private"},
            "entities": [{"type": "bot_command", "offset": 0, "length": len(command)}],
        }  # fmt: skip
        await chat.answerer.inbox.put(number + 1, {"update_id": number + 1, "message": message})
        await chat.settle()
        assert (await chat.desk.talk.read_status(None)).control.state == state


async def test_alert_overtakes_what_was_queued_before_it(chat: Chat) -> None:
    for number in range(12):
        await chat.answerer.deliveries.answer(f"x:{number}", 1001, 1001, {"text": f"row {number}"})
    await chat.desk.talk.change_control.stop(None)
    before = len(chat.sandbox.messages(1001))
    await chat.courier.deliver()
    texts = [m["text"] for m in chat.sandbox.messages(1001)[before:]]
    assert "EMERGENCY STOP" in texts[0]
    assert texts[1:] == [f"row {number}" for number in range(12)]


async def test_pin_that_fails_does_not_send_the_alert_again(chat: Chat) -> None:
    chat.sandbox.fault("pinChatMessage", times=9, code=500, description="Internal Server Error")
    await chat.desk.talk.change_control.stop(None)
    await chat.settle()
    alerts = [m for m in chat.sandbox.messages(1001) if "EMERGENCY" in m.get("text", "")]
    assert len(alerts) == 1


async def test_idea_without_its_picture_can_still_be_decided(chat: Chat, monkeypatch) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("no fonts")

    monkeypatch.setattr("bot.charts.draw", broken)
    await chat.desk.until_idea()
    await chat.settle()
    card = next(m for m in reversed(chat.sandbox.messages(1001)) if "IDEA #" in m.get("text", ""))
    await chat.tap(card, "✅ Approve")
    stamped = next(m for m in chat.sandbox.messages(1001) if m["message_id"] == card["message_id"])
    assert "Approved by Ann" in stamped["text"]


async def test_history_and_events_say_which_zone_and_which_record(chat: Chat) -> None:
    idea = await chat.desk.until_idea()
    await chat.say("/timezone tokyo")
    (history,) = await chat.say("/history")
    judged = history["text"].splitlines()[1].split()[0]
    title = f"Decision history · JST · /replay {judged} recomputes record {judged}"
    assert history["text"].splitlines()[0] == title
    (ideas,) = await chat.say("/ideas")
    assert f"#{idea.number} " in ideas["text"]
    assert " JST" in ideas["text"]
    await chat.say("/pause")
    (events,) = await chat.say("/events")
    assert events["text"].startswith("Events · JST · ")
    assert "Decision history" not in events["text"]


async def test_a_trader_is_told_at_once_what_only_an_admin_may(chat: Chat) -> None:
    (mode,) = await chat.say("/mode", 1002)
    assert "reply_markup" not in mode
    assert "administrador" in mode["text"]
    await chat.say("/stop", 1002)
    (refused,) = await chat.say("/resume", 1002)
    assert "administrador" in refused["text"]
    assert "reply_markup" not in refused
    (asked,) = await chat.say("/resume", 1001)
    await chat.tap(asked, "▶️ Yes, trade again")
    assert (await chat.desk.talk.read_status(None)).control.state == "running"
