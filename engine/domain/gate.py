"""The gate's words: checks by stable code, the report of all of them, the verdict."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache


class Check(StrEnum):
    """Stable codes, used in history, API and chat. The order here is the order of judgement."""

    STATE = "state"
    STRATEGY = "strategy"
    SYMBOL_PAUSED = "symbol_paused"
    LIVE_CHECKLIST = "live_checklist"
    DATA_QUALITY = "data_quality"
    STOP_LOSS = "stop_loss"
    SESSION = "session"
    SPREAD = "spread"
    NEWS = "news"
    MARKET_STATE = "market_state"
    STALE_DATA = "stale_data"
    DATA_READY = "data_ready"
    ACCOUNT = "account"
    CONVERSION = "conversion"
    OPEN_POSITION = "open_position"
    LONG_FLAT = "long_flat"
    UNKNOWN_ORDER = "unknown_order"
    MAX_EXPOSURE = "max_exposure_reached"
    CURRENCY_EXPOSURE = "currency_exposure"
    MARGIN = "margin"
    LOT_SIZE = "lot_size"
    STOPS_LEVEL = "stops_level"
    MAX_CONCURRENT_TRADES = "max_concurrent_trades"
    STRATEGY_POSITIONS = "strategy_positions"
    DAILY_LOSS = "daily_loss"
    MAX_DRAWDOWN = "max_drawdown"
    DAILY_TARGET_REACHED = "daily_target_reached"
    RISK_BUDGET = "risk_budget"
    REWARD_RATIO = "reward_ratio"
    PRICE_DRIFT = "price_drift"
    STRATEGY_MAX_CANDLES = "strategy_max_candles_exceeded"
    STRATEGY_RATE_LIMIT = "strategy_rate_limit_exceeded"
    STRATEGY_COOLDOWN = "strategy_cooldown_active"
    STRATEGY_DUPLICATE = "strategy_duplicate_request"
    STRATEGY_DAILY_BUDGET = "strategy_daily_budget_exceeded"
    CONFIDENCE_FLOOR = "confidence_floor"
    WATCHLIST = "watchlist"
    CONFIDENCE_THRESHOLD = "confidence_threshold"
    MODE = "mode"


#: Data that cannot be believed comes first, then source 002's gates before a signal, in its order.
#: They are asked of every strategy and candle; while one is closed there is no idea, except that a
#: halt does not silence what it would refuse.
BEFORE_SIGNAL = (
    Check.DATA_QUALITY,
    Check.STALE_DATA,
    Check.SESSION,
    Check.SPREAD,
    Check.NEWS,
    Check.OPEN_POSITION,
    Check.DAILY_LOSS,
    Check.MARKET_STATE,
)
#: The form of bundles since which they hold a setup back. Older records are replayed without them.
BEFORE_SIGNAL_SINCE = {Check.DATA_QUALITY: 3, Check.STALE_DATA: 3}
#: Checks that only take away the right to act alone: failing one asks a person.
ASKS = frozenset((Check.WATCHLIST, Check.CONFIDENCE_THRESHOLD, Check.MODE))
#: Checks whose failure means the product is stopped, not that the idea is bad.
HALTS = frozenset(
    (
        Check.STATE,
        Check.SYMBOL_PAUSED,
        Check.DAILY_LOSS,
        Check.MAX_DRAWDOWN,
        Check.DAILY_TARGET_REACHED,
    )
)


@cache
def before_signal(schema: int) -> tuple[Check, ...]:
    """What holds back a setup of a bundle of this form."""
    return tuple(c for c in BEFORE_SIGNAL if BEFORE_SIGNAL_SINCE.get(c, 0) <= schema)


class Verdict(StrEnum):
    """What may be done with an idea."""

    EXECUTE = "execute"
    ASK = "ask"
    REFUSE = "refuse"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check: what it saw and the limit it held it against, as texts fit for a reader."""

    code: Check
    passed: bool
    observed: str
    limit: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """Every check, in order, none left out."""

    checks: tuple[CheckResult, ...]

    @property
    def first_failed(self) -> CheckResult | None:
        """The failing check that decides: first of those that refuse, then of those that ask."""
        failed = [check for check in self.checks if not check.passed]
        refusing = [check for check in failed if check.code not in ASKS]
        return next(iter(refusing or failed), None)

    @property
    def verdict(self) -> Verdict:
        """What the first failing check means; with none, the idea may be executed."""
        first = self.first_failed
        if first is None:
            return Verdict.EXECUTE
        if first.code in ASKS:
            return Verdict.ASK
        return Verdict.HALTED if first.code in HALTS else Verdict.REFUSE

    @property
    def result(self) -> str:
        """Source 004's ``risk_check_result``: ``pass`` or ``fail:<code>``."""
        first = self.first_failed
        return "pass" if first is None or first.code in ASKS else f"fail:{first.code}"
