"""Logins, sessions, keys and invitations, and what hashes a password."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from engine.domain.access import ApiKey, KeyDraft, Login, Session


class AccessStore(Protocol):
    """Who may come in over HTTP, in one transaction."""

    async def login_of(self, email: str) -> Login | None:
        """The login of an address."""
        ...

    async def login_for(self, person_id: int) -> Login | None:
        """A person's login."""
        ...

    async def save_login(self, login: Login) -> bool:
        """Store a person's login in place of the one before; False when somebody else has the
        address. Whoever gives a new address is alone first, see ``People.alone``.
        """
        ...

    async def count_try(self, limits: Mapping[str, int], span: timedelta) -> datetime | None:
        """Count a try under every name, each with its limit. None when the try may be looked at;
        else the instant until which it may not. A span begins with its first try. A try that is
        refused is not counted.
        """
        ...

    async def forget_tries(self, names: Sequence[str]) -> None:
        """Begin anew: somebody proved who they are."""
        ...

    async def add_session(self, session: Session) -> None:
        """Store a session."""
        ...

    async def session(self, id_: str) -> Session | None:
        """A session that has not ended."""
        ...

    async def end_session(self, id_: str) -> None:
        """End a session; a second time is harmless."""
        ...

    async def end_sessions(self, person_id: int) -> None:
        """End every session of a person."""
        ...

    async def add_key(self, draft: KeyDraft) -> ApiKey:
        """Store a key."""
        ...

    async def key_of(self, digest: str) -> ApiKey | None:
        """The key of a digest, even one that was revoked or has expired."""
        ...

    async def key(self, id_: int) -> ApiKey | None:
        """One key."""
        ...

    async def keys(self, person_id: int | None) -> Sequence[ApiKey]:
        """A person's keys that were not revoked, or everybody's, the newest first."""
        ...

    async def revoke_key(self, id_: int) -> None:
        """Make a key worthless; a second time is harmless."""
        ...

    async def used_key(self, id_: int) -> None:
        """Note that a key is used now, to the minute."""
        ...

    async def invite(self, digest: str, person_id: int, life: timedelta) -> datetime:
        """Store the digest of a code in place of the person's one before; until when it is good."""
        ...

    async def accept(self, digest: str) -> int | None:
        """Use a code up: whose it is, None for one that is not good any more."""
        ...


class Passwords(Protocol):
    """What hashes passwords, slowly, beside the event loop."""

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        ...

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether this is the stored password; for None the answer is no, and takes as long."""
        ...

    def is_old(self, stored: str) -> bool:
        """Whether it was hashed with weaker settings than today's."""
        ...
