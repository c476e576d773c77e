"""SIGTERM under load, again and again: ``stops --stops 20 --seed 1``.

The whole product with its servers trades as fast as it can; it is told to stop at a random instant
and has to be gone within ten seconds, with nothing lost, and to be ready again when it is started.
"""

import argparse
import asyncio
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from engine.domain.state import Mode
from tests.chaos import demo
from tests.chaos.alone import report
from tests.chaos.demo import Person
from tests.chaos.product import answers, started, until
from tests.chaos.servers import _looking, figures

LIMIT = 10.0
#: What does not end within this is killed.
_PATIENCE = 60.0


@dataclass
class Run:
    """What a run saw; times are in seconds."""

    chance: Random
    counts: Counter[str] = field(default_factory=Counter)
    ended: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def run(*, stops: int, seed: int, settle: float = 15.0, say: Any = print) -> Run:
    """Stop so many times, let it settle, and check everything."""
    folder = Path(tempfile.mkdtemp(prefix="ait-"))
    folder.chmod(0o711)
    made, home = Run(Random(seed)), folder / "home"
    port = demo._free_port()
    person = Person(f"http://127.0.0.1:{port}", demo.Result())
    try:
        asyncio.run(demo._fill(home, Mode.AUTONOMOUS))
        for number in range(1, stops + 1):
            _one_life(made, folder, port, person)
            say(
                f"stop {number}/{stops}: ready after {made.ready[-1]:.1f} s,"
                f" ended after {made.ended[-1]:.1f} s", flush=True,
            )  # fmt: skip
        _errors(made, folder / "up.log")
        demo._last_life(home, port, person, settle)
        asyncio.run(demo._check(home, person.result))
    except Exception:
        for log in sorted(folder.glob("*.log")):
            say(f"{log.name}: {log.read_text()[-3000:]}", flush=True)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    made.violations += person.result.violations
    assert person.result.books is not None
    made.counts.update(person.result.books.counts)
    return made


def _one_life(made: Run, folder: Path, port: int, person: Person) -> None:
    api = demo._free_port()
    environ = {
        "AI_TRADER_HOME": str(folder / "home"),
        "CHAT_PORT": str(port),
        "API_PORT": str(api),
        "MARKET_PACE_SECONDS": "0.05",
    }
    began = time.monotonic()
    with started(folder / "up.log", "up", **environ) as process:
        until(lambda: answers(api, "/ready") == 200, "a product that is ready", 180)
        made.ready.append(time.monotonic() - began)
        person.again()
        with _looking(person):
            time.sleep(made.chance.uniform(0.5, 6))
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                made.violations.append(f"SIGTERM did not end it within {_PATIENCE:.0f} s")
        made.ended.append(time.monotonic() - began)
    if process.returncode:
        made.violations.append(f"it ended with {process.returncode}")
    if made.ended[-1] > LIMIT:
        made.counts[f"ended later than {LIMIT:.0f} s"] += 1


def _errors(made: Run, log: Path) -> None:
    """What the product itself called an error, with what follows it: a stop is none."""
    for told in re.split(r"^(?=\d{4}-\d\d-\d\d )", log.read_text(), flags=re.MULTILINE):
        if " ERROR " in told.partition("\n")[0]:
            made.counts["errors in the log"] += 1
            made.violations.append(told if len(told) < 2_000 else told[:1_000] + told[-1_000:])


def main(arguments: list[str]) -> int:
    """Run, print a table, and answer 1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="stops", description=__doc__)
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    made = run(stops=wanted.stops, seed=wanted.seed)
    late = sum(seconds > LIMIT for seconds in made.ended)
    counts = {
        "stops": len(made.ended),
        **made.counts,
        f"ended later than {LIMIT:.0f} s": late,
        **figures("ended", made.ended),
        **figures("ready", made.ready),
    }
    return report(counts, [*made.violations, *(["a stop took too long"] * late)])
