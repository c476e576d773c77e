"""Homes for real servers, removed with everything that was kept for them."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.embedded import embedded_servers, places


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own tmp_path is closed to all but us."""
    folder = Path(tempfile.mkdtemp(prefix="ait-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "STATE", open_folder / "state")  # never the machine's /var/lib
    return open_folder / "home"


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    """A home whose cluster exists: copied, it saves a second in every test that needs one."""
    folder = Path(tempfile.mkdtemp(prefix="ait-"))
    folder.chmod(0o711)

    async def make() -> None:
        async with embedded_servers(folder / "home", fsync=False, want_redis=False):
            pass

    asyncio.run(make())
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.fixture
def ready_home(home: Path, made_once: Path) -> Path:
    subprocess.run(["cp", "-a", made_once, home], check=True)  # with its owners
    return home


@pytest.fixture
def servers_uid() -> int:
    """Who the servers have to be: ourselves, or `nobody` when we are root."""
    return 65534 if os.geteuid() == 0 else os.geteuid()
