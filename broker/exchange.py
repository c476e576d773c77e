"""Results of a symbol in the currency of a simulated account."""

from decimal import Decimal

from engine.domain.conversion import convert, pairs
from engine.domain.market import Instrument, Quote
from engine.errors import BrokerSilent
from engine.ports import MarketData


async def exchanged(
    market: MarketData, amount: Decimal, instrument: Instrument, currency: str, at: Quote | None
) -> Decimal:
    """An amount of the symbol's quote currency in another currency; a negative one is a loss.

    ``at`` is the symbol's own quote where it is not that of now. Raises :class:`BrokerSilent` when
    there is no rate: an account that cannot be valued gives no answer.
    """
    quotes = dict(await market.rates(pairs(instrument, currency)))
    if at is not None:
        quotes[instrument.symbol] = at
    conversion = convert(instrument, currency, quotes, gain=amount > 0)
    if conversion is None:
        raise BrokerSilent(
            f"{instrument.symbol} needs a rate from {instrument.quote} to {currency}, "
            "which no feed gives"
        )
    return amount * conversion.rate
