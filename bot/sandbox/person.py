"""What people do in the chat: write, tap, send pictures, react, stop a draft."""

import re
from dataclasses import dataclass
from typing import Any

from bot.sandbox.account import ANSWER_WITHIN, Query
from bot.sandbox.formatting import finish
from bot.sandbox.membership import block
from bot.sandbox.methods.content import document_facts, photo_sizes
from bot.sandbox.senders import As, From, forward_facts, sender_facts
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Chat, Post, Upload

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is said: as whom, in answer to what, where, and how long ago."""

    sender: As = As.PERSON
    forwarded_from: int | From | None = None
    reply_to: int | None = None
    thread: int | None = None
    # Seconds; the bot then hears of it late, as after a time without a network.
    ago: float = 0.0

    @property
    def options(self) -> Json:
        options: Json = {}
        if self.reply_to:
            options["reply_parameters"] = {"message_id": self.reply_to}
        if self.thread:
            options["message_thread_id"] = self.thread
        return options


PLAIN = Manner()


def write(telegram: Telegram, user_id: int, chat: Chat, text: str, manner: Manner = PLAIN) -> Post:
    trimmed, entities = finish(text, [])
    if not trimmed:
        raise LookupError("an empty message cannot be sent")
    body: Json = {"text": trimmed, **({"entities": entities} if entities else {})}
    return _say(telegram, user_id, chat, body, manner)


def upload(
    telegram: Telegram,
    user_id: int,
    chat: Chat,
    file: Upload,
    caption: str,
    manner: Manner = PLAIN,
) -> Post:
    """A picture becomes a photo, anything else a document."""
    is_photo = file.mime in ("image/png", "image/jpeg")
    stored = telegram.world.files.add(file, "photos" if is_photo else "documents")
    media = {"photo": photo_sizes(stored)} if is_photo else {"document": document_facts(stored)}
    text, entities = finish(caption, [])
    said = {"caption": text, **({"caption_entities": entities} if entities else {})}
    return _say(telegram, user_id, chat, media | (said if text else {}), manner)


def press_web_app(
    telegram: Telegram, user_id: int, chat: Chat, button_text: str, data: str
) -> Post:
    """The mini app behind a key of the reply keyboard sends its data and closes."""
    if not chat.is_private:
        raise LookupError("a mini app sends its data in a private chat only")
    return _say(
        telegram, user_id, chat, {"web_app_data": {"data": data, "button_text": button_text}}, PLAIN
    )


def _say(telegram: Telegram, user_id: int, chat: Chat, body: Json, manner: Manner) -> Post:
    if manner.thread and manner.thread not in chat.topics:
        raise LookupError(f"chat {chat.id} has no topic {manner.thread}")
    sender = sender_facts(telegram, user_id, chat, manner.sender)
    if manner.forwarded_from is not None:
        body = body | forward_facts(telegram, manner.forwarded_from)
    if manner.ago:
        body = body | {"date": telegram.clock.unix() - int(manner.ago)}
    chat.started = True
    if chat.blocked:
        block(telegram, user_id, blocked=False)
    post = telegram.post(chat, sender, body, manner.options)
    if _bot_sees(telegram, chat, post.message):
        telegram.push("message", dict(post.message))
    return post


def rewrite(telegram: Telegram, user_id: int, chat: Chat, message_id: int, text: str) -> None:
    """A person edits what they wrote."""
    post = chat.posts[message_id]
    if post.message.get("from", {}).get("id") != user_id or "text" not in post.message:
        raise LookupError(f"user {user_id} cannot edit message {message_id}")
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
    if chat.bot_kicked:
        return False
    if chat.is_private or chat.bot_is_admin or account.me["can_read_all_group_messages"]:
        return True
    text: str = message.get("text") or message.get("caption") or ""
    if re.search(rf"@{account.me['username']}(?!\w)", text, re.IGNORECASE):
        return True
    if message.get("reply_to_message", {}).get("from", {}).get("id") == account.id:
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


def tap(
    telegram: Telegram,
    user_id: int,
    chat: Chat,
    message_id: int,
    data: str,
    *,
    inaccessible: bool = False,
) -> str:
    """Sends the callback query; the message may be gone or old, then it is an inaccessible one."""
    post = None if inaccessible else chat.posts.get(message_id)
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
    """Puts a reaction under a message, or (without an emoji) takes it away."""
    post = chat.posts.get(message_id)
    if post is None:
        raise LookupError(f"chat {chat.id} has no message {message_id}")
    before = post.people.pop(str(user_id), [])
    after = [{"type": "emoji", "emoji": emoji}] if emoji else []
    if after:
        post.people[str(user_id)] = after
    telegram.show("edit", chat, post)
    if not (chat.is_private or chat.bot_is_admin) or before == after:
        return
    content = {
        "chat": chat.info,
        "message_id": message_id,
        "user": telegram.world.users[user_id],
        "date": telegram.clock.unix(),
        "old_reaction": before,
        "new_reaction": after,
    }
    telegram.push("message_reaction", content)


def stop_draft(telegram: Telegram, user_id: int, draft_id: int) -> None:
    chat = telegram.world.chat_of(user_id)
    draft = chat.drafts.get(draft_id)
    if draft is not None and not draft["keep_on_stop"]:
        del chat.drafts[draft_id]
        telegram.hub.emit("undraft", chat=chat.id, draft_id=draft_id)
    telegram.push("stopped_message_generation", {"chat": chat.info, "draft_id": draft_id})
