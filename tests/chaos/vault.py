"""Rotation of the vault's keys under SIGKILL, and a million nonces:
``python -m tests.chaos vault --rows 10000 --kills 50``.
"""

import argparse
import asyncio
import signal
import sys
from base64 import b64decode
from dataclasses import dataclass, field
from random import Random
from time import monotonic

import asyncpg

from engine.domain.secret import Secret
from engine.errors import SecretUnreadable
from storage.database import open_database
from storage.rotation import count_by_key, rotate
from storage.sealing import NONCE, KeyRing, new_key_line, read_keys
from storage.secrets import place_of
from tests.chaos import alone
from tests.chaos.harness import ROOT, environment

_PAUSE = 0.02


@dataclass
class Found:
    """What it came to."""

    counts: dict[str, object] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


def _name(number: int) -> str:
    return f"row/{number:06}"


async def fill(url: str, rows: int, keys: KeyRing) -> None:
    """So many secrets, under the last key."""
    old = KeyRing(keys.keys[1:])
    connection = await asyncpg.connect(url)
    try:
        await connection.executemany(
            "INSERT INTO secret (name, value) VALUES ($1, $2)",
            [
                (_name(number), old.seal(Secret(f"value-{number}"), place_of(_name(number))))
                for number in range(rows)
            ],
        )
    finally:
        await connection.close()


async def readable(url: str, rows: int, keys: KeyRing) -> list[str]:
    """What does not open, or opens to something else."""
    connection = await asyncpg.connect(url)
    try:
        found = dict(await connection.fetch("SELECT name, value FROM secret"))
    finally:
        await connection.close()
    wrong = [] if len(found) == rows else [f"{len(found)} rows, not {rows}"]
    for number in range(rows):
        try:
            value = keys.open(found[_name(number)], place_of(_name(number))).reveal()
        except (KeyError, SecretUnreadable) as error:
            wrong.append(f"{_name(number)}: {error}")
            continue
        if value != f"value-{number}":
            wrong.append(f"{_name(number)} is the value of another row")
    return wrong


async def _kill_once(url: str, text: str, delay: float) -> bool:
    """A process that rotates, killed when it has worked for a moment; False when it was done."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "tests.chaos.vault", url, text,
        cwd=ROOT, env=environment(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout
    await process.stdout.readline()
    try:
        await asyncio.wait_for(process.wait(), delay)
    except TimeoutError:
        process.send_signal(signal.SIGKILL)
        await process.wait()
        return True
    return False


async def run(url: str, *, rows: int, kills: int, seed: int) -> Found:
    """Kill on an empty, migrated database. Every kill leaves everything readable, and the rotation
    that is let alone at the end leaves nothing under the old key.
    """
    chance, began, found = Random(seed), monotonic(), Found()
    text = f"{new_key_line('new')},{new_key_line('old')}"
    keys = KeyRing(read_keys(text, "keys"))
    await fill(url, rows, keys)
    killed, moved, finished = 0, [], 0
    async with open_database(url, pool=2):
        while killed < kills:
            before = (await count_by_key()).get("new", 0)
            if before == rows:
                # Back to the old key, so that the next one too is killed at work.
                await rotate(KeyRing(keys.keys[::-1]))
                finished += 1
                continue
            share = chance.uniform(0.2, 1.8) * rows / max(kills, 1) / 500
            killed += await _kill_once(url, text, _PAUSE + share)
            moved.append((await count_by_key()).get("new", 0) - before)
            if killed % 10 == 0:
                found.violations += await readable(url, rows, keys)
        done = await rotate(keys)
        left = (await count_by_key()).get("old", 0)
    found.violations += await readable(url, rows, KeyRing(keys.keys[:1]))
    found.violations += [f"{name} is not readable" for name in done.unreadable]
    if left:
        found.violations.append(f"{left} rows are under the old key")
    found.counts = {
        "rows": rows,
        "kills": killed,
        "kills at work": sum(count > 0 for count in moved),
        "rounds begun anew": finished,
        "moved by the last run": done.done,
        "readable at the end": rows - len(found.violations),
        "seconds": round(monotonic() - began),
    }
    return found


def nonces(count: int) -> int:
    """How many different nonces so many sealed values have."""
    keys = KeyRing(read_keys(new_key_line("k"), "keys"))
    place, value = place_of("x"), Secret("x")
    return len({b64decode(keys.seal(value, place)[2:])[:NONCE] for _ in range(count)})


async def _rotate_alone(url: str, text: str) -> None:
    async with open_database(url, pool=1):
        print("ready", flush=True)
        await rotate(KeyRing(read_keys(text, "keys")))


def main(arguments: list[str]) -> int:
    """Kill on servers of its own; 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos vault", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--nonces", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.database() as url:
        found = asyncio.run(run(url, rows=wanted.rows, kills=wanted.kills, seed=wanted.seed))
    found.counts["nonces"] = wanted.nonces
    found.counts["different nonces"] = different = nonces(wanted.nonces)
    if different != wanted.nonces:
        found.violations.append(f"{wanted.nonces - different} nonces came twice")
    return alone.report(found.counts, found.violations)


if __name__ == "__main__":
    asyncio.run(_rotate_alone(*sys.argv[1:]))
