"""What an EA server's answer means, read strictly."""

import re
from typing import Any

from engine.domain.exact import read
from engine.domain.signal import Answer, AnswerKind
from engine.errors import InvalidInput

#: Bytes of an answer that are read; the one expected has forty.
LARGEST = 64 * 1024
_SAID = 200
_UNPRINTABLE = re.compile(r"[^ -~\u00a1-\ud7ff\ue000-\ufffd]+")
#: Refusals of the moment and not of the signal: too slow, too early, too many.
_LATER = (408, 425, 429)
_MOST_TICKET = 2**63 - 1


def meaning(status: int, raw: bytes, *, secret: str) -> Answer:
    """What became of a signal. Only ``success: true`` in a 2xx is a yes, only ``success: false``
    and what the protocol calls final is a no; everything else is tried again.

    ``secret`` is left out of every text that is kept, should the server repeat it.
    """
    if status >= 500 or status in _LATER:
        return Answer(AnswerKind.BUSY, f"HTTP {status}")
    document = _object(raw)
    said = _said(document, secret)
    if not 200 <= status < 300:
        # A redirect is not followed: the key is for one server.
        return Answer(AnswerKind.REFUSED, f"HTTP {status}{said}")
    success = document.get("success")
    if success is True:
        return Answer(AnswerKind.TAKEN, ticket=_ticket(document))
    if success is False:
        return Answer(AnswerKind.REFUSED, f"success is false{said}")
    return Answer(AnswerKind.BUSY, f"HTTP {status} without success true or false")


def _object(raw: bytes) -> dict[str, Any]:
    try:
        document = read(raw)
    except InvalidInput:
        return {}
    return document if isinstance(document, dict) else {}


def _said(document: dict[str, Any], secret: str) -> str:
    """What the server gives as its reason, short and printable."""
    for name in ("message", "error", "reason", "detail"):
        text = document.get(name)
        if isinstance(text, str) and text.strip():
            shown = _UNPRINTABLE.sub(" ", text.replace(secret, "***")).strip()
            return f": {shown[:_SAID]}"
    return ""


def _ticket(document: dict[str, Any]) -> int | None:
    """The trade's number there; one that is none does not undo the yes."""
    ticket = document.get("ticket")
    if isinstance(ticket, bool) or not isinstance(ticket, int):
        return None
    return ticket if 0 <= ticket <= _MOST_TICKET else None
