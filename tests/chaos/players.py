"""Processes that send and tap when they are told to, for races; one JSON line each way.

{"send": ["at-1"], "each": 2}          {"began": [["at-1", 123456789]]}
{"taps": [["<idea>", "approve", 1001, 0.1]]}  {"answers": [["<idea>", "approved", "Ann", true]]}
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from engine.domain.order import Fill, Order
from engine.domain.snapshot import Bundle
from engine.flow.approvals import Choice
from engine.flow.execution import SendOrder
from storage.database import open_database
from tests.chaos import harness
from tests.chaos.driver import Life, Plan, build

_CONNECTIONS = 8


@dataclass
class TimedBroker:
    """The venue, with the instant at which each attempt began: before anything is waited for, so
    while its sender still holds the trading state.
    """

    inner: Any
    began: list[tuple[str, int]]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def submit(self, order: Order) -> Fill:
        self.began.append((order.client_id, time.monotonic_ns()))
        fill: Fill = await self.inner.submit(order)
        return fill


class Unheld(SendOrder):
    """A seeded defect: the attempt begins without holding the trading state."""

    async def _begin(self, order: Order, bundle: Bundle) -> "asyncio.Task[Fill] | None":
        await asyncio.sleep(0.05)
        return asyncio.get_running_loop().create_task(self._submit(order))


def main() -> None:
    """Serve until standard input ends."""
    url, defect = sys.argv[1], sys.argv[2]
    asyncio.run(_serve(url, defect))


async def _serve(url: str, defect: str) -> None:
    async with open_database(url, pool=_CONNECTIONS):
        life = build(Plan(url=url))
        broker = TimedBroker(life.work.send_order.broker, [])
        kind = Unheld if defect == "unheld" else SendOrder
        parts = {field.name: getattr(life.work.send_order, field.name) for field in fields(kind)}
        send = kind(**(parts | {"broker": broker}))
        print(json.dumps({}), flush=True)
        while text := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await _one(json.loads(text), life, send, broker)), flush=True)


async def _one(
    told: dict[str, Any], life: Life, send: SendOrder, broker: TimedBroker
) -> dict[str, Any]:
    if "taps" in told:
        return {"answers": await asyncio.gather(*(_tap(life, *tap) for tap in told["taps"]))}
    broker.began.clear()
    await asyncio.gather(*(send(id_) for id_ in told["send"] for _ in range(told["each"])))
    return {"began": broker.began}


async def _tap(life: Life, idea: str, choice: str, person: int, delay: float) -> tuple[Any, ...]:
    await asyncio.sleep(delay)
    decided = await life.talk.decide_idea(
        UUID(hex=idea), Choice(choice), person_id=person, chat_id=person
    )
    approval = decided.approval
    return idea, str(approval.ending), approval.decided_name, decided.mine


@dataclass
class Player:
    """One such process, from the outside."""

    process: "subprocess.Popen[str]"

    def tell(self, told: dict[str, Any]) -> None:
        """Start something; it is not waited for."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()

    async def answer(self) -> dict[str, Any]:
        """What came of it."""
        assert self.process.stdout
        found: dict[str, Any] = json.loads(await asyncio.to_thread(self.process.stdout.readline))
        return found


def _start(url: str, defect: str) -> Player:
    return Player(
        subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.players", url, defect],
            cwd=harness.ROOT,
            env=harness.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )


@asynccontextmanager
async def players(url: str, *, count: int = 2, defect: str = "") -> AsyncIterator[Sequence[Player]]:
    """So many players, ready; they end with the block."""
    started = [_start(url, defect) for _ in range(count)]
    try:
        for player in started:
            assert await player.answer() == {}
        yield started
    finally:
        for player in started:
            player.process.communicate(timeout=30)


if __name__ == "__main__":
    main()
