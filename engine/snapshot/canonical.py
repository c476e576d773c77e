"""Canonical bytes and their hash: the same value gives the same bytes on every machine."""

import hashlib
import json
import zlib
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from engine.domain.snapshot import Bundle
from engine.errors import InvalidInput

T = TypeVar("T")


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


def pack(bundle: Bundle) -> tuple[str, bytes]:
    """A bundle's hash and its compressed bytes; the hash is over the bytes before compression."""
    data = canonical(plain(bundle))
    return digest(data), zlib.compress(data, 6)


def unpack(hash_: str, packed: bytes) -> Bundle:
    """The bundle again; raises :class:`InvalidInput` when the bytes are not those of the hash."""
    try:
        data = zlib.decompress(packed)
    except zlib.error as error:
        raise InvalidInput(f"bundle {hash_[:12]} cannot be decompressed: {error}") from error
    if digest(data) != hash_:
        raise InvalidInput(f"bundle {hash_[:12]} has other bytes than its hash says")
    return restore(Bundle, json.loads(data))
