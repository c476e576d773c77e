"""Runs the compiled Expert Advisor as a process and answers its calls."""

import contextlib
import http.client
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from tests.mql5.calls import Calls, Reply
from tests.mql5.terminal import Death, Terminal

TIMED_OUT, NO_CONNECTION, NOT_ALLOWED = 5202, 5201, 4014


class Crash(Exception):
    """The program ended by itself: a sanitizer's report or an error that MQL5 ends programs for."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """``error`` is MQL5's when there was no answer."""

    status: int = -1
    headers: str = ""
    body: bytes = b""
    error: int = 0


class Transport(Protocol):
    """Carries a request to a server."""

    def __call__(
        self, path: str, headers: Mapping[str, str], body: bytes, timeout_ms: int
    ) -> HttpAnswer: ...


class Socket:
    """Carries requests to a server on a real socket."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(
        self, path: str, headers: Mapping[str, str], body: bytes, timeout_ms: int
    ) -> HttpAnswer:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_ms / 1000)
        try:
            line.request("POST", path, body, dict(headers))
            answer = line.getresponse()
            head = "".join(f"{name}: {value}\r\n" for name, value in answer.getheaders())
            return HttpAnswer(answer.status, head, answer.read())
        except TimeoutError:
            return HttpAnswer(error=TIMED_OUT)
        except OSError:
            return HttpAnswer(error=NO_CONNECTION)
        finally:
            line.close()


@dataclass
class Disk:
    """``full`` writes nothing; ``tear`` writes that many bytes of the next journal line, and the program
    ends; ``locked`` opens nothing.
    """

    full: bool = False
    locked: bool = False
    tear: int | None = None

    def write(self, name: str, size: int) -> Reply:
        """How many bytes to write (-1: all), and whether the program ends then."""
        if self.full:
            return 0, [0, False]
        if self.tear is not None and "journal" in name:
            part, self.tear = self.tear, None
            return 0, [min(part, size), True]
        return 0, [-1, False]


class Ea:
    """One start of the program. ``before`` sees every call and may raise :class:`Death`."""

    def __init__(
        self,
        binary: Path,
        terminal: Terminal,
        files: Path,
        transport: Transport,
        inputs: Mapping[str, str],
        disk: Disk | None = None,
        allowed: str = "https://trader.example",
        mutant: int = 0,
    ) -> None:
        self.calls = Calls(terminal)
        self.disk = disk or Disk()
        self.before: Callable[[str, list[str]], None] = lambda name, arguments: None
        self._terminal, self._transport, self._allowed = terminal, transport, allowed
        terminal.advance(0.001)  # no two starts at the same instant
        lines = "\n".join(f"{name}={value}" for name, value in inputs.items())
        self._process = subprocess.Popen(
            [str(binary)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                "MQL_FILES": str(files),
                "MQL_INPUTS": lines,
                "MQL_MUTANT": str(mutant),
                "ASAN_OPTIONS": "detect_leaks=0",
            },
        )

    @property
    def log(self) -> list[str]:
        """What it printed."""
        return self.calls.log

    @property
    def panel(self) -> str:
        """What its chart says."""
        return self.calls.panel

    def event(self, name: str) -> str:
        """Handle one event to its end; the handler's value. Raises ``Death`` and ``Crash``."""
        self._send(name)
        while True:
            line = self._read()
            if line.startswith("!"):
                if line.startswith("!critical"):
                    self.kill()
                    raise Crash(line[1:])
                return line[1:]
            called, *arguments = [_unescape(part) for part in line[1:].split("\x1f")]
            try:
                self.before(called, arguments)
                error, values = self._call(called, arguments)
            except Death:
                self.kill()
                raise
            self._send("\x1f".join([str(error), *map(_escape, values)]))

    def kill(self) -> None:
        """As by a power cut: nothing is handled any more."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()

    def stop(self, reason: int = 1) -> None:
        """As by the user: the program says good-bye."""
        self.event(f"OnDeinit {reason}")
        self.kill()

    def _send(self, line: str) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Crash("the program is gone") from None

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline().decode()
        if line:
            return line.removesuffix("\n")
        assert self._process.stderr
        report = self._process.stderr.read().decode()
        code = self._process.wait()
        self.kill()
        if code == 137:
            raise Death
        raise Crash(report[-2000:])

    def _call(self, name: str, arguments: list[str]) -> Reply:
        if name == "WebRequest":
            return self._web_request(*arguments)
        if name == "FileWrite":
            return self.disk.write(arguments[0], int(arguments[1]))
        if name in ("FileOpen", "FileMove"):
            return 0, [1 if self.disk.locked else 0]
        return self.calls.answer(name, arguments)

    def _web_request(
        self, method: str, url: str, headers: str, timeout: str, body: str
    ) -> Reply:
        if method != "POST" or not url.startswith(self._allowed):
            return 0, [-1, NOT_ALLOWED, ""]
        pairs = [line.split(": ", 1) for line in headers.split("\r\n") if line]
        answer = self._transport(
            urlsplit(url).path, {name: value for name, value in pairs},
            bytes.fromhex(body), int(timeout),
        )  # fmt: skip
        if answer.error:
            return 0, [-1, answer.error, ""]
        return 0, [answer.status, answer.headers, answer.body.hex()]


def _unescape(text: str) -> str:
    return text.replace("\\u", "\x1f").replace("\\n", "\n").replace("\\\\", "\\")


def _escape(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return repr(value)
    text = str(value)
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\x1f", "\\u")
