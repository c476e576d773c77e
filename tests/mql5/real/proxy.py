"""A proxy on loopback between the Expert Advisor and the endpoint, which spoils what it carries."""

import http.client
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"
#: Names what is to go wrong with a request; it is not passed on.
FAULT = "X-Fault"
_PASSED = ("content-type", "authorization")


@dataclass
class Kept:
    """A request that is delivered later."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Proxy:
    """``lost``: never arrives; ``unanswered``: its answer is lost; ``again``: arrives twice;
    ``delayed``: kept, and delivered by :meth:`deliver`; ``torn``: only half of the body arrives;
    ``garbage``: half of the answer comes back; ``dies N``: the endpoint is killed N milliseconds
    after the request was passed on; a number: that status, and the endpoint never sees it.
    """

    endpoint_port: int
    kill: Callable[[], None]
    kept: list[Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_POST(self) -> None:
                """Read it, spoil it, pass it on."""
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                passed = {n: v for n, v in self.headers.items() if n.lower() in _PASSED}
                answer = proxy.carry(self.headers.get(FAULT, ""), self.path, passed, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, reply = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """It says nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def carry(
        self, fault: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes] | None:
        """The answer to a request, or None when the line is cut."""
        if fault.isdigit():
            return int(fault), b""
        if fault == "lost":
            return None
        if fault == "delayed":
            self.kept.append(Kept(path, dict(headers), body))
            return None
        if fault == "torn":
            self._half(path, headers, body)
            return None
        if fault.startswith("dies"):
            killer = threading.Timer(int(fault.split()[1]) / 1000, self.kill)
            killer.start()
            answer = self._pass(path, headers, body)
            killer.join()
            return answer
        answer = self._pass(path, headers, body)
        if fault == "again":
            self._pass(path, headers, body)
        if fault == "unanswered":
            return None
        if fault == "garbage" and answer is not None:
            return answer[0], answer[1][: len(answer[1]) // 2]
        return answer

    def deliver(self) -> None:
        """What was kept the longest arrives now; nobody reads the answer."""
        kept = self.kept.pop(0)
        self._pass(kept.path, kept.headers, kept.body)

    def close(self) -> None:
        """Nobody listens here any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _pass(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes] | None:
        line = http.client.HTTPConnection(HOST, self.endpoint_port, timeout=30)
        try:
            line.request("POST", path, body, dict(headers))
            answer = line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            line.close()

    def _half(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        line = http.client.HTTPConnection(HOST, self.endpoint_port, timeout=30)
        try:
            line.putrequest("POST", path)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                line.putheader(name, value)
            line.endheaders(body[: len(body) // 2])
        except OSError:
            pass
        finally:
            line.close()
