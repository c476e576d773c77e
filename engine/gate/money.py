"""The gate's money: what is open beside the trade, and the checks of conversion and exposure."""

from decimal import ROUND_CEILING, Context, Decimal, localcontext

from engine.domain.account import Position
from engine.domain.gate import Check
from engine.domain.snapshot import Bundle, OpenOrder
from engine.domain.values import quantize
from engine.gate.case import MISSING, Case, Finding, check

#: Wide enough for every product of prices, sizes and rates to be exact, whatever the caller's
#: context is; a quotient is never too small.
EXACT = Context(prec=120, rounding=ROUND_CEILING)


def others(bundle: Bundle, own_order: str | None) -> list[Position | OpenOrder]:
    """What is or may be open, other than the order that is itself being judged.

    An order that was decided later and has not been sent does not count against an earlier one;
    otherwise two approved at once would refuse each other.
    """
    own = next((o for o in bundle.orders if o.client_id == own_order), None)
    if own is None:
        return list(bundle.holdings)
    later = [
        order.client_id
        for order in bundle.orders
        if order.state == "intent"
        and (order.created_at, order.client_id) > (own.created_at, own.client_id)
    ]
    return [held for held in bundle.holdings if held.client_id not in (own.client_id, *later)]


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


def notional_of(bundle: Bundle, price: Decimal, volume: Decimal) -> Decimal:
    """The value of so many lots of the bundle's symbol at a price, in account currency."""
    return volume * bundle.instrument.contract_size * price * bundle.quote_rate


def exposure_limit(bundle: Bundle) -> Decimal:
    """How much all that is open may be worth, in account currency; zero without an account."""
    if bundle.account is None:
        return Decimal(0)
    return bundle.account.equity * bundle.settings.max_exposure_percent / 100


@check(Check.CONVERSION)
def _conversion(case: Case) -> Finding:
    """The quote currency can be turned into the account's by fresh prices."""
    account, quote = case.bundle.account, case.bundle.instrument.quote
    wanted = quote if account is None else f"{quote}/{account.currency}"
    known = case.bundle.conversion
    return known is not None, MISSING if known is None else f"{known.rate:f}", wanted


@check(Check.MAX_EXPOSURE)
def _max_exposure(case: Case) -> Finding:
    """Source 001's ``max_exposure_reached``. Where there is no room for the least trade, the size
    is zero; the check is then held against the least trade, so that it says what was in the way.
    """
    bundle = case.bundle
    with localcontext(EXACT):
        limit = exposure_limit(bundle)
        held = open_notional(bundle, case.own_order)
        if bundle.account is None or bundle.conversion is None or held is None:
            return False, MISSING, f"{quantize(limit, 2)}"
        volume = max(case.sizing.volume, bundle.instrument.volume_min)
        total = held + notional_of(bundle, case.proposal.entry, volume)
        return total <= limit, f"{quantize(total, 2)}", f"{quantize(limit, 2)}"
