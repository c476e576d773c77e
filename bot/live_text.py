"""A text that grows in a chat: as a draft where Telegram has them, else as one edited message."""

import asyncio
import logging
from dataclasses import dataclass, field, replace
from time import monotonic

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramAPIError, TelegramRetryAfter
from aiogram.exceptions import TelegramForbiddenError as Blocked
from aiogram.exceptions import TelegramNetworkError as Unheard

from bot.courier import payload
from bot.i18n import Html, Words
from bot.limiter import Limiter
from bot.screen import parcel_of
from bot.views import asking as views
from engine.domain.wording import Inquiry
from engine.ports import Bell
from storage.outbox import PostgresDeliveries

log = logging.getLogger(__name__)

#: Seconds between two drafts, and between two edits: those count like messages and are paid for
#: with long pauses.
DRAFT_PAUSE, EDIT_PAUSE = 1.2, 3.0
_SEND_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Drafts:
    """Telegram's drafts (``sendMessageDraft``): a preview in a private chat, with a Stop of its
    own, that is gone after half a minute. ``works`` is False once this Telegram has shown that it
    knows none.
    """

    bot: Bot
    limiter: Limiter = field(default_factory=Limiter)
    works: bool = True

    async def show(self, chat_id: int, draft_id: int, text: Html) -> None:
        """Show a text as the draft; nothing rests on it, so what goes wrong is only noted."""
        if not await self.limiter.take(chat_id):
            return
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self.bot.send_message_draft(chat_id, draft_id, text=text, can_stop=True)
        except TelegramRetryAfter as later:
            await self.limiter.refused(chat_id, float(later.retry_after))
        except (Unheard, Blocked, TimeoutError, OSError) as error:
            log.info("a draft was not shown: %s", error)
        except TelegramAPIError as error:
            log.info("this Telegram has no drafts: %s", error)
            self.works = False
        except AiogramError as error:
            log.info("a draft was not understood: %s", error)


@dataclass(slots=True, kw_only=True)
class LiveText:
    """The answer to one question while it is written. A message of its own goes through the outbox:
    its place is known, so that the end can take it, whoever writes the end.
    """

    inquiry: Inquiry
    words: Words
    drafts: Drafts
    deliveries: PostgresDeliveries
    bell: Bell
    text: str = ""
    shown: str = ""
    edits: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @staticmethod
    def key_of(inquiry: Inquiry) -> str:
        """The outbox key of the message that grows."""
        return f"asking:{inquiry.id}"

    def show(self, text: str) -> None:
        """All that may be shown now; nothing, after a look-up that took it back."""
        self.text = text
        self.changed.set()

    async def paint(self) -> None:
        """Show what there is until it is cancelled, no faster than Telegram allows."""
        if self.drafts.works:
            await self.drafts.show(self.inquiry.person_id, self.inquiry.id, Html(""))
        while True:
            await self.changed.wait()
            self.changed.clear()
            if self.text == self.shown:
                continue
            began = monotonic()
            await self._paint(self.text)
            pause = DRAFT_PAUSE if self.drafts.works else EDIT_PAUSE
            await asyncio.sleep(max(0.0, began + pause - monotonic()))

    async def _paint(self, text: str) -> None:
        self.shown = text
        if self.drafts.works:
            screen = views.growing(self.words, text) if text else None
            shown = Html("") if screen is None else screen.text or Html("")
            await self.drafts.show(self.inquiry.person_id, self.inquiry.id, shown)
        if not self.drafts.works and text:
            await self._post(text)

    async def _post(self, text: str) -> None:
        """The message, or an edit of it."""
        first, person = self.key_of(self.inquiry), self.inquiry.person_id
        parcel = parcel_of(views.growing(self.words, text, self.inquiry.id))
        key = first if self.edits == 0 else f"{first}:{self.edits}"
        if self.edits:
            parcel = replace(parcel, edit_key=first)
        self.edits += 1
        await self.deliveries.answer(key, person, person, payload(parcel))
        await self.bell.ring("deliver")
