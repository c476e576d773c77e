"""``make bench``: run the benchmarks on a throw-away server; nothing is asserted.

All of them, or one by its name with its own options: ``make bench ARGS="history --rows 100000"``.
Figures are from this machine in this run; only the ratios mean something elsewhere.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from storage.embedded import embedded_servers

NAMES = (
    "indicators",
    "forest",
    "pure",
    "flow",
    "history",
    "history-pages",
    "ask",
    "first-words",
    "bundles",
    "replay",
    "cycle",
    "cycle-model",
    "courier",
    "charts",
    "tap",
    "api",
    "api-load",
    "ea",
    "ea-fleet",
    "feeds",
    "ingest",
    "backfill",
    "reconcile",
    "lost-answers",
    "backtest",
    "sweep",
)


async def main(folder: Path, names: Sequence[str], arguments: Sequence[str]) -> None:
    """Each in a database of its own; the server waits for its disk as a real one does."""
    async with embedded_servers(folder / "home", want_redis=False) as servers:
        for name in names:
            module = import_module(f"tests.benchmarks.{name.replace('-', '_')}")
            await module.run(servers, arguments)


if __name__ == "__main__":
    chosen, options = tuple(sys.argv[1:2]), sys.argv[2:]
    if chosen and chosen[0] not in NAMES:
        sys.exit(f"there is no benchmark {chosen[0]}; there are: {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(prefix="ait-") as made:
        Path(made).chmod(0o711)  # as root the servers run as nobody, who must get in
        asyncio.run(main(Path(made), chosen or NAMES, options))
