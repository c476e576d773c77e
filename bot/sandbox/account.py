"""The bot itself: its token, its command lists and menu buttons, and the taps it has to answer."""

import random
import re
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.errors import unauthorized
from bot.sandbox.world import Chat

Json = dict[str, Any]
# Scope type, chat, user, language: where a list of commands is shown.
ScopeKey = tuple[str, int | None, int | None, str]

TOKEN = re.compile(r"[1-9]\d{0,19}:[\w-]{1,80}")
BOT_NAME = "AI Trader"
BOT_USERNAME = "ai_trader_sandbox_bot"
UNNAMED_BOT_ID = 7000000001
NO_FEATURES = (
    "can_read_all_group_messages",
    "supports_inline_queries",
    "supports_guest_queries",
    "can_connect_to_business",
    "has_main_web_app",
    "has_topics_enabled",
    "allows_users_to_create_topics",
    "can_manage_bots",
    "supports_join_request_queries",
)
# How long a client shows progress is not documented; 15 s is the one number in the API's texts.
ANSWER_WITHIN = 15.0


@dataclass(slots=True)
class Query:
    """A tap that waits for answerCallbackQuery."""

    user_id: int
    chat_id: int
    message_id: int
    until: float


@dataclass(slots=True)
class Account:
    only_token: str | None = None
    token: str = ""
    me: Json = field(default_factory=dict)
    commands: dict[ScopeKey, list[Json]] = field(default_factory=dict)
    menus: dict[int | None, Json] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.me = {
            "id": UNNAMED_BOT_ID,
            "is_bot": True,
            "first_name": BOT_NAME,
            "username": BOT_USERNAME,
            "can_join_groups": True,
            **dict.fromkeys(NO_FEATURES, False),
        }
        if self.only_token:
            self.authorize(self.only_token)

    @property
    def id(self) -> int:
        return int(self.me["id"])

    @property
    def sender(self) -> Json:
        return {key: self.me[key] for key in ("id", "is_bot", "first_name", "username")}

    def authorize(self, token: str) -> None:
        """Raises 401, or takes the token as the bot's: its number is the bot's id."""
        if not TOKEN.fullmatch(token):
            raise unauthorized("invalid token specified")
        if token != (self.only_token or token):
            raise unauthorized()
        if token != self.token:
            self.token = token
            self.me["id"] = int(token.split(":")[0])

    def open_query(self, query: Query) -> str:
        query_id = str(random.getrandbits(62))
        self.queries[query_id] = query
        return query_id

    def age_query(self, query_id: str) -> None:
        """The person's client has given up waiting for an answer to this tap."""
        self.queries[query_id].until = 0.0

    def commands_for(self, chat: Chat, user: Json) -> list[Json]:
        """The list this person sees in this chat: the narrowest scope, their language first."""
        for scope, chat_id, user_id in _scopes(chat, user["id"]):
            for language in (user.get("language_code", ""), ""):
                found = self.commands.get((scope, chat_id, user_id, language))
                if found is not None:
                    return found
        return []

    def menu_for(self, chat: Chat) -> Json:
        return self.menus.get(chat.id) or self.menus.get(None) or {"type": "commands"}


def _scopes(chat: Chat, user_id: int) -> list[tuple[str, int | None, int | None]]:
    default = ("default", None, None)
    if chat.is_private:
        return [("chat", chat.id, None), ("all_private_chats", None, None), default]
    scopes: list[tuple[str, int | None, int | None]] = [("chat_member", chat.id, user_id)]
    if user_id in chat.admins:
        scopes.append(("chat_administrators", chat.id, None))
    scopes.append(("chat", chat.id, None))
    if user_id in chat.admins:
        scopes.append(("all_chat_administrators", None, None))
    return [*scopes, ("all_group_chats", None, None), default]
