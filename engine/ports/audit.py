"""Whether what is stored is what was written."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the stored history is not what was written."""

    record: str
    problem: str


class Auditor(Protocol):
    """Checks the stored history against its own hashes."""

    async def verify(self) -> tuple[int, tuple[Fault, ...]]:
        """How many records were checked, and every fault found, the first one first."""
        ...
