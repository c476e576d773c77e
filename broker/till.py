"""What deals and trades of the paper venue are worth, and what they cost, in account currency."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from broker.exchange import exchanged
from broker.terms import SwapUnit, Terms
from engine.domain.account import Direction
from engine.domain.market import Instrument, Quote
from engine.domain.values import quantize
from engine.ports import MarketData

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Result:
    """What a trade made: by its prices alone, and what came on top; costs are below zero."""

    gross: Decimal
    commission: Decimal
    swap: Decimal

    @property
    def net(self) -> Decimal:
        """All of it."""
        return self.gross + self.commission + self.swap


@dataclass(frozen=True, kw_only=True)
class Till:
    """Counts in whole cents, so that what an account holds is the sum of what its trades made."""

    market: MarketData
    currency: str
    terms: Terms

    async def commission(
        self, price: Decimal, volume: Decimal, known: Instrument, at: Quote | None
    ) -> Decimal:
        """What one side of a deal costs: zero or above, rounded up."""
        cost = volume * self.terms.commission_per_lot
        if self.terms.fee_percent:
            value = volume * known.contract_size * price * self.terms.fee_percent / 100
            cost -= await exchanged(self.market, -value, known, self.currency, at)
        return cost.quantize(_CENT, ROUND_CEILING)

    async def margin(self, price: Decimal, volume: Decimal, known: Instrument) -> Decimal:
        """What a position holds as margin."""
        # Taken as a loss, so that it is never less than what the sizing counted with.
        rate = self.terms.of(known).margin_rate
        taken = -volume * known.contract_size * price * rate
        return -await exchanged(self.market, taken, known, self.currency, None)

    async def night(self, held: dict[str, Any], count: int, known: Instrument) -> Decimal:
        """What so many nights bring or cost."""
        volume = Decimal(held["volume"])
        each = self.terms.swap(Direction(held["direction"]))
        amount = each * volume * count
        if self.terms.swap_unit is SwapUnit.POINTS and amount:
            amount = amount.scaleb(-known.digits) * known.contract_size
            amount = await exchanged(self.market, amount, known, self.currency, None)
        return quantize(amount, 2)

    async def result(
        self, held: dict[str, Any], price: Decimal, known: Instrument, at: Quote | None
    ) -> Result:
        """What a trade, or a part of one, makes if it is left at a price, ``at`` the symbol's
        quote of that moment.
        """
        volume = Decimal(held["volume"])
        gained = Direction(held["direction"]).sign * (price - Decimal(held["entry_price"]))
        amount = gained * volume * known.contract_size
        gross = await exchanged(self.market, amount, known, self.currency, at)
        left = await self.commission(price, volume, known, at)
        return Result(
            gross=quantize(gross, 2),
            commission=-(Decimal(held.get("commission", "0")) + left),
            swap=Decimal(held.get("swap", "0")),
        )
