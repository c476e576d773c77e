"""Errors on demand: what the next matching calls are answered with, whatever they ask."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.errors import ApiError, too_many_requests

Json = dict[str, Any]


class Disconnected(Exception):
    """The connection is cut instead of an answer."""


@dataclass(slots=True)
class Fault:
    method: str = "*"
    times: int = 1
    # Without a code a delayed answer is only late, a wait is a 429, and every other fault a 500.
    code: int | None = None
    description: str = ""
    retry_after: int | None = None
    contains: str = ""
    parameters: Json = field(default_factory=dict)
    # The call takes effect and only its answer is lost: what an outbox must survive.
    after: bool = False
    disconnect: bool = False
    # Seconds before the answer, or with `after` between the effect and the answer.
    delay: float = 0.0

    def matches(self, method: str, params: Json) -> bool:
        """The star is every method but getUpdates, which would otherwise eat the fault."""
        if self.method == "*":
            if method == "getUpdates":
                return False
        elif self.method.lower() != method.lower():
            return False
        return self.contains in json.dumps(params, ensure_ascii=False)

    async def strike(self) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.disconnect:
            raise Disconnected
        if self.delay and self.code is None:
            return
        if self.retry_after is not None:
            flood = too_many_requests(self.retry_after)
            parameters = flood.parameters | self.parameters
            code, words = self.code or flood.code, self.description or flood.description
            raise ApiError(code, words, parameters)
        words = self.description or "Internal Server Error"
        raise ApiError(self.code or 500, words, dict(self.parameters))


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, params: Json) -> Fault | None:
        for fault in self._faults:
            if fault.matches(method, params):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None
