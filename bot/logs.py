"""Logging: one line per event, with everything that looks like a secret masked."""

import logging
import re

#: A bot token, wherever a library put it: in an address, in an error, in a traceback.
_TOKEN = re.compile(r"(?<!\d)\d{5,}:[A-Za-z0-9_-]{10,}")
#: The password in an address.
_PASSWORD = re.compile(r"(://[^:/@\s]+:)[^@\s]+@")


def mask(text: str) -> str:
    """The text without bot tokens and passwords."""
    return _PASSWORD.sub(r"\1***@", _TOKEN.sub("***", text))


class MaskingFormatter(logging.Formatter):
    """Masks the finished line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, masked."""
        return mask(super().format(record))


def set_up(level: int = logging.WARNING) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
