"""The Expert Advisor, built once per run, and worlds for it."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mql5.build import SOURCE, build
from tests.mql5.world import World


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped source with sanitizers, built by the first process that needs it. Without a
    compiler this fails, it does not skip.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "ea-build"
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        try:
            build(SOURCE, folder).rename(folder / "ready")
        except Exception:
            (folder / "failed").touch()
            raise
    while not (folder / "ready").exists():
        assert not (folder / "failed").exists(), "the build failed in another process"
        time.sleep(0.1)
    return folder / "ready"


@pytest.fixture
def world(binary: Path, tmp_path: Path) -> Iterator[World]:
    """A world whose Expert Advisor is not started yet."""
    made = World(binary, tmp_path)
    yield made
    made.close()


@pytest.fixture
def started(world: World) -> World:
    """A world whose Expert Advisor is registered and has caught up."""
    world.start()
    world.run()
    return world


@pytest.fixture
def shifted(binary: Path, tmp_path: Path) -> Iterator[Callable[[float], World]]:
    """Worlds whose server's clock is so many seconds ahead."""
    made: list[World] = []

    def make(skew_s: float) -> World:
        made.append(World(binary, tmp_path, skew_s=skew_s))
        return made[-1]

    yield make
    for each in made:
        each.close()
