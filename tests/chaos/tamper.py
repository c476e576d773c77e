"""Change the stored history behind the product's back, as the owner, and count what is found."""

import argparse
import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from bot.bell import SilentBell
from engine.flow.anchors import AnchorHistory
from engine.ports import Fault
from storage.anchors import AnchorFile
from storage.audit import PostgresAuditor
from storage.chain import content, link
from storage.embedded import embedded_servers
from storage.mapping import EntryColumns, hashed
from storage.transaction import PostgresStore
from tests import histories
from tests.chaos.alone import report

_KEEP = """
ALTER TABLE decision_history DISABLE TRIGGER ALL;
ALTER TABLE history_head DISABLE TRIGGER ALL;
CREATE TABLE pristine AS TABLE decision_history;
CREATE TABLE pristine_head AS TABLE history_head;
ALTER TABLE pristine ADD PRIMARY KEY (seq);
"""
_UNDO = """
DELETE FROM decision_history WHERE seq BETWEEN {first} AND {last} OR seq NOT BETWEEN 1 AND {rows};
INSERT INTO decision_history SELECT * FROM pristine WHERE seq BETWEEN {first} AND {last};
UPDATE history_head SET (seq, hash) = (SELECT seq, hash FROM pristine_head);
"""
_REWRITE = """
UPDATE decision_history
SET previous_hash = $2, hash = $3::text, id = left($3::text, 32)::uuid, body = $4 WHERE seq = $1
"""
_CANDLES = 12


@dataclass
class Tampering:
    """A history of so many records, the last one anchored, and what became of each attack."""

    owner: Any
    anchors: AnchorFile
    chance: Random
    rows: int
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    async def edit(self) -> None:
        """Change one column of one record; the fault must name that record."""
        row = await self._some(1)
        column = self.chance.choice(list(row.keys()))
        value = _changed(column, row[column], self.chance)
        statement = f"UPDATE decision_history SET {column} = $1 WHERE seq = $2"
        await self.owner.execute(statement, value, row["seq"])
        faults = await self._faults()
        named = {fault.record for fault in faults}
        # A record that took another number is missed where it was.
        place = row["seq"] + 1 if column == "seq" else row["seq"]
        at_end = column == "seq" and row["seq"] == self.rows
        self._count("edits", f"{column} of {row['seq']}", at_end or f"decision {place}" in named)
        await self._undo(row["seq"], row["seq"])

    async def cut(self, *, with_head: bool) -> None:
        """Cut the end off; with the head moved along, only an anchor can tell."""
        last = await self._some(1)
        await self.owner.execute("DELETE FROM decision_history WHERE seq >= $1", last["seq"])
        if with_head:
            await self._move_head(last["seq"] - 1, last["previous_hash"])
            await self._must_look_sound(f"cut at {last['seq']}")
        name = "cuts with the head" if with_head else "cuts"
        self._count(name, f"{last['seq']}", bool(await self._faults()))
        await self._undo(last["seq"])

    async def rewrite(self) -> None:
        """Write everything anew from a changed record on: a sound chain that never was."""
        first = (await self._some(1))["seq"]
        rows = await self.owner.fetch(
            "SELECT * FROM decision_history WHERE seq >= $1 ORDER BY seq", first
        )
        hash_, written = rows[0]["previous_hash"], []
        for row in rows:
            body = row["body"]
            if row is rows[0]:
                body = body.replace("{", '{"forged":true,', 1)
            columns = hashed(EntryColumns(*(row[name] for name in EntryColumns._fields)))
            previous, hash_ = hash_, link(hash_, row["seq"], content(columns, body))
            written.append((row["seq"], previous, hash_, body))
        async with self.owner.transaction():
            await self.owner.executemany(_REWRITE, written)
            await self._move_head(written[-1][0], hash_)
        await self._must_look_sound(f"rewritten from {first}")
        self._count("rewrites", f"{first}", bool(await self._faults()))
        await self._undo(first)

    async def _some(self, least: int) -> Any:
        seq = self.chance.randint(least, self.rows)
        return await self.owner.fetchrow("SELECT * FROM decision_history WHERE seq = $1", seq)

    async def _move_head(self, seq: int, hash_: str) -> None:
        await self.owner.execute("UPDATE history_head SET seq = $1, hash = $2", seq, hash_)

    async def _faults(self) -> Sequence[Fault]:
        return (await PostgresAuditor(anchors=self.anchors).verify())[1]

    async def _must_look_sound(self, what: str) -> None:
        """The attack is only as strong as it claims when the database alone sees nothing."""
        _, faults = await PostgresAuditor().verify()
        if faults:
            self.violations.append(f"{what} was not consistent: {faults[0]}")

    def _count(self, name: str, what: str, found: object) -> None:
        self.counts[name] += 1
        self.counts[f"{name} found"] += bool(found)
        if not found:
            self.violations.append(f"{name}: {what} was not found")

    async def _undo(self, first: int, last: int | None = None) -> None:
        script = _UNDO.format(first=first, last=last or self.rows, rows=self.rows)
        await self.owner.execute(script)


async def run(
    owner_url: str, folder: Path, chance: Random, *, rows: int, edits: int, cuts: int, rewrites: int
) -> Tampering:
    """Fill an empty database that is open, attack it, and leave it as it was."""
    templates = await histories.played(_CANDLES)
    have = await records()
    await histories.write(histories.varied(templates, chance), rows - have, writers=4, most=20)
    anchors = AnchorFile(folder / "anchors.jsonl")
    await AnchorHistory(store=PostgresStore(), anchors=anchors, bell=SilentBell())()
    owner = await asyncpg.connect(owner_url)
    await owner.execute(_KEEP)
    made = Tampering(owner, anchors, chance, rows)
    for _ in range(edits):
        await made.edit()
    for number in range(cuts):
        await made.cut(with_head=number % 2 == 0)
    for _ in range(rewrites):
        await made.rewrite()
    if await made._faults():
        made.violations.append("an attack was not undone")
    await owner.close()
    return made


async def honest(folder: Path, chance: Random, *, rows: int) -> Tampering:
    """So many records by four writers side by side, anchored as they come; no fault is right."""
    templates = await histories.played(_CANDLES)
    anchors = AnchorFile(folder / "honest.jsonl")
    anchor = AnchorHistory(store=PostgresStore(), anchors=anchors, bell=SilentBell())
    made = Tampering(None, anchors, chance, rows)
    entries = histories.varied(templates, chance)
    while (have := await records()) < rows:
        await histories.write(entries, min(rows - have, max(rows // 10, 1)), writers=4, most=4)
        await anchor()
    count, faults = await PostgresAuditor(anchors=anchors).verify()
    made.counts["honest records"] = count
    made.counts["false alarms"] = len(faults)
    made.violations += [f"false alarm: {fault}" for fault in faults]
    return made


async def records() -> int:
    """How many records there are."""
    async with PostgresStore().begin() as tx:
        newest = await tx.history.list(limit=1)
    return newest[0].seq if newest else 0


def _changed(column: str, value: Any, chance: Random) -> Any:
    """Another value of the same column."""
    if column in ("id", "strategy_id", "trade_idea_id"):
        return UUID(int=chance.getrandbits(128))
    if column in ("occurred_at", "market_time"):
        moved = timedelta(microseconds=chance.choice((-1, 1)) * chance.randint(1, 10**9))
        return (value or histories.START) + moved
    if column == "confidence_score":
        return (value or Decimal(50)) + Decimal(chance.choice(("0.01", "-0.01", "-7.5")))
    simple: dict[str, Callable[[], Any]] = {
        "seq": lambda: chance.choice((-value, 10**9 + value)),
        "human_override": lambda: not value,
    }
    return simple[column]() if column in simple else _flipped(value, chance)


def _flipped(text: str | None, chance: Random) -> str:
    """A text with one character changed, or one where there was none."""
    if not text:
        return "x"
    place = chance.randrange(len(text))
    other = chance.choice([letter for letter in "0123456789abcdef" if letter != text[place]])
    return text[:place] + other + text[place + 1 :]


def main(arguments: list[str]) -> int:
    """The command's words after ``tamper``."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos tamper", description=__doc__)
    for name, usual in (("edits", 1000), ("cuts", 100), ("rewrites", 20), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--rows", type=int, default=2000, help="records that are attacked")
    parser.add_argument("--honest", type=int, default=100_000, help="records without an attack")
    wanted = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ait-") as name:
        Path(name).chmod(0o711)
        counts, violations = asyncio.run(_both(Path(name), wanted))
    return report(counts, violations)


async def _both(folder: Path, wanted: argparse.Namespace) -> tuple[dict[str, int], list[str]]:
    chance = Random(wanted.seed)
    async with embedded_servers(folder / "home", fsync=False, want_redis=False) as servers:
        async with histories.scratch(servers, "attacked") as (_, owner_url):
            attacked = await run(
                owner_url,
                folder,
                chance,
                rows=wanted.rows,
                edits=wanted.edits,
                cuts=wanted.cuts,
                rewrites=wanted.rewrites,
            )
        async with histories.scratch(servers, "honest"):
            untouched = await honest(folder, chance, rows=wanted.honest)
    return {**attacked.counts, **untouched.counts}, attacked.violations + untouched.violations
