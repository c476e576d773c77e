"""Encrypt values at rest: AES-256-GCM, bound to the place where they are stored.

A nonce is 96 random bits, for which NIST SP 800-38D allows 2^32 values under one key.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from secrets import token_bytes

from engine.domain.secret import Secret
from engine.errors import InvalidInput, NoEncryptionKey, SecretUnreadable

#: Bytes of a key, of a nonce, and of the tag that proves that nothing was changed.
KEY, NONCE, TAG = 32, 12, 16
#: What random bytes have at least; 32 of them have 30 different ones.
_DIFFERENT = 16
_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HOW = "`ai-trader keys new` prints a line as it must be"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is stored. It is part of what is proven, so that no value can be put into the
    place of another.
    """

    table: str
    row: str
    column: str

    def under(self, key_id: str) -> bytes:
        """The additional data of AES-GCM. Only the row may hold a bar, so that there is one way to
        read it.
        """
        return f"{self.table}|{self.row}|{self.column}|{key_id}".encode()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by their ids: the first encrypts, each decrypts what it encrypted."""

    keys: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    nonce: Callable[[], bytes] = lambda: token_bytes(NONCE)

    @property
    def ids(self) -> tuple[str, ...]:
        """The keys' ids, the one that encrypts first."""
        return tuple(name for name, _ in self.keys)

    def seal(self, value: Secret, place: Place) -> str:
        """``id:base64(nonce, ciphertext, tag)``; raises :class:`NoEncryptionKey`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not self.keys:
            raise NoEncryptionKey(f"there is no key to encrypt with: set ENCRYPTION_KEYS; {_HOW}")
        name, key = self.keys[0]
        nonce = self.nonce()
        sealed = AESGCM(key).encrypt(nonce, value.reveal().encode(), place.under(name))
        return f"{name}:{b64encode(nonce + sealed).decode()}"

    def open(self, text: str, place: Place) -> Secret:
        """What was sealed; raises :class:`SecretUnreadable` for a key that is not here, another
        place, or anything that was changed.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name, _, body = text.partition(":")
        key = dict(self.keys).get(name)
        if key is None:
            raise SecretUnreadable(
                f"{place.row} is encrypted with the key {name[:32]!r}, which is not in"
                " ENCRYPTION_KEYS",
                name=place.row,
            )
        try:
            raw = _decoded(body)
            value = AESGCM(key).decrypt(raw[:NONCE], raw[NONCE:], place.under(name)).decode()
        except (InvalidTag, ValueError):
            raise SecretUnreadable(
                f"{place.row} does not open: it was changed, or the key {name!r} is another one",
                name=place.row,
            ) from None
        return Secret(value)


def _decoded(body: str) -> bytes:
    """The bytes of the one text that stands for them; raises ``ValueError`` for another."""
    raw = b64decode(body, validate=True)
    if b64encode(raw).decode() != body or len(raw) < NONCE + TAG:
        raise ValueError("no sealed value")
    return raw


def new_key_line(name: str) -> str:
    """A fresh key as it is written into ENCRYPTION_KEYS."""
    return f"{name}:{b64encode(token_bytes(KEY)).decode()}"


def read_keys(text: str, source: str) -> tuple[tuple[str, bytes], ...]:
    """The keys of a text, ``id:base64`` each, by commas or lines; ``source`` names it to people.

    Raises :class:`InvalidInput` for one that is short, guessable or named twice; no message holds
    a part of a key.
    """
    found: list[tuple[str, bytes]] = []
    for number, part in enumerate(re.split(r"[,\s]+", text.strip()), start=1):
        name, sign, body = part.partition(":")
        if not (sign and _ID.fullmatch(name)):
            raise InvalidInput(f"{source}: entry {number} is no id:key; {_HOW}")
        if name in dict(found):
            raise InvalidInput(f"{source}: two keys are named {name}")
        found.append((name, read_key(body, f"{source}: the key {name}")))
    return tuple(found)


def read_key(body: str, what: str) -> bytes:
    """One key by its base64; raises :class:`InvalidInput` as :func:`read_keys` does."""
    try:
        key = b64decode(body.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        raise InvalidInput(f"{what} is no base64; {_HOW}") from None
    if len(key) != KEY:
        raise InvalidInput(f"{what} has {len(key)} bytes, not {KEY}; {_HOW}")
    if len(set(key)) < _DIFFERENT or _is_regular(key) or all(32 <= byte < 127 for byte in key):
        raise InvalidInput(f"{what} is a text or a pattern, not random bytes; {_HOW}")
    return key


def _is_regular(key: Sequence[int]) -> bool:
    """Whether it counts up or down in equal steps."""
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    return len(steps) == 1
