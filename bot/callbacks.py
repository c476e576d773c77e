"""Callback data: a version, an action, an id. Who taps decides what it may do, never the data."""

from hashlib import sha256
from uuid import UUID

from engine.errors import InvalidInput

#: Buttons of another version are answered with "outdated" instead of being misread.
VERSION = "v1"
_FOREIGN = "this button is not of this version"


def pack(action: str, *parts: str | int) -> str:
    """Data for a button; at most 64 bytes, as Telegram allows."""
    data = ":".join((VERSION, action, *(str(part) for part in parts)))
    if len(data.encode()) > 64:
        raise InvalidInput(f"callback data is longer than 64 bytes: {data}")
    return data


def idea(action: str, idea_id: UUID) -> str:
    """Data for a button of an idea."""
    return pack(action, idea_id.hex)


def position(action: str, position_id: str) -> str:
    """Data for a button of an open position: a venue's id may be long, or hold anything."""
    return pack(action, handle(position_id))


def handle(position_id: str) -> str:
    """A short name for a position, the same every time; who reads it looks among the open ones."""
    return sha256(position_id.encode()).hexdigest()[:16]


def unpack(data: str, action: str) -> list[str]:
    """The parts behind an action; raises :class:`InvalidInput` for data of another shape."""
    version, found, *parts = [*data.split(":"), "", ""][: max(2, data.count(":") + 1)]
    if version != VERSION or found != action:
        raise InvalidInput(_FOREIGN)
    return parts


def action(data: str) -> str | None:
    """The action of a button of this version, or None."""
    version, _, rest = data.partition(":")
    return rest.split(":", 1)[0] if version == VERSION else None


def parts(data: str, action: str, count: int) -> list[str]:
    """Exactly so many parts behind an action; raises :class:`InvalidInput` for any other number."""
    found = unpack(data, action)
    if len(found) != count:
        raise InvalidInput(_FOREIGN)
    return found


def whole(text: str) -> int | None:
    """A whole number in plain digits, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def number(text: str) -> int:
    """A whole number in plain digits; raises :class:`InvalidInput` for anything else."""
    found = whole(text)
    if found is None:
        raise InvalidInput(_FOREIGN)
    return found


def uuid(text: str) -> UUID:
    """An id; raises :class:`InvalidInput` for what is none."""
    try:
        return UUID(hex=text)
    except ValueError as error:
        raise InvalidInput(_FOREIGN) from error


def number_in(data: str, action: str) -> int:
    """The number that is all a button holds; raises :class:`InvalidInput`."""
    (text,) = parts(data, action, 1)
    return number(text)


def id_in(data: str, action: str) -> UUID:
    """The id that is all a button holds: of an idea, a strategy, a run; raises
    :class:`InvalidInput`.
    """
    (text,) = parts(data, action, 1)
    return uuid(text)
