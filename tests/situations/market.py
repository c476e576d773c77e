"""What the market, the news and the data may be, and what not: each with the words for it."""

from datetime import timedelta
from decimal import Decimal

from engine.domain.gate import Check
from engine.domain.live import UNSEEN, LiveView
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import Impact
from engine.domain.state import TradingState
from engine.domain.strategy import ForbiddenConditions, MarketState
from engine.gate.case import Case
from tests.builders import (
    HOUR,
    NOW,
    bundle,
    calendar,
    candles,
    case,
    control,
    indicators,
    proposal,
    quote,
    release,
    strategy,
    window,
)
from tests.situations.cases import MINUTE, SELL, moves, narrow, news, seen

MARKET: dict[Check, tuple[dict[str, Case], dict[str, Case]]] = {
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
}
