"""The gate: every check passes and fails where it says, and what is missing never passes."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from engine.domain.account import Direction
from engine.domain.gate import ASKS, HALTS, Check, CheckResult, GateReport, Verdict
from engine.domain.live import UNSEEN, LiveView
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Impact
from engine.domain.state import HaltReason, Mode, TradingState
from engine.domain.strategy import ForbiddenConditions, MarketState, RiskCaps
from engine.gate.case import CASE_CHECKS, MISSING, SCENE_CHECKS, Case, run
from engine.gate.checks.idea import drift_r
from engine.gate.judge import judge
from engine.gate.limits import reached, target_open
from tests.builders import (
    HOUR,
    NOW,
    PIP,
    account,
    bundle,
    calendar,
    candles,
    case,
    confidence,
    control,
    conversion,
    day,
    indicators,
    open_order,
    past_idea,
    position,
    proposal,
    quote,
    release,
    sizing,
    strategy,
    window,
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

#: code -> situations in which it passes, and in which it fails; each with the words for it.
SITUATIONS: dict[Check, tuple[dict[str, Case], dict[str, Case]]] = {
    Check.STATE: (
        {"running": seen(control=control())},
        {
            str(state): seen(control=control(state=state))
            for state in TradingState
            if state is not TradingState.RUNNING
        },
    ),
    Check.STRATEGY: (
        {"on and unchanged": case(strategy=strategy(version=4), strategy_version=4)},
        {
            "off": case(strategy=strategy(is_active=False)),
            "edited since": case(strategy=strategy(version=2), strategy_version=1),
        },
    ),
    Check.SYMBOL_PAUSED: (
        {
            "none paused": seen(),
            "another paused": seen(control=control(paused_symbols=("GBPUSD",))),
        },
        {"paused": seen(control=control(paused_symbols=("EURUSD", "GBPUSD")))},
    ),
    Check.LIVE_CHECKLIST: (
        {
            "no real money": seen(),
            "confirmed": seen(live=LiveView(account="1@Broker-Live", missing=())),
        },
        {
            need: seen(live=LiveView(account="1@Broker-Live", missing=(need,)))
            for need in UNSEEN.missing
        },
    ),
    Check.STOP_LOSS: (
        {
            "buy": case(proposal=proposal()),
            "sell": case(proposal=proposal(direction=SELL)),
        },
        {
            "buy with its stop above": case(proposal=proposal(stop_loss="1.10009")),
            "buy with its stop at the entry": case(proposal=proposal(stop_loss="1.10008")),
            "sell with its stop below": case(
                proposal=proposal(direction=SELL, stop_loss="1.10007")
            ),
            "target behind": case(proposal=proposal(take_profit=(Decimal("1.10007"),))),
            "target at the entry": case(proposal=proposal(take_profit=(Decimal("1.10008"),))),
            "buy with its stop below zero": case(proposal=proposal(stop_loss="-0.9")),
            "sell with its target at zero": case(
                proposal=proposal(direction=SELL, take_profit=(Decimal(0),))
            ),
            "one of two targets behind": case(
                proposal=proposal(take_profit=(Decimal("1.11"), Decimal("1.09")))
            ),
        },
    ),
    Check.SESSION: (
        {
            "inside": seen(),
            "at the first minute": case(strategy=strategy(session_windows=(window("10:00"),))),
            "in the second window": case(
                strategy=strategy(session_windows=(window("01:00", "02:00"), window()))
            ),
        },
        {
            "at the last minute": case(
                strategy=strategy(session_windows=(window("06:00", "10:00"),))
            ),
            "on another day": case(
                strategy=strategy(session_windows=(window(days=("Thu", "Tue")),))
            ),
            "no window": case(strategy=strategy(session_windows=())),
        },
    ),
    Check.SPREAD: (
        {
            "exactly the limit": seen(quote=quote("1.10000", "1.10025")),
            "none at all": seen(quote=quote("1.10000", "1.10000")),
        },
        {
            "a point over": seen(quote=quote("1.10000", "1.10026")),
            "a hair over": seen(quote=quote("1.10000", "1.1002500001")),
            "no quote": seen(quote=None),
        },
    ),
    Check.NEWS: (
        {
            "nothing": news(),
            "a minute beyond, ahead": news(release(61 * MINUTE)),
            "a minute beyond, behind": news(release(-61 * MINUTE)),
            "another currency": news(release(MINUTE, currency="GBP")),
            "less than high impact": news(release(MINUTE, impact=Impact.MEDIUM)),
            "known exactly as far as the limit looks": news(known_until=NOW + HOUR),
            "a currency the strategy does not fear": case(
                bundle=bundle(calendar=calendar(release(MINUTE))),
                strategy=strategy(forbidden_conditions=ForbiddenConditions(60, ("EUR",))),
            ),
            "all currencies, and the strategy fears none of these": case(
                bundle=bundle(calendar=calendar(release(MINUTE, currency="ALL"))),
                strategy=strategy(forbidden_conditions=ForbiddenConditions(60, ("GBP",))),
            ),
        },
        {
            "exactly the limit, ahead": news(release(60 * MINUTE)),
            "exactly the limit, behind": news(release(-60 * MINUTE)),
            "a second short of the next minute": news(release(timedelta(seconds=3659))),
            "now": news(release(timedelta(0))),
            "the base currency": news(release(MINUTE, currency="EUR")),
            "all currencies": news(release(MINUTE, currency="ALL")),
            "no calendar": seen(calendar=None),
            "known a moment short of the limit": news(
                known_until=NOW + HOUR - timedelta(microseconds=1)
            ),
        },
    ),
    Check.DATA_QUALITY: (
        {"as it should be": case()},
        {
            "a spike": moves(candles=candles(high="1.40000")),
            "not closed yet": moves(candles=candles(end=NOW + HOUR)),
            "without volume": moves(candles=candles(volume=0)),
        },
    ),
    Check.MARKET_STATE: (
        {
            "trending": moves(indicators=indicators(adx_14="20")),
            "ranging": moves(indicators=indicators(adx_14="19.99")),
            "exactly three ranges": moves(
                candles=candles(high="1.10150", low="1.09850"),
            ),
            "eight narrow candles of ten": moves(candles=narrow(8)),
            "chaotic, but allowed": case(
                bundle=bundle(candles=candles(high="1.10200", low="1.09850")),
                strategy=strategy(forbidden_conditions=ForbiddenConditions(60, (), ())),
            ),
        },
        {
            "a hair over three ranges": moves(candles=candles(high="1.10151", low="1.09850")),
            "nine narrow candles of ten": moves(candles=narrow(9)),
            "nothing moves": moves(indicators=indicators(atr_14="0")),
            "no range known": moves(indicators=indicators(atr_14=None)),
            "no strength known": moves(indicators=indicators(adx_14=None)),
            "a range, which the strategy shuns": case(
                bundle=bundle(indicators=indicators(adx_14="10")),
                strategy=strategy(
                    forbidden_conditions=ForbiddenConditions(60, (), (MarketState.RANGE,))
                ),
            ),
        },
    ),
    Check.DATA_READY: (
        {"exactly enough": seen(settings=RiskSettings(min_candles=60))},
        {
            "one too few": seen(settings=RiskSettings(min_candles=61)),
            "none": seen(candles=()),
        },
    ),
    Check.STALE_DATA: (
        {
            "just closed": seen(),
            "candles exactly as old as allowed": seen(candles=candles(end=NOW - 3 * HOUR)),
            "a quote exactly as old as allowed": seen(quote=quote(at=NOW - 3 * HOUR)),
        },
        {
            "candles a second older": seen(candles=candles(end=NOW - 3 * HOUR - MINUTE / 60)),
            "a quote a second older": seen(quote=quote(at=NOW - 3 * HOUR - MINUTE / 60)),
            "no candles": seen(candles=()),
            "no quote": seen(quote=None),
            "from the future": seen(candles=candles(end=NOW + HOUR), quote=quote(at=NOW + HOUR)),
            "only the quote from the future": seen(quote=quote(at=NOW + HOUR)),
            "a quote of another unit": seen(quote=quote("1.32001", "1.32009")),
            "a quote in pips": seen(quote=quote("11000", "11000.8")),
            "only a candle that has not closed": seen(candles=candles(end=NOW + HOUR)),
        },
    ),
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
    Check.DAILY_LOSS: (
        {
            "a cent short": equity("9700.01", max_daily_loss_percent=Decimal(3)),
            "a gain": equity("12000"),
        },
        {
            "exactly the limit": equity("9700.00", max_daily_loss_percent=Decimal(3)),
            "beyond": equity("5000"),
            "no account": seen(account=None),
            "no day": seen(day=None),
        },
    ),
    Check.MAX_DRAWDOWN: (
        {"a cent short": equity("10100.01", peak="10500")},
        {
            "exactly the limit": equity("10100.00", peak="10500"),
            "no account": seen(account=None),
            "no day": seen(day=None),
        },
    ),
    Check.DAILY_TARGET_REACHED: (
        {
            "a cent short": equity("10499.99"),
            "reached, but not to stop at": equity("10500", stop_after_target=False),
            "none set": equity("99999", daily_profit_target=Decimal(0)),
        },
        {
            "exactly reached": equity("10500.00"),
            "no account": seen(account=None),
            "no day": seen(day=None),
        },
    ),
    Check.MARGIN: (
        {
            "exactly what is free": case(sizing=sizing(margin="10000.00")),
            "exactly what an order on its way leaves": seen(
                orders=(open_order(volume=Decimal("2.47"), direction=SELL),)
            ),
        },
        {
            "a cent more than is free": case(sizing=sizing(margin="10000.01")),
            "more than an order on its way leaves": seen(
                orders=(open_order(volume=Decimal("2.49"), direction=SELL),)
            ),
            "an order on its way that cannot be valued": seen(
                orders=(open_order(direction=SELL),), valuations=()
            ),
            "no account": seen(account=None),
        },
    ),
    Check.RISK_BUDGET: (
        {"exactly the budget": case(sizing=sizing(risk_percent="0.50"))},
        {
            "just over": case(sizing=sizing(risk_percent="0.51")),
            "nothing at risk": case(sizing=sizing(risk_percent="0")),
        },
    ),
    Check.REWARD_RATIO: (
        {
            "exactly half of what is expected": case(
                proposal=proposal(take_profit=(Decimal("1.10208"),))
            )
        },
        {
            "just under half": case(proposal=proposal(take_profit=(Decimal("1.10207"),))),
            "no risk to measure by": case(proposal=proposal(stop_loss="1.10008")),
        },
    ),
    Check.PRICE_DRIFT: (
        {
            "a new idea": case(proposed_entry=None),
            "exactly the limit, against": case(
                proposed_entry=Decimal("1.10000"),
                proposal=proposal(entry="1.10050", stop_loss="1.09800"),
            ),
            "exactly the limit, in favour": case(
                proposed_entry=Decimal("1.10000"),
                proposal=proposal(entry="1.09950", stop_loss="1.09800"),
            ),
        },
        {
            "a point over, against": case(
                proposed_entry=Decimal("1.10000"),
                proposal=proposal(entry="1.10051", stop_loss="1.09800"),
            ),
            "a point over, in favour": case(
                proposed_entry=Decimal("1.10000"),
                proposal=proposal(entry="1.09949", stop_loss="1.09800"),
            ),
            "a card without risk": case(
                proposed_entry=Decimal("1.09800"), proposal=proposal(stop_loss="1.09800")
            ),
        },
    ),
    Check.STRATEGY_MAX_CANDLES: (
        {"exactly as many": seen(settings=RiskSettings(strategy_max_candles=60))},
        {"one more": seen(settings=RiskSettings(strategy_max_candles=59))},
    ),
    Check.STRATEGY_RATE_LIMIT: (
        {
            "one fewer": after(ago(1), strategy_rate_limit_per_min=2),
            "a minute ago": after(ago(60), ago(61), strategy_rate_limit_per_min=1),
            "another strategy's": after(ago(1, strategy_id=ANOTHER), strategy_rate_limit_per_min=1),
            "its own, judged again": after(ago(0, id=OWN), own=OWN, strategy_rate_limit_per_min=1),
            "a later one": after(ago(30, id=OWN), ago(10), own=OWN, strategy_rate_limit_per_min=1),
        },
        {
            "exactly as many": after(ago(1), ago(59), strategy_rate_limit_per_min=2),
            "on another symbol": after(ago(1, symbol="GBPUSD"), strategy_rate_limit_per_min=1),
            "an earlier one, judged again": after(
                ago(40), ago(30, id=OWN), own=OWN, strategy_rate_limit_per_min=1
            ),
        },
    ),
    Check.STRATEGY_COOLDOWN: (
        {
            "never before": after(),
            "exactly rested": after(ago(60), strategy_min_interval_seconds=60),
            "on another symbol": after(ago(1, symbol="GBPUSD")),
            "none asked for": after(ago(0), strategy_min_interval_seconds=0),
        },
        {
            "a second short": after(ago(59), strategy_min_interval_seconds=60),
            "the other direction too": after(ago(1, direction=SELL)),
        },
    ),
    Check.STRATEGY_DUPLICATE: (
        {
            "never before": after(),
            "exactly forgotten": after(ago(300), strategy_dedup_ttl_seconds=300),
            "the other direction": after(ago(1, direction=SELL)),
        },
        {"a second short": after(ago(299), strategy_dedup_ttl_seconds=300)},
    ),
    Check.STRATEGY_DAILY_BUDGET: (
        {
            "one fewer": after(ago(3600), strategy_daily_budget=2),
            "yesterday's": after(ago(36_001), strategy_daily_budget=1),
        },
        {
            "exactly spent": after(ago(3600), ago(7200), strategy_daily_budget=2),
            "spent at midnight": after(ago(36_000), strategy_daily_budget=1),
        },
    ),
    Check.CONFIDENCE_FLOOR: (
        {"exactly the floor": case(confidence=confidence(50, 0, 0))},
        {"a hundredth under": case(confidence=confidence("49.99", 0, 0))},
    ),
    Check.WATCHLIST: (
        {
            "listed": set_to(watchlist=("GBPUSD", "EURUSD")),
            "off the list, but allowed": set_to(watchlist=(), allow_off_watchlist_autotrade=True),
        },
        {"not listed": set_to(watchlist=("GBPUSD",))},
    ),
    Check.CONFIDENCE_THRESHOLD: (
        {"exactly the threshold": case(confidence=confidence(50, 25, 15))},
        {"a hundredth under": case(confidence=confidence(50, 25, "14.99"))},
    ),
    Check.MODE: (
        {"autonomous": seen(control=control(mode=Mode.AUTONOMOUS))},
        {"supervised": seen(control=control(mode=Mode.SUPERVISED))},
    ),
}


def listed(passing):
    return [
        pytest.param(code, made, id=f"{code}: {words}")
        for code, situations in SITUATIONS.items()
        for words, made in situations[0 if passing else 1].items()
    ]


@pytest.mark.parametrize(("code", "made"), listed(passing=True))
def test_a_check_passes(code, made):
    result = run(code, made)
    assert result.passed, result
    assert result.observed != MISSING


@pytest.mark.parametrize(("code", "made"), listed(passing=False))
def test_a_check_fails_and_says_what_it_saw(code, made):
    result = run(code, made)
    assert not result.passed, result
    assert result.observed
    assert result in judge(made).checks


def test_every_code_has_a_check_and_is_tested_both_ways():
    assert SCENE_CHECKS.keys() | CASE_CHECKS.keys() == set(Check)
    assert not SCENE_CHECKS.keys() & CASE_CHECKS.keys()
    assert set(SITUATIONS) == set(Check)
    assert all(passing and failing for passing, failing in SITUATIONS.values())


@pytest.mark.parametrize("direction", list(Direction))
def test_a_good_idea_passes_every_check_in_the_order_of_the_codes(direction):
    report = judge(case(proposal=proposal(direction=direction)))
    assert [check.code for check in report.checks] == list(Check)
    assert report.first_failed is None
    assert (report.verdict, report.result) == (Verdict.EXECUTE, "pass")


@pytest.mark.parametrize(
    ("missing", "codes"),
    [
        ({"quote": None}, {Check.DATA_QUALITY, Check.SPREAD, Check.STALE_DATA}),
        ({"calendar": None}, {Check.NEWS}),
        (
            {"candles": ()},
            {Check.DATA_QUALITY, Check.MARKET_STATE, Check.STALE_DATA, Check.DATA_READY},
        ),
        (
            {"day": None},
            {
                Check.ACCOUNT,
                Check.DAILY_LOSS,
                Check.MAX_DRAWDOWN,
                Check.DAILY_TARGET_REACHED,
            },
        ),
        (
            {"account": None},
            {
                Check.ACCOUNT,
                Check.DAILY_LOSS,
                Check.MAX_DRAWDOWN,
                Check.DAILY_TARGET_REACHED,
                Check.MARGIN,
                Check.MAX_EXPOSURE,
                Check.CURRENCY_EXPOSURE,
            },
        ),
        ({"conversion": None}, {Check.CONVERSION, Check.MARGIN, Check.MAX_EXPOSURE}),
        (
            {"valuations": (), "orders": (open_order(**OTHER),)},
            {Check.MARGIN, Check.MAX_EXPOSURE, Check.CURRENCY_EXPOSURE},
        ),
    ],
)
def test_gate_is_closed_by_what_is_missing_and_says_so(missing, codes):
    report = judge(seen(**missing))
    # How many candles there are is known even when there is none; the feed's fault has a name.
    unseen = {check.code for check in report.checks if check.observed == MISSING}
    assert unseen == codes - {Check.DATA_READY, Check.DATA_QUALITY}
    assert {check.code for check in report.checks if not check.passed} == codes
    assert report.verdict in (Verdict.REFUSE, Verdict.HALTED)


@pytest.mark.parametrize(("code", "made"), listed(passing=False))
def test_gate_never_executes_what_a_check_refuses(code, made):
    verdict = judge(made).verdict
    assert verdict is not Verdict.EXECUTE
    if code not in ASKS:
        assert verdict in (Verdict.REFUSE, Verdict.HALTED)


def report_of(*failed):
    return GateReport(tuple(CheckResult(code, code not in failed, "1", "0") for code in Check))


@pytest.mark.parametrize("code", list(Check))
def test_gate_gives_each_failing_code_its_own_verdict(code):
    report = report_of(code)
    wanted = (
        Verdict.ASK if code in ASKS else Verdict.HALTED if code in HALTS else Verdict.REFUSE
    )  # fmt: skip
    assert report.verdict is wanted
    assert report.result == ("pass" if code in ASKS else f"fail:{code}")
    assert report.first_failed is not None
    assert report.first_failed.code is code


@pytest.mark.parametrize("asking", sorted(ASKS))
@pytest.mark.parametrize("refusing", [code for code in Check if code not in ASKS])
def test_gate_refuses_before_it_asks(asking, refusing):
    report = report_of(asking, refusing)
    assert report.first_failed.code is refusing
    assert report.verdict is not Verdict.ASK


def test_gate_refuses_before_it_asks_whatever_the_order_of_the_report():
    checks = report_of(Check.MODE, Check.SPREAD).checks
    report = GateReport(tuple(reversed(checks)))
    assert report.first_failed.code is Check.SPREAD
    assert report.verdict is Verdict.REFUSE


def test_gate_decides_by_the_first_refusing_code_whether_it_is_a_halt():
    assert report_of(Check.STATE, Check.SPREAD).verdict is Verdict.HALTED
    assert report_of(Check.SPREAD, Check.DAILY_LOSS).verdict is Verdict.REFUSE
    assert report_of(Check.DAILY_LOSS, Check.RISK_BUDGET).verdict is Verdict.HALTED
    assert report_of(*ASKS).first_failed.code is Check.WATCHLIST


def test_gate_asks_a_person_for_a_good_idea_in_supervised_mode():
    report = judge(seen(control=control(mode=Mode.SUPERVISED)))
    assert (report.verdict, report.result) == (Verdict.ASK, "pass")


def test_gate_refuses_when_daily_loss_is_reached():
    report = judge(equity("9700.00"))
    assert report.verdict is Verdict.HALTED
    assert report.result == "fail:daily_loss"
    assert (report.first_failed.observed, report.first_failed.limit) == ("3.00", "3")


def judged_as(own, *orders):
    return run(Check.OPEN_POSITION, held(*orders, own=own)).passed


def test_gate_lets_the_earlier_of_two_orders_go_and_holds_the_later():
    first = open_order(client_id="at-1", state="intent", created_at=NOW)
    second = open_order(client_id="at-2", state="intent", created_at=NOW + MINUTE)
    assert judged_as("at-1", first, second)
    assert not judged_as("at-2", first, second)


def test_gate_tells_two_orders_of_one_instant_apart_by_their_ids():
    twins = [open_order(client_id=name, state="intent") for name in ("at-1", "at-2")]
    assert judged_as("at-1", *twins)
    assert not judged_as("at-2", *twins)


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_gate_counts_a_later_order_that_may_have_left(state):
    first = open_order(client_id="at-1", state="intent", created_at=NOW)
    second = open_order(client_id="at-2", state=state, created_at=NOW + MINUTE)
    assert not judged_as("at-1", first, second)


def test_gate_counts_every_order_when_the_judged_one_is_not_among_them():
    waiting = open_order(client_id="at-2", state="intent", created_at=NOW + MINUTE)
    assert not judged_as("at-gone", waiting)
    assert not judged_as(None, waiting)


def test_drift_is_counted_against_the_trade_in_units_of_its_risk():
    def drift(direction, entry, stop):
        moved = proposal(direction=direction, entry=entry, stop_loss=stop)
        return drift_r(case(proposal=moved, proposed_entry=Decimal("1.10000")))

    assert drift(Direction.BUY, "1.10100", "1.09800") == Decimal("0.5")
    assert drift(Direction.BUY, "1.09900", "1.09800") == Decimal("-0.5")
    assert drift(SELL, "1.09900", "1.10200") == Decimal("0.5")
    assert drift(SELL, "1.10100", "1.10200") == Decimal("-0.5")


@pytest.mark.parametrize(
    ("amount", "settings", "reason"),
    [
        ("10000", {}, None),
        ("9700.01", {"max_drawdown_amount": Decimal(1000)}, None),
        ("9700.00", {}, HaltReason.DAILY_LOSS),
        ("9600.00", {"max_daily_loss_percent": Decimal(10)}, HaltReason.MAX_DRAWDOWN),
        ("9600.01", {"max_daily_loss_percent": Decimal(10)}, None),
        ("9600", {"max_daily_loss_percent": Decimal(10), "halt_on_drawdown": False}, None),
        ("10500.00", {}, HaltReason.DAILY_TARGET_REACHED),
        ("10499.99", {}, None),
        ("10500.00", {"stop_after_target": False}, None),
        ("10500.00", {"daily_profit_target": Decimal(0)}, None),
    ],
)
def test_the_day_is_halted_at_its_limits_exactly(amount, settings, reason):
    assert reached(RiskSettings(**settings), account(equity=amount), day()) is reason


def test_a_day_without_a_target_is_never_done():
    assert target_open(RiskSettings(daily_profit_target=Decimal(0)), Decimal(10) ** 9)


def test_the_spread_is_reported_in_pips():
    result = run(Check.SPREAD, seen(quote=quote("1.10000", f"{Decimal('1.10000') + 3 * PIP}")))
    assert (result.observed, result.limit) == ("3.0", "2.5")
