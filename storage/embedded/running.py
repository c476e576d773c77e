"""Where the servers of a home answer while another process of ours runs them.

What lets ``ai-trader halt`` and ``ai-trader status`` reach a product that is running.
"""

import fcntl
import json
import os
from dataclasses import asdict
from pathlib import Path

from storage.embedded import Servers
from storage.embedded.ours import opened

_NAME = "servers.json"


def publish(home: Path, servers: Servers) -> None:
    """Write the addresses beside the lock, for nobody but us to read."""
    partial = home / f"{_NAME}.partial"
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(servers), file)
    partial.replace(home / _NAME)


def withdraw(home: Path) -> None:
    """Take the addresses away."""
    (home / _NAME).unlink(missing_ok=True)


def running(home: Path) -> Servers | None:
    """The servers of a home that somebody runs now; None when its lock is free."""
    try:
        lock = os.open(home / "servers.lock", os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None
    with opened(lock):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            return None
    try:
        return Servers(**json.loads((home / _NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
