"""editMessage* and deleteMessage*: changing what has been said."""

from typing import Any

from bot.sandbox.errors import NOT_MODIFIED, bad_request, not_implemented
from bot.sandbox.methods.call import Call
from bot.sandbox.methods.content import (
    caption_of,
    document_of,
    inline_keyboard_of,
    photo_of,
    text_of,
)
from bot.sandbox.methods.rich import rich_message_of
from bot.sandbox.world import Chat, Post

Json = dict[str, Any]

TEXT_KEYS = ("text", "entities", "rich_message")
CAPTION_KEYS = ("caption", "caption_entities")
MEDIA_KEYS = ("photo", "document", "has_media_spoiler")
DELETE_WITHIN = 48 * 3600


def edit_message_text(call: Call) -> Json:
    """Text may become a rich message and the other way round."""
    chat, post = _own_message(call)
    if "rich_message" in call.params:
        body = {"rich_message": rich_message_of(call.params["rich_message"])}
    else:
        body = text_of(call.params)
    if not {"text", "rich_message"} & set(post.message):
        raise bad_request("there is no text in the message to edit")
    return _edit(call, chat, post, body, TEXT_KEYS)


def edit_message_caption(call: Call) -> Json:
    chat, post = _own_message(call)
    body = caption_of(call.params)
    if not set(MEDIA_KEYS) & set(post.message):
        raise bad_request("there is no caption in the message to edit")
    return _edit(call, chat, post, body, CAPTION_KEYS)


def edit_message_reply_markup(call: Call) -> Json:
    chat, post = _own_message(call)
    return _edit(call, chat, post, {}, ())


def edit_message_media(call: Call) -> Json:
    chat, post = _own_message(call)
    media = call.params["media"]
    caption = caption_of(media)
    if media["type"] == "photo":
        body = photo_of(call, media, "media") | caption
    elif media["type"] == "document":
        body = document_of(call, media, "media") | caption
    else:
        raise not_implemented(f"{media['type']} in editMessageMedia")
    return _edit(call, chat, post, body, TEXT_KEYS + CAPTION_KEYS + MEDIA_KEYS)


def delete_message(call: Call) -> bool:
    chat = call.target()
    post = chat.posts.get(call.params["message_id"])
    if post is None:
        raise bad_request("message to delete not found")
    if not _may_delete(call, chat, post):
        raise bad_request("message can't be deleted")
    _delete(call, chat, post)
    return True


def delete_messages(call: Call) -> bool:
    """Those that cannot be found or deleted are skipped without a word."""
    chat = call.target()
    for message_id in call.params["message_ids"]:
        post = chat.posts.get(message_id)
        if post is not None and _may_delete(call, chat, post):
            _delete(call, chat, post)
    return True


def _own_message(call: Call) -> tuple[Chat, Post]:
    if "message_id" not in call.params:
        raise bad_request("message identifier is not specified")
    chat = call.target()
    post = chat.posts.get(call.params["message_id"])
    if post is None:
        raise bad_request("message to edit not found")
    if not _is_own(call, post):
        raise bad_request("message can't be edited")
    return chat, post


def _is_own(call: Call, post: Post) -> bool:
    """Other bots, and administrators who hide behind one, are somebody else."""
    return bool(post.message.get("from", {}).get("id") == call.telegram.account.id)


def _edit(call: Call, chat: Chat, post: Post, body: Json, keys: tuple[str, ...]) -> Json:
    """Replaces exactly `keys` and the keyboard: an edit without a keyboard removes it."""
    after = {key: body.get(key) for key in keys}
    after["reply_markup"] = inline_keyboard_of(chat, call.params)
    if after == {key: post.message.get(key) for key in after}:
        raise bad_request(NOT_MODIFIED)
    call.telegram.flood.admit(chat.id)
    for key, value in after.items():
        post.message.pop(key, None)
        if value is not None:
            post.message[key] = value
    post.message["edit_date"] = call.telegram.clock.unix()
    call.telegram.show("edit", chat, post)
    return post.message


def _may_delete(call: Call, chat: Chat, post: Post) -> bool:
    if call.telegram.clock.now() - post.message["date"] > DELETE_WITHIN:
        return False
    return _is_own(call, post) or chat.is_private or chat.bot_is_admin


def _delete(call: Call, chat: Chat, post: Post) -> None:
    message_id = post.message["message_id"]
    del chat.posts[message_id]
    if message_id in chat.pins:
        chat.pins.remove(message_id)
        call.telegram.hub.emit("pins", chat=chat.id, pins=chat.pins)
    call.telegram.hub.emit("delete", chat=chat.id, message_id=message_id)
