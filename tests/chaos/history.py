"""The history cannot be written: ``history --faults 100 --seed 1``. Nothing is traded then.

The disk is full (a trigger that raises what PostgreSQL raises), the database is read-only, or
another session holds the head of the chain. At each attempt at the venue another connection looks
whether the record of that very release is committed.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from engine.domain.order import Fill, Order, OrderState
from engine.flow.approvals import Choice
from engine.flow.execution import SendOrder
from storage.database import open_database
from tests.chaos.alone import both, report
from tests.chaos.driver import PERSON, Life, Plan, build, prepare
from tests.chaos.kill_switch import next_candle

KINDS = ("disk full", "read-only", "stall")
_STALL_SECONDS = 0.4
_FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER a_full_disk BEFORE INSERT ON decision_history
FOR EACH ROW EXECUTE FUNCTION full_disk();
"""
_FREE = "DROP TRIGGER a_full_disk ON decision_history; DROP FUNCTION full_disk()"
_END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass
class Watched:
    """The venue; each attempt is held against what is committed at that instant."""

    inner: Any
    owner: asyncpg.Connection
    attempts: int = 0
    unrecorded: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def submit(self, order: Order) -> Fill:
        self.attempts += 1
        known = await self.owner.fetchval(
            "SELECT count(*) FROM decision_history"
            " WHERE action = 'order_sending' AND trade_idea_id = $1",
            order.idea_id,
        )
        if known != 1:
            self.unrecorded.append(order.client_id)
        fill: Fill = await self.inner.submit(order)
        return fill


@asynccontextmanager
async def _fault(kind: str, owner: asyncpg.Connection, url: str) -> AsyncIterator[None]:
    if kind == "disk full":
        await owner.execute(_FULL)
        try:
            yield
        finally:
            await owner.execute(_FREE)
    elif kind == "read-only":
        name = await owner.fetchval("SELECT current_database()")
        await owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await owner.execute(_END)
        try:
            yield
        finally:
            await owner.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
            await owner.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
            await owner.execute(_END)
    else:
        holder = await asyncpg.connect(url)
        await holder.execute("BEGIN; SELECT * FROM history_head FOR UPDATE")
        letting_go = asyncio.get_running_loop().call_later(_STALL_SECONDS, holder.terminate)
        try:
            yield
        finally:
            letting_go.cancel()
            holder.terminate()


async def run(url: str, owner_url: str, *, faults: int, seed: int) -> Any:
    """So many faults on an empty, migrated database: counts and violations."""
    await prepare(url)
    chance, counts = Random(seed), Counter[str]()
    violations: list[str] = []
    owner = await asyncpg.connect(owner_url)
    try:
        async with open_database(url, pool=4):
            life = build(Plan(url=url))
            watched = Watched(life.work.send_order.broker, owner)
            parts = {f.name: getattr(life.work.send_order, f.name) for f in fields(SendOrder)}
            life.work = replace(life.work, send_order=SendOrder(**(parts | {"broker": watched})))
            while counts["faults"] < faults:
                await _one(life, chance.choice(KINDS), chance, owner, owner_url, counts)
            violations += await _in_the_end(owner)
        counts["attempts at the venue"] = watched.attempts
        violations += [f"{id_} was sent and is on no record" for id_ in watched.unrecorded]
    finally:
        await owner.close()
    return counts, violations


async def _one(
    life: Life, kind: str, chance: Random, owner: Any, owner_url: str, counts: Counter[str]
) -> None:
    """An idea, a fault before the tap or before the send, and calm again."""
    (idea, *others) = await next_candle(life)
    early = chance.random() < 0.5
    if not early:
        await _tap(life, idea)
    async with _fault(kind, owner, owner_url):
        counts["faults"] += 1
        counts[kind] += 1
        try:
            await (_tap(life, idea) if early else _send(life))
            counts["went on"] += 1
        except Exception:
            counts["failed under the fault"] += 1
    for _ in range(5):
        # Connections that the fault ended are met once each.
        with suppress(Exception):
            await _tap(life, idea)
            await _send(life)
            break
    for other in others:
        await life.talk.decide_idea(other, Choice.REJECT, person_id=PERSON, chat_id=PERSON)
    await life.work.resolve_orders()


async def _tap(life: Life, idea: UUID) -> None:
    await life.talk.decide_idea(idea, Choice.APPROVE, person_id=PERSON, chat_id=PERSON)


async def _send(life: Life) -> None:
    async with life.world.store.begin() as tx:
        waiting = await tx.orders.in_state(OrderState.INTENT)
    for order in waiting:
        await life.work.send_order(order.client_id)


async def _in_the_end(owner: Any) -> list[str]:
    """What the venue has is ACKED, and each such order has its one record of the release."""
    books = await owner.fetchval("SELECT document FROM document WHERE name LIKE 'paper:%'")
    taken = await owner.fetch(
        "SELECT key FROM jsonb_each($1::jsonb -> 'orders') WHERE value <> 'null'::jsonb", books
    )
    rows = await owner.fetch(
        "SELECT client_id, state, (SELECT count(*) FROM decision_history WHERE"
        " action = 'order_sending' AND trade_idea_id = idea_id) AS records FROM trade_order"
    )
    known = {row["client_id"]: row for row in rows}
    found = []
    for (name,) in taken:
        row = known.get(name)
        if row is None or row["records"] != 1:
            found.append(f"{name} is at the venue with {row and row['records']} records")
        elif row["state"] not in ("acked", "sending", "unknown"):
            found.append(f"{name} is at the venue and {row['state']} here")
    return found


def main(arguments: list[str]) -> int:
    """Run on a server of its own, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="history", description=__doc__)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with both() as (url, owner_url):
        counts, violations = asyncio.run(
            run(url, owner_url, faults=wanted.faults, seed=wanted.seed)
        )
    return report(counts, violations)
