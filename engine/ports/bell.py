"""What wakes a worker."""

from typing import Protocol


class Bell(Protocol):
    """Wakes a worker. It may fail without loss: a sweeper finds what no bell announced."""

    async def ring(self, job: str, *ids: str) -> None:
        """Ask for a job soon; never raises."""
        ...
