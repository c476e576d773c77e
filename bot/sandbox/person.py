"""What people do in the chat: write, tap, send pictures, react, stop a draft, block the bot."""

import hashlib
import hmac
import json
import secrets
from typing import Any
from urllib.parse import urlencode

from bot.sandbox.account import ANSWER_WITHIN, Query
from bot.sandbox.formatting import finish
from bot.sandbox.methods.content import document_facts, photo_sizes
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Chat, Post, Upload

Json = dict[str, Any]


def chat_of(telegram: Telegram, user_id: int, chat_id: int | None) -> Chat:
    """The person's own chat with the bot, or a group they are in."""
    chat = telegram.world.chats.get(user_id if chat_id is None else chat_id)
    if chat is None or user_id not in chat.members:
        raise LookupError(f"user {user_id} is in no chat {chat_id or user_id}")
    return chat


def write(telegram: Telegram, user_id: int, chat: Chat, text: str, options: Json) -> Post:
    trimmed, entities = finish(text, [])
    if not trimmed:
        raise LookupError("an empty message cannot be sent")
    body: Json = {"text": trimmed, **({"entities": entities} if entities else {})}
    return _say(telegram, user_id, chat, body, options)


def upload(telegram: Telegram, user_id: int, chat: Chat, file: Upload, caption: str) -> Post:
    """A picture becomes a photo, anything else a document."""
    is_photo = file.mime in ("image/png", "image/jpeg")
    stored = telegram.world.files.add(file, "photos" if is_photo else "documents")
    media = {"photo": photo_sizes(stored)} if is_photo else {"document": document_facts(stored)}
    return _say(telegram, user_id, chat, media | ({"caption": caption} if caption else {}), {})


def _say(telegram: Telegram, user_id: int, chat: Chat, body: Json, options: Json) -> Post:
    chat.started = True
    if chat.blocked:
        block(telegram, user_id, blocked=False)
    post = telegram.post(chat, telegram.world.users[user_id], body, options)
    if _bot_sees(telegram, chat, post.message):
        telegram.push("message", dict(post.message))
    return post


def rewrite(telegram: Telegram, chat: Chat, message_id: int, text: str) -> None:
    """A person edits what they wrote."""
    post = chat.posts[message_id]
    trimmed, entities = finish(text, [])
    post.message.pop("entities", None)
    post.message |= {"text": trimmed, "edit_date": telegram.clock.unix()}
    if entities:
        post.message["entities"] = entities
    telegram.show("edit", chat, post)
    if _bot_sees(telegram, chat, post.message):
        telegram.push("edited_message", dict(post.message))


def _bot_sees(telegram: Telegram, chat: Chat, message: Json) -> bool:
    """Privacy mode: in groups only commands, replies to the bot and mentions reach it."""
    account = telegram.account
    if chat.is_private or chat.bot_is_admin:
        return True
    text: str = message.get("text") or message.get("caption") or ""
    mention = f"@{account.me['username']}"
    if mention in text or message.get("reply_to_message", {}).get("from", {}).get("is_bot"):
        return True
    return text.startswith("/") and "@" not in text.split()[0]


def find_button(chat: Chat, message_id: int, label: str | None, data: str | None) -> str | None:
    """The callback data of the button meant, or None; disabled ones and links carry none."""
    post = chat.posts.get(message_id)
    keyboard = (post.message.get("reply_markup") or {}) if post else {}
    rows = keyboard.get("inline_keyboard", [])
    buttons = [button for row in rows for button in row if "callback_data" in button]
    if label is None and data is None:
        return str(buttons[0]["callback_data"]) if len(buttons) == 1 else None
    for button in buttons:
        if label in (None, button["text"]) and data in (None, button["callback_data"]):
            return str(button["callback_data"])
    return None


def tap(telegram: Telegram, user_id: int, chat: Chat, message_id: int, data: str) -> str:
    """Sends the callback query; the message may be gone, then it is an inaccessible one."""
    post = chat.posts.get(message_id)
    message = post.message if post else {"chat": chat.info, "message_id": message_id, "date": 0}
    until = telegram.clock.now() + ANSWER_WITHIN
    query_id = telegram.account.open_query(Query(user_id, chat.id, message_id, until))
    content = {
        "id": query_id,
        "from": telegram.world.users[user_id],
        "message": dict(message),
        "chat_instance": str(abs(chat.id) * 7919),
        "data": data,
    }
    telegram.push("callback_query", content)
    return query_id


def react(telegram: Telegram, user_id: int, chat: Chat, message_id: int, emoji: str) -> None:
    content = {
        "chat": chat.info,
        "message_id": message_id,
        "user": telegram.world.users[user_id],
        "date": telegram.clock.unix(),
        "old_reaction": [],
        "new_reaction": [{"type": "emoji", "emoji": emoji}],
    }
    telegram.push("message_reaction", content)


def stop_draft(telegram: Telegram, user_id: int, draft_id: int) -> None:
    chat = chat_of(telegram, user_id, None)
    draft = chat.drafts.get(draft_id)
    if draft is not None and not draft["keep_on_stop"]:
        del chat.drafts[draft_id]
        telegram.hub.emit("undraft", chat=chat.id, draft_id=draft_id)
    telegram.push("stopped_message_generation", {"chat": chat.info, "draft_id": draft_id})


def block(telegram: Telegram, user_id: int, *, blocked: bool) -> None:
    """Only in the private chat; the bot hears of it as a change of its own membership."""
    chat = chat_of(telegram, user_id, None)
    if chat.blocked == blocked:
        return
    chat.blocked = blocked
    bot = telegram.account.sender
    member = {"status": "member", "user": bot}
    kicked = {"status": "kicked", "user": bot, "until_date": 0}
    content = {
        "chat": chat.info,
        "from": telegram.world.users[user_id],
        "date": telegram.clock.unix(),
        "old_chat_member": member if blocked else kicked,
        "new_chat_member": kicked if blocked else member,
    }
    telegram.push("my_chat_member", content)
    telegram.hub.emit("blocked", chat=chat.id, blocked=blocked)


def web_app_data(telegram: Telegram, user_id: int) -> str:
    """The signed initData a mini app would be opened with."""
    user = json.dumps(telegram.world.users[user_id], separators=(",", ":"))
    fields = {
        "auth_date": str(telegram.clock.unix()),
        "query_id": secrets.token_hex(8),
        "user": user,
    }
    key = hmac.new(b"WebAppData", telegram.account.token.encode(), hashlib.sha256).digest()
    checked = "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    fields["hash"] = hmac.new(key, checked.encode(), hashlib.sha256).hexdigest()
    return urlencode(fields)
