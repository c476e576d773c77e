"""How much to trade: a percentage of equity over the stop's distance, clipped by every cap."""

from decimal import ROUND_DOWN, Decimal

from engine.domain.idea import Proposal, Sizing
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.domain.values import quantize

_NOTHING = Decimal(0)


def size(
    strategy: Strategy, bundle: Bundle, proposal: Proposal, *, at_most: Decimal | None = None
) -> Sizing:
    """The size of a proposal, rounded down to the symbol's volume step; zero when none fits.

    ``at_most`` is a further cap: a person's half size, or the size that was shown on the card.
    Money is in account currency: distance × contract size × ``quote_rate`` is the loss of one lot.
    """
    account, instrument = bundle.account, bundle.instrument
    loss_per_lot = proposal.risk * instrument.contract_size * bundle.quote_rate
    if account is None or not loss_per_lot > 0 or not account.equity > 0:
        return Sizing(volume=_NOTHING, risk_money=_NOTHING, risk_percent=_NOTHING, margin=_NOTHING)
    budget = account.equity * bundle.settings.risk_per_trade_percent / 100
    margin_per_lot = margin_of(bundle, proposal.entry, Decimal(1))
    caps = {
        "risk_per_trade_percent": budget / loss_per_lot,
        "max_lot_size": bundle.settings.max_lot_size,
        "strategy_max_lot_size": strategy.risk_caps.max_lot_size,
        "volume_max": instrument.volume_max,
        "margin_free": max(_NOTHING, account.margin_free / margin_per_lot),
    }
    if at_most is not None:
        caps["at_most"] = at_most
    name, cap = min(caps.items(), key=lambda item: item[1])
    volume = floor_to_step(cap, instrument.volume_step)
    if volume < instrument.volume_min:
        volume = _NOTHING
    risk_money = quantize(volume * loss_per_lot, 2)
    return Sizing(
        volume=volume,
        risk_money=risk_money,
        risk_percent=quantize(risk_money * 100 / account.equity, 2),
        margin=quantize(volume * margin_per_lot, 2),
        limited_by=None if name == "risk_per_trade_percent" else name,
    )


def margin_of(bundle: Bundle, price: Decimal, volume: Decimal) -> Decimal:
    """The margin a position of this volume holds, in account currency."""
    instrument = bundle.instrument
    value = volume * instrument.contract_size * price * bundle.quote_rate
    return value * instrument.margin_rate


def floor_to_step(volume: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` that is not above ``volume``."""
    return (volume / step).to_integral_value(rounding=ROUND_DOWN) * step
