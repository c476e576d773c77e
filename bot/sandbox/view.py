"""Everything the page shows when it is opened; afterwards it follows the events."""

from typing import Any

from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Chat

Json = dict[str, Any]

MESSAGES_SHOWN = 500
VIOLATIONS_SHOWN = 50


def page_state(telegram: Telegram) -> Json:
    account = telegram.account
    return {
        "bot": account.me,
        "users": list(telegram.world.users.values()),
        "pending": len(telegram.queue.pending()),
        "flood": {"violations": telegram.flood.violations, **telegram.flood.broken},
        "violations": telegram.violations[-VIOLATIONS_SHOWN:],
        "chats": [_chat(telegram, chat) for chat in telegram.world.chats.values()],
    }


def _chat(telegram: Telegram, chat: Chat) -> Json:
    now = telegram.clock.now()
    commands = {
        str(user_id): telegram.account.commands_for(chat, telegram.world.users[user_id])
        for user_id in sorted(chat.members & set(telegram.world.users))
    }
    return {
        "info": chat.info,
        "members": sorted(chat.members),
        "posts": [post.shown() for post in chat.posts.values()][-MESSAGES_SHOWN:],
        "pins": chat.pins,
        "topics": chat.topics,
        "keyboard": chat.keyboard,
        "drafts": [draft for draft in chat.drafts.values() if draft["until"] > now],
        "started": chat.started,
        "blocked": chat.blocked,
        "commands": commands,
        "menu": telegram.account.menu_for(chat),
    }
