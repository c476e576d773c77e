"""Backups taken under load, each restored and started: ``backups --backups 10 --seed 1``.

The demo trades as fast as it can while copies are taken at random instants, every other one at an
instant at which an order is on its way. Each copy is restored into a database of its own, once cut
off by SIGKILL and once to its end, and the whole product is started on it.
"""

import argparse
import asyncio
import json
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from engine.domain.state import Mode
from storage.embedded import embedded_servers
from storage.embedded import running_servers as servers_of
from tests.chaos import demo
from tests.chaos.alone import report
from tests.chaos.copies import Copy, Run, cut_off, restored
from tests.chaos.demo import Person
from tests.chaos.harness import command
from tests.chaos.product import started, until
from tests.chaos.servers import _looking, figures
from tests.conftest import running_servers

#: The records of the product before the first copy is taken.
WARM = 60
#: Tables to which a restore itself adds rows: the stop, its record, and who is told of it.
ADDED = {"decision_history", "outbox", "snapshot_bundle", "snapshot_part"}


def run(*, backups: int, seed: int, say: Any = print) -> Run:
    """Take so many copies under load, and restore each."""
    folder = Path(tempfile.mkdtemp(prefix="ait-"))
    folder.chmod(0o711)
    made = Run(Random(seed), folder)
    try:
        asyncio.run(demo._fill(folder / "home", Mode.AUTONOMOUS))
        _take_all(made, backups, say)
        asyncio.run(_compare_with_original(made))
        with running_servers(folder / "copies") as servers:
            for number, copy in enumerate(made.copies, 1):
                cut_off(made, servers, copy, number)
                restored(made, servers, copy, number, say)
    except Exception:
        for log in sorted(folder.glob("*.log")):
            say(f"{log.name}: {log.read_text()[-3000:]}", flush=True)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


def _take_all(made: Run, backups: int, say: Any) -> None:
    home, port = made.folder / "home", demo._free_port()
    person = Person(f"http://127.0.0.1:{port}", demo.Result())
    words = ("demo", "--home", str(home), "--port", str(port), "--pace", "0.05")
    with started(made.folder / "demo.log", *words) as process:
        demo._until_up(process, person)
        with _looking(person):
            until(lambda: asyncio.run(_records(made.folder / "home")) >= WARM, "a history", 120)
            for number in range(1, backups + 1):
                time.sleep(made.chance.uniform(1, 5))
                on_its_way = number % 2 == 0
                copy = asyncio.run(_take(made, process, number, on_its_way=on_its_way))
                made.copies.append(copy)
                rows = sum(copy.manifest["rows"].values())
                say(f"backup {number}: {rows} rows in {copy.seconds:.1f} s", flush=True)
    made.counts["taps under load"] = person.result.taps


async def _records(home: Path) -> int:
    found = servers_of(home)
    assert found is not None
    db = await asyncpg.connect(found.owner_url)
    try:
        seq: int = await db.fetchval("SELECT seq FROM history_head")
        return seq
    finally:
        await db.close()


async def _take(
    made: Run, process: "subprocess.Popen[bytes]", number: int, *, on_its_way: bool
) -> Copy:
    """``ai-trader backup`` beside the product, which is held when an order is seen on its way."""
    home, file = made.folder / "home", made.folder / f"{number}.backup"
    found = servers_of(home)
    assert found is not None
    if on_its_way:
        made.counts["backups with an order on its way"] += await _seen(found.owner_url)
        process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    try:
        done = await asyncio.to_thread(command, "backup", str(file), "--home", str(home))
    finally:
        process.send_signal(signal.SIGCONT)
    seconds = time.monotonic() - began
    made.took("backup", seconds)
    assert done.returncode == 0, done.stderr
    manifest = json.loads(file.with_name(f"{file.name}.json").read_text())
    return Copy(file=file, manifest=manifest, seconds=seconds)


async def _seen(url: str) -> bool:
    """Whether an order was seen that is decided and has no end yet."""
    db = await asyncpg.connect(url)
    try:
        last = time.monotonic() + 20
        while time.monotonic() < last:
            if await db.fetchval(
                "SELECT EXISTS (SELECT FROM trade_order WHERE state IN ('intent', 'sending'))"
            ):
                return True
            await asyncio.sleep(0.001)
        return False
    finally:
        await db.close()


async def _compare_with_original(made: Run) -> None:
    """The head in each manifest is what the product's own history says of that record."""
    async with embedded_servers(made.folder / "home", want_redis=False) as servers:
        db = await asyncpg.connect(servers.owner_url)
        for copy in made.copies:
            seq, known = copy.manifest["seq"], copy.manifest["hash"]
            told = await db.fetchval("SELECT hash FROM decision_history WHERE seq = $1", seq)
            # An empty history has a head and no record.
            made.must(
                told == known or seq == 0,
                f"{copy.file.name} has another record {seq} than the product",
            )
            counted = copy.manifest["rows"]["decision_history"]
            made.must(counted == seq, f"{copy.file.name}: {counted} records, the head is {seq}")
        made.counts["records of the product"] = await db.fetchval("SELECT seq FROM history_head")
        await db.close()


def main(arguments: list[str]) -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="backups", description=__doc__)
    parser.add_argument("--backups", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    made = run(backups=wanted.backups, seed=wanted.seed)
    counts: dict[str, object] = {"backups": len(made.copies), **made.counts}
    for what, taken in made.times.items():
        counts |= figures(what, taken)
    return report(counts, made.violations)
