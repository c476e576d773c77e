"""Anchors of the history in a file beside the database: a JSON line each, only ever added to."""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import InvalidInput
from engine.ports import Anchor, Break, Fault
from engine.snapshot.canonical import canonical, plain, restore


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """The port ``Anchors``. A file that is not there holds no anchors."""

    path: Path

    async def read(self) -> tuple[Sequence[Anchor], Sequence[Fault]]:
        try:
            lines = (await asyncio.to_thread(self.path.read_bytes)).splitlines()
        except FileNotFoundError:
            return (), ()
        except OSError as error:
            return (), (Fault("anchor file", Break.ANCHOR, f"cannot be read: {error.strerror}"),)
        anchors, faults = [], []
        for number, line in enumerate(lines, 1):
            try:
                anchors.append(restore(Anchor, json.loads(line)))
            except (ValueError, RecursionError, InvalidInput):
                faults.append(
                    Fault(f"anchor file, line {number}", Break.ANCHOR, "is no anchor any more")
                )
        return anchors, faults

    async def add(self, anchor: Anchor) -> None:
        await asyncio.to_thread(self._write, canonical(plain(anchor)) + b"\n")

    def _write(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(file).st_size
            # A line that a crash cut short must not take the next one with it.
            if size and os.pread(file, 1, size - 1) != b"\n":
                line = b"\n" + line
            os.write(file, line)
            os.fsync(file)
        finally:
            os.close(file)
