"""Run lives of the driver and check the books: for the suite, and for the long runs."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.exits import SETTLE_SECONDS
from tests.chaos.traps import AUTONOMOUS, EXIT_RECOVERY, PLACEMENT, RECOVERY

ROOT = Path(__file__).parents[2]
#: What a death must have left behind for a place of the recovery to be reached.
_BEFORE = {
    **{place: "submit:before" for place in RECOVERY if place != "verified"},
    **dict.fromkeys(EXIT_RECOVERY, "close:before"),
}


def environment(**more: str) -> dict[str, str]:
    """Our environment without what would lead a process to somebody's real servers."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.split("_")[0] not in ("DATABASE", "REDIS", "TELEGRAM", "APP", "MARKET", "PAPER")
    }
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@dataclass
class Zygote:
    """The process that forks lives; see ``tests.chaos.zygote``."""

    process: "subprocess.Popen[str]"
    ends: Counter[str] = field(default_factory=Counter)

    def prepare(self, url: str, ways: Sequence[str] = ("buy", "sell")) -> None:
        """Fill an empty database."""
        self._ask({"prepare": url, "ways": list(ways), "limit": 20})

    def life(self, plan: dict[str, Any], **how: Any) -> str:
        """One life; how it ended."""
        ended = str(self._ask({"plan": plan, **how})["ended"])
        self.ends[ended] += 1
        return ended

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def zygote(module: str = "tests.chaos.zygote") -> Iterator[Zygote]:
    """A zygote for the length of the block; its children die with it."""
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Zygote(process)
    finally:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def at(zygote_: Zygote, plan: dict[str, Any], place: str, nth: int = 1) -> str:
    """Die at a named place, with what has to happen before it; ``trapped`` when it was reached."""
    mode = "autonomous" if place in AUTONOMOUS else plan.get("mode", "supervised")
    plan = {**plan, "mode": mode}
    if place in _BEFORE:
        zygote_.life({**plan, "place": _BEFORE[place]}, limit=10)
        # Whoever looks sooner finds it under way yet, and leaves it to the next look.
        time.sleep(SETTLE_SECONDS)
    return zygote_.life({**plan, "place": place, "nth": nth}, limit=40)


def randomly(
    zygote_: Zygote, plan: dict[str, Any], chance: Random, *,
    longest: float = 0.4, white_box: float = 0.0,
) -> str:  # fmt: skip
    """Die at a random instant; 30 % of the deaths fall into the start and the recovery.

    ``white_box`` is the share that is aimed at a window of a placement instead; one that is not
    reached in time is a death at a random instant.
    """
    plan = {
        **plan,
        "seed": chance.randrange(10**6),
        "mode": "autonomous" if chance.random() < 0.2 else "supervised",
    }
    # On a machine that others use as well, the same life takes longer.
    slow = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    if white_box and chance.random() < white_box:
        aimed = {**plan, "place": chance.choice(PLACEMENT)}
        return zygote_.life(aimed, kill_after=3 * longest * slow, limit=30)
    if chance.random() < 0.3:
        after = chance.uniform(0.02, 0.2) * slow
        return zygote_.life(plan, kill_after=after, from_boot=True, limit=30)
    return zygote_.life(plan, kill_after=chance.uniform(0.0, longest) * slow, limit=30)


def settle(zygote_: Zygote, plan: dict[str, Any]) -> str:
    """A life that is not killed and brings everything to an end."""
    return zygote_.life({**plan, "settle": True, "place": None}, limit=120)


def command(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A command of the product, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=ROOT,
        env=environment(**environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def history_faults(database_url: str) -> Sequence[str]:
    """What ``ai-trader verify`` and ``ai-trader replay --all`` complain of."""
    faults = []
    for words in (("verify",), ("replay", "--all")):
        done = command(*words, DATABASE_URL=database_url)
        if done.returncode != 0:
            faults.append(f"{' '.join(words)}: {done.stdout[-400:]}{done.stderr[-400:]}")
    return faults
