"""Cases that differ from a good one in what they are named after."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from engine.domain.account import Direction
from engine.domain.settings import RiskSettings
from engine.domain.strategy import RiskCaps
from tests.builders import (
    NOW,
    account,
    bundle,
    calendar,
    candles,
    case,
    day,
    past_idea,
    proposal,
    strategy,
)

MINUTE = timedelta(minutes=1)
SELL = Direction.SELL


def seen(**values):
    """A case whose bundle has these values."""
    return case(bundle=bundle(**values))


def set_to(**values):
    return seen(settings=RiskSettings(**values))


def equity(amount, start="10000.00", peak="10000.00", **settings):
    return seen(
        account=account(equity=amount), day=day(start, peak), settings=RiskSettings(**settings)
    )


def held(*holdings, own=None, **settings):
    positions = tuple(h for h in holdings if hasattr(h, "profit"))
    orders = tuple(h for h in holdings if not hasattr(h, "profit"))
    found = bundle(positions=positions, orders=orders, settings=RiskSettings(**settings))
    return case(bundle=found, own_order=own)


def capped(lots="1.0", positions=1, **values):
    return strategy(risk_caps=RiskCaps(Decimal(lots), positions), **values)


def news(*events, **values):
    return seen(calendar=calendar(*events, **values))


def spec(**values):
    numbers = {name: Decimal(text) for name, text in values.items()}
    return replace(bundle().instrument, **numbers)


def moves(**values):
    """A case whose last ten candles or figures are other than a quiet trend's."""
    return seen(**values)


def narrow(count, width="0.00010"):
    """So many of the last ten candles hardly move."""
    shown = list(candles())
    low = Decimal("1.10000") - Decimal(width) / 2
    for place in range(len(shown) - count, len(shown)):
        shown[place] = replace(shown[place], high=low + Decimal(width), low=low)
    return tuple(shown)


SPOT = replace(bundle().instrument, spot=True)


def spot(*holdings, direction=Direction.BUY, **settings):
    found = bundle(instrument=SPOT, positions=holdings, settings=RiskSettings(**settings))
    return case(bundle=found, proposal=proposal(direction=direction))


def after(*past, own=None, **settings):
    """An idea after these."""
    return case(bundle=bundle(recent=past, settings=RiskSettings(**settings)), own_idea=own)


def ago(seconds, **values):
    return past_idea(at=NOW - timedelta(seconds=seconds), **values)


OWN = UUID("44444444-4444-5444-8444-444444444444")
ANOTHER = UUID("55555555-5555-5555-8555-555555555555")


OTHER = {"symbol": "GBPUSD", "strategy_id": None}
