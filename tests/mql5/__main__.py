"""The long run: ``python -m tests.mql5 --full``; without it, a tenth. Prints a table.

``--real --commands 200 --seed N`` is the run against the real endpoint and PostgreSQL.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from storage.migrate import migrate
from tests.chaos.alone import report
from tests.conftest import ROLE, running_servers
from tests.mql5.build import SOURCE, build
from tests.mql5.mutants import MUTANTS, plant, survives
from tests.mql5.real.storm import real_storm
from tests.mql5.storm import storm
from tests.mql5.world import World


def _storms(
    binary: Path, home: Path, seeds: range, commands: int
) -> tuple[Counter[str], list[str]]:
    counts: Counter[str] = Counter()
    violations: list[str] = []
    for seed in seeds:
        folder = home / f"storm-{seed}"
        folder.mkdir()
        found = storm(binary, folder, seed=seed, commands=commands)
        counts += found.counts
        violations += [f"seed {seed}: {text}" for text in found.violations]
    return counts, violations


def _restarts(binary: Path, home: Path, restarts: int) -> list[str]:
    """Restarts while the server forgets every result and offers everything again."""
    (home / "restarts").mkdir()
    world = World(binary, home / "restarts")
    names = [world.open(expires_s=1_000_000) for _ in range(8)]
    try:
        for _ in range(restarts):
            world.start()
            world.run(6)
            for name in names:
                world.server.commands[name].result = None
                world.server.commands[name].lease_ms = 0
        world.run(20)
        return [
            f"{name}: {world.server.outcome(name)}, {world.dealt(name)} deals"
            for name in names
            if (world.server.outcome(name), world.dealt(name)) != ("done", 1)
        ]
    finally:
        world.close()


def _mutants(home: Path) -> list[str]:
    """The names of planted mistakes that their tests let pass."""
    binary = plant(MUTANTS, home / "mutants")
    missed = []
    for number, mutant in enumerate(MUTANTS, 1):
        folder = home / f"mutant-{number}"
        folder.mkdir()
        if survives(binary, folder, number, mutant):
            missed.append(f"not noticed: {mutant.name}")
    return missed


def _real(seed: int, commands: int) -> int:
    """One storm on the real endpoint; 1 when anything was violated."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        (home / "build").mkdir()
        binary = build(SOURCE, home / "build")
        with running_servers(home / "home") as servers:
            asyncio.run(migrate(servers.owner_url, runtime_role=ROLE))
            urls = (servers.database_url, servers.owner_url)
            found = asyncio.run(real_storm(binary, home, urls, seed=seed, commands=commands))
    figures = {
        "seed": seed,
        "commands": commands,
        **{name: found.counts[name] for name in sorted(found.counts)},
        "seconds": round(time.monotonic() - began),
    }
    return report(figures, found.violations)


def main(arguments: list[str] | None = None) -> int:
    """1 when anything was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.mql5", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the full counts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", action="store_true", help="the real endpoint and PostgreSQL")
    parser.add_argument("--commands", type=int, default=200, help="of the real run")
    wanted = parser.parse_args(arguments)
    if wanted.real:
        return _real(wanted.seed, wanted.commands)
    began = time.monotonic()
    storms, restarts = (20, 300) if wanted.full else (2, 30)
    with tempfile.TemporaryDirectory(prefix="ait-") as folder:
        home = Path(folder)
        (home / "mutants").mkdir()
        binary = build(SOURCE, home / "build")
        seeds = range(wanted.seed, wanted.seed + storms)
        counts, violations = _storms(binary, home, seeds, 200)
        violations += _restarts(binary, home, restarts)
        missed = _mutants(home)
    figures = {
        "storms of 200 rounds": storms,
        **{name: counts[name] for name in sorted(counts) if not name.startswith(("line", "code"))},
        "faults of the line": sum(n for name, n in counts.items() if name.startswith("line")),
        "faults of the trade server": sum(
            n for name, n in counts.items() if name.startswith("code")
        ),
        "restarts with everything offered again": restarts,
        "planted mistakes": len(MUTANTS),
        "planted mistakes noticed": len(MUTANTS) - len(missed),
        "seconds": round(time.monotonic() - began),
    }
    return report(figures, violations + missed)


if __name__ == "__main__":
    sys.exit(main())
