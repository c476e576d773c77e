"""The venues that deaths are died at: each kind's own server, run apart, and its real adapter.

A kind is one class and one row of :data:`KINDS`. ``Site`` is its server's side, which lives in a
process of its own and survives the lives that are killed; ``broker`` its adapter inside a life.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from importlib import import_module
from random import Random
from typing import Any, Protocol

#: What a server tells a life: its addresses.
Told = Mapping[str, Any]

#: Kind -> the module with its ``serve`` and ``broker``; one row adds a venue.
KINDS: Mapping[str, str] = {
    "binance": "tests.chaos.venues.binance",
    "mt5": "tests.chaos.venues.mt5",
    "mt_bridge": "tests.chaos.venues.mt_bridge",
    "oanda": "tests.chaos.venues.oanda",
}


@dataclass
class Truth:
    """What was done at a venue, by its own books; volumes in lots, as decimal strings.

    ``taken`` is how often each id of an order was dealt, ``changes`` how often each id of a close
    was, None where the venue keeps no such id. ``held`` is the volume that is open, up to ``dust``
    more than it is; ``stops`` are volume and price of each stop there. ``others`` counts deals that
    belong to none of our ids.
    """

    taken: dict[str, int] = field(default_factory=dict)
    changes: dict[str, int] | None = field(default_factory=dict)
    held: str = "0"
    dust: str = "0"
    stops: list[tuple[str, str]] = field(default_factory=list)
    others: int = 0
    #: Requests that would open a trade, and faults that were made, for the table.
    requests: int = 0
    faults: int = 0


class Site(Protocol):
    """A venue's server with bad weather."""

    #: 0 is calm, 1 as bad as it gets.
    rate: float
    chance: Random

    def told(self) -> Told:
        """What a life needs to reach it."""
        ...

    async def quote(self, bid: str, ask: str) -> None:
        """The euro's price now; stops and targets that it reaches are dealt."""
        ...

    async def truth(self) -> Truth:
        """The venue's own books."""
        ...


class Kind(Protocol):
    """The module of a kind."""

    #: Which ways its ideas may go: spot only buys.
    WAYS: tuple[str, ...]

    def serve(self, url: str) -> AbstractAsyncContextManager[Site]:
        """The server's side, up; ``url`` is the database of the lives."""
        ...

    def broker(self, told: Told, store: Any, ledger: Any) -> Any:
        """The real adapter of a life."""
        ...


def kind(name: str) -> Kind:
    """A kind by its name."""
    found: Any = import_module(KINDS[name])
    return found  # type: ignore[no-any-return]
