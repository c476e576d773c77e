"""Homes for real servers, removed with everything that was kept for them."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.embedded import embedded_servers, places
from tests.folders import open_folder


@pytest.fixture(name="open_folder")
def _open_folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own tmp_path is closed to all but us."""
    with open_folder() as folder:
        yield folder


@pytest.fixture
def home(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "STATE", open_folder / "state")  # never the machine's /var/lib
    return open_folder / "home"


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    """A home whose cluster exists: copied, it saves a second in every test that needs one."""

    async def make(home: Path) -> None:
        async with embedded_servers(home, fsync=False, want_redis=False):
            pass

    with open_folder() as folder:
        asyncio.run(make(folder / "home"))
        yield folder / "home"


@pytest.fixture
def ready_home(home: Path, made_once: Path) -> Path:
    subprocess.run(["cp", "-a", made_once, home], check=True)  # with its owners
    return home


@pytest.fixture
def servers_uid() -> int:
    """Who the servers have to be: ourselves, or `nobody` when we are root."""
    return 65534 if os.geteuid() == 0 else os.geteuid()
