"""Errors on demand: what the next matching calls are answered with, whatever they ask."""

import json
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.errors import ApiError

Json = dict[str, Any]


class Disconnected(Exception):
    """The connection is cut instead of an answer."""


@dataclass(slots=True)
class Fault:
    method: str = "*"
    times: int = 1
    code: int = 500
    description: str = "Internal Server Error"
    retry_after: int | None = None
    contains: str = ""
    parameters: Json = field(default_factory=dict)
    # The call takes effect and only its answer is lost: what an outbox must survive.
    after: bool = False
    disconnect: bool = False

    def matches(self, method: str, params: Json) -> bool:
        """The star is every method but getUpdates, which would otherwise eat the fault."""
        if self.method == "*":
            if method == "getUpdates":
                return False
        elif self.method.lower() != method.lower():
            return False
        return self.contains in json.dumps(params, ensure_ascii=False)

    def strike(self) -> None:
        if self.disconnect:
            raise Disconnected
        parameters = dict(self.parameters)
        if self.retry_after is not None:
            parameters["retry_after"] = self.retry_after
        raise ApiError(self.code, self.description, parameters)


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
