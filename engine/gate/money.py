"""The gate's money: what all that is open is worth, and how much it may be."""

from decimal import ROUND_CEILING, Context, Decimal

from engine.domain.snapshot import Bundle, OpenOrder
from engine.gate.case import others

#: Wide enough for every product of prices, sizes and rates to be exact, whatever the caller's
#: context is; a quotient is never too small.
EXACT = Context(prec=120, rounding=ROUND_CEILING)


def open_notional(bundle: Bundle, own_order: str | None) -> Decimal | None:
    """The value of all others in account currency, both directions added up; None when one of
    them cannot be valued.
    """
    total = Decimal(0)
    for held in others(bundle, own_order):
        exposure = bundle.exposure(held)
        if exposure is None:
            return None
        total += exposure.notional
    return total


def margin_free(bundle: Bundle, own_order: str | None) -> Decimal | None:
    """The account's free margin less what our other orders will take of it: the venue does not
    know them yet. None when the account or the worth of one of them is not known.
    """
    if bundle.account is None:
        return None
    free = bundle.account.margin_free
    rates = {valuation.symbol: valuation.margin_rate for valuation in bundle.valuations}
    for held in others(bundle, own_order):
        if isinstance(held, OpenOrder):
            exposure = bundle.exposure(held)
            if exposure is None:
                return None
            free -= exposure.notional * rates[held.symbol]
    return free


def notional_of(bundle: Bundle, price: Decimal, volume: Decimal) -> Decimal:
    """The value of so many lots of the bundle's symbol at a price, in account currency."""
    return volume * bundle.instrument.contract_size * price * bundle.quote_rate


def exposure_limit(bundle: Bundle) -> Decimal:
    """How much all that is open may be worth, in account currency; zero without an account."""
    if bundle.account is None:
        return Decimal(0)
    return bundle.account.equity * bundle.settings.max_exposure_percent / 100
