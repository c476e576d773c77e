"""Redis or Valkey as a child: the same role for both, they take the same options."""

import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.accounts import Account
from storage.embedded.binaries import Program
from storage.embedded.places import private_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """One Redis, seen as a server to be kept running (`children.Server`)."""

    program: Program
    base: Path
    sockets: Path
    account: Account
    fsync: bool
    name: str = "Redis"
    steps: tuple[tuple[int, float], ...] = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0))

    @property
    def socket(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def pid_file(self) -> Path:
        return self.sockets / "redis.pid"

    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def argv(self) -> list[str]:
        data = private_folder(self.base / "redis", self.account)
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(data),
            "pidfile": str(self.pid_file),
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec" if self.fsync else "no",
            # Plain commands on disk: what one server has written, any other can read.
            "aof-use-rdb-preamble": "no",
            "save": "",
        }
        pairs = [part for key, value in options.items() for part in (f"--{key}", value)]
        return [str(self.program.path), *pairs]

    def earlier_pid(self) -> int | None:
        try:
            text = self.pid_file.read_text(errors="replace").strip()
        except FileNotFoundError:
            return None
        return int(text) if text.isdecimal() else None

    def clear_leftovers(self) -> None:
        for leftover in (self.socket, self.pid_file):
            leftover.unlink(missing_ok=True)

    def is_ready(self) -> bool:
        """It answers PING; while it reads its data back it answers with an error instead."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16) == b"+PONG\r\n"
            except OSError:
                return False
