"""Rows as a database keeps them: what is committed, what one transaction changed, who holds what.

Isolation is PostgreSQL's default: each read sees what is committed at that moment and one's own
changes; a row that somebody changed or locked is waited for until they commit or roll back.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

Row = tuple[str, Any]


class Duplicate(Exception):
    """A row with this key exists: where PostgreSQL raises a violated constraint."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row that a commit changed; ``before`` is None for a new one."""

    table: str
    key: Any
    before: Any
    after: Any


class Rows:
    """What is committed, and which transactions hold which row."""

    def __init__(self) -> None:
        self.tables: defaultdict[str, dict[Any, Any]] = defaultdict(dict)
        self.held: dict[Row, dict[object, bool]] = {}
        self.waiting: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Let everyone who waits for a row look again."""
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


class View:
    """The rows as one transaction sees and changes them."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._changes: defaultdict[str, dict[Any, Any]] = defaultdict(dict)
        self._mine: set[Row] = set()

    def get(self, table: str, key: Any) -> Any:
        """A row, or None."""
        changed = self._changes[table]
        return changed[key] if key in changed else self._rows.tables[table].get(key)

    def all(self, table: str) -> list[Any]:
        """Every row of a table."""
        committed, changed = self._rows.tables[table], self._changes[table]
        return list(({**committed, **changed} if changed else committed).values())

    def items(self, table: str) -> list[tuple[Any, Any]]:
        """Every row of a table with its key."""
        return list({**self._rows.tables[table], **self._changes[table]}.items())

    def is_held(self, table: str, key: Any) -> bool:
        """Whether somebody else holds a row."""
        return self._excluded((table, key), shared=False)

    async def lock(self, table: str, key: Any, *, shared: bool = False) -> None:
        """Hold a row to the end of the transaction; waits for whoever excludes us."""
        row = (table, key)
        while self._excluded(row, shared=shared):
            future = asyncio.get_running_loop().create_future()
            self._rows.waiting.append(future)
            await future
        holders = self._rows.held.setdefault(row, {})
        holders[self] = shared and holders.get(self, True)
        self._mine.add(row)

    def _excluded(self, row: Row, *, shared: bool) -> bool:
        holders = self._rows.held.get(row)
        if not holders:
            return False
        return any(
            other is not self and not (shared and theirs) for other, theirs in holders.items()
        )

    async def put(self, table: str, key: Any, value: Any) -> None:
        """Write a row, waiting for others who are writing it."""
        await self.lock(table, key)
        self._changes[table][key] = value

    async def insert(self, table: str, key: Any, value: Any) -> bool:
        """Write a new row; False when there is one, also one committed while we waited."""
        await self.lock(table, key)
        if self.get(table, key) is not None:
            return False
        self._changes[table][key] = value
        return True

    def commit(self) -> tuple[Change, ...]:
        """Make the changes everybody's."""
        made = tuple(
            Change(table, key, self._rows.tables[table].get(key), value)
            for table, changed in self._changes.items()
            for key, value in changed.items()
        )
        for change in made:
            self._rows.tables[change.table][change.key] = change.after
        return made

    def release(self) -> None:
        """Let go of every row held."""
        for row in self._mine:
            holders = self._rows.held[row]
            del holders[self]
            if not holders:
                del self._rows.held[row]
        self._mine.clear()
        self._rows.wake()
