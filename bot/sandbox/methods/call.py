"""One call of a method: its decoded parameters, its files, and the Telegram it acts on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.errors import GROUP_UPGRADED, ApiError, bad_request, forbidden
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Chat, Upload

Json = dict[str, Any]
Execute = Callable[[str, Json, dict[str, Upload]], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Call:
    telegram: Telegram
    params: Json
    files: Mapping[str, Upload]
    # For webhooks: carries out a method that the bot put into its answer.
    execute: Execute

    def known_chat(self) -> Chat:
        """The chat to read from: one that exists and that the bot has met."""
        if "chat_id" not in self.params:
            raise bad_request("chat_id is empty")
        chat = self.telegram.world.find_chat(self.params["chat_id"])
        if chat is None:
            raise bad_request("chat not found")
        if (new_id := self.telegram.world.migrated.get(chat.id)) is not None:
            raise ApiError(400, GROUP_UPGRADED, {"migrate_to_chat_id": new_id})
        return chat

    def target(self) -> Chat:
        """The chat to write to: its person has begun the talk and has not blocked the bot."""
        chat = self.known_chat()
        if chat.bot_kicked:
            raise forbidden(f"bot was kicked from the {chat.info['type']} chat")
        if chat.deactivated:
            raise forbidden("user is deactivated")
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
        if not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        return chat
