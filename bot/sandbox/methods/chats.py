"""Facts about chats and their members, and topics in forum groups."""

from typing import Any

from bot.sandbox.errors import bad_request
from bot.sandbox.methods.call import Call
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Chat

Json = dict[str, Any]

DEFAULT_TOPIC_COLOR = 7322096
ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "can_pin_messages",
    "can_manage_topics",
    "can_send_welcome_messages",
)


def get_chat(call: Call) -> Json:
    chat = call.known_chat()
    if not chat.started:
        raise bad_request("chat not found")
    gifts = dict.fromkeys(call.telegram.schema.types["AcceptedGiftTypes"], False)
    full: Json = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
    if chat.pins:
        full["pinned_message"] = chat.posts[chat.pins[-1]].message
    return chat.info | full


def get_chat_member(call: Call) -> Json:
    chat, user_id = call.known_chat(), call.params["user_id"]
    account = call.telegram.account
    user = account.sender if user_id == account.id else call.telegram.world.users.get(user_id)
    if user is None:
        raise bad_request("user not found")
    if user_id not in chat.members and user_id != account.id:
        raise bad_request("PARTICIPANT_ID_INVALID")
    if user_id == account.id:
        return member_facts(call.telegram, chat)
    if user_id in chat.admins:
        return {"status": "creator", "user": user, "is_anonymous": False}
    return {"status": "member", "user": user}


def member_facts(telegram: Telegram, chat: Chat) -> Json:
    """The bot's own place in a chat."""
    bot = telegram.account.sender
    if chat.blocked or chat.bot_kicked:
        return {"status": "kicked", "user": bot, "until_date": 0}
    if not chat.bot_is_admin:
        return {"status": "member", "user": bot}
    rights = dict.fromkeys(ADMIN_RIGHTS, True)
    return {
        "status": "administrator",
        "user": bot,
        "can_be_edited": False,
        "is_anonymous": False,
        **rights,
    }


def create_forum_topic(call: Call) -> Json:
    chat = call.target()
    if not chat.info.get("is_forum"):
        raise bad_request("the chat is not a forum")
    if not chat.bot_is_admin:
        raise bad_request("not enough rights to create a topic")
    thread = chat.take_message_id()
    chat.topics[thread] = call.params["name"]
    call.telegram.hub.emit("topics", chat=chat.id, topics=chat.topics)
    color = call.params.get("icon_color", DEFAULT_TOPIC_COLOR)
    return {"message_thread_id": thread, "name": call.params["name"], "icon_color": color}
