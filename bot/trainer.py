"""Grow trees in a process of its own: what that needs in memory and time is gone when it ends.

Rows go in as arrays, the trees come back as bytes and the report as JSON; nothing is pickled.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np

from engine.domain.model import Report, Wish
from engine.errors import FeedError
from engine.research.dataset import Dataset
from engine.research.training import Trained
from engine.snapshot.canonical import digest, plain, restore

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)


async def train_apart(given: Dataset, wish: Wish, told: Callable[[int], None]) -> Trained:
    """The port ``Trainer``: a child process, which dies with whoever waits for it."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.trainer_child", stdin=PIPE, stdout=PIPE
    )
    try:
        return await _talk(child, packed(given, wish), told)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _talk(child: Process, data: bytes, told: Callable[[int], None]) -> Trained:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(data)
        child.stdin.write_eof()
        await child.stdin.drain()
    except OSError as error:
        raise _died(child) from error
    while line := await child.stdout.readline():
        said = json.loads(line)
        if "percent" in said:
            told(said["percent"])
            continue
        try:
            body = await child.stdout.readexactly(said["bytes"])
        except asyncio.IncompleteReadError as error:
            raise _died(child) from error
        return Trained(restore(Report, said["report"]), body, digest(body))
    raise _died(child)


def _died(child: Process) -> FeedError:
    return FeedError(
        "the process that trains ended before it was done: the log says why; it may lack memory"
    )


def packed(given: Dataset, wish: Wish) -> bytes:
    """A training's input as bytes; :func:`unpacked` reads them."""
    file = BytesIO()
    np.savez(
        file,
        rows=given.rows,
        labels=given.labels,
        times=np.array([(time - _EPOCH) // _STEP for time in given.times], dtype=np.int64),
        wish=np.frombuffer(json.dumps(plain(wish)).encode(), dtype=np.uint8),
    )
    return file.getvalue()


def unpacked(data: bytes) -> tuple[Dataset, Wish]:
    """The inverse of :func:`packed`."""
    with np.load(BytesIO(data), allow_pickle=False) as file:
        wish: dict[str, Any] = json.loads(file["wish"].tobytes())
        times = tuple(_EPOCH + int(each) * _STEP for each in file["times"])
        return Dataset(file["rows"], file["labels"], times), restore(Wish, wish)
