"""What the account and its open trades may be, and what not: each with the words for it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from engine.domain.gate import Check
from engine.domain.settings import RiskSettings
from engine.gate.case import Case
from tests.builders import (
    HOUR,
    NOW,
    account,
    bundle,
    case,
    conversion,
    day,
    open_order,
    position,
    proposal,
    sizing,
)
from tests.situations.cases import (
    MINUTE,
    OTHER,
    SELL,
    capped,
    equity,
    held,
    seen,
    set_to,
    spec,
    spot,
)

TRADES: dict[Check, tuple[dict[str, Case], dict[str, Case]]] = {
    Check.ACCOUNT: (
        {
            "both known": seen(),
            "an answer exactly as old as allowed": seen(
                account=account(captured_at=NOW - 3 * HOUR)
            ),
            "a broker whose midnight is later": seen(
                day=replace(day(), day=NOW.date() - timedelta(days=1))
            ),
        },
        {
            "no account": seen(account=None),
            "no beginning of the day": seen(day=None),
            "another account's day": seen(account=account(id="paper-2")),
            "an answer a second too old": seen(
                account=account(captured_at=NOW - 3 * HOUR - MINUTE / 60)
            ),
            "a day of the day before yesterday": seen(
                day=replace(day(), day=NOW.date() - timedelta(days=2))
            ),
        },
    ),
    Check.OPEN_POSITION: (
        {
            "nothing open": held(),
            "the other direction": held(position(direction=SELL)),
            "another symbol": held(position(**OTHER)),
            "the judged order itself": held(open_order(client_id="at-own"), own="at-own"),
        },
        {
            "the same trade": held(position()),
            "an order being sent": held(open_order(state="sending")),
            "an order not sent yet": held(open_order(state="intent")),
            "an order of unknown outcome": held(open_order(state="unknown")),
            "another order beside its own": held(
                open_order(client_id="at-own"), open_order(client_id="at-x"), own="at-own"
            ),
            "a position while its own order waits": held(
                position(), open_order(client_id="at-own", state="intent"), own="at-own"
            ),
        },
    ),
    Check.LONG_FLAT: (
        {
            "no spot symbol": held(position()),
            "bought when flat": spot(),
            "bought while another is held": spot(position(**OTHER)),
            "switched off": spot(position(), long_flat=False),
        },
        {
            "bought twice": spot(position()),
            "sold short": spot(direction=SELL),
            "sold short, switched to long only": spot(position(), direction=SELL),
        },
    ),
    Check.UNKNOWN_ORDER: (
        {
            "nothing": held(),
            "unknown elsewhere": held(open_order(state="unknown", **OTHER)),
            "being sent": held(open_order(state="sending")),
        },
        {
            "unknown here": held(open_order(state="unknown")),
            "unknown here, the other way": held(open_order(state="unknown", direction=SELL)),
        },
    ),
    Check.CONVERSION: (
        {"known": seen(conversion=conversion("0.8"))},
        {"no rate": seen(conversion=None)},
    ),
    Check.MAX_EXPOSURE: (
        {
            # 0.25 lots at 1.10008 are 27,502 dollars; equity is 10,000.
            "exactly the limit": set_to(max_exposure_percent=Decimal("275.02")),
            # 0.10 lots at 1.10008 are 11,000.80 more, whichever way they go.
            "exactly the limit with another": held(
                position(**OTHER), max_exposure_percent=Decimal("385.028")
            ),
            "its own not counted": held(
                open_order(**OTHER), own="at-open", max_exposure_percent=Decimal("275.02")
            ),
        },
        {
            "just over": set_to(max_exposure_percent=Decimal("275.0199")),
            "just over with another": held(
                position(**OTHER), max_exposure_percent=Decimal("385.0279")
            ),
            "just over with a sale": held(
                position(**OTHER, direction=SELL), max_exposure_percent=Decimal("385.0279")
            ),
            "just over with an order": held(
                open_order(**OTHER), max_exposure_percent=Decimal("385.0279")
            ),
            "no room for the least trade": case(
                sizing=sizing(volume="0"),
                bundle=bundle(
                    positions=(position(),),
                    settings=RiskSettings(max_exposure_percent=Decimal(111)),
                ),
            ),
            "what is open has no value": seen(positions=(position(**OTHER),), valuations=()),
            "no equity": equity("0"),
            "no account": seen(account=None),
            "no rate": seen(conversion=None),
        },
    ),
    Check.CURRENCY_EXPOSURE: (
        {
            "room for it": set_to(max_currency_exposure_percent=Decimal(276)),
            "the account's own currency does not count": seen(account=account(currency="EUR")),
            "it makes the net value smaller": held(
                position(direction=SELL, volume=Decimal(5)),
                max_currency_exposure_percent=Decimal(10),
            ),
        },
        {
            "a little too much": set_to(max_currency_exposure_percent=Decimal(275)),
            "with what is open": held(
                position(volume=Decimal("0.10")), max_currency_exposure_percent=Decimal(276)
            ),
            "no account": seen(account=None),
            "what is open cannot be valued": seen(
                positions=(position(**OTHER),), valuations=bundle().valuations
            ),
            "the symbol cannot be valued": seen(valuations=()),
        },
    ),
    Check.LOT_SIZE: (
        {
            "exactly the most": case(sizing=sizing(volume="1.00"), strategy=capped("5")),
            "exactly the least": case(sizing=sizing(volume="0.01")),
            "exactly the strategy's": case(sizing=sizing(volume="0.50"), strategy=capped("0.5")),
        },
        {
            "a step over the most": case(sizing=sizing(volume="1.01"), strategy=capped("5")),
            "nothing": case(sizing=sizing(volume="0")),
            "below the least": case(sizing=sizing(volume="0.005")),
            "between two steps": case(sizing=sizing(volume="0.015")),
            "over the strategy's": case(sizing=sizing(volume="0.51"), strategy=capped("0.5")),
            "over the venue's": case(
                sizing=sizing(volume="0.25"), bundle=bundle(instrument=spec(volume_max="0.24"))
            ),
        },
    ),
    Check.STOPS_LEVEL: (
        {
            "exactly": seen(instrument=spec(stops_level="0.0020")),
            "no level": seen(instrument=spec(stops_level="0")),
        },
        {
            "stop a point too near": seen(instrument=spec(stops_level="0.00201")),
            "target too near": case(
                bundle=bundle(instrument=spec(stops_level="0.0010")),
                proposal=proposal(take_profit=(Decimal("1.10107"),)),
            ),
        },
    ),
    Check.MAX_CONCURRENT_TRADES: (
        {
            "one fewer": held(position(**OTHER), open_order(**OTHER), max_concurrent_trades=3),
            "its own not counted": held(
                position(**OTHER),
                open_order(client_id="at-own"),
                own="at-own",
                max_concurrent_trades=2,
            ),
        },
        {
            "exactly as many": held(
                position(**OTHER), position(**OTHER), open_order(**OTHER), max_concurrent_trades=3
            ),
            "an unproven order is one": held(open_order(**OTHER), max_concurrent_trades=1),
        },
    ),
    Check.STRATEGY_POSITIONS: (
        {
            "none of its own": held(position(strategy_id="another"), position(strategy_id=None)),
            "one of two": case(
                bundle=bundle(positions=(position(),)), strategy=capped(positions=2)
            ),
        },
        {
            "its one": held(position(symbol="GBPUSD")),
            "its one, unproven": held(open_order(symbol="GBPUSD", state="unknown")),
        },
    ),
}
