"""The wire to the worker process: one call at a time, and an end to those that never return."""

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from broker.mt5.connector.retcodes import BROKEN_LINK

log = logging.getLogger(__name__)

#: Bytes of one answer; thousands of symbols are a few megabytes.
_LONGEST = 1 << 26


class Failed(Exception):
    """The package answered that it could not: its code and its words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} ({code})")
        self.code, self.text = code, text


class Lost(Exception):
    """No answer: the worker hung and was ended, or died. What it was doing may have been done."""


class NotConnected(Exception):
    """The package has no terminal; the call was not made."""


def worker_command(module: str) -> tuple[str, ...]:
    """How a worker over that module is started."""
    return (sys.executable, "-m", "broker.mt5.connector.worker", module)


class Link:
    """A worker that is started when it is needed and ended when it hangs.

    ``login`` are the arguments of the package's ``initialize``, the terminal's ``path`` apart. A
    call that takes longer than ``hang_seconds`` ends the worker; joining the terminal may take
    ``join_seconds``.
    """

    def __init__(
        self,
        command: Sequence[str],
        path: str | None,
        login: Mapping[str, Any],
        *,
        hang_seconds: float,
        join_seconds: float,
    ) -> None:
        self._command, self._login = tuple(command), dict(login)
        # The package takes it without a name, or not at all.
        self._path = () if path is None else (path,)
        self._hang_seconds, self._join_seconds = hang_seconds, join_seconds
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._calls: set[asyncio.Future[Any]] = set()
        self._began: float | None = None
        self.joined = False
        self.starts = 0

    @property
    def busy_seconds(self) -> float:
        """For how long the present call has been waited for."""
        return 0.0 if self._began is None else asyncio.get_running_loop().time() - self._began

    async def call(
        self, name: str, *args: Any, fields: Sequence[str] | None = None, **named: Any
    ) -> Any:
        """One call of the package; floats come back as floats, named tuples as dictionaries.

        Raises :class:`NotConnected` before :meth:`join` has succeeded, :class:`Failed` and
        :class:`Lost`. Whoever stops waiting does not stop the call.
        """
        return await self._shielded(self._in_turn(name, args, fields, named))

    async def join(self) -> None:
        """Start the worker if there is none and connect it to the terminal; raises as call does."""
        await self._shielded(self._join())

    async def _shielded(self, work: Any) -> Any:
        task = asyncio.ensure_future(work)
        self._calls.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: "asyncio.Future[Any]") -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be waiting for it any more

    async def _in_turn(
        self, name: str, args: Sequence[Any], fields: Sequence[str] | None, named: Mapping[str, Any]
    ) -> Any:
        async with self._turn:
            if not self.joined:
                raise NotConnected("the terminal is not connected yet")
            request = {"call": name, "args": args, "named": named, "fields": fields}
            return await self._exchange(request, self._hang_seconds)

    async def _join(self) -> None:
        async with self._turn:
            if self.joined:
                return
            if self._process is None:
                await self._start()
            named = {**self._login, "timeout": int(self._join_seconds * 800)}
            request = {"call": "initialize", "args": self._path, "named": named, "fields": None}
            await self._exchange(request, self._join_seconds)
            self.joined = True

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=_LONGEST,
        )  # fmt: skip
        self.starts += 1
        log.info("worker %s started", self._process.pid)

    async def _exchange(self, request: Mapping[str, Any], seconds: float) -> Any:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise NotConnected("the worker is being started")
        self._began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(seconds):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
            told = json.loads(line, parse_constant=lambda _: None)
        except (TimeoutError, OSError, ValueError) as error:
            await self._end()
            why = "did not answer" if isinstance(error, TimeoutError) else "died"
            raise Lost(f"the worker {why} and is started anew") from error
        finally:
            self._began = None
        if told["error"] is not None:
            code, text = told["error"]
            self.joined = self.joined and code not in BROKEN_LINK
            raise Failed(code, text)
        return told["value"]

    async def _end(self) -> None:
        """End the worker at once; it may be inside a call that never returns."""
        process, self._process, self.joined = self._process, None, False
        if process is None:
            return
        if process.returncode is None:
            log.info("worker %s is ended", process.pid)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()

    async def close(self) -> None:
        """End the worker, and whatever waits for it."""
        for task in list(self._calls):
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._end()
