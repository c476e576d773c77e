"""The hash chain: what is hashed, and how one record is tied to the one before it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engine.snapshot.canonical import digest

#: The hash before the first record.
GENESIS = "0" * 64

#: Instants are counted from here, as PostgreSQL counts them.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(at: datetime) -> str:
    """An instant as it is hashed: its microseconds since 2000 as PostgreSQL sends them, in hex."""
    return ((at - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True).hex()


def content(columns: Sequence[str | None], body: str) -> str:
    """The hash of what a record says: its columns, each behind its length, then its text.

    The number of columns is fixed, so no two different records give the same bytes.
    """
    parts = ["-" if text is None else f"{len(text)}:{text}" for text in columns]
    return digest("".join([*parts, body]).encode())


def link(previous_hash: str, seq: int, content_hash: str) -> str:
    """The hash of a record: over the previous hash, its number and its content's hash.

    Every part has a fixed length. The database computes the same (``append_decisions``), so that
    nobody waits for the head while a program hashes.
    """
    return digest(f"1|{previous_hash}|{seq:020d}|{content_hash}".encode())
