"""Telegram's flood limits: so many messages a second in all, and one a second in a chat."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from telegram.ext import BaseRateLimiter

#: Below what Telegram names in its FAQ (30 a second in all, 1 a second in a chat, 20 a minute in a
#: group), because edits count and other processes answer taps with the same token.
OVERALL_PER_SECOND = 20.0
CHAT_PER_SECOND = 0.9
GROUP_PER_SECOND = 20 / 60
CHAT_BURST = 3


@dataclass(slots=True)
class Bucket:
    """A token bucket. It begins empty but for one token, because nobody knows what was sent before
    this process started.
    """

    rate: float
    burst: float
    tokens: float = 1.0
    at: float = field(default_factory=monotonic)

    def wait(self) -> float:
        """Take a token; the answer is how long to wait before using it, in seconds."""
        now = monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        self.tokens -= 1
        return max(0.0, -self.tokens / self.rate)


class ChatLimiter(BaseRateLimiter[None]):
    """Waits before each call to Telegram that shows something in a chat."""

    def __init__(self) -> None:
        self._overall = Bucket(OVERALL_PER_SECOND, OVERALL_PER_SECOND)
        self._chats: dict[Any, Bucket] = {}

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to close."""

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: None,
    ) -> Any:
        """Make the call when there is room for it."""
        chat = data.get("chat_id")
        if chat is not None:
            await asyncio.sleep(max(self._overall.wait(), self._bucket(chat).wait()))
        return await callback(*args, **kwargs)

    def _bucket(self, chat: Any) -> Bucket:
        if chat not in self._chats:
            is_group = isinstance(chat, int) and chat < 0
            rate = GROUP_PER_SECOND if is_group else CHAT_PER_SECOND
            self._chats[chat] = Bucket(rate, CHAT_BURST)
        return self._chats[chat]
