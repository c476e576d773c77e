"""The courier: takes what is due from the outbox to Telegram, the most urgent first.

It runs in a worker, never in the trading path, and never imports aiogram. A row that Telegram took
twice because we died in between is a message too many; a row is never lost.
"""

import asyncio
import json
import logging
import warnings
from dataclasses import asdict, dataclass
from datetime import timedelta
from html import unescape
from re import sub
from time import monotonic
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Message, ReplyParameters
from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.documents import Write
from bot.drawing import Draw
from bot.i18n import Words, words_for
from bot.notices import Reader, Render
from bot.screen import CAPTION_LIMIT, Parcel
from engine.domain.notice import Kind, Notice
from engine.domain.person import Role
from engine.ports import Store
from engine.snapshot.canonical import restore
from storage.outbox import Delivery, PostgresDeliveries
from storage.sole import Sole

log = logging.getLogger(__name__)

_ATTEMPTS = 8
_BACKOFF_SECONDS = 2.0
_ROUND_SECONDS = 15.0
_REFUSED_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Deliver everything that is due, one courier at a time, chats side by side. ``ready`` is set
    once Telegram was reached.
    """

    bot: Bot
    deliveries: PostgresDeliveries
    sole: Sole
    store: Store
    render: Render
    draw: Draw
    ready: asyncio.Event

    async def deliver(self) -> int:
        """Send what is due; the answer is how many rows were settled.

        Each round takes the most urgent row of every chat, so that an alert overtakes what was
        queued before it. Ends by itself before a worker's job would be cut off in mid-send.
        """
        settled = 0
        ends = monotonic() + _ROUND_SECONDS
        async with self.sole.try_enter() as mine:
            while mine and self.ready.is_set() and monotonic() < ends:
                due = await self.deliveries.due()
                if not due:
                    break
                async with asyncio.TaskGroup() as group:
                    for row in due:
                        group.create_task(self._settle(row))
                settled += len(due)
        return settled

    async def _settle(self, row: Delivery) -> None:
        """Send one row and note what became of it."""
        try:
            message_id = await self._send(row)
        except RetryAfter as error:
            await self.deliveries.hold_chat(row.chat_id, _pause(error))
        except InvalidToken:
            # Not the row's fault. The error's own text would hold the token.
            await self.deliveries.later(row.id, _REFUSED_SECONDS, "Telegram refuses the token")
        except (Forbidden, BadRequest) as error:
            log.warning("row %s to chat %s is given up: %s", row.id, row.chat_id, error)
            await self.deliveries.failed(row.id, str(error))
        except (TelegramError, OSError) as error:
            await self._again(row, error)
        except Exception as error:
            log.exception("row %s cannot be made into a message", row.id)
            await self._again(row, error)
        else:
            await self.deliveries.sent(row.id, message_id)

    async def _again(self, row: Delivery, error: Exception) -> None:
        if row.attempts + 1 >= _ATTEMPTS and not isinstance(error, NetworkError):
            await self.deliveries.failed(row.id, str(error))
            return
        seconds = min(60.0, _BACKOFF_SECONDS * 2**row.attempts)
        await self.deliveries.later(row.id, seconds, str(error))

    async def _send(self, row: Delivery) -> int | None:
        to = await self._reader(row.person_id)
        words = to.words
        if row.kind == "answer":
            parcel: Parcel | None = restore(Parcel, json.loads(row.payload))
        else:
            notice = restore(Notice, json.loads(row.payload))
            if notice.kind is Kind.CARD:
                return await self._redraw(row, notice, to)
            parcel = await self.render(notice.kind, notice.detail, to)
        if parcel is None:
            return None
        if parcel.edit_message_id is not None:
            return await self._edit(row.chat_id, parcel.edit_message_id, parcel, caption=False)
        message = await self._post(row, parcel, words)
        if parcel.pin:
            await self._pin(row, message.message_id)
        return message.message_id

    async def _pin(self, row: Delivery, message_id: int) -> None:
        """Pin what was just sent; a pin that fails must not send the alert again."""
        await self.deliveries.sent(row.id, message_id)
        try:
            await self.bot.pin_chat_message(row.chat_id, message_id)
        except (TelegramError, OSError) as error:
            log.warning("message %s of chat %s is not pinned: %s", message_id, row.chat_id, error)

    async def _reader(self, person_id: int) -> Reader:
        async with self.store.begin() as tx:
            person = await tx.people.get(person_id)
        if person is None:
            return Reader(words_for("en"), Role.PENDING)
        return Reader(words_for(person.language, person.timezone), person.role)

    async def _redraw(self, row: Delivery, notice: Notice, to: Reader) -> int | None:
        """Bring a card up to date where it stands. One not sent yet will be drawn as it then is."""
        message_id = await self.deliveries.message_of(
            f"idea:{notice.detail['idea_id']}", row.person_id
        )
        if message_id is None:
            return None
        parcel = await self.render(Kind.CARD, notice.detail, to)
        if parcel is None:
            return None
        return await self._edit(row.chat_id, message_id, parcel, caption=True)

    async def _edit(self, chat: int, message_id: int, parcel: Parcel, *, caption: bool) -> int:
        markup = _markup(parcel)
        try:
            if caption:
                await self.bot.edit_message_caption(
                    chat, message_id, caption=parcel.text, parse_mode="HTML", reply_markup=markup
                )
            else:
                await self.bot.edit_message_text(
                    parcel.text, chat, message_id, parse_mode="HTML", reply_markup=markup
                )
        except BadRequest as error:
            if caption and "no caption" in str(error).lower():
                # It was sent without its picture.
                return await self._edit(chat, message_id, parcel, caption=False)
            if "not modified" not in str(error).lower():
                raise
        return message_id

    async def _post(self, row: Delivery, parcel: Parcel, words: Words) -> Message:
        options = await self._options(row, parcel)
        if parcel.document is not None:
            name, data = await Write(store=self.store)(parcel.document)
            return await self.bot.send_document(
                row.chat_id, data, filename=name, caption=parcel.text[:CAPTION_LIMIT], **options
            )
        photo = await self._picture(parcel, words)
        try:
            return await self._say(row.chat_id, parcel.text, photo, options)
        except BadRequest as error:
            # A message refused for its formatting is worth more plain than lost.
            if "parse entities" not in str(error).lower():
                raise
            options.pop("parse_mode")
            plain = unescape(sub(r"<[^>]+>", "", parcel.text))
            return await self._say(row.chat_id, plain, photo, options)

    async def _picture(self, parcel: Parcel, words: Words) -> bytes | None:
        """The chart; an idea without its picture can still be decided, a lost one cannot."""
        if parcel.chart is None:
            return None
        try:
            return await self.draw(parcel.chart, words)
        except Exception:
            log.exception("the chart of %s could not be drawn", parcel.chart)
            return None

    async def _say(
        self, chat: int, text: str, photo: bytes | None, options: dict[str, Any]
    ) -> Message:
        if photo is None:
            return await self.bot.send_message(chat, text, **options)
        if len(text) <= CAPTION_LIMIT:
            return await self.bot.send_photo(chat, photo, caption=text, **options)
        await self.bot.send_photo(chat, photo, disable_notification=True)
        return await self.bot.send_message(chat, text, **options)

    async def _options(self, row: Delivery, parcel: Parcel) -> dict[str, Any]:
        options: dict[str, Any] = {"parse_mode": "HTML", "reply_markup": _markup(parcel)}
        if parcel.silent:
            options["disable_notification"] = True
        if parcel.reply_to_key is not None:
            target = await self.deliveries.message_of(parcel.reply_to_key, row.person_id)
            if target is not None:
                options["reply_parameters"] = ReplyParameters(
                    target, allow_sending_without_reply=True
                )
        return options


def _markup(parcel: Parcel) -> InlineKeyboardMarkup | None:
    if not parcel.buttons:
        return None
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(
                    button["text"],
                    callback_data=button["callback_data"],
                    style=button.get("style"),
                )
                for button in row
            ]
            for row in parcel.buttons
        ]
    )


def _pause(error: RetryAfter) -> float:
    """The pause Telegram asks for, in seconds; the library is changing its type with a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pause = error.retry_after
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


def payload(parcel: Parcel) -> dict[str, Any]:
    """A parcel as the outbox stores it."""
    return asdict(parcel)
