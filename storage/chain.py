"""The hash chain: what is hashed, and how one record is tied to the one before it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engine.snapshot.canonical import digest

#: The hash before the first record.
GENESIS = "0" * 64

#: Instants are counted from here, as PostgreSQL counts them.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_list = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode

Column = str | int | bool | None


def microseconds(instant: datetime) -> int:
    """An instant as it is hashed: microseconds since the year 2000, UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def content(columns: Sequence[Column], body: str) -> str:
    """The hash of what a record says: its columns as a JSON list, a line feed, its text.

    JSON writes a line feed inside a string as two other characters, so the first one ends the list
    and no two different records give the same bytes.
    """
    return digest(f"{_list(columns)}\n{body}".encode())


def link(previous_hash: str, seq: int, content_hash: str) -> str:
    """The hash of a record: over the previous hash, its number and its content's hash.

    Every part has a fixed length. The database computes the same (``append_decisions``), so that
    nobody waits for the head while a program hashes.
    """
    return digest(f"1|{previous_hash}|{seq:020d}|{content_hash}".encode())
