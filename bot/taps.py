"""Answers to taps: each button's spinner ends soon, whatever the work behind it takes."""

import asyncio
import logging
from html import unescape
from re import sub

from aiogram import Bot
from aiogram.exceptions import AiogramError

log = logging.getLogger(__name__)

#: A tap that has no words after this long is answered without; they follow as a message.
PATIENCE_SECONDS = 1.0
_ANSWER_SECONDS = 5.0


class Taps:
    """Each tap is answered once: with its words when they come in time, else with nothing."""

    def __init__(self, bot: Bot, group: asyncio.TaskGroup) -> None:
        self._bot = bot
        self._group = group
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def arrived(self, query_id: str) -> None:
        """Somebody looks at a spinner from now on."""
        if query_id not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[query_id] = loop.call_later(
                PATIENCE_SECONDS, self._lose_patience, query_id
            )

    def waits(self, query_id: str) -> bool:
        """Whether a spinner still turns, so that words can be shown over the chat."""
        return query_id in self._timers

    async def answer(self, query_id: str, text: str = "", *, alert: bool = False) -> bool:
        """End the spinner with words; False when they cannot be shown there any more."""
        timer = self._timers.pop(query_id, None)
        if timer is None:
            return False
        timer.cancel()
        return await send(self._bot, query_id, text, alert=alert)

    def close(self) -> None:
        """Nobody is waited for any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _lose_patience(self, query_id: str) -> None:
        del self._timers[query_id]
        self._group.create_task(send(self._bot, query_id, "", alert=False))


async def send(bot: Bot, query_id: str, text: str, *, alert: bool) -> bool:
    """Answer a tap; False when Telegram did not show it. Too late is no harm: what was decided is
    shown anyway.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await bot.answer_callback_query(query_id, text=_plain(text) or None, show_alert=alert)
    except (AiogramError, OSError, TimeoutError) as error:
        log.info("a tap was answered too late: %s", error)
        return False
    return True


def _plain(text: str) -> str:
    """A toast has no formatting, and 200 characters at most."""
    return unescape(sub(r"<[^>]+>", "", text))[:200]
