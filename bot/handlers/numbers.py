"""The number behind a command."""

from aiogram.filters import CommandObject

from bot.i18n import Words
from engine.errors import InvalidInput


def number(command: CommandObject, words: Words) -> int:
    """The number a command names; raises :class:`InvalidInput` that shows how to write it."""
    text = (command.args or "").strip().removeprefix("#")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput(words("error.usage", example=f"/{command.command} 12"))
    return int(text)
