"""What deals and trades of the paper venue are worth, and what they cost, in account currency."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from broker.held import Held
from broker.still import Moment
from broker.terms import SwapUnit, Terms
from engine.domain.conversion import convert, pairs
from engine.domain.market import Instrument, Quote
from engine.domain.values import quantize
from engine.errors import BrokerSilent

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

    market: Moment
    currency: str
    terms: Terms

    def commission(
        self, price: Decimal, volume: Decimal, known: Instrument, at: Quote | None
    ) -> Decimal:
        """What one side of a deal costs: zero or above, rounded up."""
        cost = volume * self.terms.commission_per_lot
        if self.terms.fee_percent:
            value = volume * known.contract_size * price * self.terms.fee_percent / 100
            cost -= self.exchanged(-value, known, at)
        return cost.quantize(_CENT, ROUND_CEILING)

    def margin(self, price: Decimal, volume: Decimal, known: Instrument) -> Decimal:
        """What a position holds as margin."""
        # Taken as a loss, so that it is never less than what the sizing counted with.
        rate = self.terms.margin_rate(known)
        taken = -volume * known.contract_size * price * rate
        return -self.exchanged(taken, known)

    def night(self, held: Held, count: int, known: Instrument) -> Decimal:
        """What so many nights bring or cost."""
        volume = held.volume
        each = self.terms.swap(held.direction)
        amount = each * volume * count
        if self.terms.swap_unit is SwapUnit.POINTS and amount:
            amount = amount.scaleb(-known.digits) * known.contract_size
            amount = self.exchanged(amount, known)
        return quantize(amount, 2)

    def result(self, held: Held, price: Decimal, known: Instrument, at: Quote | None) -> Result:
        """What a trade, or a part of one, makes if it is left at a price, ``at`` the symbol's
        quote of that moment.
        """
        volume = held.volume
        gained = held.direction.sign * (price - held.entry_price)
        amount = gained * volume * known.contract_size
        gross = self.exchanged(amount, known, at)
        left = self.commission(price, volume, known, at)
        return Result(
            gross=quantize(gross, 2),
            commission=-(held.commission + left),
            swap=held.swap,
        )

    def exchanged(self, amount: Decimal, known: Instrument, at: Quote | None = None) -> Decimal:
        """An amount of the symbol's quote currency in the account's; a negative one is a loss.

        ``at`` is the symbol's own quote where it is not that of now. Raises :class:`BrokerSilent`
        when there is no rate: an account that cannot be valued gives no answer.
        """
        if known.quote == self.currency:
            return amount
        quotes = dict(self.market.rates(pairs(known, self.currency)))
        if at is not None:
            quotes[known.symbol] = at
        conversion = convert(known, self.currency, quotes, gain=amount > 0)
        if conversion is None:
            raise BrokerSilent(
                f"{known.symbol} needs a rate from {known.quote} to {self.currency}, "
                "which no feed gives"
            )
        return amount * conversion.rate
