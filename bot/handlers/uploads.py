"""Files that people send: fetched from Telegram, no larger than they may be, as text."""

from io import BytesIO
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import Document

from engine.errors import InvalidInput

#: Bytes of a file that is taken from the chat, at most.
LARGEST = 64 * 1024


async def download(bot: Bot, document: Document) -> str:
    """The text of a file; raises :class:`InvalidInput` for one that is too large, or no text."""
    room = _Room()
    try:
        if document.file_size is not None and document.file_size > LARGEST:
            raise OverflowError
        found = await bot.get_file(document.file_id)
        if found.file_path is None:
            raise OSError("the file has no path")
        await bot.download_file(found.file_path, room)
        return room.getvalue().decode("utf-8-sig")
    except OverflowError as error:
        raise InvalidInput(
            f"the file is larger than {LARGEST} bytes", mistake="file_large", kib=LARGEST // 1024
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput("the file is not text in UTF-8", mistake="file_text") from error
    except (TelegramAPIError, OSError, TimeoutError) as error:
        raise InvalidInput("the file could not be fetched", mistake="file_lost") from error


class _Room(BytesIO):
    """A place for a file that takes no more than it may hold, whatever its size was said to be."""

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > LARGEST:
            raise OverflowError
        return super().write(data)
