"""What signs cookies: no secret that could be guessed, and none at all only for play."""

import subprocess
import sys

import pytest
from pydantic import SecretStr

from bot.api.building import origins_of
from bot.api.passwords import Argon2
from bot.api.tokens import signing_secret
from engine.errors import InvalidInput

_HASHES = """
import asyncio, psutil
from bot.api.passwords import Argon2

async def main():
    before = psutil.Process().memory_info().rss
    passwords = Argon2()
    await asyncio.gather(*(passwords.verify(None, "x") for _ in range(4)))
    print((psutil.Process().memory_info().rss - before) / 2**20)

asyncio.run(main())
"""
GOOD = "aZ3kQ9vX2mL7pR4tW8yB1nC6dF0gH5jS"


@pytest.mark.parametrize(
    "weak",
    [
        "", "short", "x" * 64, "super-secret-signing-key-0123456789", GOOD[:31],
        "abababababababababababababababababab", "changeme-changeme-changeme-0123456789",
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_production", [True, False])
def test_a_secret_that_could_be_guessed_is_refused_everywhere(
    weak: str, is_production: bool
) -> None:
    with pytest.raises(InvalidInput, match="JWT_SECRET") as refused:
        signing_secret(SecretStr(weak), is_production=is_production)
    assert not weak or weak not in str(refused.value)


def test_production_does_not_start_without_a_secret_and_play_does() -> None:
    with pytest.raises(InvalidInput, match="openssl"):
        signing_secret(None, is_production=True)
    assert signing_secret(None, is_production=False) is None
    assert signing_secret(SecretStr(GOOD), is_production=True) == GOOD


def test_origins_are_whole_and_nothing_else() -> None:
    assert origins_of(" https://a.example , http://localhost:3000/ ") == {
        "https://a.example",
        "http://localhost:3000",
    }
    assert origins_of("") == frozenset()
    for wrong in ("a.example", "https://", "ftp://a.example", "https://a.example/page", "*"):
        with pytest.raises(InvalidInput, match="API_ORIGINS"):
            origins_of(wrong)


def test_the_memory_of_a_hash_is_given_back() -> None:
    """In a process of its own, with glibc as it is when the product starts."""
    told = subprocess.run([sys.executable, "-c", _HASHES], capture_output=True, check=True)
    assert float(told.stdout) < 10, "MiB kept of hashes of 19 MiB each"


async def test_passwords_are_argon2id_of_owasps_least_strength_or_more() -> None:
    passwords = Argon2()
    stored = await passwords.hash("four plain words here")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(stored, "four plain words here")
    assert not await passwords.verify(stored, "four plain words her")
    assert not await passwords.verify(None, "nobody")
    assert not await passwords.verify("no hash at all", "x")
    assert not passwords.is_old(stored)
    assert passwords.is_old("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
