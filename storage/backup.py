"""A copy of the whole database in one file, and a database made from it, checked row by row.

PostgreSQL's own ``pg_dump`` and ``pg_restore`` do the work. What was copied (its sum, the rows of
each table, the head of the history) stands beside the file and is compared after a restore.
"""

import asyncio
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import asyncpg

from engine.errors import InvalidInput
from storage.embedded.binaries import tool

#: Of pg_dump and pg_restore: who is longer at it hangs.
_PATIENCE_SECONDS = 3600.0
_CHUNK = 1 << 20

_TABLES = """
SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
ORDER BY relname
"""


#: There from before the first row until everything that waited is set aside: nobody may start on a
#: copy that would still send what it holds.
_MARK = "restore_unfinished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds: when it was made (ISO, UTC), by which migrations, how many rows of each
    table, where the history stood, and the file's SHA-256.
    """

    made_at: str
    server: int
    migrations: list[str]
    rows: dict[str, int]
    seq: int
    hash: str
    sha256: str


def manifest_of(path: Path) -> Path:
    """Where a backup's manifest stands: beside it."""
    return path.with_name(f"{path.name}.json")


async def back_up(url: str, path: Path, at: datetime) -> Manifest:
    """Copy a database, of one moment and while it works, into a file that is not there yet.

    Raises :class:`InvalidInput` when the file is there, or the copy failed. A copy that was not
    finished leaves no file under its name.
    """
    unfinished = await asyncio.to_thread(_place, path)
    connection = await asyncpg.connect(url)
    try:
        # The tool sees what this transaction sees, so that the rows counted are those copied.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            server = connection.get_server_version().major
            await _run(
                tool("pg_dump", server),
                *("--format=custom", "--no-owner", "--no-privileges", "--no-comments"),
                f"--snapshot={snapshot}",
                f"--file={unfinished}",
                url=url,
            )
            rows = await _rows(connection)
            head = await connection.fetchrow("SELECT seq, hash FROM history_head")
            migrations = await connection.fetch("SELECT name FROM tortoise_migrations ORDER BY id")
    finally:
        await connection.close()
    manifest = Manifest(
        made_at=at.astimezone(UTC).isoformat(),
        server=server,
        migrations=[row["name"] for row in migrations],
        rows=rows,
        seq=head["seq"],
        hash=head["hash"],
        sha256=await asyncio.to_thread(_sum, unfinished),
    )
    manifest_of(path).touch(mode=0o600)
    manifest_of(path).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    unfinished.rename(path)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """The manifest of a backup whose file is as it was made; raises :class:`InvalidInput`."""
    try:
        manifest = Manifest(**json.loads(manifest_of(path).read_text("utf-8")))
        found = _sum(path)
    except (OSError, TypeError, ValueError) as error:
        raise InvalidInput(f"{path} and {manifest_of(path).name} are no backup: {error}") from error
    if found != manifest.sha256:
        raise InvalidInput(f"{path} is not as it was made: its SHA-256 is another one")
    return manifest


async def restore(owner_url: str, path: Path, known: frozenset[str]) -> Manifest:
    """Fill an empty database from a backup, all of it or nothing. ``known`` are the migrations this
    program has; a backup of a newer one is refused. Nobody can start on it before
    :func:`finish_restore`.

    Raises :class:`InvalidInput` naming what is wrong: with the file, with the database, or with
    what came out of it.
    """
    manifest = await asyncio.to_thread(read_manifest, path)
    if newer := sorted({*manifest.migrations} - known):
        raise InvalidInput(
            f"the backup is of a newer version, which also has {', '.join(newer)}: install that one"
        )
    connection = await asyncpg.connect(owner_url)
    try:
        if await connection.fetch(_TABLES):
            raise InvalidInput("the database is not empty: restore into a new one")
        await connection.execute(f"CREATE TABLE {_MARK} ()")
        server = connection.get_server_version().major
        await _run(
            tool("pg_restore", max(server, manifest.server)),
            *("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"),
            "--no-comments",
            *(f"--dbname={_without_password(urlsplit(owner_url))}", str(path)),
            url=owner_url,
        )
        rows = await _rows(connection)
        head = await connection.fetchrow("SELECT seq, hash FROM history_head")
    finally:
        await connection.close()
    del rows[_MARK]
    if rows != manifest.rows or (head["seq"], head["hash"]) != (manifest.seq, manifest.hash):
        raise InvalidInput("what was restored is not what was backed up; do not use this database")
    return manifest


async def finish_restore(owner_url: str) -> None:
    """From now on the product may start on the database."""
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(f"DROP TABLE {_MARK}")
    finally:
        await connection.close()


async def must_be_whole(url: str) -> None:
    """Raise :class:`InvalidInput` for a database whose restore was not finished."""
    connection = await asyncpg.connect(url)
    try:
        unfinished = await connection.fetchval(f"SELECT to_regclass('{_MARK}') IS NOT NULL")
    finally:
        await connection.close()
    if unfinished:
        raise InvalidInput(
            "a restore into this database was not finished: make it anew and restore again"
        )


async def _rows(connection: "asyncpg.Connection") -> dict[str, int]:
    names = [row["name"] for row in await connection.fetch(_TABLES)]
    return {
        name: await connection.fetchval(f'SELECT count(*) FROM "{name}"')  # noqa: S608
        for name in names
    }


async def _run(program: Path, *arguments: str, url: str) -> None:
    parts = urlsplit(url)
    environ = {"PATH": os.defpath, "LC_ALL": "C"}
    if parts.password:
        # By the environment: a command line is for everybody to read.
        environ["PGPASSWORD"] = unquote(parts.password)
    if not any(argument.startswith("--dbname") for argument in arguments):
        arguments = (*arguments, f"--dbname={_without_password(parts)}")
    process = await asyncio.create_subprocess_exec(
        str(program), *arguments, env=environ,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            _, told = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
        raise
    if process.returncode:
        words = told.decode("utf-8", "replace").strip()[-500:]
        raise InvalidInput(f"{program.name} failed: {words}")


def _without_password(parts: SplitResult) -> str:
    user, _, place = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return parts._replace(netloc=f"{name}@{place}" if name else place).geturl()


def _place(path: Path) -> Path:
    """Where the copy is made: beside its name, readable for its owner only."""
    if path.exists() or manifest_of(path).exists():
        raise InvalidInput(f"{path} is there already; a backup never takes another's place")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    return unfinished


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
