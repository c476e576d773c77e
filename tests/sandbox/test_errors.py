"""Every refusal in the server's own words, each provoked once."""

import io

import aiohttp
import pytest

from bot.sandbox import GROUP_ID, Upload
from bot.sandbox.errors import NOT_MODIFIED, QUERY_TOO_OLD
from bot.sandbox.methods import METHODS, content
from tests.sandbox.conftest import png

ANN, LUIS, EVE = 1001, 1002, 1003
BUTTON = [[{"text": "Ok", "callback_data": "ok"}]]


def keyboard(button):
    return {"inline_keyboard": [[{"text": "a", **button}]]}


@pytest.fixture
async def said(sandbox, api):
    """Ann has started the chat; the bot has said one thing, with a button."""
    await sandbox.send(ANN, "/start")
    markup = {"inline_keyboard": BUTTON}
    message = await api.result("sendMessage", chat_id=ANN, text="same", reply_markup=markup)
    return message["message_id"]


EMOJI = {"type": "emoji", "emoji": "✅"}
UNEXPECTED_END = "can't parse entities: Unexpected end tag at byte offset 0"

GOLDEN = [
    ("sendMessage", {"text": " "}, "message text is empty"),
    ("sendMessage", {"text": "x" * 4097}, "message is too long"),
    ("sendMessage", {"text": "x" * 32769}, "text is too long"),
    ("sendMessage", {"text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"),
    (
        "sendMessage",
        {"text": "<b>x", "parse_mode": "HTML"},
        "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
    ),
    (
        "sendMessage",
        {"text": "é<x>y</x>", "parse_mode": "HTML"},
        'can\'t parse entities: Unsupported start tag "x" at byte offset 2',
    ),
    (
        "sendMessage",
        {"text": "<b><i>x</b></i>", "parse_mode": "HTML"},
        'can\'t parse entities: Unmatched end tag at byte offset 7, expected "</i>", found "</b>"',
    ),
    (
        "sendMessage",
        {"text": "1.5", "parse_mode": "MarkdownV2"},
        "can't parse entities: Character '.' is reserved and must be escaped with the "
        "preceding '\\'",
    ),
    (
        "sendMessage",
        {"text": "*x", "parse_mode": "MarkdownV2"},
        "can't parse entities: Can't find end of Bold entity at byte offset 0",
    ),
    ("sendMessage", {"chat_id": 4040, "text": "x"}, "chat not found"),
    ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "chat not found"),
    (
        "sendMessage",
        {"text": "x", "reply_parameters": {"message_id": 999}},
        "message to be replied not found",
    ),
    ("sendMessage", {"text": "x", "message_thread_id": 999}, "message thread not found"),
    (
        "sendMessage",
        {"text": "x", "reply_markup": keyboard({})},
        "text buttons are unallowed in the inline keyboard",
    ),
    (
        "sendMessage",
        {"text": "x", "reply_markup": keyboard({"url": "nowhere"})},
        "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL",
    ),
    (
        "sendMessage",
        {"text": "x", "reply_markup": keyboard({"web_app": {"url": "http://x.y"}})},
        "inline keyboard button Web App URL 'http://x.y' is invalid: Only HTTPS links are allowed",
    ),
    (
        "sendMessage",
        {
            "chat_id": GROUP_ID,
            "text": "x",
            "reply_markup": keyboard({"web_app": {"url": "https://x.y"}}),
        },
        "BUTTON_TYPE_INVALID",
    ),
    ("sendPhoto", {"photo": "AgAD"}, "wrong file identifier/HTTP URL specified"),
    ("sendPhoto", {"photo": "attach://x"}, "there is no photo in the request"),
    ("sendChatAction", {"action": "dance"}, "wrong parameter action in request"),
    ("sendMessageDraft", {"draft_id": 0, "text": "x"}, "draft_id must be non-zero"),
    ("sendMessageDraft", {"chat_id": GROUP_ID, "draft_id": 1, "text": "x"}, "chat not found"),
    ("editMessageText", {"message_id": 999, "text": "x"}, "message to edit not found"),
    ("editMessageText", {"text": "x"}, "message identifier is not specified"),
    ("editMessageText", {"message_id": 1, "text": "x"}, "message can't be edited"),
    (
        "editMessageText",
        {"message_id": 2, "text": "same", "reply_markup": {"inline_keyboard": BUTTON}},
        NOT_MODIFIED,
    ),
    (
        "editMessageCaption",
        {"message_id": 2, "caption": "x"},
        "there is no caption in the message to edit",
    ),
    ("deleteMessage", {"message_id": 999}, "message to delete not found"),
    ("pinChatMessage", {"message_id": 999}, "message to pin not found"),
    ("unpinChatMessage", {}, "message to unpin not found"),
    (
        "pinChatMessage",
        {"chat_id": GROUP_ID, "message_id": 1},
        "not enough rights to manage pinned messages in the chat",
    ),
    ("setMessageReaction", {"message_id": 999}, "message to react not found"),
    ("answerCallbackQuery", {"callback_query_id": "1"}, QUERY_TOO_OLD),
    ("getFile", {"file_id": "x"}, "wrong file_id or the file is temporarily unavailable"),
    ("getChat", {"chat_id": EVE}, "chat not found"),
    ("getChatMember", {"user_id": 4040}, "user not found"),
    ("getChatMember", {"user_id": LUIS}, "PARTICIPANT_ID_INVALID"),
    ("createForumTopic", {"name": "x"}, "the chat is not a forum"),
    ("createForumTopic", {"chat_id": GROUP_ID, "name": "x"}, "not enough rights to create a topic"),
    (
        "setMyCommands",
        {"commands": [{"command": "Halt", "description": "x"}]},
        "BOT_COMMAND_INVALID",
    ),
    (
        "setWebhook",
        {"url": "ftp://127.0.0.1/x"},
        "bad webhook: the sandbox delivers to http://127.0.0.1 only",
    ),
    ("setMessageReaction", {"message_id": 1, "reaction": [EMOJI]}, "REACTION_INVALID"),
    (
        "setMyCommands",
        {"commands": [], "scope": {"type": "chat", "chat_id": 4040}},
        "chat not found",
    ),
    ("sendMessage", {"chat_id": ANN, "text": "</b>", "parse_mode": "HTML"}, UNEXPECTED_END),
    (
        "setWebhook",
        {"url": "http://127.0.0.1:9/x", "secret_token": "two words"},
        "secret token contains unallowed characters",
    ),
]
WITHOUT_CHAT = ("answerCallbackQuery", "getFile", "setMyCommands", "setWebhook")


@pytest.mark.parametrize(("method", "parameters", "reason"), GOLDEN)
async def test_a_bad_request_is_refused_in_the_servers_words(
    said, sandbox, api, method, parameters, reason
):
    if method not in WITHOUT_CHAT:
        parameters = {"chat_id": ANN, **parameters}
    assert await api.refusal(method, **parameters) == f"400 Bad Request: {reason}"
    assert sandbox.violations == []


async def test_a_bot_cannot_write_first(api):
    refusal = await api.refusal("sendMessage", chat_id=LUIS, text="x")
    assert refusal == "403 Forbidden: bot can't initiate conversation with a user"


async def test_a_blocked_bot_is_told_so_until_the_person_writes_again(said, sandbox, api):
    await sandbox.block(ANN)
    refusal = await api.refusal("sendMessage", chat_id=ANN, text="x")
    assert refusal == "403 Forbidden: bot was blocked by the user"
    await sandbox.send(ANN, "/start")
    assert (await api("sendMessage", chat_id=ANN, text="x"))["ok"]
    kinds = [set(u) - {"update_id"} for u in await api.result("getUpdates")]
    assert kinds == [{"message"}, {"my_chat_member"}, {"my_chat_member"}, {"message"}]
    assert sandbox.violations == []


async def test_a_caption_may_have_1024_characters(said, sandbox, api, picture):
    photo = await sandbox.upload(ANN, Upload("a.png", "image/png", picture))
    file_id = photo["photo"][0]["file_id"]
    long = {"chat_id": ANN, "photo": file_id, "caption": "x" * 1025}
    assert await api.refusal("sendPhoto", **long) == "400 Bad Request: message caption is too long"
    assert (await api("sendPhoto", **(long | {"caption": "x" * 1024})))["ok"]


async def test_a_picture_that_is_none_is_refused(said, sandbox, api):
    file = await sandbox.upload(ANN, Upload("a.txt", "text/plain", b"hello"))
    refusal = await api.refusal("sendPhoto", chat_id=ANN, photo=file["document"]["file_id"])
    assert refusal == "400 Bad Request: IMAGE_PROCESS_FAILED"


async def test_a_file_over_20_megabytes_cannot_be_downloaded(said, sandbox, api):
    file = await sandbox.upload(ANN, Upload("a.bin", "application/x-bin", bytes((20 << 20) + 1)))
    refusal = await api.refusal("getFile", file_id=file["document"]["file_id"])
    assert refusal == "400 Bad Request: file is too big"


async def test_a_message_older_than_48_hours_cannot_be_deleted(said, sandbox, api):
    sandbox.advance(48 * 3600 + 1)
    refusal = await api.refusal("deleteMessage", chat_id=ANN, message_id=said)
    assert refusal == "400 Bad Request: message can't be deleted"


async def test_a_tap_is_answered_once_and_within_15_seconds(said, sandbox, api):
    query = await sandbox.tap(ANN, said, label="Ok")
    assert await api.result("answerCallbackQuery", callback_query_id=query, text="done")
    assert sandbox.answers[query]["text"] == "done"
    again = await api.refusal("answerCallbackQuery", callback_query_id=query)
    late = await sandbox.tap(ANN, said)
    sandbox.advance(16)
    too_late = await api.refusal("answerCallbackQuery", callback_query_id=late)
    assert again == too_late == f"400 Bad Request: {QUERY_TOO_OLD}"


async def test_what_the_schema_forbids_is_refused_and_recorded(said, sandbox, api):
    long = {"inline_keyboard": [[{"text": "a", "callback_data": "é" * 33}]]}
    refusal = await api.refusal("sendMessage", chat_id=ANN, text="x", reply_markup=long)
    assert "callback_data: 66 bytes, allowed 1-64" in refusal
    legacy = await api.refusal("sendMessage", chat_id=ANN, text="x", disable_web_page_preview=True)
    assert "disable_web_page_preview: unknown parameter" in legacy
    assert [v["where"] for v in sandbox.violations] == ["sendMessage", "sendMessage"]


async def test_a_lenient_sandbox_only_records_what_the_schema_forbids(open_sandbox, api_of):
    sandbox, served = await open_sandbox(strict=False)
    api = api_of(served)
    await sandbox.send(ANN, "hi")
    assert (await api("sendMessage", chat_id=ANN, text="x", nonsense=1))["ok"]
    assert await api.refusal("sendMessage", text="x") == "400 Bad Request: chat_id is empty"
    assert len(sandbox.violations) == 2


async def test_a_method_the_sandbox_lacks_is_never_a_made_up_success(sandbox, api):
    refusal = await api.refusal("banChatMember", chat_id=GROUP_ID, user_id=EVE)
    assert refusal == "501 Not Implemented: the sandbox has no banChatMember"
    assert sandbox.calls[-1]["status"] == 501
    assert sandbox.violations[0]["where"] == "banChatMember"
    assert await api.refusal("makeMoney") == "404 Not Found: method not found"


async def test_tokens_are_checked(open_sandbox, http):
    _, served = await open_sandbox(token="700001:right")

    async def get_me(token):
        async with http.get(f"{served.url}/bot{token}/getMe") as response:
            answer = await response.json()
        return response.status, answer.get("description")

    assert await get_me("700001:right") == (200, None)
    assert await get_me("700001:wrong") == (401, "Unauthorized")
    assert await get_me("nonsense") == (401, "Unauthorized: invalid token specified")


async def test_a_fault_is_answered_once_and_counts_down(said, sandbox, api):
    sandbox.fault("sendMessage", code=429, description="Too Many Requests", retry_after=3)
    answer = await api("sendMessage", chat_id=ANN, text="x")
    assert answer["parameters"] == {"retry_after": 3}
    assert (await api("sendMessage", chat_id=ANN, text="x"))["ok"]


async def test_a_fault_after_the_effect_loses_only_the_answer(said, sandbox, api):
    sandbox.fault("sendMessage", after=True, code=502, description="Bad Gateway")
    assert await api.refusal("sendMessage", chat_id=ANN, text="twice?") == "502 Bad Gateway"
    assert sandbox.messages(ANN)[-1]["text"] == "twice?"


async def test_a_fault_can_cut_the_connection(said, sandbox, api):
    sandbox.fault("sendMessage", contains="boom", disconnect=True)
    assert (await api("sendMessage", chat_id=ANN, text="x"))["ok"]
    with pytest.raises(aiohttp.ClientError):
        await api("sendMessage", chat_id=ANN, text="boom")


async def test_an_upgraded_group_names_its_new_number(said, sandbox, api):
    words = "Bad Request: group chat was upgraded to a supergroup chat"
    sandbox.fault(code=400, description=words, parameters={"migrate_to_chat_id": -100777})
    answer = await api("sendMessage", chat_id=GROUP_ID, text="x")
    assert answer["parameters"] == {"migrate_to_chat_id": -100777}


# What only a request can provoke that the schema itself forbids.
FORBIDDEN = [
    ("sendMessage", {"text": "x", "reply_markup": keyboard({"callback_data": "é" * 33})},
     "BUTTON_DATA_INVALID"),
    ("setMyCommands", {"commands": [{"command": "c", "description": "x"}] * 101},
     "BOT_COMMANDS_TOO_MUCH"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "parameters", "reason"), FORBIDDEN)
async def test_what_the_schema_forbids_has_words_of_its_own_when_let_through(
    open_sandbox, api_of, method, parameters, reason
):
    sandbox, served = await open_sandbox(strict=False)
    await sandbox.send(ANN, "hi")
    refusal = await api_of(served).refusal(method, **{"chat_id": ANN} | parameters)
    assert refusal == f"400 Bad Request: {reason}"


async def test_uploads_have_a_largest_size(said, sandbox, url, http, monkeypatch):
    async def upload(method, key, size):
        form = aiohttp.FormData({"chat_id": str(ANN)})
        form.add_field(key, io.BytesIO(bytes(size)), filename="a.bin")
        async with http.post(f"{url}/bot700001:AAtest-token_1/{method}", data=form) as response:
            return response.status, (await response.json()).get("description")

    too_large = (413, "Request Entity Too Large")
    assert await upload("sendPhoto", "photo", (10 << 20) + 1) == too_large
    monkeypatch.setattr(content, "FILE_BYTES", 100)
    assert await upload("sendDocument", "document", 101) == too_large
    assert await upload("sendDocument", "document", 100) == (200, None)
    assert (await upload("sendDocument", "document", 0))[1] == (
        "Bad Request: file must be non-empty"
    )


@pytest.mark.parametrize(("width", "height"), [(1, 21), (5001, 5000)])
async def test_a_picture_has_a_largest_shape(said, sandbox, api, width, height):
    # The size stands in the header; the picture need not be there.
    header = png(1, 1)[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + png(1, 1)[24:]
    file = await sandbox.upload(ANN, Upload("a.bin", "application/x-bin", header))
    refusal = await api.refusal("sendPhoto", chat_id=ANN, photo=file["document"]["file_id"])
    assert refusal == "400 Bad Request: PHOTO_INVALID_DIMENSIONS"


async def test_an_unexplained_failure_is_a_500(said, sandbox, api):
    sandbox.fault("sendMessage")
    refusal = await api.refusal("sendMessage", chat_id=ANN, text="x")
    assert refusal == "500 Internal Server Error"


async def test_the_sandboxs_own_failure_is_a_500_and_a_violation(said, sandbox, api, monkeypatch):
    def fail(call):
        raise ZeroDivisionError

    monkeypatch.setitem(METHODS, "getChat", fail)
    assert await api.refusal("getChat", chat_id=ANN) == "500 Internal Server Error"
    assert sandbox.violations[0]["where"] == "own failure in getChat"


@pytest.mark.parametrize("key", ["request_contact", "request_location"])
async def test_keys_that_ask_for_more_than_text_are_501(said, sandbox, api, key):
    markup = {"keyboard": [[{"text": "a", key: True}]]}
    refusal = await api.refusal("sendMessage", chat_id=ANN, text="x", reply_markup=markup)
    assert refusal == f"501 Not Implemented: the sandbox has no {key} of KeyboardButton"
    assert len(sandbox.violations) == 1
