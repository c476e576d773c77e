"""The wire: every way a parameter may travel, and every shape of an answer."""

import asyncio
import json
from urllib.parse import urlsplit

import aiohttp

from bot.sandbox import GROUP_ID, Upload

TOKEN = "700001:AAtest-token_1"
ANN = 1001


async def test_methods_have_no_case_and_take_get_and_post(sandbox, url, http):
    await sandbox.send(ANN, "hi")
    base = f"{url}/bot{TOKEN}"
    for method in ("getMe", "getme", "GETME"):
        async with http.get(f"{base}/{method}") as response:
            assert (await response.json())["result"]["is_bot"]
    async with http.get(f"{base}/sendMessage", params={"chat_id": ANN, "text": "q"}) as response:
        assert (await response.json())["result"]["text"] == "q"
    async with http.post(f"{base}/sendmessage?chat_id={ANN}", data={"text": "f"}) as response:
        assert (await response.json())["result"]["text"] == "f"
    assert sandbox.violations == []


async def test_values_may_be_json_in_a_string(sandbox, url, http):
    await sandbox.send(ANN, "hi")
    form = {
        "chat_id": str(ANN),
        "text": "x",
        "disable_notification": "True",
        "reply_markup": json.dumps({"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}),
    }
    async with http.post(f"{url}/bot{TOKEN}/sendMessage", data=form) as response:
        result = (await response.json())["result"]
    assert result["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "b"
    assert sandbox.telegram.world.chats[ANN].posts[2].silent


async def test_files_come_by_attach_or_by_the_name_of_their_parameter(sandbox, url, http, picture):
    await sandbox.send(ANN, "hi")
    for name, value in (("photo", None), ("file-1", "attach://file-1")):
        form = aiohttp.FormData({"chat_id": str(ANN)})
        if value:
            form.add_field("photo", value)
        form.add_field(name, picture, filename="c.png", content_type="image/png")
        async with http.post(f"{url}/bot{TOKEN}/sendPhoto", data=form) as response:
            size = (await response.json())["result"]["photo"][0]
        assert (size["width"], size["height"]) == (4, 3)
    address = f"{url}/bot{TOKEN}/getFile?file_id={size['file_id']}"
    async with http.get(address) as response:
        path = (await response.json())["result"]["file_path"]
    async with http.get(f"{url}/file/bot{TOKEN}/{path}") as response:
        assert await response.read() == picture
    for wrong in (f"bot{TOKEN}/photos/none.png", f"botnonsense/{path}"):
        async with http.get(f"{url}/file/{wrong}") as response:
            assert response.status == 404


async def test_nonsense_is_answered_in_the_envelope(url, http):
    async with http.post(
        f"{url}/bot{TOKEN}/sendMessage",
        data=b"{",
        headers={"Content-Type": "application/json"},
    ) as response:
        assert response.status == 400
        assert (await response.json())["description"] == "Bad Request: can't parse JSON object"
    async with http.get(f"{url}/nowhere") as response:
        assert await response.json() == {
            "ok": False,
            "error_code": 404,
            "description": "Not Found",
        }


async def test_an_album_is_several_messages_of_one_group(sandbox, api, picture):
    sent = await sandbox.upload(ANN, Upload("c.png", "image/png", picture))
    media = [{"type": "photo", "media": sent["photo"][0]["file_id"], "caption": c} for c in "ab"]
    album = await api.result("sendMediaGroup", chat_id=ANN, media=media)
    assert [message["caption"] for message in album] == ["a", "b"]
    assert len({message["media_group_id"] for message in album}) == 1
    assert sandbox.violations == []


async def test_several_messages_are_deleted_at_once_and_lose_their_pins(sandbox, api):
    await sandbox.send(ANN, "hi")
    said = await api.result("sendMessage", chat_id=ANN, text="x")
    await api.result("pinChatMessage", chat_id=ANN, message_id=said["message_id"])
    await api.result("deleteMessages", chat_id=ANN, message_ids=[said["message_id"], 999])
    assert sandbox.pins(ANN) == []
    assert [message["text"] for message in sandbox.messages(ANN)] == ["hi"]


async def test_the_last_pin_goes_first_and_all_at_once(sandbox, api):
    for text in ("a", "b", "c"):
        await sandbox.send(ANN, text)
    for message_id in (1, 2, 3, 1):
        await api.result("pinChatMessage", chat_id=ANN, message_id=message_id)
    assert sandbox.pins(ANN) == [2, 3, 1]
    await api.result("unpinChatMessage", chat_id=ANN)
    await api.result("unpinChatMessage", chat_id=ANN, message_id=2)
    assert sandbox.pins(ANN) == [3]
    await api.result("unpinAllChatMessages", chat_id=ANN)
    assert sandbox.pins(ANN) == []


async def test_members_topics_and_menu_buttons(sandbox, api):
    me = await api.result("getMe")
    owner = await api.result("getChatMember", chat_id=GROUP_ID, user_id=ANN)
    assert owner["status"] == "creator"
    sandbox.promote(GROUP_ID)
    admin = await api.result("getChatMember", chat_id=GROUP_ID, user_id=me["id"])
    assert admin["status"] == "administrator"
    topic = await api.result("createForumTopic", chat_id=GROUP_ID, name="Alerts")
    thread = topic["message_thread_id"]
    said = await api.result("sendMessage", chat_id=GROUP_ID, text="x", message_thread_id=thread)
    assert said["is_topic_message"]
    assert (await api.result("getChat", chat_id=GROUP_ID))["title"] == "Trading desk"
    await api.result("setChatMenuButton", menu_button={"type": "commands"})
    assert await api.result("getChatMenuButton", chat_id=ANN) == {"type": "commands"}
    assert await api.result("logOut")
    assert await api.result("close")
    assert sandbox.violations == []


async def test_commands_are_shown_by_scope_and_language(sandbox, api):
    def listed(word):
        return [{"command": word, "description": word}]

    await api.result("setMyCommands", commands=listed("all"))
    await api.result("setMyCommands", commands=listed("todos"), language_code="es")
    private = {"type": "all_private_chats"}
    await api.result("setMyCommands", commands=listed("private"), scope=private)
    assert sandbox.commands(ANN) == listed("private")
    await api.result("deleteMyCommands", scope=private)
    assert sandbox.commands(ANN) == listed("all")
    assert sandbox.commands(1002) == listed("todos")
    assert await api.result("getMyCommands", language_code="es") == listed("todos")


async def test_a_caller_that_dies_in_the_middle_is_no_fault_of_the_sandbox(sandbox, url, api):
    place = urlsplit(url)
    _, writer = await asyncio.open_connection(place.hostname, place.port)
    head = (
        f"POST /bot{TOKEN}/sendMessage HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 100\r\n"
    )
    kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    writer.write((head + kind + "chat_id=1001&te").encode())
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    assert (await api("getMe"))["ok"]
    await asyncio.sleep(0.1)
    assert sandbox.violations == []
