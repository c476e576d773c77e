"""How much to trade: a percentage of equity over the stop's distance, clipped by every cap."""

from decimal import ROUND_DOWN, Decimal, localcontext

from engine.domain.idea import Proposal, Sizing
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Strategy
from engine.domain.values import quantize
from engine.gate.money import EXACT, exposure_limit, margin_free, notional_of, open_notional

_NOTHING = Decimal(0)
_CENT = Decimal("0.01")


def size(
    strategy: Strategy,
    bundle: Bundle,
    proposal: Proposal,
    *,
    at_most: Decimal | None = None,
    own_order: str | None = None,
) -> Sizing:
    """The size of a proposal, rounded down to the symbol's volume step; zero when none fits.

    ``at_most`` is a further cap: a person's half size, or the size that was shown on the card.
    ``own_order`` is the order that is judged, which does not count as open beside itself.
    Money is in account currency: distance × contract size × rate is the loss of one lot. Without a
    conversion, or with something open that cannot be valued, the size is zero.
    """
    with localcontext(EXACT):
        loss_per_lot = _loss_per_lot(bundle, proposal)
        account = bundle.account
        if account is None or bundle.conversion is None or not loss_per_lot > 0:
            return _sizing(_NOTHING, _NOTHING, _NOTHING, _NOTHING)
        if not account.equity > 0:
            return _sizing(_NOTHING, _NOTHING, _NOTHING, _NOTHING)
        percent = bundle.settings.risk_per_trade_percent
        caps = _caps(strategy, bundle, proposal, own_order)
        caps = {"risk_per_trade_percent": (account.equity * percent / 100, loss_per_lot), **caps}
        if at_most is not None:
            caps["at_most"] = (at_most, Decimal(1))
        # A whole quotient is exact where a division would round: never a step more than there is.
        step = bundle.instrument.volume_step
        steps = {name: there // (used * step) for name, (there, used) in caps.items()}
        name = min(steps, key=lambda cap: steps[cap])
        volume = steps[name] * step
        if volume < bundle.instrument.volume_min:
            volume = _NOTHING
        risk_money = volume * loss_per_lot
        shown = quantize(risk_money * 100 / account.equity, 2)
        # Rounding must not turn a small risk into none, nor one that fits into one that does not.
        risk_percent = min(max(shown, _CENT), percent) if volume else _NOTHING
        margin = margin_of(bundle, proposal.entry, volume)
        limited_by = None if name == "risk_per_trade_percent" else name
        return _sizing(volume, risk_money, risk_percent, margin, limited_by)


def _caps(
    strategy: Strategy, bundle: Bundle, proposal: Proposal, own_order: str | None
) -> dict[str, tuple[Decimal, Decimal]]:
    """Every cap by name: how much there is, and how much of it one lot takes."""
    lot = Decimal(1)
    value = notional_of(bundle, proposal.entry, lot)
    held = open_notional(bundle, own_order)
    room = _NOTHING if held is None else exposure_limit(bundle) - held
    free = margin_free(bundle, own_order) or _NOTHING
    return {
        "max_lot_size": (bundle.settings.max_lot_size, lot),
        "strategy_max_lot_size": (strategy.risk_caps.max_lot_size, lot),
        "volume_max": (bundle.instrument.volume_max, lot),
        "margin_free": (max(_NOTHING, free), value * bundle.instrument.margin_rate),
        "max_exposure_percent": (max(_NOTHING, room), value),
    }


def _loss_per_lot(bundle: Bundle, proposal: Proposal) -> Decimal:
    """What one lot loses at the stop, in account currency, with what both sides of it cost.

    Where the symbol's own price is part of the conversion (a EURUSD trade of an account in euros),
    a stop below today's price is also paid at that lower price.
    """
    loss = proposal.risk * bundle.instrument.contract_size * bundle.quote_rate
    for step in bundle.conversion.path if bundle.conversion else ():
        if step.symbol == bundle.symbol and step.divide and 0 < proposal.stop_loss < step.price:
            loss = loss * step.price / proposal.stop_loss
    return loss + _costs_per_lot(bundle, proposal)


def _costs_per_lot(bundle: Bundle, proposal: Proposal) -> Decimal:
    """The round trip of one lot that ends at its stop, as far as the venue says what it takes."""
    known = bundle.instrument
    value = (proposal.entry + proposal.stop_loss) * known.contract_size * bundle.quote_rate
    return 2 * known.commission_per_lot + value * known.fee_percent / 100


def _sizing(
    volume: Decimal,
    risk_money: Decimal,
    risk_percent: Decimal,
    margin: Decimal,
    limited_by: str | None = None,
) -> Sizing:
    return Sizing(
        volume=volume,
        risk_money=quantize(risk_money, 2),
        risk_percent=risk_percent,
        margin=quantize(margin, 2),
        limited_by=limited_by,
    )


def margin_of(bundle: Bundle, price: Decimal, volume: Decimal) -> Decimal:
    """The margin a position of this volume holds, in account currency."""
    return notional_of(bundle, price, volume) * bundle.instrument.margin_rate


def floor_to_step(volume: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of ``step`` that is not above ``volume``."""
    return (volume / step).to_integral_value(rounding=ROUND_DOWN) * step
