"""What all that is open moves, in money per currency and per symbol: the gate's figures. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from engine.domain.snapshot import Bundle

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is long and what is short of a currency or a symbol, in account currency; neither is
    below zero. Of a currency they are set off against each other: one of them is zero.
    """

    name: str
    long: Decimal
    short: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """Everything open, orders that may still become trades too, in the account's ``currency``.

    ``total`` adds both directions up. ``unvalued`` are symbols without a fresh price: while there
    are any, the figures are too small. The account's own currency is left out of ``by_currency``.
    """

    currency: str
    equity: Decimal
    by_currency: tuple[Sides, ...]
    by_symbol: tuple[Sides, ...]
    total: Decimal
    unvalued: tuple[str, ...]


def exposures(bundle: Bundle) -> Exposures | None:
    """The exposures a bundle shows; None while the venue does not answer."""
    if bundle.account is None:
        return None
    nets: defaultdict[str, Decimal] = defaultdict(Decimal)
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    sold: defaultdict[str, Decimal] = defaultdict(Decimal)
    unvalued = set()
    for holding in bundle.holdings:
        exposure = bundle.exposure(holding)
        if exposure is None:
            unvalued.add(holding.symbol)
            continue
        side = held if exposure.direction.sign > 0 else sold
        side[exposure.symbol] += exposure.notional
        for currency, value in exposure.legs:
            nets[currency] += value
    nets.pop(bundle.account.currency, None)
    return Exposures(
        currency=bundle.account.currency,
        equity=bundle.account.equity,
        by_currency=_sides(nets, {name: -net for name, net in nets.items()}, nets),
        by_symbol=_sides(held, sold, {*held, *sold}),
        total=sum((*held.values(), *sold.values()), _NOTHING),
        unvalued=tuple(sorted(unvalued)),
    )


def _sides(
    long: dict[str, Decimal], short: dict[str, Decimal], names: Iterable[str]
) -> tuple[Sides, ...]:
    """By name; the largest is for whoever shows them to put first."""
    return tuple(
        Sides(
            name=name,
            long=max(_NOTHING, long.get(name, _NOTHING)),
            short=max(_NOTHING, short.get(name, _NOTHING)),
        )
        for name in sorted(names)
    )
