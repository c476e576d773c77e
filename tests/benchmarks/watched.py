"""A command of the product with its event loop watched: ``python -m tests.benchmarks.watched FILE
api``.

Every ten milliseconds a timer of its loop is due; how late it is, with the wall's time, is written
to the file, a line each. The command is the real one.
"""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from time import time
from typing import Any

from bot import processes
from bot.__main__ import app

EVERY = 0.01
_LINES = 100


async def _watch(file: Path) -> None:
    loop = asyncio.get_running_loop()
    with file.open("w") as out:
        while True:
            for _ in range(_LINES):
                due = loop.time() + EVERY
                await asyncio.sleep(EVERY)
                out.write(f"{time():.3f} {max(0.0, loop.time() - due):.6f}\n")
            out.flush()


def main(file: Path, words: list[str]) -> None:
    """Run the command until it is told to stop."""
    stopped = processes.until_stopped

    async def beside(work: Coroutine[Any, Any, None]) -> None:
        watching = asyncio.ensure_future(_watch(file))
        try:
            await stopped(work)
        finally:
            watching.cancel()

    processes.until_stopped = beside  # read by each command as it begins
    app(words)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
