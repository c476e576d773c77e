"""What the limits, the strategy and the mode may be, and what not: each with the words for it."""

from decimal import Decimal

from engine.domain.gate import Check
from engine.domain.settings import RiskSettings
from engine.domain.state import Mode
from engine.gate.case import Case
from tests.builders import (
    case,
    confidence,
    control,
    open_order,
    proposal,
    sizing,
)
from tests.situations.cases import ANOTHER, OWN, SELL, after, ago, equity, seen, set_to

LIMITS: dict[Check, tuple[dict[str, Case], dict[str, Case]]] = {
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
