"""The server's side of a venue that is asked over HTTP: its weather, and where it is."""

from dataclasses import dataclass
from random import Random
from typing import Generic, Protocol, TypeVar

from tests.chaos.venues import Told


class Weather(Protocol):
    """A stand-in whose requests meet faults."""

    rate: float
    chance: Random


Server = TypeVar("Server", bound=Weather)


@dataclass
class OverHttp(Generic[Server]):
    """What the harness sets is the stand-in's own."""

    server: Server
    url: str = ""

    @property
    def rate(self) -> float:
        return self.server.rate

    @rate.setter
    def rate(self, value: float) -> None:
        self.server.rate = value

    @property
    def chance(self) -> Random:
        return self.server.chance

    @chance.setter
    def chance(self, value: Random) -> None:
        self.server.chance = value

    def told(self) -> Told:
        return {"url": self.url}
