"""A database of a long run's own, and the table it ends with."""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from storage.migrate import migrate
from tests.conftest import ROLE, running_servers


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty, migrated database on servers that end with the block."""
    with both() as (url, _):
        yield url


@contextmanager
def both() -> Iterator[tuple[str, str]]:
    """The same, with the address of the schema's owner."""
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        Path(folder).chmod(0o711)
        with running_servers(Path(folder) / "home") as servers:
            asyncio.run(migrate(servers.owner_url, runtime_role=ROLE))
            yield servers.database_url, servers.owner_url


def report(counts: Mapping[str, object], violations: Sequence[str]) -> int:
    """Print what was counted and what was violated; the exit code."""
    for name, count in counts.items():
        print(f"  {name:<24}{count:>10}")
    print(f"  {'violations':<24}{len(violations):>10}")
    for violation in violations:
        print(f"  VIOLATION: {violation}")
    return 1 if violations else 0
