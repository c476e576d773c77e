"""The Expert Advisor, built once per run, and worlds for it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mql5.build import SOURCE, build
from tests.mql5.world import World


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped source with sanitizers; without a compiler this fails, it does not skip."""
    return build(SOURCE, tmp_path_factory.mktemp("ea"))


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
