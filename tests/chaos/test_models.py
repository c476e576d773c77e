"""A model that hangs for ever beside a real worker; every other way to fail:
``python -m tests.chaos models``.
"""

from pathlib import Path

import pytest

from storage.embedded import Servers
from tests.chaos.model_faults import FAULTS
from tests.chaos.models import Bench, live
from tests.conftest import _TEMPLATE


@pytest.mark.timeout(180)
async def test_a_worker_trades_beside_a_model_that_hangs(servers: Servers, tmp_path: Path) -> None:
    # A machine that others use as well takes its time to start.
    bench = Bench(
        servers, tmp_path, prefix="suite_models", template=_TEMPLATE, bare=(20.0, 10.0, 10.0, 10.0)
    )
    try:
        life = await live(bench, "hangs for ever", FAULTS["hangs for ever"], candles=3)
    finally:
        await bench.close()
    assert life.violations == []
    assert life.ideas >= 3
