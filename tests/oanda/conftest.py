"""What every test here starts from."""

from collections.abc import AsyncIterator

import pytest

from tests.oanda.rig import Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A stand-in with the euro at 1.1000, ten thousand dollars."""
    async with rigged() as made:
        yield made
