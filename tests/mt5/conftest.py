"""Connectors for tests: one that is up, and one that a test shapes itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.mt5.rig import Rig, rigged


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A connector over a hedging demo account."""
    async with rigged(tmp_path) as made:
        yield made


@pytest.fixture
async def netting(tmp_path: Path) -> AsyncIterator[Rig]:
    """A connector over an account with one position per symbol."""
    async with rigged(tmp_path, hedging=False) as made:
        yield made


@pytest.fixture
async def impatient(tmp_path: Path) -> AsyncIterator[Rig]:
    """A connector that answers before it ends a worker that hangs, as with the usual settings."""
    async with rigged(tmp_path, deadline_seconds=0.6, hang_seconds=1.6) as made:
        yield made
