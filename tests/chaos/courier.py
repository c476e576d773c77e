"""A burst of alerts to many chats, with a Telegram that refuses or forgets to answer and a courier
that is killed: ``python -m tests.chaos courier --alerts 500 --chats 30 --kills 10``.
"""

import argparse
import asyncio
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from storage.database import open_database
from tests.chaos import alone
from tests.e2e.storm import Storm, everywhere, queue, storm, weather


@dataclass
class Found:
    """What the storm came to."""

    counts: dict[str, object] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


async def run(url: str, *, alerts: int, chats: int, kills: int, seed: int) -> Found:
    """Blow on an empty, migrated database."""
    chance, found = Random(seed), Found()
    async with open_database(url, pool=4), storm(url, chats=chats) as blown:
        began = monotonic()
        await queue(blown, alerts)
        for number in range(kills):
            for _ in range(4):
                weather(blown.sandbox, chance, blown.chats)
            if number % 4 == 3:
                everywhere(blown.sandbox, chats)
            await _life(blown, chance, alerts // (2 * kills))
        come = max(len(blown.texts(chat)) for chat in blown.chats)
        for chat in blown.chats:
            await blown.alert(chat, f"halt {chat}", halt=True)
        blown.start()
        await blown.settled(300)
        found.violations = [*blown.faults(), *blown.late_halts(come)]
        if blown.flood():
            found.violations.append(f"{blown.flood()} calls were faster than Telegram allows")
        found.violations += [str(breach) for breach in blown.sandbox.violations]
        calls = [call for call in blown.sandbox.calls if call["method"] != "getMe"]
        found.counts = {
            "alerts": alerts,
            "halts": chats,
            "chats": chats,
            "kills": blown.kills,
            "calls": len(calls),
            "refused by 429": sum(call.get("status") == 429 for call in calls),
            "looks for a message": sum("edit" in call["method"] for call in calls),
            "answers lost": sum(call.get("status") is None for call in calls),
            "seconds": round(monotonic() - began),
        }
    return found


async def _life(blown: Storm, chance: Random, rows: int) -> None:
    """One courier's life, until it has settled some rows or a few seconds went by."""
    before = await blown.waiting()
    blown.start()
    ends = monotonic() + 8
    while monotonic() < ends and await blown.waiting() > before - rows:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await asyncio.sleep(chance.uniform(0, 0.3))
    blown.kill()


def main(arguments: list[str]) -> int:
    """Blow on servers of its own; 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos courier", description=__doc__)
    parser.add_argument("--alerts", type=int, default=500)
    parser.add_argument("--chats", type=int, default=30)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.database() as url:
        found = asyncio.run(
            run(
                url,
                alerts=wanted.alerts,
                chats=wanted.chats,
                kills=wanted.kills,
                seed=wanted.seed,
            )
        )
    return alone.report(found.counts, found.violations)
