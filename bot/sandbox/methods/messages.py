"""send*: new messages from the bot, and the signs that one is coming."""

import secrets
from collections.abc import Callable
from typing import Any

from bot.sandbox.errors import bad_request, not_implemented
from bot.sandbox.methods.call import Call
from bot.sandbox.methods.content import (
    caption_of,
    check_reply_keyboard,
    document_of,
    formatted,
    inline_keyboard_of,
    photo_of,
    text_of,
)
from bot.sandbox.methods.rich import rich_message_of
from bot.sandbox.world import Chat

Json = dict[str, Any]

ACTIONS = {
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
}
DRAFT_SECONDS = 30


def send_message(call: Call) -> Json:
    return _send(call, lambda: text_of(call.params))


def send_photo(call: Call) -> Json:
    return _send(call, lambda: photo_of(call, call.params) | caption_of(call.params))


def send_document(call: Call) -> Json:
    return _send(call, lambda: document_of(call, call.params) | caption_of(call.params))


def send_rich_message(call: Call) -> Json:
    return _send(call, lambda: {"rich_message": rich_message_of(call.params["rich_message"])})


def send_media_group(call: Call) -> list[Json]:
    """Each picture counts as a message for the flood limits."""
    chat = _open_chat(call)
    bodies = [_group_item(call, item) for item in call.params["media"]]
    call.telegram.flood.admit(chat.id, len(bodies))
    group = {"media_group_id": str(secrets.randbits(60))}
    sender = {"from": call.telegram.account.sender}
    posts = [call.telegram.post(chat, sender, body | group, call.params) for body in bodies]
    return [post.message for post in posts]


def send_chat_action(call: Call) -> bool:
    action = call.params["action"]
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    call.telegram.hub.emit("typing", chat=call.target().id, action=action)
    return True


def send_message_draft(call: Call) -> bool:
    text, entities = formatted(call.params, "text", "entities")
    return _draft(call, {"text": text, "entities": entities})


def send_rich_message_draft(call: Call) -> bool:
    return _draft(call, {"rich_message": rich_message_of(call.params["rich_message"], draft=True)})


def _draft(call: Call, body: Json) -> bool:
    """A growing preview of an answer; it is gone after 30 seconds or with the next message."""
    chat, params = call.target(), call.params
    if not chat.is_private:
        raise bad_request("chat not found")
    if not params["draft_id"]:
        raise bad_request("draft_id must be non-zero")
    draft = {
        "draft_id": params["draft_id"],
        **body,
        "can_stop": bool(params.get("can_stop")),
        "keep_on_stop": bool(params.get("keep_on_stop")),
        "until": call.telegram.clock.now() + DRAFT_SECONDS,
    }
    chat.drafts[params["draft_id"]] = draft
    call.telegram.hub.emit("draft", chat=chat.id, draft=draft)
    return True


def _open_chat(call: Call) -> Chat:
    chat = call.target()
    thread = call.params.get("message_thread_id")
    if thread and thread not in chat.topics:
        raise bad_request("message thread not found")
    return chat


def _send(call: Call, make: Callable[[], Json]) -> Json:
    """The limits are counted last, so that a refused message costs nothing."""
    chat = _open_chat(call)
    keyboard = inline_keyboard_of(chat, call.params)
    check_reply_keyboard(chat, call.params)
    body = make()
    if "link_preview_options" in call.params:
        body["link_preview_options"] = call.params["link_preview_options"]
    if keyboard:
        body["reply_markup"] = keyboard
    call.telegram.flood.admit(chat.id)
    sender = {"from": call.telegram.account.sender}
    post = call.telegram.post(chat, sender, body, call.params)
    chat.drafts.clear()
    _change_reply_keyboard(call, chat)
    return post.message


def _change_reply_keyboard(call: Call, chat: Chat) -> None:
    markup = call.params.get("reply_markup") or {}
    if "keyboard" in markup:
        chat.keyboard = markup
    elif "remove_keyboard" in markup or "force_reply" in markup:
        chat.keyboard = None
    else:
        return
    call.telegram.hub.emit("keyboard", chat=chat.id, keyboard=chat.keyboard)


def _group_item(call: Call, item: Json) -> Json:
    if item["type"] == "photo":
        return photo_of(call, item, "media") | caption_of(item)
    if item["type"] == "document":
        return document_of(call, item, "media") | caption_of(item)
    raise not_implemented(f"{item['type']} in an album")
