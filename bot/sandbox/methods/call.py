"""One call of a method: its decoded parameters, its files, and the Telegram it acts on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.sandbox.errors import bad_request, forbidden
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
        return chat

    def target(self) -> Chat:
        """The chat to write to: its person has begun the talk and has not blocked the bot."""
        chat = self.known_chat()
        if chat.blocked:
            raise forbidden("bot was blocked by the user")
        if not chat.started:
            raise forbidden("bot can't initiate conversation with a user")
        return chat
