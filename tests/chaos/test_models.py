"""A model that hangs for ever, and one that says no, beside a real worker; every way to fail:
``python -m tests.chaos models``.
"""

from pathlib import Path

from storage.embedded import Servers
from tests.chaos.model_faults import FAULTS
from tests.chaos.models import Bench, live


async def test_a_worker_trades_beside_a_model_that_fails(servers: Servers, tmp_path: Path) -> None:
    bench = Bench(servers, tmp_path, prefix="suite_models", bare=(20.0, 10.0, 10.0, 15.0))
    try:
        for name in ("hangs for ever", "401"):
            life = await live(bench, name, FAULTS[name], candles=3)
            assert life.violations == []
    finally:
        await bench.close()
