"""Where the bot may write, and how it hears of a change: blocked, thrown out, moved, promoted."""

from typing import Any

from bot.sandbox.methods.chats import member_facts
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Chat

Json = dict[str, Any]


def block(telegram: Telegram, user_id: int, *, blocked: bool) -> None:
    """Only in the private chat; the bot hears of it as a change of its own membership."""
    chat = telegram.world.chat_of(user_id)
    if chat.blocked == blocked:
        return
    before = member_facts(telegram, chat)
    chat.blocked = blocked
    _tell(telegram, user_id, chat, before)
    telegram.hub.emit("blocked", chat=chat.id, blocked=blocked)


def throw_out(telegram: Telegram, user_id: int, chat: Chat, *, kicked: bool) -> None:
    """A member removes the bot from the group, or takes it in again."""
    if chat.is_private:
        raise LookupError("the bot can be blocked in a private chat, not thrown out")
    if chat.bot_kicked == kicked:
        return
    before = member_facts(telegram, chat)
    chat.bot_kicked = kicked
    chat.bot_is_admin = False
    _tell(telegram, user_id, chat, before)


def promote_bot(telegram: Telegram, chat: Chat, *, promoted: bool) -> None:
    if chat.bot_is_admin == promoted:
        return
    before = member_facts(telegram, chat)
    chat.bot_is_admin = promoted
    _tell(telegram, min(chat.admins or chat.members), chat, before)


def upgrade(telegram: Telegram, chat: Chat, new_id: int) -> Chat:
    """A plain group becomes a supergroup: same people, another number, the old one refused."""
    if chat.is_private or new_id in telegram.world.chats:
        raise LookupError(f"chat {chat.id} cannot become {new_id}")
    info = chat.info | {"id": new_id, "type": "supergroup"}
    new = Chat(info, set(chat.members), set(chat.admins), chat.bot_is_admin, started=True)
    telegram.world.chats[new_id] = new
    telegram.world.migrated[chat.id] = new_id
    sender = {"from": telegram.world.users[min(chat.admins or chat.members)]}
    for place, words in (
        (chat, {"migrate_to_chat_id": new_id}),
        (new, {"migrate_from_chat_id": chat.id}),
    ):
        post = telegram.post(place, sender, words, {})
        telegram.push("message", dict(post.message))
    telegram.hub.emit("chats")
    return new


def _tell(telegram: Telegram, user_id: int, chat: Chat, before: Json) -> None:
    content = {
        "chat": chat.info,
        "from": telegram.world.users[user_id],
        "date": telegram.clock.unix(),
        "old_chat_member": before,
        "new_chat_member": member_facts(telegram, chat),
    }
    telegram.push("my_chat_member", content)
