"""A venue's adapter without its second wall: each attempt at an order has an id of its own.

Every real adapter knows an order's id again and answers a second attempt from its books or its
journal, so that an engine that sent twice would be saved by it. A defect of the engine shows only
where that wall is gone, as it is for a client that makes a new id for every request.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from engine.domain.order import Fill, Order

_BOOK = "attempts"
_SUFFIX = re.compile(r"-\d+$")
_LONGEST_PLAIN = len("at-") + 24


@dataclass(frozen=True, kw_only=True)
class NewIds:
    """The first attempt goes under the order's own id; how many there were outlives a death."""

    inner: Any
    ledger: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def submit(self, order: Order) -> Fill:
        """One more attempt, under an id that no adapter has seen."""
        async with self.ledger.open(_BOOK) as made:
            number = made[order.client_id] = made.get(order.client_id, -1) + 1
        name = f"{order.client_id}-{number}" if number else order.client_id
        fill: Fill = await self.inner.submit(replace(order, client_id=name))
        return replace(fill, client_id=order.client_id)


def together(taken: dict[str, int]) -> dict[str, int]:
    """What a venue took of each order, all its attempts in one."""
    counts: Counter[str] = Counter()
    for name, count in taken.items():
        counts[_SUFFIX.sub("", name) if len(name) > _LONGEST_PLAIN else name] += count
    return dict(counts)
