"""Which operating-system user the servers run as: us, or, when we are root, an ordinary one.

PostgreSQL refuses to run as root, and rightly.
"""

import os
import pwd
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.errors import EmbeddedServerError

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
COMMAND_SECONDS = 300  # initdb on a slow disk


@dataclass(frozen=True, slots=True)
class Account:
    """Who the servers are. `drop` says that we are somebody else (root) and have to become it."""

    uid: int
    gid: int
    name: str
    drop: bool

    @property
    def user(self) -> int | None:
        return self.uid if self.drop else None

    @property
    def group(self) -> int | None:
        return self.gid if self.drop else None

    @property
    def groups(self) -> list[int] | None:
        return [] if self.drop else None

    def environment(self, home: Path) -> dict[str, str]:
        # LC_ALL=C keeps the messages English; a database has its own locale, in its catalogue.
        return {"PATH": PATH, "HOME": str(home), "LC_ALL": "C", "TZ": "UTC"}

    def run(
        self, argv: Sequence[str | Path], *, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603
                [str(part) for part in argv],
                input=text,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                cwd="/",
                env=self.environment(Path("/")),
                user=self.user,
                group=self.group,
                extra_groups=self.groups,
                timeout=COMMAND_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise EmbeddedServerError(
                f"{argv[0]} did not end in {COMMAND_SECONDS} s. Is the disk full or very slow?"
            ) from error

    def own(self, path: Path) -> None:
        if self.drop:
            os.chown(path, self.uid, self.gid)

    def reaches(self, folder: Path) -> bool:
        """Whether the servers can enter this folder. Asked of the kernel: it knows of ACLs too."""
        return not self.drop or self.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).returncode == 0

    def signal(self, pid: int, number: int) -> None:
        """Signal a process that a file written by the server names.

        As the server's user, so that a forged file cannot make root kill anything else.
        """
        name = signal.Signals(number).name.removeprefix("SIG")
        self.run(["/bin/sh", "-c", 'kill -s "$1" "$2"', "sh", name, str(pid)])


def servers_account(data: Path | None) -> Account:
    """Ourselves; for root, the owner of the data there already is, else `nobody`."""
    me = os.geteuid()
    if me != 0:
        return Account(me, os.getegid(), str(me), drop=False)
    owner = data.stat().st_uid if data is not None else 0
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        missing = f"uid {owner}, which owns {data}," if owner else "'nobody'"
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and the user {missing} does not exist here. Start "
            "ai-trader as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None
    account = Account(entry.pw_uid, entry.pw_gid, entry.pw_name, drop=True)
    try:
        account.run(["/bin/sh", "-c", ":"])
    except OSError as error:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and this root cannot become {account.name!r} "
            f"({error}). Start ai-trader as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from error
    return account
