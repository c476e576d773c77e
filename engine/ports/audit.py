"""Whether what is stored is what was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Break(StrEnum):
    """What is wrong with a record."""

    HASH = "hash"
    LINK = "link"
    GAP = "gap"
    ORDER = "order"
    HEAD = "head"
    BUNDLE = "bundle"
    ANCHOR = "anchor"


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where the stored history is not what was written."""

    record: str
    kind: Break
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where the history stood at an instant, noted outside the database.

    A chain of hashes alone cannot show that its end was cut off, or that it was written anew.
    """

    seq: int
    hash: str
    instant: datetime


class Anchors(Protocol):
    """Anchors, kept where who can change the database need not be able to."""

    async def read(self) -> tuple[Sequence[Anchor], Sequence[Fault]]:
        """All of them, oldest first, and what could not be read."""
        ...

    async def add(self, anchor: Anchor) -> None:
        """Note one, durably, behind the others; raises ``OSError``."""
        ...


class Auditor(Protocol):
    """Checks the stored history against its own hashes and the anchors."""

    async def verify(self) -> tuple[int, tuple[Fault, ...]]:
        """How many records were checked, and the faults found, in the order of the records.

        Raises ``HistoryBroken`` when there is nothing that could be read.
        """
        ...
