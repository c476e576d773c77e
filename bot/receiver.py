"""Long polling: fetch updates and store them; Telegram forgets one only after it is stored."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramConflictError
from aiogram.methods import DeleteWebhook, GetWebhookInfo, TelegramMethod

from bot.dispatcher import UPDATES
from bot.intake import Intake
from bot.quarrel import Quarrel

log = logging.getLogger(__name__)

_POLL_SECONDS = 25
_PAUSE_SECONDS = 2.0


class FetchUpdates(TelegramMethod[list[dict[str, Any]]]):
    """``getUpdates`` with the updates as they come: one that this version cannot read must not keep
    the others of its batch from being stored.
    """

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    timeout: int | None = None
    allowed_updates: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Fetch for ever. An unreachable Telegram is waited for, another poller is reported."""

    bot: Bot
    intake: Intake
    quarrel: Quarrel

    async def run(self) -> None:
        """Poll for ever."""
        await self._leave_webhook()
        offset = None
        while True:
            try:
                updates = await self._fetch(offset)
            except TelegramConflictError as error:
                await self.quarrel.report(error.message)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            except (AiogramError, OSError, TimeoutError) as error:
                log.warning("Telegram does not answer: %s", error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            await self.intake.take(updates)
            # Ids jump after a quiet week, so that the last is not always the highest seen.
            offset = updates[-1]["update_id"] + 1 if updates else offset

    async def _leave_webhook(self) -> None:
        """A webhook that was set earlier would refuse polling; what waits behind it is kept."""
        while True:
            try:
                if (await self.bot(GetWebhookInfo())).url:
                    log.warning("removing the webhook that was set: this process polls")
                    await self.bot(DeleteWebhook(drop_pending_updates=False))
            except (AiogramError, OSError, TimeoutError) as error:
                log.warning("Telegram does not answer: %s", error)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def _fetch(self, offset: int | None) -> list[dict[str, Any]]:
        poll = FetchUpdates(offset=offset, timeout=_POLL_SECONDS, allowed_updates=UPDATES)
        return await self.bot(poll, request_timeout=_POLL_SECONDS + 10)
