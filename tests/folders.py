"""Folders for the servers of the tests, which may enter them whoever they run as."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Memory that looks like a disk. A database is 700 small files, and most tests have one.
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder until the block ends: in memory where there is room for every worker, unless
    ``TMPDIR`` says where temporary files go.
    """
    where = _where()
    if where is not None:
        _clear(where)
    with tempfile.TemporaryDirectory(prefix=f"ait-{os.getpid()}-", dir=where) as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root the servers run as nobody
        yield folder


def _where() -> Path | None:
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK | os.X_OK):
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ROOM else None


def _clear(where: Path) -> None:
    """What a run that was killed left in memory: 85 MB each."""
    for left in where.glob("ait-*-*"):
        owner = left.name.split("-")[1]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(left, ignore_errors=True)
