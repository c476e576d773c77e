"""Logging: one line per event, with everything that looks like a secret masked."""

import logging
import re
from collections.abc import MutableMapping
from typing import Any

#: A bot token, wherever a library put it: in an address, in an error, in a traceback.
_TOKEN = re.compile(r"(?<!\d)\d{5,}:[A-Za-z0-9_-]{10,}")
#: The password in an address.
_PASSWORD = re.compile(r"(://[^:/@\s]+:)[^@\s]+@")
#: A key of a model's provider, by the form that most of them have.
_KEY = re.compile(r"\b(?:sk|key)-[A-Za-z0-9_-]{8,}")
#: What stands behind its name: in a header, in a form, in JSON, in an address.
_NAMED = re.compile(
    r"((?:\b(?:bearer|basic) )|(?:\b(?:access_token|refresh_token|id_token|client_secret"
    r"|code_verifier|api_key|x-api-key|encryption_keys?|oauth_encryption_key)\b[\"']*\s*[:=]\s*[\"']?)"
    r"|(?:[?&](?:code|state)=))[^\s\"'&,;}]+",
    re.IGNORECASE,
)
#: An encryption key: an id, and 32 bytes in base64.
_SEALING = re.compile(r"\b[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/_-]{43}=")


def mask(text: str) -> str:
    """The text without tokens, keys and passwords."""
    for secret, instead in (
        (_TOKEN, "***"),
        (_PASSWORD, r"\1***@"),
        (_KEY, "***"),
        (_NAMED, r"\1***"),
        (_SEALING, "***"),
    ):
        text = secret.sub(instead, text)
    return text


class MaskingFormatter(logging.Formatter):
    """Masks the finished line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, masked."""
        return mask(super().format(record))


def json_formatter() -> logging.Formatter:
    """A line is a JSON object: instant (UTC), level, logger, event, what the context holds (such as
    ``request``), and a traceback if there is one; masked as a whole.
    """
    # Here, not above: what logs text need not load it.
    import structlog

    def masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: mask(str(value)) for key, value in event.items()}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            masked,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def set_up(level: int = logging.WARNING, *, as_json: bool = False) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    text = MaskingFormatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(json_formatter() if as_json else text)
    logging.basicConfig(level=level, handlers=[handler])
