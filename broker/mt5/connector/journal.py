"""What was begun and how it ended, on the disk before and after every trade call (SQLite).

A key is taken once for ever. A *leg* is one request to the trade server; its magic number is its
own and never given again, so that what the account shows tells which leg it came from.
"""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from broker.wire import encode, load

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entry (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
    state TEXT NOT NULL, begun_at TEXT NOT NULL, status INTEGER, answer TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS leg (
    magic INTEGER PRIMARY KEY, key TEXT NOT NULL REFERENCES entry (key), number INTEGER NOT NULL,
    state TEXT NOT NULL, plan TEXT NOT NULL, result TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS leg_of_key ON leg (key);
CREATE INDEX IF NOT EXISTS entry_open ON entry (state) WHERE state = 'begun';
"""
#: Magic numbers are above those of other programs and below 2^53. A journal that was lost is
#: followed by one that begins elsewhere.
_FIRST, _SPACES, _SPACE = 1 << 52, 1 << 24, 1 << 27


class State(StrEnum):
    """Of an entry and of a leg. PLANNED legs were not sent; BEGUN ones may have been done."""

    PLANNED = "planned"
    BEGUN = "begun"
    DONE = "done"
    REFUSED = "refused"
    ABSENT = "absent"


class JournalTaken(Exception):
    """Another process has the journal open, or it cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key and what became of it; ``status`` and ``answer`` are what is answered under it."""

    key: str
    kind: str
    digest: str
    body: dict[str, Any]
    state: State
    begun_at: datetime
    status: int | None = None
    answer: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One request to the trade server. ``plan`` is what it asks for."""

    magic: int
    key: str
    number: int
    state: State
    plan: dict[str, Any]
    result: dict[str, Any] | None = None


class Journal:
    """The file. One process has it at a time; raises :class:`JournalTaken` for the second."""

    def __init__(self, path: Path, *, now: datetime, chance: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN EXCLUSIVE")
            self._db.execute("COMMIT")
            self._db.executescript(_SCHEMA)
            self._db.execute("PRAGMA foreign_keys = ON")
            base = _FIRST + chance % _SPACES * _SPACE
            self._default("base", str(base))
            self._default("created", now.isoformat())
        except sqlite3.Error as error:
            self._db.close()
            raise JournalTaken(f"{path}: {error}") from error
        self.base = int(self.meta("base") or base)
        self.created = datetime.fromisoformat(self.meta("created") or now.isoformat())

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    # ---- facts about the journal itself

    def _default(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, value))

    def meta(self, name: str) -> str | None:
        """A fact by its name."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Keep a fact."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    # ---- entries

    def find(self, key: str) -> Entry | None:
        """What is known of a key."""
        found = self._entries("key = ?", key)
        return found[0] if found else None

    def open_entries(self) -> Sequence[Entry]:
        """Those whose outcome is not known, the oldest first."""
        return self._entries("state = 'begun'")

    def _entries(self, where: str, *values: str) -> Sequence[Entry]:
        rows = self._db.execute(
            "SELECT key, kind, digest, body, state, begun_at, status, answer FROM entry"  # noqa: S608
            f" WHERE {where} ORDER BY begun_at, key",
            values,
        )
        return [
            Entry(
                key=key, kind=kind, digest=digest, body=_read(body), state=State(state),
                begun_at=datetime.fromisoformat(begun_at), status=status,
                answer=None if answer is None else _read(answer),
            )
            for key, kind, digest, body, state, begun_at, status, answer in rows
        ]  # fmt: skip

    def begin(self, entry: Entry, plans: Sequence[dict[str, Any]]) -> list[Leg]:
        """Take a key, with its legs planned; one transaction, on the disk when this returns."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._insert(entry)
            (last,) = self._db.execute(
                "SELECT coalesce(max(magic), ?) FROM leg", (self.base,)
            ).fetchone()
            legs = [
                Leg(magic=last + n, key=entry.key, number=n, state=State.PLANNED, plan=plan)
                for n, plan in enumerate(plans, start=1)
            ]
            self._db.executemany(
                "INSERT INTO leg VALUES (?, ?, ?, ?, ?, NULL)",
                [(leg.magic, leg.key, leg.number, leg.state, encode(leg.plan)) for leg in legs],
            )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        return legs

    def end(self, entry: Entry) -> None:
        """Write an outcome down: of a key that is begun, or of one that never had to be."""
        if self.find(entry.key) is None:
            self._insert(entry)
            return
        self._db.execute(
            "UPDATE entry SET state = ?, status = ?, answer = ? WHERE key = ? AND state = 'begun'",
            (entry.state, entry.status, _text(entry.answer), entry.key),
        )

    def _insert(self, entry: Entry) -> None:
        self._db.execute(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.key, entry.kind, entry.digest, encode(entry.body), entry.state,
                entry.begun_at.isoformat(), entry.status, _text(entry.answer),
            ),
        )  # fmt: skip

    # ---- legs

    def legs(self, key: str) -> Sequence[Leg]:
        """The legs of a key, in order."""
        rows = self._db.execute(
            "SELECT magic, key, number, state, plan, result FROM leg WHERE key = ? ORDER BY number",
            (key,),
        )
        return [
            Leg(
                magic=magic, key=name, number=number, state=State(state), plan=_read(plan),
                result=None if result is None else _read(result),
            )
            for magic, name, number, state, plan, result in rows
        ]  # fmt: skip

    def mark(self, leg: Leg, state: State, result: dict[str, Any] | None = None) -> None:
        """Write down that a leg is about to be sent, or how it ended."""
        self._db.execute(
            "UPDATE leg SET state = ?, result = ? WHERE magic = ?",
            (state, _text(result), leg.magic),
        )

    def owners(self, magics: Collection[int]) -> dict[int, str]:
        """The keys of the orders that magic numbers belong to."""
        found: dict[int, str] = {}
        for magic in set(magics):
            row = self._db.execute("SELECT key FROM leg WHERE magic = ?", (magic,)).fetchone()
            if row is not None:
                found[magic] = str(row[0])
        return found


def _read(text: str) -> dict[str, Any]:
    document: dict[str, Any] = load(text.encode())
    return document


def _text(document: dict[str, Any] | None) -> str | None:
    return None if document is None else encode(document)
