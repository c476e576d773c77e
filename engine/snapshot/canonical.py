"""Canonical bytes and their hash: the same value gives the same bytes on every machine."""

import hashlib
import json
import zlib
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from engine.errors import InvalidInput
from engine.snapshot.dictionary import SKELETON

T = TypeVar("T")

#: Deflate without a header, at its best: bodies are small and kept for months.
_RAW, _LEVEL = -15, 9

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def plain(value: Any) -> Any:
    """A domain value as JSON values; decimals become texts that keep every digit."""
    return _adapter(type(value)).dump_python(value, mode="json")


def restore(kind: type[T], document: Any) -> T:
    """The inverse of :func:`plain`; raises :class:`InvalidInput` naming the first wrong field."""
    try:
        restored: T = _adapter(kind).validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"{kind.__name__}.{field}: {first['msg']}", field=field) from error
    return restored


def canonical(document: Any) -> bytes:
    """UTF-8 JSON, keys sorted, no spaces, no NaN."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def squeeze(data: bytes) -> bytes:
    """Compressed, behind four bytes of CRC-32: deflate alone ends in bits that nobody checks."""
    press = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, zdict=SKELETON)
    pressed = press.compress(data) + press.flush()
    return zlib.crc32(pressed).to_bytes(4) + pressed


def unsqueeze(hash_: str, body: bytes) -> bytes:
    """The bytes of that hash; raises :class:`InvalidInput` when they are others."""
    try:
        data = _inflate(body)
    except zlib.error as error:
        raise InvalidInput(f"{hash_[:12]} cannot be decompressed: {error}") from error
    if digest(data) != hash_:
        raise InvalidInput(f"{hash_[:12]} has other bytes than its hash says")
    return data


def _inflate(body: bytes) -> bytes:
    check, pressed = body[:4], body[4:]
    if zlib.crc32(pressed).to_bytes(4) == check:
        return zlib.decompressobj(_RAW, zdict=SKELETON).decompress(pressed)
    # The form of bundles that were stored before there were parts; it has a checksum of its own.
    return zlib.decompress(body)
