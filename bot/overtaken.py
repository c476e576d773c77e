"""What a halt has overtaken: nobody's older wish may start again what they have stopped since."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update

from bot.callbacks import VERSION
from bot.i18n import Words
from bot.screen import Screen

#: Commands and actions of buttons that open risk, or the way to it.
COMMANDS = frozenset(("/resume", "/approve", "/mode"))
TAPS = frozenset(
    ("resume", "go", "mode", "ok", "half", "apply", "restore", "undo", "save", "swgo", "keep")
)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]


class Overtaken(BaseMiddleware):
    """Behind the gatekeeper. A halt waits behind nothing, so that it may be handled before what its
    sender wrote earlier; of that, whatever starts something is out of date.
    """

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        assert isinstance(event, Update)
        if not (data.get("overtaken") and starts_something(event)):
            return await handler(event, data)
        words: Words = data["words"]
        text = words("error.overtaken")
        if event.callback_query is not None:
            return Screen(toast=text, alert=True)
        return Screen(text=text)


def starts_something(update: Update) -> bool:
    """Whether an update opens risk, if it is allowed to."""
    if update.callback_query is not None:
        version, action, *_ = [*(update.callback_query.data or "").split(":"), ""]
        return version == VERSION and action in TAPS
    message = update.message
    text = (message.text or message.caption or "") if message is not None else ""
    first = text.split(maxsplit=1)[:1]
    return bool(first) and first[0].split("@")[0] in COMMANDS
