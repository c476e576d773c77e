"""A venue as bad as they come: it fills one id twice, loses answers, and takes orders late."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from broker.books import Books
from broker.dealer import Dealer
from broker.paper import PaperBroker
from broker.play import worse
from engine.domain.order import Fill, Order
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import Found, NotFound
from engine.snapshot.canonical import plain, restore

FATES = ("filled",) * 5 + ("lost",) * 2 + ("late",) * 2 + ("refused",)
#: How long an order may be under way, and after which a second "no" is proof.
LATE_SECONDS, PROOF_SECONDS = 0.6, 0.9


@dataclass(frozen=True, kw_only=True)
class WildVenue(PaperBroker):
    """The paper broker without its protection: no id is refused for being known."""

    chance: Random = field(default_factory=Random)
    fates: Sequence[str] = FATES

    @asynccontextmanager
    async def _open(self, order_of: str | None = None) -> AsyncIterator[tuple[Dealer, Books]]:
        await self._arrivals()
        async with super()._open(order_of) as opened:
            yield opened

    async def _arrivals(self) -> None:
        """Orders that were under way come in, atomically."""
        if not (await self.ledger.read("wild")).get("late"):
            return
        async with self.ledger.open("wild") as wild:
            due = [late for late in wild["late"] if late["at"] <= time.time()]
            wild["late"] = [late for late in wild["late"] if late["at"] > time.time()]
            for late in due:
                await self._take(restore(Order, late["order"]))

    async def _take(self, order: Order) -> Fill:
        async with super()._open(order.symbol) as (dealer, books):
            now = dealer.market
            quote, seen = now.quote(order.symbol), now.last_opened(order.symbol)
            assert quote is not None
            assert seen is not None
            known, pips = now.instrument(order.symbol), self.slippage_pips
            fill = Fill(
                client_id=order.client_id,
                broker_id=str(books.number + 1),
                price=worse(order.direction, quote, known, pips),
                volume=order.volume,
                time=quote.time,
            )
            dealer.enter(books, order, fill, Decimal(0), seen)
            books.orders[order.client_id] = plain(fill)
        return fill

    async def submit(self, order: Order) -> Fill:
        fate = self.chance.choice(self.fates)
        if fate == "refused":
            raise BrokerRefused("the venue does not like it")
        if fate == "late":
            late: Any = {"order": plain(order), "at": time.time() + LATE_SECONDS}
            async with self.ledger.open("wild") as wild:
                wild["late"] = [*wild.get("late", []), late]
            raise BrokerSilent("no answer")
        fill = await self._take(order)
        if fate == "lost":
            raise BrokerSilent("the answer was lost")
        return fill

    async def look_up(self, client_id: str) -> Found | NotFound:
        async with self._open() as (_, books):
            known = books.orders.get(client_id)
        if known is not None:
            return Found(restore(Fill, known))
        async with self.ledger.open("wild") as wild:
            asked = {client_id: time.time(), **wild.get("asked", {})}
            wild["asked"] = asked
        return NotFound(proven=time.time() - asked[client_id] > PROOF_SECONDS)

    async def look_up_many(self, client_ids: Sequence[str]) -> dict[str, Found | NotFound]:
        return {client_id: await self.look_up(client_id) for client_id in client_ids}
