"""What tests can make people do: write as somebody else, forge taps, leave, come back late."""

import asyncio
import hashlib
import hmac
import time
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiogram.utils.web_app import safe_parse_webapp_init_data

from bot.sandbox import GROUP_ID, As, From, Person, Upload
from bot.sandbox.errors import QUERY_TOO_OLD

ANN, LUIS, EVE = 1001, 1002, 1003
TOKEN = "700001:AAtest-token_1"
BUTTON = {"inline_keyboard": [[{"text": "Ok", "callback_data": "ok"}]]}


async def last_message(api):
    return (await api.result("getUpdates", offset=-1))[-1]["message"]


SENDERS = [
    (As.PERSON, ANN, None, False),
    (As.ANONYMOUS, 1087968824, GROUP_ID, True),
    (As.CHANNEL, 136817688, -1001000000099, True),
    (As.LINKED_CHANNEL, 777000, -1001000000099, False),
    (As.BOT, 7000000099, None, True),
]


@pytest.mark.parametrize(("sender", "from_id", "sender_chat", "is_bot"), SENDERS)
async def test_a_group_message_may_come_from_somebody_else(
    sandbox, api, sender, from_id, sender_chat, is_bot
):
    await sandbox.send(ANN, "/halt", chat_id=GROUP_ID, sender=sender)
    message = await last_message(api)
    assert message["from"]["id"] == from_id
    assert message["from"]["is_bot"] is is_bot
    assert message.get("sender_chat", {}).get("id") == sender_chat
    assert message.get("is_automatic_forward", False) is (sender is As.LINKED_CHANNEL)
    assert sandbox.violations == []


async def test_only_an_admin_hides_behind_the_group_and_nobody_in_private(sandbox):
    with pytest.raises(LookupError, match="no administrator"):
        await sandbox.send(LUIS, "/halt", chat_id=GROUP_ID, sender=As.ANONYMOUS)
    with pytest.raises(LookupError, match="private"):
        await sandbox.send(LUIS, "/halt", sender=As.CHANNEL)


async def test_the_bot_may_not_edit_or_delete_what_an_anonymous_admin_wrote(sandbox, api):
    sent = await sandbox.send(ANN, "/halt", chat_id=GROUP_ID, sender="anonymous")
    where = {"chat_id": GROUP_ID, "message_id": sent["message_id"]}
    edited = await api.refusal("editMessageText", text="x", **where)
    assert edited == "400 Bad Request: message can't be edited"
    deleted = await api.refusal("deleteMessage", **where)
    assert deleted == "400 Bad Request: message can't be deleted"


@pytest.mark.parametrize(
    ("source", "kind"),
    [(EVE, "user"), (From.HIDDEN, "hidden_user"), ("channel", "channel"), (From.GROUP, "chat")],
)
async def test_a_forwarded_message_says_where_it_is_from(sandbox, api, source, kind):
    await sandbox.send(ANN, "/approve 1", forwarded_from=source)
    message = await last_message(api)
    assert message["from"]["id"] == ANN
    assert message["forward_origin"]["type"] == kind
    assert sandbox.violations == []


async def test_a_late_message_carries_the_time_it_was_written(sandbox, api):
    await sandbox.send(ANN, "/approve 1", ago=3600)
    assert abs(time.time() - 3600 - (await last_message(api))["date"]) < 5


async def test_a_message_goes_to_a_topic_that_exists(sandbox, api):
    thread = sandbox.create_topic(GROUP_ID, "Alerts")
    await sandbox.send(ANN, "/status", chat_id=GROUP_ID, thread=thread)
    message = await last_message(api)
    assert (message["message_thread_id"], message["is_topic_message"]) == (thread, True)
    with pytest.raises(LookupError, match="no topic"):
        await sandbox.send(ANN, "/status", chat_id=GROUP_ID, thread=999)
    with pytest.raises(LookupError, match="no forum"):
        sandbox.create_topic(ANN, "x")
    assert sandbox.violations == []


async def test_without_privacy_mode_the_bot_hears_everything(open_sandbox, api_of):
    sandbox, served = await open_sandbox(privacy_mode=False)
    await sandbox.send(LUIS, "chatter", chat_id=GROUP_ID)
    api = api_of(served)
    assert (await last_message(api))["text"] == "chatter"
    assert (await api.result("getMe"))["can_read_all_group_messages"]


async def test_any_data_can_be_forged_and_an_old_message_hides_what_it_says(sandbox, api):
    await sandbox.send(ANN, "/start")
    said = await api.result("sendMessage", chat_id=ANN, text="x", reply_markup=BUTTON)
    card = said["message_id"]
    await sandbox.tap(ANN, card, data="approve:42:9")
    await sandbox.tap(ANN, card, label="Ok", inaccessible=True)
    forged, old = [u["callback_query"] for u in await api.result("getUpdates", offset=-2)]
    assert (forged["data"], forged["message"]["text"]) == ("approve:42:9", "x")
    assert old["data"] == "ok"
    assert old["message"] == {"chat": said["chat"], "message_id": card, "date": 0}
    assert sandbox.violations == []


async def test_one_tap_can_grow_old_alone(sandbox, api):
    await sandbox.send(ANN, "/start")
    first, second = [await sandbox.tap(ANN, 1, data=word) for word in ("a", "b")]
    sandbox.age_query(first)
    late = await api.refusal("answerCallbackQuery", callback_query_id=first)
    assert late == f"400 Bad Request: {QUERY_TOO_OLD}"
    assert await api.result("answerCallbackQuery", callback_query_id=second)


async def test_the_bot_hears_that_it_is_thrown_out_and_cannot_write_then(sandbox, api):
    sandbox.promote(GROUP_ID)
    sandbox.kick(GROUP_ID, by=ANN)
    refusal = await api.refusal("sendMessage", chat_id=GROUP_ID, text="x")
    assert refusal == "403 Forbidden: bot was kicked from the supergroup chat"
    await sandbox.send(ANN, "/status", chat_id=GROUP_ID)
    sandbox.kick(GROUP_ID, by=ANN, kicked=False)
    changes = [u["my_chat_member"] for u in await api.result("getUpdates")]
    assert [
        (change["old_chat_member"]["status"], change["new_chat_member"]["status"])
        for change in changes
    ] == [("member", "administrator"), ("administrator", "kicked"), ("kicked", "member")]
    assert (await api("sendMessage", chat_id=GROUP_ID, text="x"))["ok"]
    assert sandbox.violations == []


async def test_a_deleted_account_cannot_be_written_to(sandbox, api):
    await sandbox.send(EVE, "hi")
    sandbox.deactivate(EVE)
    refusal = await api.refusal("sendMessage", chat_id=EVE, text="x")
    assert refusal == "403 Forbidden: user is deactivated"


async def test_a_group_that_becomes_a_supergroup_answers_with_its_new_number(
    sandbox, api, open_sandbox, tmp_path, api_of
):
    sandbox.add_group(-77, "Friends", is_super=False)
    sandbox.upgrade(-77, -100777)
    answer = await api("sendMessage", chat_id=-77, text="x")
    words = "Bad Request: group chat was upgraded to a supergroup chat"
    assert (answer["error_code"], answer["description"]) == (400, words)
    assert answer["parameters"] == {"migrate_to_chat_id": -100777}
    moved = [u["message"] for u in await api.result("getUpdates")]
    assert moved[0]["migrate_to_chat_id"] == -100777
    assert moved[1]["migrate_from_chat_id"] == -77
    assert (await api.result("getChat", chat_id=-100777))["type"] == "supergroup"
    assert sandbox.violations == []


async def test_a_stranger_may_write_and_is_in_no_group(sandbox, api):
    sandbox.add_person(Person(6666, "Mallory", "mallory"))
    await sandbox.send(6666, "/halt")
    assert (await last_message(api))["from"]["username"] == "mallory"
    with pytest.raises(LookupError, match="in no chat"):
        await sandbox.tap(6666, 1, chat_id=GROUP_ID, data="x")
    sandbox.join(6666, GROUP_ID)
    await sandbox.send(6666, "/halt", chat_id=GROUP_ID)
    assert sandbox.violations == []


async def test_a_stranger_and_a_thrown_out_bot_survive_a_restart(open_sandbox, tmp_path):
    file = tmp_path / "chat.json"
    before, served = await open_sandbox(state_file=file)
    before.add_person(Person(6666, "Mallory", "mallory"))
    await before.send(6666, "/halt")
    before.kick(GROUP_ID, by=ANN)
    before.deactivate(EVE)
    before.add_group(-77, "Friends", is_super=False)
    before.upgrade(-77, -100777)
    await served.close()
    after, _ = await open_sandbox(state_file=file)
    assert after.messages(6666) == before.messages(6666)
    world = after.telegram.world
    assert world.users[6666]["first_name"] == "Mallory"
    assert world.chats[GROUP_ID].bot_kicked
    assert world.chats[EVE].deactivated
    assert world.migrated == {-77: -100777}


async def test_nobody_edits_what_another_wrote(sandbox, api):
    await sandbox.send(ANN, "hi", chat_id=GROUP_ID)
    with pytest.raises(LookupError, match="cannot edit"):
        await sandbox.edit(LUIS, 1, "bye", chat_id=GROUP_ID)


async def test_a_caption_of_a_person_has_its_commands_marked(sandbox, api, picture):
    file = Upload("c.png", "image/png", picture)
    await sandbox.upload(ANN, file, caption="/note this", sender=As.PERSON)
    assert (await last_message(api))["caption_entities"][0]["type"] == "bot_command"
    assert sandbox.violations == []


async def test_a_mini_app_gets_what_the_documented_check_accepts(sandbox, api):
    await api.result("getMe")
    signed = sandbox.web_app_data(ANN, start="ideas")
    parsed = safe_parse_webapp_init_data(TOKEN, signed)
    assert (parsed.user.id, parsed.start_param) == (ANN, "ideas")
    fields = dict(parse_qsl(sandbox.web_app_data(ANN, ago=900)))
    assert abs(time.time() - 900 - int(fields["auth_date"])) < 5
    given = fields.pop("hash")
    checked = "\n".join(f"{key}={fields[key]}" for key in sorted(fields))
    key = hmac.digest(b"WebAppData", TOKEN.encode(), hashlib.sha256)
    assert given == hmac.new(key, checked.encode(), hashlib.sha256).hexdigest()


async def test_a_mini_app_of_the_keyboard_sends_its_data_as_a_message(sandbox, api):
    await sandbox.press_web_app(ANN, "Open", '{"lots":1}')
    data = (await last_message(api))["web_app_data"]
    assert data == {"data": '{"lots":1}', "button_text": "Open"}
    assert sandbox.violations == []


async def test_a_slow_answer_is_right_and_late(sandbox, api):
    await sandbox.send(ANN, "hi")
    sandbox.fault("sendMessage", delay=0.3)
    began = time.monotonic()
    assert (await api("sendMessage", chat_id=ANN, text="slow"))["ok"]
    assert time.monotonic() - began > 0.29
    assert (await api("sendMessage", chat_id=ANN, text="fast"))["ok"]


async def test_a_connection_may_be_cut_after_the_message_was_accepted(sandbox, api):
    await sandbox.send(ANN, "hi")
    sandbox.fault("sendMessage", after=True, disconnect=True)
    with pytest.raises(aiohttp.ClientError):
        await api("sendMessage", chat_id=ANN, text="twice?")
    assert sandbox.messages(ANN)[-1]["text"] == "twice?"
    sandbox.fault("sendMessage", times=99, retry_after=4)
    assert (
        await api.refusal("sendMessage", chat_id=ANN, text="x")
        == "429 Too Many Requests: retry after 4"
    )
    sandbox.clear_faults()
    assert (await api("sendMessage", chat_id=ANN, text="x"))["ok"]


async def test_a_script_plays_people_over_http_as_well(sandbox, api, url, http):
    async def play(action, **wish):
        async with http.post(f"{url}/sim/{action}", json={"user": ANN, **wish}) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    group = {"chat": GROUP_ID, "text": "/halt"}
    await play("send", sender="anonymous", ago=60, **group)
    assert (await last_message(api))["sender_chat"]["id"] == GROUP_ID
    tapped = await play("tap", message_id=1, data="forged", forge=True, inaccessible=True)
    await play("age_query", query=tapped["query"])
    assert "too old" in await api.refusal("answerCallbackQuery", callback_query_id=tapped["query"])
    again = await play("redeliver", times=2)
    assert again["update_ids"] == [sandbox.updates[-1]["update_id"]]
    await play("press_webapp", button="Open", data="{}")
    assert sandbox.updates[-1]["message"]["web_app_data"]["data"] == "{}"
    assert "hash=" in (await play("webapp", ago=5))["init_data"]
    await play("send", text="hello")
    await play("react", message_id=1, emoji="👍")
    await play("edit", message_id=2, text="hello you")
    await play("block")
    await play("advance", seconds=1)
    with pytest.raises(AssertionError, match="no such button"):
        await play("tap", message_id=2, data="forged")
    assert sandbox.violations == []


async def test_a_webhook_may_ask_for_its_own_delay(sandbox, api):
    from aiohttp import web

    asked = []

    async def hook(request: web.Request) -> web.Response:
        asked.append(time.monotonic())
        busy = len(asked) == 1
        return web.Response(status=503 if busy else 200, headers={"Retry-After": "1"})

    app = web.Application()
    app.router.add_post("/tg", hook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await api.result("setWebhook", url=f"http://127.0.0.1:{runner.addresses[0][1]}/tg")
    await sandbox.send(ANN, "one")
    await sandbox.wait_for(lambda: len(asked) == 2)
    assert 0.9 < asked[1] - asked[0] < 2
    sandbox.redeliver(2)
    await sandbox.wait_for(lambda: len(asked) == 4)
    await asyncio.sleep(0.05)
    assert len(asked) == 4
    await api.result("deleteWebhook")
    await runner.cleanup()


@pytest.mark.parametrize(
    "wish",
    [
        {"ephemeral_message_parameters": {"user_id": ANN}},
        {"business_connection_id": "x"},
        {"message_effect_id": "x"},
    ],
)
async def test_what_the_sandbox_would_only_ignore_is_refused_in_red(open_sandbox, api_of, wish):
    sandbox, served = await open_sandbox(strict=False)
    await sandbox.send(ANN, "hi")
    [name] = wish
    refusal = await api_of(served).refusal("sendMessage", chat_id=ANN, text="x", **wish)
    assert refusal == f"501 Not Implemented: the sandbox has no {name} of sendMessage"
    assert name in sandbox.calls[-1]["violations"][-1]
    assert len(sandbox.messages(ANN)) == 1
