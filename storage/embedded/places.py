"""Where the data, the logs and the sockets of a home folder are kept, and who holds them."""

import fcntl
import hashlib
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.accounts import Account, servers_account
from storage.embedded.errors import EmbeddedServerError
from storage.embedded.ours import opened

STATE = Path("/var/lib/ai-trader")  # for root, when the home folder is closed to the servers
SHORT = Path("/tmp")  # noqa: S108  # a socket's path must be short; what is made there is verified
LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
DYING_SECONDS = 1.0  # a killed process holds its lock until the kernel has taken it apart
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")  # needs no escape in a URL: asyncpg and arq disagree there


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """One home's folders: `base` holds the clusters, the logs and copied programs."""

    base: Path
    sockets: Path
    account: Account


def _key(home: Path) -> str:
    return hashlib.sha256(str(home).encode()).hexdigest()[:12]


def _data_in(base: Path) -> Path | None:
    found = [p for p in (*base.glob("postgres-*"), base / "redis") if p.is_dir()]
    return next((p for p in found if re.fullmatch(r"postgres-\d+|redis", p.name)), None)


def data_folder(home: Path) -> Path:
    """Where the servers' data of this home is, or would be: inside it whenever possible."""
    home = home.resolve()
    inside, outside = home / "servers", STATE / _key(home)
    if os.geteuid() != 0 or _data_in(inside):
        return inside
    if _data_in(outside):
        return outside
    nearest = next(p for p in (home, *home.parents) if p.exists())
    return inside if servers_account(None).reaches(nearest) else outside


def _make(folder: Path, mode: int) -> None:
    """Make a folder of ours with exactly this mode; one that is there already is left alone."""
    try:
        folder.mkdir(mode=mode)
    except FileExistsError:
        return
    folder.chmod(mode)  # whatever the umask says


def private_folder(folder: Path, account: Account) -> Path:
    """Make a 0700 folder of the servers' user, or verify the one somebody has made there."""
    try:
        folder.mkdir(mode=0o700)
        account.own(folder)
    except FileExistsError:
        facts = folder.lstat()
        if account.drop and facts.st_uid == 0:  # we died between making and giving it away
            account.own(folder)
            facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != account.uid or facts.st_mode & 0o77:
            raise EmbeddedServerError(
                f"{folder} exists but is not a private folder of user {account.name}. Look who "
                "made it, remove it, and start again."
            ) from None
    return folder


def _sockets(home: Path, base: Path, account: Account) -> Path:
    folder = base / "run"
    fits = len(os.fsencode(folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET
    if not fits or not PLAIN.fullmatch(str(folder)):
        folder = SHORT / f"ai-trader-{os.geteuid()}-{_key(home)}"
    return private_folder(folder, account)


def settle(home: Path) -> Places:
    """Make the folders of a home; the home itself and its parents keep the modes they have."""
    home = home.resolve()
    base = data_folder(home)
    account = servers_account(_data_in(base))
    if base.parent == STATE:
        _make(STATE, 0o755)
    _make(base, 0o711 if account.drop else 0o700)
    if base.parent == STATE:
        (home / "WHERE.txt").write_text(
            f"The databases of this folder are kept in {base}\n"
            f"because ai-trader runs as root, its database servers run as {account.name!r}, and "
            f"{account.name!r} cannot enter {home}.\n"
        )
    data = _data_in(base)
    if data is not None and data.stat().st_uid != account.uid:
        raise EmbeddedServerError(
            f"{data} belongs to uid {data.stat().st_uid}, and this is uid {account.uid}. Start "
            "ai-trader as the user who started it there first (root, perhaps: its servers run as "
            "'nobody'), or use another folder."
        )
    if not account.reaches(base):
        raise EmbeddedServerError(
            f"The database servers run as {account.name!r}, which can no longer enter {base}. "
            "Make the folders above it enterable again (chmod o+x), or use another folder."
        )
    return Places(base=base, sockets=_sockets(home, base, account), account=account)


def taken(lock: int, seconds: float) -> bool:
    """Take the lock of this open file, trying for so long; whether it is ours."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


@contextmanager
def claimed(home: Path) -> Iterator[None]:
    """Hold this home for our process; the kernel lets go when we die, so nothing can be stale."""
    if not home.exists():
        home.mkdir(parents=True)
        # Only what we have just made: entering (not listing) it is all that the servers need.
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    try:
        lock = os.open(home / "servers.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise EmbeddedServerError(f"Cannot keep data in {home}: {error.strerror}.") from error
    with opened(lock):
        if not taken(lock, DYING_SECONDS):
            pid = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
            raise EmbeddedServerError(
                f"ai-trader is already running on {home} (pid {pid}): stop it first or use "
                "another folder."
            )
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield


def remove_data(home: Path) -> None:
    """Delete everything the servers of this home have kept; refused while they run."""
    if not home.exists():
        return
    with claimed(home):
        base = data_folder(home)
        shutil.rmtree(base, ignore_errors=True)
        if base.exists():
            raise EmbeddedServerError(f"Cannot delete all of {base}: is it somebody else's?")
        (home / "WHERE.txt").unlink(missing_ok=True)
