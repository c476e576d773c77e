"""PostgreSQL as a child: how a cluster is made, started, recognised as ready, and cleaned up."""

import os
import re
import shutil
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from storage.embedded.accounts import Account
from storage.embedded.binaries import Program
from storage.embedded.errors import EmbeddedServerError

OWNER = "ai_trader_owner"  # owns the schema, runs migrations
RUNTIME = "ai_trader"  # what the application is while it runs
DATABASE = "ai_trader"
# One statement per line: single-user mode ends a statement where the line ends.
_IN_CLUSTER = f"""\
CREATE ROLE {RUNTIME} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
CREATE DATABASE {DATABASE} OWNER {OWNER}
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC
GRANT CONNECT ON DATABASE {DATABASE} TO {RUNTIME}
"""
_IN_DATABASE = f"""\
REVOKE ALL ON SCHEMA public FROM PUBLIC
GRANT USAGE ON SCHEMA public TO {RUNTIME}
"""


def clusters_in(base: Path) -> dict[int, Path]:
    """Every cluster there is, by the major version of PostgreSQL that can read it."""
    found = {}
    for folder in base.glob("postgres-*"):
        name = re.fullmatch(r"postgres-(\d+)", folder.name)
        if name and (folder / "PG_VERSION").exists():
            found[int(name[1])] = folder
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """One cluster, seen as a server to be kept running (`children.Server`)."""

    program: Program
    base: Path
    sockets: Path
    account: Account
    fsync: bool
    name: str = "PostgreSQL"
    # Fast stop, immediate stop (the next start replays the log), the end.
    steps: tuple[tuple[int, float], ...] = (
        (signal.SIGINT, 20.0),
        (signal.SIGQUIT, 5.0),
        (signal.SIGKILL, 5.0),
    )

    @property
    def data(self) -> Path:
        return self.base / f"postgres-{self.program.major}"

    def url(self, role: str) -> str:
        return f"postgres://{role}@/{DATABASE}?host={quote(str(self.sockets))}"

    def create(self) -> None:
        """Make the cluster with its roles and its database, unless it is there.

        All of it is made under another name and renamed: a cluster that exists is complete.
        """
        if (self.data / "PG_VERSION").exists():
            return
        fresh = self.base / f"{self.data.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self.account.own(fresh)
        self._initdb(fresh)
        for database, statements in (("postgres", _IN_CLUSTER), (DATABASE, _IN_DATABASE)):
            single = [str(self.program.path), "--single", "-D", str(fresh), *self._settings()]
            # Without exit_on_error a failed statement would be a line on stderr and a success.
            said = self.account.run([*single, "-c", "exit_on_error=on", database], text=statements)
            if said.returncode:
                raise EmbeddedServerError(f"PostgreSQL refused its set-up:\n{said.stderr[-2000:]}")
        try:
            fresh.rename(self.data)
        except OSError as error:
            raise EmbeddedServerError(
                f"{self.data} is there but holds no database. Move it away and start again."
            ) from error
        self._settle_rename()

    def _initdb(self, fresh: Path) -> None:
        said = ""
        for locale in ("C.UTF-8", "C"):  # older macOS and some containers have only C
            made = self.account.run(
                [
                    self.program.path.with_name("initdb"),
                    *("-D", fresh, "-U", OWNER, "--encoding=UTF8", f"--locale={locale}"),
                    # Safe in a 0700 folder; nothing else could ever ask: there is no listener.
                    *("--auth-local=trust", "--auth-host=reject"),
                    *([] if self.fsync else ["--no-sync"]),
                ]
            )
            if made.returncode == 0:
                return
            said += made.stdout + made.stderr
        raise EmbeddedServerError(f"PostgreSQL could not make a database:\n{said[-2000:]}")

    def _settle_rename(self) -> None:
        if self.fsync:
            folder = os.open(self.base, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def _settings(self) -> list[str]:
        durable = "on" if self.fsync else "off"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "fsync": durable,
            "synchronous_commit": "on",  # a killed server loses nothing even without fsync
            "full_page_writes": durable,
            "shared_buffers": "32MB",
            "max_connections": "60",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",  # the log is rotated only when we start
            # Shared memory as files in the cluster: cleared at every start, and no logout
            # (systemd's RemoveIPC) or small /dev/shm takes it away. Queries here are small.
            "dynamic_shared_memory_type": "mmap",
            "max_parallel_workers_per_gather": "0",
            "jit": "off",
        }
        return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]

    def argv(self) -> list[str]:
        return [str(self.program.path), "-D", str(self.data), *self._settings()]

    def _pid_file(self) -> list[str]:
        """Pid, data, start, port, socket folder, address, shared memory, state: a line each."""
        try:
            return (self.data / "postmaster.pid").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def earlier_pid(self) -> int | None:
        lines = self._pid_file()
        # Single-user mode writes its pid with a minus sign.
        return abs(int(lines[0])) if lines and re.fullmatch(r"-?\d+", lines[0].strip()) else None

    def clear_leftovers(self) -> None:
        """Remove the pid files of a dead postmaster.

        PostgreSQL would do it, unless another process has the number by now, as happens in every
        restarted container; then it would refuse to start.
        """
        lines = self._pid_file()
        if len(lines) >= 5 and lines[4] and self._answers(f"{lines[4]}/.s.PGSQL.{lines[3]}"):
            raise EmbeddedServerError(
                f"A PostgreSQL that ai-trader did not start (pid {lines[0]}) runs on {self.data}. "
                "Stop it, or use another folder."
            )
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for leftover in self.sockets.glob(".s.PGSQL.*"):
            leftover.unlink()

    @staticmethod
    def _answers(path: str) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(path)
            except OSError:
                return False
            return True

    def is_ready(self) -> bool:
        lines = self._pid_file()
        return len(lines) >= 8 and lines[7].strip() == "ready"
