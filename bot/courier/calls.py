"""One call to Telegram, and what its answer means."""

import warnings
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.courier.steps import Call, Step, caption

#: The connection was not made, so nothing was sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
# The library warns of an attribute's coming type each time it makes this error.
warnings.filterwarnings("ignore", "Deprecated since version v22.2", DeprecationWarning)

_FLOODED = ("too many requests", "(429)")
_UNREACHABLE = ("chat not found", "user is deactivated", "peer_id_invalid")


@dataclass(frozen=True, slots=True)
class File:
    """What goes with a message: a picture or a document."""

    name: str
    data: bytes


class Refused(Exception):
    """Telegram did not take it and never will; the row says why."""


class Unreachable(Exception):
    """The person cannot be written to: they blocked the bot, or are gone."""


class Unparsable(Exception):
    """Telegram did not take it because of its formatting."""


class Later(Exception):
    """Telegram did not take it now. ``chat`` says whether that is about this chat alone;
    ``seconds`` is the pause it asks for, None when it names none.
    """

    def __init__(self, message: str, *, seconds: float | None = None, chat: bool = True) -> None:
        super().__init__(message)
        self.seconds = seconds
        self.chat = chat


class Moved(Exception):
    """The chat has another number now."""

    def __init__(self, chat_id: int) -> None:
        super().__init__(f"the chat is {chat_id} now")
        self.chat_id = chat_id


class Unknown(Exception):
    """No answer came: it was taken, or it was not."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The methods of Telegram that the courier uses, by one client."""

    bot: Bot

    async def make(self, chat_id: int, step: Step, file: File | None) -> int | None:
        """Make a call; the answer is the message it made or changed.

        Raises one of this module's errors, and no other for what Telegram or the way there does.
        """
        try:
            return await self._make(chat_id, step, file)
        except TelegramError as error:
            raise meaning(error) from error
        except OSError as error:
            raise Unknown(str(error)) from error

    async def _make(self, chat_id: int, step: Step, file: File | None) -> int | None:
        if step.call is Call.EDIT:
            return await self._edit(chat_id, step)
        if step.call is Call.PIN:
            assert step.message_id is not None
            await self.bot.pin_chat_message(chat_id, step.message_id)
            return None
        if step.call is Call.UNPIN:
            await self.bot.unpin_chat_message(chat_id, message_id=step.message_id)
            return None
        options = _options(step)
        text = step.text or None
        if step.call is Call.PHOTO:
            assert file is not None
            sent = await self.bot.send_photo(chat_id, file.data, caption=text, **options)
            return sent.message_id
        if step.call is Call.DOCUMENT:
            assert file is not None
            sent = await self.bot.send_document(
                chat_id, file.data, filename=file.name, caption=text, **options
            )
            return sent.message_id
        return (await self.bot.send_message(chat_id, step.text, **options)).message_id

    async def _edit(self, chat_id: int, step: Step) -> int | None:
        try:
            await self.put(chat_id, step, as_caption=step.has_caption)
        except BadRequest as error:
            if _is(error, "not modified"):
                return step.message_id
            if not _is(error, "no caption in the message", "no text in the message"):
                raise
            await self._edit_other(chat_id, step)
        return step.message_id

    async def _edit_other(self, chat_id: int, step: Step) -> None:
        """A card may have been sent without its picture, and a tapped message may be one."""
        try:
            await self.put(chat_id, step, as_caption=not step.has_caption)
        except BadRequest as error:
            if not _is(error, "not modified"):
                raise

    async def put(self, chat_id: int, step: Step, *, as_caption: bool) -> None:
        """Edit a message to hold exactly what a step holds; raises the library's own errors."""
        options: dict[str, Any] = {"reply_markup": _markup(step)}
        if step.is_html:
            options["parse_mode"] = "HTML"
        if as_caption:
            text = caption(step.text) if step.is_html else step.text
            await self.bot.edit_message_caption(
                chat_id, step.message_id, caption=text or None, **options
            )
        else:
            await self.bot.edit_message_text(step.text, chat_id, step.message_id, **options)


def meaning(error: TelegramError) -> Exception:
    """What an error of the library says of the call that raised it."""
    text = str(error)
    if isinstance(error, RetryAfter):
        return Later(text, seconds=_pause(error))
    if isinstance(error, ChatMigrated):
        return Moved(error.new_chat_id)
    if isinstance(error, InvalidToken):
        # Not the row's fault. The error's own text would hold the token.
        return Later("Telegram refuses the token", chat=False)
    if isinstance(error, Forbidden):
        return Unreachable(text)
    if isinstance(error, BadRequest):
        return _bad_request(error)
    if isinstance(error, NetworkError):
        return _network(error)
    return Refused(text)


def _bad_request(error: BadRequest) -> Exception:
    if _is(error, "parse entities"):
        return Unparsable(str(error))
    return Unreachable(str(error)) if _is(error, *_UNREACHABLE) else Refused(str(error))


def _network(error: NetworkError) -> Exception:
    if _is(error, *_FLOODED):
        return Later(str(error))
    if isinstance(error.__cause__, _NOT_SENT):
        return Later(type(error.__cause__).__name__, chat=False)
    return Unknown(str(error))


def _is(error: TelegramError, *texts: str) -> bool:
    return any(text in str(error).lower() for text in texts)


def _options(step: Step) -> dict[str, Any]:
    options: dict[str, Any] = {"reply_markup": _markup(step)}
    if step.is_html:
        options["parse_mode"] = "HTML"
    if step.is_silent:
        options["disable_notification"] = True
    if step.reply_to is not None:
        options["reply_parameters"] = ReplyParameters(
            step.reply_to, allow_sending_without_reply=True
        )
    return options


def _markup(step: Step) -> InlineKeyboardMarkup | None:
    if not step.buttons:
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
            for row in step.buttons
        ]
    )


def _pause(error: RetryAfter) -> float:
    """The pause Telegram asks for, in seconds; the library is changing its type."""
    pause = error.retry_after
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)
