"""The kill switch against the send: several senders in two processes, one stop, many times over."""

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from tortoise import connections

from bot.world import now
from engine.domain.order import OrderState
from engine.domain.state import TradingState
from engine.flow.approvals import Choice
from storage.database import open_database
from tests.chaos import alone
from tests.chaos.driver import PERSON, Life, Plan, build, prepare
from tests.chaos.players import Player, players

#: Each order is tried so often in each process.
_EACH = 3
#: The stop falls somewhere into the time that sending takes.
_WINDOW_SECONDS = 0.25
_ENDS = {OrderState.ACKED, OrderState.CANCELLED, OrderState.REJECTED}


@dataclass
class Found:
    """What the races came to; times are seconds."""

    stops: list[float] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a count."""
        self.counts[name] = self.counts.get(name, 0) + number

    @property
    def p99(self) -> float:
        """The stop's 99th percentile: from the call to its return, which is after the commit."""
        ranked = sorted(self.stops)
        return ranked[min(len(ranked) - 1, len(ranked) * 99 // 100)]


async def run(url: str, *, races: int, seed: int, defect: str = "") -> Found:
    """Race on an empty, migrated database. No Redis and no chat exist anywhere in it."""
    await prepare(url)
    chance, found = Random(seed), Found()
    async with open_database(url, pool=4), players(url, defect=defect) as senders:
        life = build(Plan(url=url))
        for number in range(races):
            await _race(life, senders, chance, found, number)
    return found


async def _race(life: Life, senders: Any, chance: Random, found: Found, number: int) -> None:
    orders = await _queue(life)
    for sender in senders:
        sender.tell({"send": orders, "each": _EACH})
    await asyncio.sleep(chance.uniform(0, _WINDOW_SECONDS))
    began = time.monotonic_ns()
    control = await life.talk.change_control.stop(None)
    stopped = time.monotonic_ns()
    found.stops.append((stopped - began) / 1e9)
    problems = await _right_after(life, control.reason)
    attempts = await _attempts(senders)
    problems += [f"{id_} began after the stop" for id_, at in attempts if at > stopped]
    problems += await _in_the_end(life, orders, [id_ for id_, _ in attempts], found)
    found.violations += [f"race {number}: {problem}" for problem in problems]
    found.count("races")
    await _begin_anew(life)


async def next_candle(life: Life) -> list[UUID]:
    """Play until ideas wait for a person; those that do."""
    for _ in range(50):
        await life.world.market.advance(now, life.world.pace)
        await life.work.sync_broker()
        await life.work.run_cycle("EURUSD", life.world.market.recording.timeframe)
        async with life.world.store.begin() as tx:
            waiting = await tx.ideas.pending()
        if waiting:
            return list(waiting)
    raise AssertionError("no idea was made in 50 candles")


async def _queue(life: Life) -> list[str]:
    """Orders that people approved, none of which has left."""
    for idea_id in await next_candle(life):
        await life.talk.decide_idea(idea_id, Choice.APPROVE, person_id=PERSON, chat_id=PERSON)
    async with life.world.store.begin() as tx:
        return [order.client_id for order in await tx.orders.in_state(OrderState.INTENT)]


async def _right_after(life: Life, reason: str) -> list[str]:
    """What holds the moment the stop has returned."""
    async with life.world.store.begin() as tx:
        left = await tx.orders.in_state(OrderState.INTENT)
    problems = [f"{order.client_id} is still queued" for order in left]
    if reason != "stopped_by_person":
        problems.append(f"the stop says {reason}")
    return problems


async def _attempts(senders: "list[Player]") -> list[tuple[str, int]]:
    answers = [await sender.answer() for sender in senders]
    return [(id_, at) for answer in answers for id_, at in answer["began"]]


async def _in_the_end(
    life: Life, orders: list[str], attempts: list[str], found: Found
) -> list[str]:
    """What holds when every sender has come back."""
    problems = [f"{id_} was tried {attempts.count(id_)} times" for id_ in set(attempts)
                if attempts.count(id_) > 1]  # fmt: skip
    async with life.world.store.begin() as tx:
        control = await tx.controls.read()
        ended = [await tx.orders.get(id_) for id_ in orders]
        records = [d.entry for d in await tx.history.list(limit=40)]
    if control.state is not TradingState.EMERGENCY_STOP:
        problems.append(f"trading is {control.state}")
    for order in ended:
        found.count(f"orders {order.state}")
        if order.state is OrderState.CANCELLED and order.reason != "emergency_stop":
            problems.append(f"{order.client_id} was cancelled for {order.reason}, not by the stop")
        if order.state not in _ENDS:
            problems.append(f"{order.client_id} ended {order.state}")
        if (order.client_id in attempts) is not (order.state is OrderState.ACKED):
            problems.append(f"{order.client_id} is {order.state}, tried: {attempts}")
    # Newest first: what was written after the stop's own record.
    after = [str(entry.action) for entry in records][: _index(records)]
    if "order_sending" in after:
        problems.append("an order was released after the stop's record")
    return problems


def _index(records: list[Any]) -> int:
    actions = [str(entry.action) for entry in records]
    return actions.index("ai_halted") if "ai_halted" in actions else 0


async def _begin_anew(life: Life) -> None:
    """Trading runs, and the venue holds nothing."""
    await connections.get("default").execute_query(
        "UPDATE document SET document = document - 'positions' WHERE name LIKE 'paper:%'"
    )
    await life.talk.change_control.resume(None)


def main(arguments: list[str]) -> int:
    """``make chaos ARGS="kill-switch --races 500"``."""
    parser = argparse.ArgumentParser(prog="kill-switch", description=__doc__)
    parser.add_argument("--races", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.database() as url:
        found = asyncio.run(run(url, races=wanted.races, seed=wanted.seed))
    longest = max(found.stops)
    times = {"stop p99 (ms)": round(found.p99 * 1e3), "stop slowest (ms)": round(longest * 1e3)}
    return alone.report(found.counts | times, found.violations)
