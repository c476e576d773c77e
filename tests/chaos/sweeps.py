"""A sweep over workers that are killed: ``sweeps --runs 64 --seed 1``.

The same sweep in three databases: by one worker, by two, and by three of which two are killed
(SIGKILL) on the way. The decisions of every run and the result must be the same in all of them.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import psutil

from storage.embedded import Servers, embedded_servers
from tests import histories
from tests.chaos import harness
from tests.chaos.alone import report

_ID = re.compile(r"sweep ([0-9a-f-]{36})")
_RESULT = re.compile(r"result ([0-9a-f]{64})")
_PATIENCE = 900.0
STRATEGY = "EMA trend"


async def run(servers: Servers, folder: Path, *, runs: int, seed: int) -> tuple[Any, list[str]]:
    """Figures, and what was violated."""
    results, counts = [], {}
    for name, jobs in (("one", 1), ("two", 2)):
        async with histories.scratch(servers, f"sweep_{name}") as (url, _):
            await histories.desk()
            began = time.monotonic()
            said = await asyncio.to_thread(_whole, url, folder, runs, jobs)
            counts[f"{name} at a time, seconds"] = round(time.monotonic() - began, 1)
            results.append(_result(said))
    async with histories.scratch(servers, "sweep_killed") as (url, _):
        await histories.desk()
        said, killed = await asyncio.to_thread(_killed, url, folder, runs, Random(seed))
        counts["workers killed"] = killed
        results.append(_result(said))
    one, two = counts["one at a time, seconds"], counts["two at a time, seconds"]
    counts["two times as fast as one"] = round(one / two, 2)
    violations = [f"no result: {said[-300:]}"] if None in results else []
    if len(set(results)) != 1:
        violations.append(f"the results differ: {results}")
    return counts, violations


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "bot", "sweep", *words]


def _start(runs: int, jobs: int) -> list[str]:
    return _command(
        "run", "--strategy", STRATEGY, "--most", str(runs), "--jobs", str(jobs), "--quiet-news"
    )


def _environ(url: str, folder: Path) -> dict[str, str]:
    return harness.environment(DATABASE_URL=url, AI_TRADER_HOME=str(folder / "home"))


def _whole(url: str, folder: Path, runs: int, jobs: int) -> str:
    done = subprocess.run(
        _start(runs, jobs), env=_environ(url, folder), cwd=harness.ROOT, capture_output=True,
        text=True, timeout=_PATIENCE, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def _killed(url: str, folder: Path, runs: int, chance: Random) -> tuple[str, int]:
    """Three workers; the first is killed soon, the second later, in the middle of a run each."""
    said = _whole(url, folder, runs, 0)
    found = _ID.search(said)
    assert found is not None, said
    workers = [
        psutil.Popen(
            _command("work", found[1], "--jobs", "1"), env=_environ(url, folder),
            cwd=harness.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for worker in workers[:2]:
        time.sleep(chance.uniform(6, 14))
        for child in worker.children(recursive=True):
            child.kill()
        worker.kill()
        worker.wait()
    last, _ = workers[2].communicate(timeout=_PATIENCE)
    return str(last), sum(worker.returncode == -9 for worker in workers[:2])


def _result(said: str) -> str | None:
    found = _RESULT.search(said)
    return None if found is None else found[1]


def main(arguments: list[str]) -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="sweeps", description=__doc__)
    parser.add_argument("--runs", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)

    async def whole(folder: Path) -> tuple[Any, list[str]]:
        async with embedded_servers(folder / "servers", want_redis=False) as servers:
            return await run(servers, folder, runs=wanted.runs, seed=wanted.seed)

    with tempfile.TemporaryDirectory(prefix="ait-") as made:
        Path(made).chmod(0o711)
        return report(*asyncio.run(whole(Path(made))))
