"""Every check in one table: what it makes of an idea when it passes, fails, cannot tell, or was
told too long ago.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from engine.domain.account import Direction
from engine.domain.gate import Check
from engine.domain.live import UNSEEN, LiveView
from engine.domain.settings import RiskSettings
from engine.domain.state import Mode, TradingState
from engine.domain.strategy import ForbiddenConditions, RiskCaps
from engine.gate.case import Case
from engine.gate.judge import judge
from tests.builders import (
    HOUR,
    NOW,
    account,
    bundle,
    calendar,
    candles,
    case,
    confidence,
    control,
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

#: "-": the check rests on nothing that could be missing or old. A fresh account is judged first, so
#: that limits of the day whose figures are missing refuse rather than halt.
TABLE = """
check                            passes    fails     missing   stale
state                            execute   halted    -         -
strategy                         execute   refuse    -         -
symbol_paused                    execute   halted    -         -
live_checklist                   execute   refuse    refuse    -
data_quality                     execute   refuse    refuse    refuse
stop_loss                        execute   refuse    -         -
session                          execute   refuse    refuse    -
spread                           execute   refuse    refuse    refuse
news                             execute   refuse    refuse    refuse
market_state                     execute   refuse    refuse    refuse
stale_data                       execute   refuse    refuse    refuse
data_ready                       execute   refuse    refuse    -
account                          execute   refuse    refuse    refuse
conversion                       execute   refuse    refuse    refuse
open_position                    execute   refuse    refuse    -
long_flat                        execute   refuse    -         -
unknown_order                    execute   refuse    -         -
max_exposure_reached             execute   refuse    refuse    refuse
currency_exposure                execute   refuse    refuse    refuse
margin                           execute   refuse    refuse    refuse
lot_size                         execute   refuse    refuse    -
stops_level                      execute   refuse    -         -
max_concurrent_trades            execute   refuse    refuse    -
strategy_positions               execute   refuse    refuse    -
daily_loss                       execute   halted    refuse    refuse
max_drawdown                     execute   halted    refuse    refuse
daily_target_reached             execute   halted    refuse    refuse
risk_budget                      execute   refuse    refuse    -
reward_ratio                     execute   refuse    -         -
price_drift                      execute   refuse    refuse    refuse
strategy_max_candles_exceeded    execute   refuse    -         -
strategy_rate_limit_exceeded     execute   refuse    -         -
strategy_cooldown_active         execute   refuse    -         -
strategy_duplicate_request       execute   refuse    -         -
strategy_daily_budget_exceeded   execute   refuse    -         -
confidence_floor                 execute   refuse    -         -
watchlist                        execute   ask       -         -
confidence_threshold             execute   ask       -         -
mode                             execute   ask       -         -
"""

Situation = Callable[[], Case]


def seen(**values: object) -> Situation:
    return lambda: case(bundle=bundle(**values))


def ruled(**values: object) -> Situation:
    return seen(settings=RiskSettings(**values))  # type: ignore[arg-type]


def held(*holdings: object, **settings: object) -> Situation:
    orders = tuple(h for h in holdings if not hasattr(h, "profit"))
    positions = tuple(h for h in holdings if hasattr(h, "profit"))
    return seen(orders=orders, positions=positions, settings=RiskSettings(**settings))  # type: ignore[arg-type]


def made(**values: object) -> Situation:
    return lambda: case(**values)


OLD = timedelta(hours=4)
OTHER = {"symbol": "GBPUSD", "strategy_id": None, "direction": Direction.SELL}
NO_QUOTE = seen(quote=None)
OLD_QUOTE = seen(quote=quote(at=NOW - OLD))
NO_ACCOUNT = seen(account=None)
OLD_ACCOUNT = seen(account=account(captured_at=NOW - OLD))
NO_SIZE = made(
    bundle=bundle(account=None), sizing=sizing(volume="0", risk_money="0", risk_percent="0")
)
#: A venue that does not answer reports no positions; that nothing is open is then not known.
SILENT = seen(account=None, positions=())


def past(seconds: int, **settings: object) -> Situation:
    recent = (past_idea(at=NOW - timedelta(seconds=seconds)),)
    return seen(recent=recent, settings=RiskSettings(**settings))  # type: ignore[arg-type]


def worth(equity: str, **values: object) -> Situation:
    return seen(account=account(equity=equity), day=day(), **values)


SPOT = replace(bundle().instrument, spot=True)

#: check -> how it fails, how it cannot tell, how it was told too long ago.
SITUATIONS: dict[Check, tuple[Situation, Situation | None, Situation | None]] = {
    Check.STATE: (seen(control=control(state=TradingState.PAUSED)), None, None),
    Check.STRATEGY: (made(strategy=strategy(version=2), strategy_version=1), None, None),
    Check.SYMBOL_PAUSED: (seen(control=control(paused_symbols=("EURUSD",))), None, None),
    Check.LIVE_CHECKLIST: (
        seen(live=LiveView(account="1@B", missing=("confirmed",))),
        seen(live=UNSEEN),
        None,
    ),
    Check.DATA_QUALITY: (
        seen(candles=candles(high="1.40000")),
        NO_QUOTE,
        seen(candles=candles(end=NOW + HOUR)),
    ),
    Check.STOP_LOSS: (made(proposal=proposal(stop_loss="1.2")), None, None),
    Check.SESSION: (
        made(strategy=strategy(session_windows=(window("01:00", "02:00"),))),
        made(strategy=strategy(session_windows=())),
        None,
    ),
    Check.SPREAD: (seen(quote=quote("1.10000", "1.10026")), NO_QUOTE, OLD_QUOTE),
    Check.NEWS: (
        seen(calendar=calendar(release(HOUR))),
        seen(calendar=None),
        seen(calendar=calendar(known_until=NOW)),
    ),
    Check.MARKET_STATE: (
        seen(candles=candles(high="1.10200", low="1.09800")),
        seen(indicators=indicators(atr_14=None)),
        seen(candles=candles(end=NOW - OLD)),
    ),
    Check.STALE_DATA: (
        OLD_QUOTE,
        NO_QUOTE,
        seen(candles=candles(end=NOW - OLD)),
    ),
    Check.DATA_READY: (ruled(min_candles=61), seen(candles=()), None),
    Check.ACCOUNT: (seen(account=account(id="another")), NO_ACCOUNT, OLD_ACCOUNT),
    # A rate from an old quote is never taken: it is missing, too.
    Check.CONVERSION: (seen(conversion=None), seen(conversion=None), seen(conversion=None)),
    Check.OPEN_POSITION: (held(position()), SILENT, None),
    Check.LONG_FLAT: (
        made(bundle=bundle(instrument=SPOT), proposal=proposal(direction=Direction.SELL)),
        None,
        None,
    ),
    Check.UNKNOWN_ORDER: (
        held(open_order(state="unknown", direction=Direction.SELL)),
        None,
        None,
    ),
    Check.MAX_EXPOSURE: (ruled(max_exposure_percent=Decimal(10)), seen(valuations=()), OLD_ACCOUNT),
    Check.CURRENCY_EXPOSURE: (
        ruled(max_currency_exposure_percent=Decimal(10)),
        seen(valuations=()),
        OLD_ACCOUNT,
    ),
    Check.MARGIN: (made(sizing=sizing(margin="10000.01")), NO_ACCOUNT, OLD_ACCOUNT),
    Check.LOT_SIZE: (made(sizing=sizing(volume="1.01")), NO_SIZE, None),
    Check.STOPS_LEVEL: (
        seen(instrument=replace(bundle().instrument, stops_level=Decimal(1))),
        None,
        None,
    ),
    Check.MAX_CONCURRENT_TRADES: (
        held(position(**OTHER), max_concurrent_trades=1), SILENT, None,
    ),
    Check.STRATEGY_POSITIONS: (
        lambda: case(
            bundle=bundle(positions=(position(direction=Direction.SELL),)),
            strategy=strategy(risk_caps=RiskCaps(Decimal(1), 1)),
        ),
        SILENT,
        None,
    ),
    Check.DAILY_LOSS: (worth("9700"), NO_ACCOUNT, OLD_ACCOUNT),
    Check.MAX_DRAWDOWN: (
        worth("9600", settings=RiskSettings(max_daily_loss_percent=Decimal(50))),
        seen(day=None),
        seen(day=replace(day(), day=NOW.date() - timedelta(days=3))),
    ),
    Check.DAILY_TARGET_REACHED: (worth("10500"), seen(day=None), OLD_ACCOUNT),
    Check.RISK_BUDGET: (made(sizing=sizing(risk_percent="0.51")), NO_SIZE, None),
    Check.REWARD_RATIO: (made(proposal=proposal(take_profit=(Decimal("1.10100"),))), None, None),
    Check.PRICE_DRIFT: (
        made(
            proposed_entry=Decimal("1.10000"),
            proposal=proposal(entry="1.10060", stop_loss="1.09800"),
        ),
        NO_QUOTE,
        OLD_QUOTE,
    ),
    Check.STRATEGY_MAX_CANDLES: (ruled(strategy_max_candles=59), None, None),
    Check.STRATEGY_RATE_LIMIT: (
        past(30, strategy_rate_limit_per_min=1, strategy_min_interval_seconds=0,
             strategy_dedup_ttl_seconds=0), None, None,
    ),
    Check.STRATEGY_COOLDOWN: (
        past(90, strategy_min_interval_seconds=91, strategy_dedup_ttl_seconds=0), None, None,
    ),
    Check.STRATEGY_DUPLICATE: (past(90, strategy_dedup_ttl_seconds=91), None, None),
    Check.STRATEGY_DAILY_BUDGET: (past(7200, strategy_daily_budget=1), None, None),
    Check.CONFIDENCE_FLOOR: (made(confidence=confidence(49, 0, 0)), None, None),
    Check.WATCHLIST: (ruled(watchlist=("GBPUSD",)), None, None),
    Check.CONFIDENCE_THRESHOLD: (made(confidence=confidence(50, 20, 19)), None, None),
    Check.MODE: (seen(control=control(mode=Mode.SUPERVISED)), None, None),
}  # fmt: skip


def table() -> dict[str, list[str]]:
    rows = [line.split() for line in TABLE.strip().splitlines()[1:]]
    return {code: verdicts for code, *verdicts in rows}


def test_the_table_has_every_check_in_the_order_of_judgement() -> None:
    assert list(table()) == [str(code) for code in Check]
    assert list(SITUATIONS) == list(Check)


@pytest.mark.parametrize("code", list(Check))
def test_a_check_has_the_verdict_of_the_table(code: Check) -> None:
    passes, *others = table()[code]
    assert str(judge(case()).verdict) == passes
    for wanted, situation in zip(others, SITUATIONS[code], strict=True):
        assert (wanted == "-") is (situation is None)
        if situation is not None:
            report = judge(situation())
            assert str(report.verdict) == wanted, report.first_failed


@pytest.mark.parametrize("code", list(Check))
def test_a_failing_check_is_the_one_that_decides(code: Check) -> None:
    """Nothing else in its row fails before it: the verdict is this check's own."""
    first = judge(SITUATIONS[code][0]()).first_failed
    assert first is not None
    assert first.code is code


def test_forbidden_states_of_the_market_may_be_none() -> None:
    wild = case(
        bundle=bundle(candles=candles(high="1.10200", low="1.09800")),
        strategy=strategy(forbidden_conditions=ForbiddenConditions(60, ("USD",), ())),
    )
    assert judge(wild).first_failed is None
