"""What symbols are worth in account currency, by quotes that are fresh enough to rest on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.domain.account import Account
from engine.domain.conversion import convert, pairs
from engine.domain.market import Conversion, Instrument, Quote
from engine.domain.snapshot import Valuation
from engine.errors import NotFound
from engine.ports import MarketData

#: How far ahead of us a feed's clock may run.
_AHEAD = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Conversions and valuations by symbol; what no price could be had for is missing."""

    conversions: Mapping[str, Conversion] = field(default_factory=dict)
    valuations: tuple[Valuation, ...] = ()


async def worth(
    market: MarketData,
    symbols: Iterable[str],
    account: Account | None,
    *,
    instant: datetime,
    oldest: timedelta,
    seen: Mapping[str, Quote],
) -> Worth:
    """Value symbols in the account's currency; without an account there is none to value them in.

    ``seen`` are quotes taken before, which are not asked for again.
    A rate never comes from a quote older than ``oldest``. The price of a symbol itself may: its
    market may be closed, and the venue values what is open by the last price as well.
    """
    if account is None:
        return Worth()
    currency = account.currency
    instruments = await _instruments(market, symbols)
    wanted = {pair for known in instruments for pair in pairs(known, currency)}
    wanted |= {known.symbol for known in instruments}
    quotes = {**await market.rates(wanted - seen.keys()), **seen}
    fresh = {
        symbol: quote
        for symbol, quote in quotes.items()
        if -_AHEAD <= instant - quote.time <= oldest
    }
    conversions, valuations = {}, []
    for known in instruments:
        conversion = convert(known, currency, fresh)
        if conversion is None:
            continue
        conversions[known.symbol] = conversion
        if known.symbol in quotes:
            valuations.append(_valuation(known, quotes[known.symbol], conversion))
    return Worth(conversions=conversions, valuations=tuple(valuations))


async def _instruments(market: MarketData, symbols: Iterable[str]) -> list[Instrument]:
    found = []
    for symbol in sorted(set(symbols)):
        try:
            found.append(await market.instrument(symbol))
        except NotFound:
            continue
    return found


def _valuation(instrument: Instrument, quote: Quote, conversion: Conversion) -> Valuation:
    return Valuation(
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        price=quote.ask,
        contract_size=instrument.contract_size,
        margin_rate=instrument.margin_rate,
        conversion=conversion,
    )
