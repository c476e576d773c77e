"""The way from the Expert Advisor to the endpoint: a real socket, a proxy that spoils, and time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.mql5.host import NO_CONNECTION, TIMED_OUT, HttpAnswer, Socket
from tests.mql5.real.endpoint import EndpointProcess
from tests.mql5.real.proxy import FAULT, Proxy
from tests.mql5.terminal import Terminal


@dataclass
class RealLine:
    """As the stand-in's line, with faults of the proxy and two of its own.

    ``down``: nobody listens; ``lag``: the answer comes just before the time-out; ``delayed N``: the
    request arrives N seconds later; ``dies N M``: the endpoint is killed N milliseconds after the
    request reached it and started again after M simulated seconds.
    """

    terminal: Terminal
    endpoint: EndpointProcess
    proxy: Proxy
    tick: Callable[[], None]
    faults: list[tuple[str, str]] = field(default_factory=list)
    requests: int = 0
    latency_s: float = 0.02

    def __call__(
        self, path: str, headers: Mapping[str, str], body: bytes, timeout_ms: int
    ) -> HttpAnswer:
        self.requests += 1
        found = next((f for f in self.faults if f[0] in (path, "*")), ("", ""))
        if found[1]:
            self.faults.remove(found)
        kind, *numbers = found[1].split() or [""]
        self.terminal.advance(self.latency_s)
        if kind == "down":
            return HttpAnswer(error=NO_CONNECTION)
        self.tick()
        told = found[1] if kind == "dies" else kind
        answer = Socket(self.proxy.port)(path, {**headers, FAULT: told}, body, 60_000)
        if kind == "delayed":
            self._later(float(numbers[0]), self._deliver)
        if kind == "dies":
            self._later(float(numbers[1]), self.endpoint.start)
        if answer.error or kind == "slow":
            self.terminal.advance(timeout_ms / 1000)
            return HttpAnswer(error=TIMED_OUT)
        if kind == "lag":
            self.terminal.advance(timeout_ms * 0.95 / 1000)
        return answer

    def _later(self, seconds: float, action: Callable[[], object]) -> None:
        self.terminal.later.append((self.terminal.now + seconds, action))

    def _deliver(self) -> None:
        self.tick()
        self.proxy.deliver()
