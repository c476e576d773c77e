"""From a symbol's quote currency into the account's, through whatever pairs the market knows."""

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from engine.domain.market import Conversion, Instrument, Quote, RateStep

#: Currencies that nearly everything is quoted against, in the order they are tried.
_BRIDGES = ("USD", "EUR")
#: A rate has so many significant digits; the last is rounded against the account.
_DIGITS = 12

_EXACT = Context(prec=60)
_LESS = Context(prec=_DIGITS, rounding=ROUND_FLOOR)
_MORE = Context(prec=_DIGITS, rounding=ROUND_CEILING)
_SAME = Conversion(rate=Decimal(1), path=())

#: A pair, and whether one divides by its price.
_Hop = tuple[str, bool]


def pairs(instrument: Instrument, currency: str) -> frozenset[str]:
    """Every symbol whose quote could be of use for the conversion."""
    return frozenset(symbol for route in _routes(instrument, currency) for symbol, _ in route)


def convert(
    instrument: Instrument, currency: str, quotes: Mapping[str, Quote], *, gain: bool = False
) -> Conversion | None:
    """The first way for which there are quotes: none needed, the symbol itself, the direct pair,
    the inverse pair, over the dollar, over the euro. None when there is no way.

    A loss is paid by buying the quote currency, a gain by selling it. Each takes the worse side of
    the quotes: dividing by a bid or multiplying by an ask makes a loss larger, and sizes are made
    for losses.
    """
    if instrument.quote == currency:
        return _SAME
    for route in _routes(instrument, currency):
        if all(symbol in quotes for symbol, _ in route):
            return _along(route, quotes, gain=gain)
    return None


def _along(route: tuple[_Hop, ...], quotes: Mapping[str, Quote], *, gain: bool) -> Conversion:
    over, under, path = Decimal(1), Decimal(1), []
    for symbol, divide in route:
        quote = quotes[symbol]
        price = quote.ask if divide is gain else quote.bid
        path.append(RateStep(symbol=symbol, price=price, divide=divide))
        if divide:
            under = _EXACT.multiply(under, price)
        else:
            over = _EXACT.multiply(over, price)
    worse = _LESS if gain else _MORE
    return Conversion(rate=worse.divide(over, under), path=tuple(path))


def _routes(instrument: Instrument, currency: str) -> Iterator[tuple[_Hop, ...]]:
    """Ways from the instrument's quote currency to another, the shortest first."""
    if instrument.quote == currency:
        yield ()
        return
    for hop in _hops(instrument, instrument.quote, currency):
        yield (hop,)
    for bridge in _BRIDGES:
        if bridge in (instrument.quote, currency):
            continue
        for first in _hops(instrument, instrument.quote, bridge):
            for second in _hops(instrument, bridge, currency):
                yield (first, second)


def _hops(instrument: Instrument, source: str, target: str) -> Iterator[_Hop]:
    # A venue may call a pair EURUSD.r: the symbol itself is known by its currencies.
    if (instrument.quote, instrument.base) == (source, target):
        yield instrument.symbol, True
    yield source + target, False
    yield target + source, True
