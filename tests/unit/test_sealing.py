"""Encryption at rest: nonces never repeat, nothing that was changed or moved opens."""

from base64 import b64decode, b64encode
from copy import copy, deepcopy
from hashlib import sha256
from pickle import dumps
from random import Random

import pytest

from engine.domain.secret import Secret
from engine.errors import InvalidInput, NoEncryptionKey, SecretUnreadable
from engine.snapshot.canonical import plain
from storage.sealing import NONCE, KeyRing, Place, new_key_line, read_key, read_keys

PLACE = Place("secret", "provider/openai/key", "value")
KEYS = KeyRing(read_keys(f"{new_key_line('a')}, {new_key_line('b')}", "K"))


def sealed(text: str = "sk-canary-123", keys: KeyRing = KEYS, place: Place = PLACE) -> str:
    return keys.seal(Secret(text), place)


def refused(text: str, keys: KeyRing = KEYS, place: Place = PLACE) -> bool:
    with pytest.raises(SecretUnreadable) as caught:
        keys.open(text, place)
    return "canary" not in str(caught.value) and caught.value.__cause__ is None


def flipped(text: str, chance: Random) -> str:
    """One bit of the stored bytes."""
    name, _, body = text.partition(":")
    raw = bytearray(b64decode(body))
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return f"{name}:{b64encode(raw).decode()}"


def test_what_was_sealed_opens_and_shows_nothing_of_itself() -> None:
    text = sealed()
    assert KEYS.open(text, PLACE) == Secret("sk-canary-123")
    assert text.startswith("a:")
    assert "canary" not in text
    assert KEYS.open(sealed(""), PLACE).reveal() == ""


@pytest.mark.parametrize("count", [10_000])
def test_no_nonce_comes_twice(count: int) -> None:
    nonces = {b64decode(sealed().partition(":")[2])[:NONCE] for _ in range(count)}
    assert len(nonces) == count


def test_nothing_opens_that_was_changed_or_moved() -> None:
    chance = Random(1)
    assert all(refused(flipped(sealed(), chance)) for _ in range(400))
    for number in range(400):
        other = Place("secret", f"row-{number}", "value")
        assert refused(sealed(place=other))
    for place in (Place("secre", "t|provider/openai/key", "value"), Place("x", PLACE.row, "value"),
                  Place("secret", PLACE.row, "other")):  # fmt: skip
        assert refused(sealed(place=place))
    for number in range(200):
        # The same bytes under the other key's id, cut off, or with something behind them.
        text = sealed()
        assert refused([f"b{text[1:]}", text[: -4 * (1 + number % 5)], f"{text}AAAA"][number % 3])


@pytest.mark.parametrize(
    "text",
    ["", ":", "a:", "a:AAAA", "a:%%%%", "c:" + "A" * 44, "a", "a:" + "A" * 36, "а:" + "A" * 44],
)
def test_what_is_no_sealed_value_is_refused(text: str) -> None:
    assert refused(text)


def test_bits_that_stand_for_nothing_are_refused_too() -> None:
    """Base64 has several texts for the same bytes; only one of them is taken."""
    text = sealed("sk-canary-12")  # 12 + 12 + 16 bytes: two texts of padding
    assert text.endswith("==")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = text[:-3] + last[last.index(text[-3]) + 1] + "=="
    assert b64decode(other.partition(":")[2]) == b64decode(text.partition(":")[2])
    assert refused(other)


def test_without_a_key_nothing_is_sealed() -> None:
    with pytest.raises(NoEncryptionKey, match="ENCRYPTION_KEYS"):
        sealed(keys=KeyRing())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "0 bytes"),
        (b64encode(b"short").decode(), "5 bytes"),
        (b64encode(bytes(33)).decode(), "33 bytes"),
        (b64encode(bytes(32)).decode(), "not random"),
        (b64encode(bytes(range(32))).decode(), "not random"),
        (b64encode(bytes(range(255, 223, -1))).decode(), "not random"),
        (b64encode(b"ab" * 16).decode(), "not random"),
        (b64encode(b"change-me-please-0123456789abcdef"[:32]).decode(), "not random"),
        ("base64-of-32-random-bytes", "no base64|bytes, not"),
        ("é", "no base64"),
    ],
)
def test_a_key_that_can_be_guessed_is_refused_and_not_repeated(body: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        read_key(body, "ENCRYPTION_KEYS: the key a")
    assert not body or body not in str(caught.value)
    assert "ai-trader keys new" in str(caught.value)


def test_both_alphabets_of_base64_are_read() -> None:
    key = sha256(b"0").digest()
    text = b64encode(key).decode()
    assert {"+", "/"} <= set(text)
    assert read_key(text, "k") == read_key(text.replace("+", "-").replace("/", "_"), "k") == key


@pytest.mark.parametrize("text", ["", "a", "a:", ",", "a b:c", "x" * 33 + ":AAAA"])
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="K"):
        read_keys(text, "K")


def test_an_id_is_given_once() -> None:
    with pytest.raises(InvalidInput, match="two keys are named a"):
        read_keys(f"{new_key_line('a')}\n{new_key_line('a')}", "K")


def test_a_secret_is_seen_nowhere() -> None:
    secret = Secret("canary")
    assert "canary" not in f"{secret} {secret!r} {[secret]} {KEYS!r}"
    assert secret == Secret("canary") != Secret("other")
    assert len({secret, Secret("canary")}) == 1
    assert secret != "canary"
    for copier in (copy, deepcopy, dumps):
        with pytest.raises(TypeError, match="secret"):
            copier(secret)
    with pytest.raises(Exception, match="schema"):
        plain(secret)
