"""Secrets at rest, and the connections that rest on them."""

from datetime import datetime
from typing import Protocol

from engine.domain.provider import Connection, Provider
from engine.domain.secret import Secret


class Vault(Protocol):
    """Encrypted values by name. A name is no secret: it stands in plain text, up to 120 characters.

    Every method that reads a value raises ``SecretUnreadable`` for one that the keys which are
    there do not open.
    """

    async def put(self, name: str, value: Secret, *, until: datetime | None = None) -> None:
        """Store a value in place of what was there, to be forgotten at an instant; raises
        ``NoEncryptionKey`` when there is no key to encrypt with.
        """
        ...

    async def get(self, name: str) -> Secret | None:
        """A value, or None when there is none, or its time is over."""
        ...

    async def take(self, name: str) -> Secret | None:
        """The same, and remove it: of several who take, one gets it."""
        ...

    async def remove(self, name: str) -> bool:
        """Forget a value; False when there was none."""
        ...


class Connections(Protocol):
    """One connection per provider at most."""

    async def of(self, provider: Provider) -> Connection | None:
        """A provider's connection."""
        ...

    async def take(self, provider: Provider) -> Connection | None:
        """The same, to be changed: others who take it wait, also while there is none."""
        ...

    async def save(self, connection: Connection) -> None:
        """Store a connection that was taken."""
        ...


class Keeps(Protocol):
    """What a transaction keeps of them."""

    @property
    def secrets(self) -> Vault:
        """Secrets at rest."""
        ...

    @property
    def providers(self) -> Connections:
        """Connections to providers of a model."""
        ...
