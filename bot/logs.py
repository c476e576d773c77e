"""Logging: one line per event, with everything that looks like a secret masked."""

import logging
import re
from collections.abc import Iterable, MutableMapping
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

#: A shorter one may be a common word.
_SHORTEST = 12
_known: set[str] = set()


def hide(secrets: Iterable[str]) -> None:
    """Mask these too from now on, whatever they look like.

    The database's library shows the first third of a password when it tells its configuration: one
    that is long enough is masked as well.
    """
    for secret in secrets:
        _known.update(
            part for part in (secret, secret[: len(secret) // 3]) if len(part) >= _SHORTEST
        )


def mask(text: str) -> str:
    """The text without tokens, keys and passwords."""
    # The longest first: of one that begins as another does nothing is left.
    for known in sorted(_known, key=len, reverse=True):
        text = text.replace(known, "***")
    for secret, instead in (
        (_TOKEN, "***"),
        (_PASSWORD, r"\1***@"),
        (_KEY, "***"),
        (_NAMED, r"\1***"),
        (_SEALING, "***"),
    ):
        text = secret.sub(instead, text)
    return text


class _NoHttp(logging.Filter):
    """Of a request that is no HTTP nothing is repeated: a header of it may hold a key. Strangers
    send many; they are no errors of ours.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is told, and without the request."""
        error = record.exc_info[1] if record.exc_info else None
        if type(error).__module__ != "aiohttp.http_exceptions":
            return True
        record.exc_info, record.levelno, record.levelname = None, logging.INFO, "INFO"
        return logging.getLogger().isEnabledFor(logging.INFO)


class _NoValues(logging.Filter):
    """Of a statement to the database, which is told at DEBUG, not what is written: addresses of
    webhooks among others, which no mask knows.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """True: the record is told."""
        if isinstance(record.args, tuple) and len(record.args) > 1:
            record.args = (record.args[0], *("…" for _ in record.args[1:]))
        return True


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


class _Ours(logging.StreamHandler[Any]):
    """The one handler of this process, whose form may still be changed."""


def set_up(level: int = logging.WARNING, *, as_json: bool | None = None) -> None:
    """Log to standard error. ``as_json`` None leaves the form that was chosen; text is the first.

    A command logs before it has read its settings, and they say the form.
    """
    ours = [each for each in logging.getLogger().handlers if isinstance(each, _Ours)]
    if not ours:
        ours = [_Ours()]
        logging.basicConfig(level=level, handlers=ours)
        logging.getLogger("aiohttp.server").addFilter(_NoHttp())
        logging.getLogger("tortoise.db_client").addFilter(_NoValues())
    elif as_json is None:
        return
    text = MaskingFormatter("%(asctime)s %(levelname)s %(message)s")
    ours[0].setFormatter(json_formatter() if as_json else text)
