"""getUpdates: offsets, waiting, time to live, conflicts, and which kinds are wanted."""

import asyncio

import pytest

from bot.sandbox import GROUP_ID
from bot.sandbox.errors import OTHER_POLLER

ANN = 1001


async def texts(api, **parameters):
    return [u["message"]["text"] for u in await api.result("getUpdates", **parameters)]


async def test_an_update_is_confirmed_by_a_higher_offset_only(sandbox, api):
    for text in ("one", "two", "three"):
        await sandbox.send(ANN, text)
    first = (await api.result("getUpdates", limit=1))[0]["update_id"]
    assert await texts(api, offset=first) == ["one", "two", "three"]
    assert await texts(api, offset=first + 1) == ["two", "three"]
    assert await texts(api) == ["two", "three"]


async def test_a_negative_offset_keeps_the_last_ones(sandbox, api):
    for text in ("one", "two", "three"):
        await sandbox.send(ANN, text)
    assert await texts(api, offset=-2) == ["two", "three"]
    assert await texts(api) == ["two", "three"]


async def test_a_waiting_request_wakes_up_at_once(sandbox, api):
    poll = asyncio.ensure_future(api.result("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    await sandbox.send(ANN, "wake up")
    [update] = await asyncio.wait_for(poll, 2)
    assert update["message"]["text"] == "wake up"


async def test_a_tap_lives_150_seconds_and_a_message_a_day(sandbox, api):
    await sandbox.send(ANN, "hi")
    markup = {"inline_keyboard": [[{"text": "Ok", "callback_data": "ok"}]]}
    said = await api.result("sendMessage", chat_id=ANN, text="x", reply_markup=markup)
    await sandbox.tap(ANN, said["message_id"], label="Ok")
    assert sandbox.pending == 2
    sandbox.advance(151)
    assert await texts(api) == ["hi"]
    sandbox.advance(86400)
    assert await texts(api) == []


async def test_a_second_poller_ends_the_first(sandbox, api):
    first = asyncio.ensure_future(api.refusal("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    assert await texts(api) == []
    assert await asyncio.wait_for(first, 2) == f"409 Conflict: {OTHER_POLLER}"


async def test_polling_and_a_webhook_exclude_each_other(sandbox, api):
    poll = asyncio.ensure_future(api.refusal("getUpdates", timeout=30))
    await asyncio.sleep(0.05)
    await api.result("setWebhook", url="http://127.0.0.1:9/x")
    assert await poll == "409 Conflict: terminated by setWebhook request"
    assert "409 Conflict: can't use getUpdates" in await api.refusal("getUpdates")
    await api.result("deleteWebhook", drop_pending_updates=True)
    assert await texts(api) == []


async def test_wanted_kinds_are_remembered_and_apply_when_an_update_is_made(sandbox, api):
    await api.result("getUpdates", allowed_updates=["message"])
    await sandbox.send(ANN, "one")
    await sandbox.react(ANN, 1, "👍")
    await sandbox.edit(ANN, 1, "uno")
    assert await texts(api) == ["one"]
    await api.result("getUpdates", allowed_updates=["message_reaction"])
    await sandbox.react(ANN, 1, "👎")
    await sandbox.send(ANN, "two")
    kinds = [set(u) - {"update_id"} for u in await api.result("getUpdates")]
    assert kinds == [{"message"}, {"message_reaction"}]
    await api.result("getUpdates", allowed_updates=[])
    assert sandbox.telegram.queue.allowed is None
    assert sandbox.violations == []


async def test_in_a_group_only_what_is_meant_for_the_bot_reaches_it(sandbox, api):
    me = await api.result("getMe")
    said = await api.result("sendMessage", chat_id=GROUP_ID, text="hello all")
    await sandbox.send(ANN, "chatter", chat_id=GROUP_ID)
    await sandbox.send(ANN, "/status@other_bot", chat_id=GROUP_ID)
    await sandbox.send(ANN, "/status", chat_id=GROUP_ID)
    await sandbox.send(ANN, f"ask @{me['username']}", chat_id=GROUP_ID)
    await sandbox.send(ANN, "a reply", chat_id=GROUP_ID, reply_to=said["message_id"])
    assert await texts(api) == ["/status", f"ask @{me['username']}", "a reply"]


async def test_a_forged_tap_reaches_the_bot_and_a_missing_button_does_not(sandbox, api):
    await sandbox.send(ANN, "hi")
    for missing in ({"label": "Approve"}, {}):
        with pytest.raises(LookupError):
            await sandbox.tap(ANN, 1, **missing)
    await sandbox.tap(ANN, 999, data="forged")
    query = (await api.result("getUpdates"))[-1]["callback_query"]
    assert query["data"] == "forged"
    assert query["message"]["date"] == 0
    assert sandbox.violations == []


async def test_a_lost_confirmation_brings_updates_again_as_often_as_wished(sandbox, api):
    await sandbox.send(ANN, "one")
    await sandbox.send(ANN, "two")
    last = (await api.result("getUpdates"))[-1]["update_id"]
    assert await texts(api, offset=last + 1) == []
    again = sandbox.redeliver(2, last=2)
    assert [update["update_id"] for update in again] == [last - 1, last]
    for _ in range(2):
        assert await texts(api, offset=last + 1) == ["one", "two"]
    assert await texts(api, offset=last + 1) == []
    waiting = asyncio.ensure_future(texts(api, offset=last + 1, timeout=30))
    await asyncio.sleep(0.05)
    sandbox.redeliver()
    assert await asyncio.wait_for(waiting, 2) == ["two"]


async def test_numbers_begin_anew_after_a_week_of_silence(sandbox, api):
    await sandbox.send(ANN, "one")
    first = (await api.result("getUpdates"))[0]["update_id"]
    sandbox.advance(7 * 86400 + 1)
    await sandbox.send(ANN, "two")
    assert (await api.result("getUpdates"))[-1]["update_id"] > first + 1


async def test_a_reaction_says_what_was_there_before_and_needs_an_admin_in_a_group(sandbox, api):
    await api.result("getUpdates", allowed_updates=["message", "message_reaction"])
    await sandbox.send(ANN, "hi")
    for emoji in ("👍", "👎", ""):
        await sandbox.react(ANN, 1, emoji)
    said = await api.result("sendMessage", chat_id=GROUP_ID, text="x")
    await sandbox.react(ANN, said["message_id"], "👍", chat_id=GROUP_ID)
    changes = [u["message_reaction"] for u in await api.result("getUpdates", offset=-3)]
    seen = [
        tuple([r["emoji"] for r in change[key]] for key in ("old_reaction", "new_reaction"))
        for change in changes
    ]
    assert seen == [([], ["👍"]), (["👍"], ["👎"]), (["👎"], [])]
    sandbox.promote(GROUP_ID)
    await sandbox.react(ANN, said["message_id"], "🔥", chat_id=GROUP_ID)
    assert (await api.result("getUpdates"))[-1]["message_reaction"]["chat"]["id"] == GROUP_ID
    assert sandbox.violations == []
