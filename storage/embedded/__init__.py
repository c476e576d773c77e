"""A real PostgreSQL and a real Redis as children of ours, on private unix sockets.

For whoever has set no DATABASE_URL or REDIS_URL. They use the system's programs, else those of
our wheels, and die with us however we die.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from storage.embedded.errors import EmbeddedServerError

__all__ = [
    "EmbeddedServerError",
    "Servers",
    "data_folder",
    "embedded_servers",
    "has_database",
    "remove_data",
    "running_servers",
]

Source = Literal["system", "wheel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where the servers answer; the URL of one that was not wanted is empty."""

    database_url: str  # the run-time role: no superuser, owns nothing
    owner_url: str  # owns the schema and runs migrations
    redis_url: str
    describe: str  # which programs they are, for people


@asynccontextmanager
async def embedded_servers(
    home: Path,
    *,
    fsync: bool = True,  # off only in tests: a power cut would lose data
    want_postgres: bool = True,
    want_redis: bool = True,
    prefer: Source | None = None,  # only this source; None: the system's, else the wheel's
) -> AsyncIterator[Servers]:
    """Run the servers of this home folder for as long as the block runs."""
    if sys.platform == "win32":
        raise EmbeddedServerError("On Windows set DATABASE_URL and REDIS_URL.")
    # Here, not above: it needs modules that Windows does not have.
    from storage.embedded.runner import Runner

    runner = Runner(home, fsync=fsync, postgres=want_postgres, redis=want_redis, prefer=prefer)
    try:
        yield await asyncio.to_thread(runner.open)
    finally:
        await _to_the_end(asyncio.get_running_loop().run_in_executor(None, runner.close))


async def _to_the_end(work: asyncio.Future[None]) -> None:
    """Wait even when cancelled: a server left half stopped would meet the next start."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    work.result()
    if cancelled is not None:
        raise cancelled


def data_folder(home: Path) -> Path:
    """Where the servers' data of this home is: inside it, or for root perhaps in /var/lib."""
    from storage.embedded.places import data_folder as find

    return find(home)


def has_database(home: Path) -> bool:
    """Whether a database was ever made for this home; to ask makes none."""
    return any(data_folder(home).glob("postgres-*/PG_VERSION"))


def remove_data(home: Path) -> None:
    """Delete the servers' data of this home; refused while they run."""
    from storage.embedded.places import remove_data as remove

    remove(home)


def running_servers(home: Path) -> Servers | None:
    """The servers of this home while another process runs them; None when nobody does."""
    if sys.platform == "win32":
        return None
    from storage.embedded.running import running

    return running(home)
