"""With a state file everything is still there after a restart."""

import asyncio
import json

from bot.sandbox import GROUP_ID, Sandbox, Upload
from bot.sandbox.state import DEBOUNCE

ANN = 1001
BUTTON = {"inline_keyboard": [[{"text": "Ok", "callback_data": "ok"}]]}


async def test_chats_files_updates_pins_and_commands_survive_a_restart(
    open_sandbox, tmp_path, picture
):
    file = tmp_path / "state" / "chat.json"
    before, served = await open_sandbox(state_file=file)
    await before.send(ANN, "hi")
    await before.send(1002, "/status", chat_id=GROUP_ID)
    call = before._dispatch.call
    before.telegram.account.authorize("700001:abc")
    files = {"photo": Upload("c.png", "image/png", picture)}
    photo = {"chat_id": str(ANN), "caption": "card", "reply_markup": json.dumps(BUTTON)}
    await call("sendPhoto", photo, files)
    await call("pinChatMessage", {"chat_id": ANN, "message_id": 2}, {})
    commands = [{"command": "halt", "description": "stop"}]
    scope = {"type": "chat", "chat_id": ANN}
    await call("setMyCommands", {"commands": commands, "scope": scope}, {})
    await call("getUpdates", {"allowed_updates": ["message", "callback_query"]}, {})
    await served.close()

    after, _ = await open_sandbox(state_file=file)
    assert after.messages(ANN) == before.messages(ANN)
    assert after.pins(ANN) == [2]
    assert after.commands(ANN) == commands
    assert after.commands(1002) == []
    assert after.telegram.queue.pending() == before.telegram.queue.pending()
    assert after.telegram.queue.next_id == before.telegram.queue.next_id
    assert after.telegram.queue.allowed == {"message", "callback_query"}
    stored = after.telegram.world.files.get(after.messages(ANN)[1]["photo"][0]["file_id"])
    assert stored is not None
    assert stored.data == picture
    assert after.telegram.account.id == 700001
    await after.tap(ANN, 2, label="Ok")
    assert after.violations == []


async def test_after_a_crash_no_number_is_given_twice(open_sandbox, tmp_path):
    file = tmp_path / "chat.json"
    crashed, _ = await open_sandbox(state_file=file)
    await crashed.send(ANN, "kept")
    crashed._state._save(clean=False)
    await crashed.send(ANN, "lost")
    lost = crashed.telegram.queue.pending()[-1]["update_id"]

    after = Sandbox(state_file=file)
    assert [m["text"] for m in after.messages(ANN)] == ["kept"]
    assert after.telegram.queue.next_id > lost
    assert (await after.send(ANN, "new"))["message_id"] > 2


async def test_a_change_is_saved_soon_and_readable_by_nobody_else(open_sandbox, tmp_path):
    file = tmp_path / "chat.json"
    sandbox, _ = await open_sandbox(state_file=file)
    await sandbox.send(ANN, "hi")
    await asyncio.sleep(DEBOUNCE + 0.2)
    assert file.stat().st_mode & 0o077 == 0
    assert "hi" in file.read_text()


async def test_a_file_of_an_earlier_version_is_read(open_sandbox, tmp_path):
    file = tmp_path / "chat.json"
    before, served = await open_sandbox(state_file=file)
    await before.send(ANN, "hi")
    await served.close()
    document = json.loads(file.read_text())
    for added in ("users", "migrated"):
        del document[added]
    for chat in document["chats"]:
        del chat["bot_kicked"], chat["deactivated"]
        for post in chat["posts"]:
            del post["people"], post["force_reply"]
    file.write_text(json.dumps(document))
    after, _ = await open_sandbox(state_file=file)
    assert [m["text"] for m in after.messages(ANN)] == ["hi"]
    await after.react(ANN, 1, "👍")
    assert after.violations == []
