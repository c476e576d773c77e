"""The product as a person runs it, in processes of its own, for runs that need more than a demo."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from tests.chaos.harness import ROOT, environment

_Found = TypeVar("_Found")


@contextmanager
def started(log: Path, *words: str, **environ: str) -> "Iterator[subprocess.Popen[bytes]]":
    """``ai-trader`` with these words; killed at the end if it still runs."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", *words],
            cwd=ROOT,
            env=environment(**environ),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def until(look: Callable[[], _Found], what: str, seconds: float = 60.0) -> _Found:
    """The first answer of a look that is not empty; raises when there is none in time."""
    last = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > last:
            raise RuntimeError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)
    return found


def answers(port: int, path: str) -> int:
    """The status of the API's answer on this machine; 0 when nothing answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with suppress(OSError):
            refusal.close()
        return refusal.code
    except OSError:
        return 0
