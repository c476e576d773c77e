"""The catch-all: nothing a person sends stays without an answer."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from bot.i18n import Words
from bot.screen import Screen


def build() -> Router:
    """The router; it must be the last."""
    router = Router(name="unknown")
    router.message.register(message_)
    router.callback_query.register(button)
    return router


async def message_(message: Message, words: Words) -> Screen:
    """Text, or anything else, that is no command."""
    return Screen(text=words("error.unknown_command"))


async def button(query: CallbackQuery, words: Words) -> Screen:
    """A button of an older version, or data nobody made."""
    return Screen(toast=words("toast.outdated"), alert=True)
