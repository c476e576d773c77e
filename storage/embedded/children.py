"""One server as a child: started, waited for, started again if it falls, stopped with us."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Protocol

from storage.embedded.accounts import Account
from storage.embedded.errors import EmbeddedServerError
from storage.embedded.ours import keep, let_go
from storage.embedded.places import taken

GUARD = Path(__file__).with_name("guard.py")
LONGEST_LOG = 1_000_000
START_SECONDS = 180  # PostgreSQL replays its log after a crash
LONGEST_PAUSE = 30.0
log = logging.getLogger(__name__)


class Server(Protocol):
    """What a child has to know about PostgreSQL or Redis."""

    @property
    def name(self) -> str: ...
    @property
    def account(self) -> Account: ...
    @property
    def base(self) -> Path: ...
    @property
    def steps(self) -> tuple[tuple[int, float], ...]:
        """Signals that stop it, mildest first, and how many seconds each of them gets."""

    def argv(self) -> list[str]: ...
    def earlier_pid(self) -> int | None:
        """The process that the server's own pid file names."""

    def clear_leftovers(self) -> None:
        """Remove what a killed server has left; called when surely none of ours is alive."""

    def is_ready(self) -> bool: ...


class Child:
    """Keeps one server alive between `start` and `stop`. Blocking; call it from a thread."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._log = server.base / f"{server.name.lower()}.log"
        self._lock = server.base / f"{server.name.lower()}.lock"
        self._gate = threading.Lock()
        self._stopping = threading.Event()
        self._guard: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None

    def start(self) -> None:
        with self._gate:
            self._launch()
            self._keeper = threading.Thread(target=self._keep, name=self._server.name, daemon=True)
            self._keeper.start()

    def give_up(self) -> None:
        """End a start that another thread is waiting in."""
        self._stopping.set()

    def stop(self) -> None:
        self._stopping.set()
        with self._gate:
            self._dismiss()
        if self._keeper is not None:
            self._keeper.join()

    def _launch(self) -> None:
        held = self._wait_for_earlier()
        try:
            self._server.clear_leftovers()
            began, self._guard = self._spawn(held)
        finally:
            os.close(held)  # the guard, the server and all its processes hold it from here
        deadline = time.monotonic() + START_SECONDS
        while not self._server.is_ready():
            if self._guard.poll() is not None:
                self._dismiss()
                raise self._failed("ended at once", began)
            if self._stopping.wait(0.01) or time.monotonic() > deadline:
                self._dismiss()
                raise self._failed("did not get ready", began)

    def _spawn(self, held: int) -> tuple[int, "subprocess.Popen[bytes]"]:
        account = self._server.account
        environment = account.environment(self._server.base)
        order = {
            "argv": self._server.argv(),
            "env": environment,
            "user": account.user,
            "group": account.group,
            "groups": account.groups,
            "keep": [held],
            "steps": self._server.steps,
        }
        if self._log.exists() and self._log.stat().st_size > LONGEST_LOG:
            self._log.replace(self._log.with_suffix(".log.1"))
        # Ours alone: it may quote statements. (Path.open takes no opener.)
        with open(self._log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            guard = subprocess.Popen(  # noqa: S603
                # -I -S: nothing of the environment, no site packages; it starts in 20 ms.
                [sys.executable, "-I", "-S", str(GUARD), json.dumps(order)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                cwd="/",
                env=environment,
                pass_fds=[held],
                start_new_session=True,  # Ctrl-C in the terminal is for us; we stop it in order
            )
            if guard.stdin is not None:
                keep(guard.stdin.fileno())
            return out.tell(), guard

    def _wait_for_earlier(self) -> int:
        """Take the lock that every process of an earlier server still holds; the open file of it.

        Inherited by all of them, it is free when the last one is gone: no pid to mistake.
        """
        held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if taken(held, 0):
            return held
        for number, seconds in self._server.steps:
            pid = self._server.earlier_pid()
            if pid is not None:
                self._server.account.signal(pid, number)
            if taken(held, seconds):
                return held
        os.close(held)
        raise EmbeddedServerError(
            f"Processes of an earlier {self._server.name} still run on {self._server.base} and do "
            "not end. Stop them, or restart the machine."
        )

    def _dismiss(self) -> None:
        """Close the guard's pipe, the order to stop the server, and wait for both to end."""
        guard, bound = self._guard, sum(seconds for _, seconds in self._server.steps) + 5
        if guard is None:
            return
        if guard.stdin is not None and not guard.stdin.closed:
            let_go(guard.stdin.fileno())
            guard.stdin.close()
        try:
            guard.wait(bound)
        except subprocess.TimeoutExpired:
            guard.kill()
            guard.wait()
            log.error("%s did not stop in %s s; the next start ends it", self._server.name, bound)

    def _keep(self) -> None:
        """Start the server again whenever it ends by itself, slower if it keeps falling."""
        pause = 0.1
        while not self._stopping.is_set():
            began = time.monotonic()
            if self._guard is not None:
                self._guard.wait()
            pause = 0.1 if time.monotonic() - began > LONGEST_PAUSE else pause
            if self._stopping.wait(pause):
                return
            pause = min(pause * 2, LONGEST_PAUSE)
            log.warning("%s ended by itself; starting it again", self._server.name)
            with self._gate:
                if self._stopping.is_set():
                    return
                self._dismiss()
                try:
                    self._launch()
                except (EmbeddedServerError, OSError):
                    log.exception("%s could not be started again", self._server.name)

    def _failed(self, what: str, began: int) -> EmbeddedServerError:
        with self._log.open("rb") as said:
            said.seek(began)
            tail = b"\n".join(said.read()[-4000:].splitlines()[-15:]).decode(errors="replace")
        return EmbeddedServerError(
            f"{self._server.name} {what}. The end of {self._log}:\n{tail or '(it is empty)'}"
        )
