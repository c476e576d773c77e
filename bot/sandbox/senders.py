"""Who a message in a group may claim to be from, besides the person who typed it.

A bot must not take any of these for a person it knows: only a plain message proves who wrote it.
"""

from enum import StrEnum
from typing import Any

from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Chat

Json = dict[str, Any]

# The accounts that Telegram itself puts into `from` for clients that know no sender_chat.
GROUP_ANONYMOUS_BOT = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
CHANNEL_BOT = {
    "id": 136817688,
    "is_bot": True,
    "first_name": "Channel",
    "username": "Channel_Bot",
}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
OTHER_BOT = {
    "id": 7000000099,
    "is_bot": True,
    "first_name": "Another bot",
    "username": "another_sandbox_bot",
}
CHANNEL = {
    "id": -1001000000099,
    "type": "channel",
    "title": "Market news",
    "username": "market_news_sandbox",
}
HIDDEN_NAME = "Somebody"


class As(StrEnum):
    PERSON = "person"
    # An administrator who hides behind the group.
    ANONYMOUS = "anonymous"
    # A member who writes as a channel they own.
    CHANNEL = "channel"
    # A post of the channel the group belongs to, brought here by Telegram.
    LINKED_CHANNEL = "linked_channel"
    # Telegram shows bots each other's messages only where both sides allowed it.
    BOT = "bot"


class From(StrEnum):
    """Where a forwarded message was first written."""

    HIDDEN = "hidden"
    CHANNEL = "channel"
    GROUP = "group"


def sender_facts(telegram: Telegram, user_id: int, chat: Chat, kind: As) -> Json:
    """The fields of a message that say who wrote it."""
    if kind is As.PERSON:
        return {"from": telegram.world.users[user_id]}
    if chat.is_private:
        raise LookupError(f"nobody writes as {kind} in a private chat")
    if kind is As.ANONYMOUS:
        if user_id not in chat.admins:
            raise LookupError(f"user {user_id} is no administrator of {chat.id}")
        return {"from": GROUP_ANONYMOUS_BOT, "sender_chat": chat.info}
    if kind is As.CHANNEL:
        return {"from": CHANNEL_BOT, "sender_chat": CHANNEL}
    if kind is As.BOT:
        return {"from": OTHER_BOT}
    origin = forward_facts(telegram, From.CHANNEL)
    return {"from": TELEGRAM, "sender_chat": CHANNEL, "is_automatic_forward": True, **origin}


def forward_facts(telegram: Telegram, source: int | From) -> Json:
    """The fields of a message that was first written elsewhere; a number is a person's."""
    origin: Json = {"date": telegram.clock.unix()}
    if isinstance(source, int):
        origin |= {"type": "user", "sender_user": telegram.world.users[source]}
    elif source is From.HIDDEN:
        origin |= {"type": "hidden_user", "sender_user_name": HIDDEN_NAME}
    elif source is From.CHANNEL:
        origin |= {"type": "channel", "chat": CHANNEL, "message_id": 1}
    else:
        group = next(chat.info for chat in telegram.world.chats.values() if not chat.is_private)
        origin |= {"type": "chat", "sender_chat": group}
    return {"forward_origin": origin}
