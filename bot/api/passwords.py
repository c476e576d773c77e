"""Passwords by Argon2id, in threads: nobody waits for a login but who logs in.

Strength: OWASP's least for Argon2id, 19 MiB in two passes by one lane.
"""

import asyncio
import ctypes
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: ``M_MMAP_THRESHOLD`` of glibc's ``mallopt``, and from how many bytes on a block is given back to
#: the machine when it is freed. By itself glibc learns from the first hash to keep such blocks, 19
#: MiB for each thread.
_THRESHOLD, _LARGE = -3, 4 << 20
#: At once: more would take the processors from everything else.
_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2:
    """The port ``Passwords``. A hash takes about 20 MB and a twentieth of a second."""

    hasher: PasswordHasher = field(
        default_factory=partial(PasswordHasher, time_cost=2, memory_cost=19_456, parallelism=1)
    )
    #: Looked at where there is no login: an unknown address takes as long as a wrong password.
    nobody: str = field(init=False)
    _turns: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, _AT_ONCE))

    def __post_init__(self) -> None:
        # Another C library has no such setting, and need not have the habit.
        with suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).mallopt(_THRESHOLD, _LARGE)
        object.__setattr__(self, "nobody", self.hasher.hash("nobody"))

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self.hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        async with self._turns:
            fits = await asyncio.to_thread(self._fits, stored or self.nobody, password)
        return fits and stored is not None

    def is_old(self, stored: str) -> bool:
        return self.hasher.check_needs_rehash(stored)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self.hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
