"""Who is alive."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When a name was last seen alive, and what it said."""

    at: datetime
    detail: dict[str, Any]


class Heartbeats(Protocol):
    """Who is alive, by name, on the database's clock."""

    async def beat(self, name: str, detail: dict[str, Any] | None = None) -> None:
        """Say that somebody, or something, was alive just now."""
        ...

    async def seen(self) -> dict[str, Heartbeat]:
        """When each name was last seen."""
        ...
