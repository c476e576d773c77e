"""What happened to positions, written into the venue's books: bought, sold in parts, moved."""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from broker.binance.deals import Deal
from broker.binance.desk import Desk
from broker.binance.rules import Rules
from broker.turns import Books, part_of
from engine.domain.account import Direction
from engine.domain.market import Quote
from engine.domain.order import ClosedTrade, Fill
from engine.domain.position_orders import PositionChange
from engine.snapshot.canonical import plain

log = logging.getLogger(__name__)

_CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Notes:
    """``desk`` is asked what fees in a third asset, such as BNB, are worth."""

    desk: Desk

    async def enter(
        self, books: Books, client_id: str, known: dict[str, Any], deal: Deal, rules: Rules
    ) -> Fill:
        """Note what an order bought. A fee taken in the coins makes them fewer; what is left below
        the step cannot be sold and counts as paid for.
        """
        volume = rules.whole(deal.volume - deal.fees.get(rules.base, Decimal(0)))
        # What a thin book does not fill of an order at the market is cancelled at once.
        asked = Decimal(known.get("asked", deal.volume))
        fill = Fill(
            client_id=client_id,
            broker_id=f"{rules.symbol}-{deal.order_id}",
            price=deal.price(rules),
            volume=volume,
            time=deal.time,
            unfilled=max(Decimal(0), asked - deal.volume),
        )
        paid = deal.cost + await self.fees(deal, rules)
        books.orders[client_id] = plain(fill)
        books.held.append(
            {
                "id": fill.broker_id, "client_id": client_id, "key": client_id, "number": 0,
                "strategy_id": known["strategy_id"], "symbol": rules.symbol, "base": rules.base,
                "volume": str(volume), "paid": str(paid), "entry_price": str(fill.price),
                "stop_loss": known["stop_loss"], "targets": known["targets"], "guards": [],
                "time_limit_min": known["time_limit_min"], "taken": 0, "pending": None,
                "opened_at": fill.time.isoformat(), "bare_since": None,
            }
        )  # fmt: skip
        await books.save()
        return fill

    async def fees(self, deal: Deal, rules: Rules) -> Decimal:
        paid = deal.fees.get(rules.quote, Decimal(0))
        for asset, amount in deal.fees.items():
            if asset in (rules.base, rules.quote) or not amount:
                continue
            worth = await self.desk.worth(asset, amount, rules)
            if worth is None:
                log.warning("a fee of %s %s has no price in %s", amount, asset, rules.quote)
            paid += worth or Decimal(0)
        return paid

    async def sold(
        self, books: Books, held: dict[str, Any], client_id: str, deal: Deal, rules: Rules
    ) -> PositionChange:
        """Note what a sale of ours came to."""
        reason = books.changes[client_id]["reason"]
        self.book(books, held, rules, deal, await self.fees(deal, rules), reason)
        change = self.done(books, held, client_id, deal.time, deal, rules)
        if not Decimal(held["volume"]):
            books.held.remove(held)
        await books.save()
        return change

    def done(
        self, books: Books, held: dict[str, Any], client_id: str, at: datetime,
        deal: Deal | None = None, rules: Rules | None = None,
    ) -> PositionChange:  # fmt: skip
        """Note a change under its id, which is never taken again."""
        change = PositionChange(
            client_id=client_id,
            position_id=held["id"],
            volume_left=Decimal(held["volume"]),
            time=at,
            price=None if deal is None or rules is None else deal.price(rules),
            volume_closed=None if deal is None else deal.volume,
        )
        books.changes[client_id], held["pending"] = plain(change), None
        return change

    def undo(self, books: Books, held: dict[str, Any], client_id: str) -> None:
        """Strike a change of levels off: the former ones are in force again."""
        before = books.changes[client_id]["before"]
        held["stop_loss"], held["targets"] = before["stop_loss"], before["targets"]
        books.changes[client_id], held["pending"] = None, None

    async def shrink(
        self, books: Books, held: dict[str, Any], rules: Rules, quote: Quote, there: Decimal
    ) -> None:
        """Coins that somebody else sold or moved are no position any more: closed as of now.
        ``there`` is what the account holds of them.
        """
        others = (
            Decimal(other["volume"])
            for other in books.held
            if other is not held and other["base"] == rules.base
        )
        volume = Decimal(held["volume"])
        rest = max(Decimal(0), min(there - sum(others, Decimal(0)), volume))
        lost = volume - rules.whole(rest)
        if lost > 0:
            log.error("%s of %s were sold or moved by somebody else", lost, held["id"])
            await self.write_off(books, held, rules, quote, lost)

    async def write_off(
        self, books: Books, held: dict[str, Any], rules: Rules, quote: Quote, volume: Decimal
    ) -> None:
        """Coins that are a position no more without having been sold by us: closed as of now."""
        cost = volume * quote.bid
        deal = Deal(order_id=0, volume=volume, cost=cost, fees={}, time=quote.time)
        self.book(books, held, rules, deal, Decimal(0), "manual")
        await books.save()

    def book(
        self,
        books: Books,
        held: dict[str, Any],
        rules: Rules,
        deal: Deal,
        fees: Decimal,
        reason: str,
    ) -> None:
        """Note that a position, or a part of it, ended; ``fees`` in the quote currency."""
        earned = deal.cost - fees
        identity, paid = part_of(held, deal.volume)
        books.end(
            ClosedTrade(
                position_id=identity, client_id=held["client_id"], symbol=rules.symbol,
                direction=Direction.BUY, volume=deal.volume,
                entry_price=Decimal(held["entry_price"]), exit_price=deal.price(rules),
                profit=money(earned - paid),
                opened_at=datetime.fromisoformat(held["opened_at"]), closed_at=deal.time,
                reason=reason,
            )
        )  # fmt: skip


def money(amount: Decimal) -> Decimal:
    """An amount in hundredths, the rest of one against the account."""
    return amount.quantize(_CENT, rounding=ROUND_FLOOR)
