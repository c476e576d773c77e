"""An exchange that is up."""

from collections.abc import AsyncIterator

import pytest

from tests.binance.rig import Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Bitcoin at 60,000, ten thousand dollars."""
    async with rigged() as made:
        yield made
