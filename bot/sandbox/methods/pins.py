"""Pinned messages: free in private chats, an administrator's right in groups."""

from bot.sandbox.errors import bad_request
from bot.sandbox.methods.call import Call
from bot.sandbox.world import Chat


def pin_chat_message(call: Call) -> bool:
    chat = _pinnable_chat(call)
    message_id = call.params["message_id"]
    if message_id not in chat.posts:
        raise bad_request("message to pin not found")
    if message_id in chat.pins:
        chat.pins.remove(message_id)
    chat.pins.append(message_id)
    return _show(call, chat)


def unpin_chat_message(call: Call) -> bool:
    """Without a number, the pin that was set last; a message that is not pinned stays so."""
    chat = _pinnable_chat(call)
    message_id = call.params.get("message_id", chat.pins[-1] if chat.pins else None)
    if message_id not in chat.posts:
        raise bad_request("message to unpin not found")
    if message_id in chat.pins:
        chat.pins.remove(message_id)
    return _show(call, chat)


def unpin_all_chat_messages(call: Call) -> bool:
    chat = _pinnable_chat(call)
    chat.pins.clear()
    return _show(call, chat)


def _pinnable_chat(call: Call) -> Chat:
    chat = call.target()
    if not chat.is_private and not chat.bot_is_admin:
        raise bad_request("not enough rights to manage pinned messages in the chat")
    return chat


def _show(call: Call, chat: Chat) -> bool:
    call.telegram.hub.emit("pins", chat=chat.id, pins=chat.pins)
    return True
