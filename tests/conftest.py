"""Fixtures for everyone: a real PostgreSQL, and a migrated database of one's own per test."""

import asyncio
import gc
import itertools
import ssl
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import asyncpg
import pytest
from hypothesis import settings

from storage.database import open_database
from storage.embedded import Servers, embedded_servers
from storage.migrate import migrate
from tests.folders import open_folder

# A property is judged by what it finds, never by how busy the machine is; and the same examples
# every time, so that a suite that passed passes again. ``--hypothesis-profile=search`` looks on.
settings.register_profile("search", deadline=None, max_examples=1_000)
settings.register_profile("suite", deadline=None, derandomize=True, database=None)
settings.load_profile("suite")

# Ten thousand tests and their modules are many objects, none of which will ever be garbage: to look
# through them again and again took half of what some tests take.
gc.set_threshold(50_000, 20, 20)

ROLE = "ai_trader"
_TEMPLATE = "template_ai_trader"
_numbers = itertools.count(1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is there before the first test stays: nobody looks through it for garbage."""
    gc.disable()
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


_context = ssl.create_default_context


@cache
def _trusting(cafile: str) -> ssl.SSLContext:
    return _context(cafile=cafile)


def _read_once(*purpose: Any, **given: Any) -> ssl.SSLContext:
    is_plain = not purpose and set(given) == {"cafile"}
    return _trusting(**given) if is_plain else _context(*purpose, **given)


@pytest.fixture(scope="session", autouse=True)
def _certificates() -> Iterator[None]:
    """Every client of every test would read the same hundreds of certificates again, 20 ms each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", _read_once)
        yield


@contextmanager
def running_servers(home: Path) -> Iterator[Servers]:
    """Servers kept by a thread with a loop of its own, so that every test's loop may use them."""
    started: Queue[Servers | BaseException] = Queue()
    stop = Event()

    async def keep() -> None:
        try:
            async with embedded_servers(home, fsync=False) as servers:
                started.put(servers)
                await asyncio.to_thread(stop.wait)
        except BaseException as error:
            started.put(error)
            raise

    thread = Thread(target=lambda: asyncio.run(keep()), daemon=True)
    thread.start()
    found = started.get()
    if isinstance(found, BaseException):
        raise found
    try:
        yield found
    finally:
        stop.set()
        thread.join(30)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """One PostgreSQL and one Redis for the whole run, with a migrated template database."""
    with open_folder() as folder, running_servers(folder / "home") as found:
        asyncio.run(_make_template(found))
        yield found


async def _make_template(found: Servers) -> None:
    owner = await asyncpg.connect(found.owner_url)
    await owner.execute(f"CREATE DATABASE {_TEMPLATE}")
    await owner.close()
    await migrate(_named(found.owner_url, _TEMPLATE), runtime_role=ROLE)


def _named(url: str, name: str) -> str:
    return url.replace("/ai_trader?", f"/{name}?")


@dataclass(frozen=True)
class Database:
    """A database of one test: the run-time role's address and the owner's."""

    url: str
    owner_url: str


@pytest.fixture
def template() -> str:
    """What a test's database is a copy of: tables without rows, unless a folder has another."""
    return _TEMPLATE


@pytest.fixture
async def database(
    servers: Servers, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Database]:
    """A fresh, migrated database, and a home folder for its anchors."""
    monkeypatch.setenv("AI_TRADER_HOME", str(tmp_path / "home"))
    name = f"t{next(_numbers)}"
    owner = await asyncpg.connect(servers.owner_url)
    # Copied as files: through the log it takes three times as long.
    how = "STRATEGY FILE_COPY" if owner.get_server_version().major >= 15 else ""
    await owner.execute(f"CREATE DATABASE {name} TEMPLATE {template} {how}")
    yield Database(_named(servers.database_url, name), _named(servers.owner_url, name))
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()


@pytest.fixture
async def opened(database: Database) -> AsyncIterator[Database]:
    """The same with Tortoise connected to it."""
    async with open_database(database.url):
        yield database
