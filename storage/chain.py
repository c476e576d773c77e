"""The hash chain: what is hashed, and how one record is tied to the one before it."""

from engine.snapshot.canonical import digest

#: The hash before the first record.
GENESIS = "0" * 64


def link(previous_hash: str, seq: int, body: str) -> str:
    """The hash of a record: over the previous hash, its number and its canonical text.

    Every part has a fixed place or length, so that no two different records give the same bytes.
    """
    return digest(f"1|{previous_hash}|{seq:020d}|{body}".encode())
