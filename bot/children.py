"""A process of its own for heavy work: what it needs in memory and time is gone when it ends, and
one that fills the memory takes nothing else with it.

Arrays and a JSON document go in on its standard input; lines of JSON come back. A line may announce
``bytes``, names and lengths of what follows it at once. Nothing is pickled.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from engine.errors import FeedError

#: Trading on the same machine goes first.
_NICE = 10
#: numpy's, by name.
Arrays = dict[str, Any]


def packed(document: Any, arrays: Arrays) -> bytes:
    """What a child needs, as bytes; :func:`unpacked` reads them."""
    file = BytesIO()
    text = np.frombuffer(json.dumps(document).encode(), dtype=np.uint8)
    np.savez(file, document=text, **arrays)
    return file.getvalue()


def unpacked(data: bytes) -> tuple[Any, Arrays]:
    """The inverse of :func:`packed`."""
    with np.load(BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "document"}
        return json.loads(file["document"].tobytes()), arrays


@dataclass(frozen=True, eq=False)
class Child:
    """A process at work."""

    process: Process

    async def told(self) -> dict[str, Any] | None:
        """The next line; None when it has said all. May be given up while it waits."""
        assert self.process.stdout is not None
        line = await self.process.stdout.readline()
        found: dict[str, Any] | None = json.loads(line) if line else None
        return found

    async def bodies(self, told: Mapping[str, Any]) -> dict[str, bytes]:
        """What a line announced. Raises :class:`FeedError` when the process died before."""
        assert self.process.stdout is not None
        try:
            return {
                name: await self.process.stdout.readexactly(count)
                for name, count in told["bytes"].items()
            }
        except asyncio.IncompleteReadError as error:
            raise died() from error

    def ask_to_end(self) -> None:
        """It says what it did until then, and ends."""
        with suppress(ProcessLookupError):
            self.process.terminate()


@asynccontextmanager
async def child(module: str, data: bytes) -> AsyncIterator[Child]:
    """Start a module with its input; it dies with whoever waits for it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=PIPE, stdout=PIPE
    )
    try:
        assert process.stdin is not None
        try:
            process.stdin.write(data)
            process.stdin.write_eof()
            await process.stdin.drain()
        except OSError as error:
            raise died() from error
        yield Child(process)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()


def died() -> FeedError:
    """What is said of a process that ended without its result."""
    return FeedError("the process ended before it was done: the log says why; it may lack memory")


def given() -> tuple[Any, Arrays]:
    """In the child: step back, and read the input."""
    os.nice(_NICE)
    return unpacked(sys.stdin.buffer.read())


def tell(document: Mapping[str, Any], **bodies: bytes) -> None:
    """In the child: say a line, and what it announces."""
    if bodies:
        document = {**document, "bytes": {name: len(body) for name, body in bodies.items()}}
    sys.stdout.buffer.write(json.dumps(document).encode() + b"\n")
    for body in bodies.values():
        sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()
