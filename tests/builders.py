"""Small builders of domain values: each is whole by itself, any part is overridden by keyword.

What they build together passes every check of the gate, so that a test changes one thing only.
"""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from broker.held import Held
from broker.instruments import instrument
from engine.domain.account import Account, Direction, Position, TradingDay
from engine.domain.approval import Approval, Ending
from engine.domain.decision import Action, Decision, Entry
from engine.domain.idea import (
    Confidence,
    Evaluation,
    Idea,
    IdeaStatus,
    Observation,
    Proposal,
    Sizing,
)
from engine.domain.market import Candle, Conversion, Quote, Timeframe
from engine.domain.order import ClosedTrade, Order, OrderState
from engine.domain.outcome import Progress
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import (
    Bundle,
    CalendarEvent,
    CalendarView,
    Frame,
    Impact,
    Indicators,
    OpenOrder,
    PastIdea,
    Valuation,
)
from engine.domain.state import Control, Mode, TradingState
from engine.domain.strategy import (
    DAYS,
    Condition,
    ExitRules,
    ForbiddenConditions,
    RiskCaps,
    SessionWindow,
    Side,
    Strategy,
)
from engine.flow.judgement import Outcome
from engine.flow.overview import Story
from engine.gate.case import Case
from engine.gate.judge import judge
from engine.snapshot.canonical import plain
from engine.snapshot.parts import Packed, unpack

#: A Wednesday, in the middle of the session, with no news near.
NOW = datetime(2017, 6, 7, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
STRATEGY_ID = UUID("11111111-1111-5111-8111-111111111111")
IDEA_ID = UUID("22222222-2222-5222-8222-222222222222")
PIP = Decimal("0.0001")


def candle(opened: datetime = NOW - HOUR, **values: Any) -> Candle:
    """A candle between 1.0995 and 1.1005 that closes where it opened."""
    prices: dict[str, Any] = {
        "open": "1.10000",
        "high": "1.10050",
        "low": "1.09950",
        "close": "1.10000",
    }
    volume = values.pop("volume", 100)
    first, high, low, last = (Decimal(values.pop(name, prices[name])) for name in prices)
    return Candle(opened, first, high, low, last, volume, **values)


def candles(count: int = 60, *, end: datetime = NOW, **last: Any) -> tuple[Candle, ...]:
    """So many quiet hours, the last of which closes at ``end`` and has the given prices."""
    # No two in a row alike: that would be one candle shown twice.
    quiet = [candle(end - HOUR * (count - i), volume=101 + i % 50) for i in range(count - 1)]
    return (*quiet, candle(end - HOUR, **last))


def indicators(**values: Any) -> Indicators:
    """Figures of a quiet rising market: ATR of ten pips, RSI 50, ADX 25."""
    figures: dict[str, Any] = {
        "ema_20": "1.09950", "ema_50": "1.09900", "sma_50": "1.09900", "sma_200": "1.09800",
        "rsi_14": "50.00", "atr_14": "0.00100", "adx_14": "25.00", "macd": "0.00020",
        "macd_signal": "0.00010", "macd_hist": "0.00010", "bb_low": "1.09800",
        "bb_mid": "1.10000",
        "bb_high": "1.10200", "vwap": "1.09960", "swing_low": "1.09900", "swing_high": "1.10100",
    } | values  # fmt: skip
    return Indicators(
        **{name: None if value is None else Decimal(value) for name, value in figures.items()}
    )


def frame(timeframe: Timeframe = Timeframe.H4, **values: Any) -> Frame:
    """A longer timeframe that agrees with the shorter one."""
    return Frame(
        timeframe=timeframe,
        candles=candles(),
        indicators=indicators(**values),
        indicators_before=indicators(**values),
    )


def past_idea(**values: Any) -> PastIdea:
    """An idea of the same strategy an hour ago."""
    fields: dict[str, Any] = {
        "id": UUID("33333333-3333-5333-8333-333333333333"),
        "strategy_id": STRATEGY_ID,
        "symbol": "EURUSD",
        "direction": Direction.BUY,
        "at": NOW - HOUR,
    }
    return PastIdea(**(fields | values))


def quote(bid: str = "1.10000", ask: str = "1.10008", at: datetime = NOW) -> Quote:
    return Quote(Decimal(bid), Decimal(ask), at)


def account(**values: Any) -> Account:
    figures: dict[str, Any] = {
        "balance": "10000.00",
        "equity": "10000.00",
        "margin_used": "0.00",
        "margin_free": "10000.00",
        "open_profit": "0.00",
    }
    amounts: dict[str, Any] = {
        name: Decimal(values.pop(name, figure)) for name, figure in figures.items()
    }
    fields: dict[str, Any] = {"id": "paper-1", "currency": "USD", "captured_at": NOW}
    return Account(**(fields | amounts | values))


def day(start: str = "10000.00", peak: str = "10000.00") -> TradingDay:
    return TradingDay(
        account_id="paper-1", day=NOW.date(), start_equity=Decimal(start), peak_equity=Decimal(peak)
    )


def release(after: timedelta, **values: Any) -> CalendarEvent:
    """A high-impact dollar release so long after NOW."""
    fields: dict[str, Any] = {
        "time": NOW + after,
        "currency": "USD",
        "impact": Impact.HIGH,
        "title": "Payrolls",
    }
    return CalendarEvent(**(fields | values))


def calendar(*events: CalendarEvent, known_until: datetime = NOW + timedelta(days=7)) -> Any:
    return CalendarView(events=events, known_until=known_until)


def position(**values: Any) -> Position:
    fields: dict[str, Any] = {
        "id": "7",
        "symbol": "EURUSD",
        "direction": Direction.BUY,
        "volume": Decimal("0.10"),
        "entry_price": Decimal("1.09900"),
        "stop_loss": Decimal("1.09700"),
        "take_profit": Decimal("1.10300"),
        "opened_at": NOW - HOUR,
        "profit": Decimal("10.00"),
        "client_id": "at-held",
        "strategy_id": str(STRATEGY_ID),
    }
    return Position(**(fields | values))


def open_order(**values: Any) -> OpenOrder:
    fields: dict[str, Any] = {
        "client_id": "at-open",
        "symbol": "EURUSD",
        "direction": Direction.BUY,
        "volume": Decimal("0.10"),
        "state": "sending",
        "created_at": NOW,
        "strategy_id": str(STRATEGY_ID),
    }
    return OpenOrder(**(fields | values))


def control(**values: Any) -> Control:
    """Trading runs and decides alone."""
    fields: dict[str, Any] = {
        "state": TradingState.RUNNING,
        "reason": "demo",
        "mode": Mode.AUTONOMOUS,
    }
    return Control(**(fields | {"changed_at": NOW} | values))


def window(start: str = "06:00", end: str = "20:00", days: tuple[str, ...] = DAYS) -> SessionWindow:
    return SessionWindow(time.fromisoformat(start), time.fromisoformat(end), days)


def strategy(**values: Any) -> Strategy:
    """Trades both ways with EMA 20 against EMA 50."""
    conditions = values.pop("entry", {"ema_trend": "with_trade"})
    nice = values.pop("nice", {})
    fields: dict[str, Any] = {
        "id": STRATEGY_ID,
        "version": 1,
        "name": "EMA trend",
        "is_active": True,
        "timeframe": Timeframe.H1,
        "direction": Side.BOTH,
        "allowed_symbols": ("EURUSD",),
        "session_windows": (window(),),
        "entry_conditions": tuple(Condition(*pair) for pair in conditions.items()),
        "nice_to_have": tuple(Condition(*pair) for pair in nice.items()),
        "exit_rules": ExitRules("2 * atr", ("RR>=2",)),
        "forbidden_conditions": ForbiddenConditions(60, ("USD", "EUR")),
        "risk_caps": RiskCaps(Decimal("1.0"), 1),
        "rr_expectation": Decimal("2.0"),
    }
    return Strategy(**(fields | values))


def conversion(rate: Any = 1) -> Conversion:
    return Conversion(rate=Decimal(rate))


def valuation(symbol: str = "EURUSD", **values: Any) -> Valuation:
    """A symbol at 1.10008 whose quote currency is the account's."""
    spec = instrument(symbol)
    fields: dict[str, Any] = {
        "symbol": symbol,
        "base": spec.base,
        "quote": spec.quote,
        "price": Decimal("1.10008"),
        "margin_rate": spec.margin_rate,
        "contract_size": spec.contract_size,
        "conversion": conversion(),
    }
    return Valuation(**(fields | values))


def bundle(**values: Any) -> Bundle:
    """EURUSD at NOW: calm, no news, nothing open."""
    symbol = values.get("symbol", "EURUSD")
    held = [its.symbol for its in (*values.get("positions", ()), *values.get("orders", ()))]
    fields: dict[str, Any] = {
        "symbol": symbol,
        "timeframe": Timeframe.H1,
        "instant": NOW,
        "candles": candles(),
        "indicators": indicators(),
        "indicators_before": indicators(),
        "quote": quote(),
        "instrument": instrument(symbol),
        "conversion": conversion(),
        "valuations": tuple(valuation(name) for name in sorted({symbol, *held})),
        "calendar": calendar(),
        "news": (),
        "account": account(),
        "day": day(),
        "positions": (),
        "orders": (),
        "settings": RiskSettings(),
        "settings_version": 1,
        "strategies": (strategy(),),
        "control": control(),
    }
    return Bundle(**(fields | values))


def stored(packed: Packed) -> Bundle:
    """The bundle as it comes back from a store that holds all of its parts."""
    bodies = {name: part.body for name, part in packed.parts.items()}
    return unpack(packed.hash, packed.body, bodies.get)


def proposal(**values: Any) -> Proposal:
    """A buy at 1.10008 that risks twenty pips for forty; ``direction`` alone mirrors it."""
    direction = values.get("direction", Direction.BUY)
    entry = Decimal(values.pop("entry", "1.10008"))
    away = direction.sign * PIP
    fields: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": Timeframe.H1,
        "direction": direction,
        "entry": entry,
        "stop_loss": Decimal(values.pop("stop_loss", entry - 20 * away)),
        "take_profit": values.pop("take_profit", (entry + 40 * away,)),
    }
    return Proposal(**(fields | values))


def progress(**values: Any) -> Progress:
    """The proposal, made when the last quiet candle had closed, at a spread of 0.8 pips."""
    fields: dict[str, Any] = {
        "proposal": proposal(),
        "spread": Decimal("0.00008"),
        "deadline": None,
        "seen": NOW - HOUR,
    }
    return Progress(**(fields | values))


def sizing(**values: Any) -> Sizing:
    figures: dict[str, Any] = {
        "volume": "0.25",
        "risk_money": "50.00",
        "risk_percent": "0.50",
        "margin": "915.82",
    }
    amounts: dict[str, Any] = {
        name: Decimal(values.pop(name, figure)) for name, figure in figures.items()
    }
    return Sizing(**(amounts | values))


def confidence(strategy: Any = 50, market: Any = 25, account: Any = 25) -> Confidence:
    return Confidence(
        strategy_match=Decimal(strategy),
        market_risk=Decimal(market),
        account_comfort=Decimal(account),
        adjustments=(),
    )


def case(**values: Any) -> Case:
    """A case that passes every check."""
    fields: dict[str, Any] = {
        "bundle": bundle(),
        "strategy": strategy(),
        "proposal": proposal(),
        "sizing": sizing(),
        "confidence": confidence(),
        "strategy_version": 1,
    }
    return Case(**(fields | values))


def observation(name: str = "ema_trend", *, met: bool = True, required: bool = True) -> Observation:
    return Observation(name, "with_trade", "bullish", met, required)


def outcome(**values: Any) -> Outcome:
    """What one strategy made of the bundle, gate and all."""
    made = values.pop("case", None) or case()
    observations = values.pop("observations", (observation(),))
    evaluation = Evaluation(
        strategy_id=STRATEGY_ID,
        strategy_version=1,
        observations=observations,
        proposal=made.proposal,
    )
    return Outcome(
        evaluation=evaluation,
        before=(),
        sizing=made.sizing,
        confidence=made.confidence,
        report=judge(made),
    )


def idea(**values: Any) -> Idea:
    fields: dict[str, Any] = {
        "id": IDEA_ID,
        "number": 12,
        "proposal": proposal(),
        "sizing": sizing(),
        "confidence": confidence(),
        "strategy_id": STRATEGY_ID,
        "strategy_version": 1,
        "strategy_name": "EMA trend",
        "bundle_hash": "ab" * 32,
        "status": IdeaStatus.NEEDS_APPROVAL,
        "market_time": NOW,
        "created_at": NOW,
    }
    return Idea(**(fields | values))


def approval(**values: Any) -> Approval:
    fields: dict[str, Any] = {
        "idea_id": IDEA_ID,
        "ending": Ending.PENDING,
        "expires_at": NOW + timedelta(minutes=15),
        "proposed_price": Decimal("1.10008"),
        "proposed_spread": Decimal("0.00008"),
    }
    return Approval(**(fields | values))


def answered(ending: Ending, **values: Any) -> Approval:
    """An approval a person, or the clock, has ended."""
    fields: dict[str, Any] = {
        "ending": ending,
        "decided_by": 1,
        "decided_name": "Ada",
        "decided_chat": 1,
        "decided_at": NOW,
        "tap_price": Decimal("1.10018"),
        "tap_spread": Decimal("0.00008"),
        "drift_r": Decimal("0.05"),
        "volume": Decimal("0.25"),
        "detail": "spread",
    }
    return replace(approval(), **(fields | values))


def order(**values: Any) -> Order:
    fields: dict[str, Any] = {
        "client_id": "at-1",
        "idea_id": IDEA_ID,
        "account_id": "paper-1",
        "symbol": "EURUSD",
        "direction": Direction.BUY,
        "volume": Decimal("0.10"),
        "stop_loss": Decimal("1.09800"),
        "take_profit": (Decimal("1.10400"),),
        "strategy_id": str(STRATEGY_ID),
        "state": OrderState.INTENT,
        "created_at": NOW,
        "valid_until": NOW + timedelta(seconds=60),
    }
    return Order(**(fields | values))


def held(**values: Any) -> Held:
    """What the paper broker holds after :func:`order` was filled."""
    fields: dict[str, Any] = {
        "id": "1",
        "client_id": "at-1",
        "strategy_id": str(STRATEGY_ID),
        "symbol": "EURUSD",
        "direction": Direction.BUY,
        "volume": Decimal("0.10"),
        "entry_price": Decimal("1.10009"),
        "stop_loss": Decimal("1.09800"),
        "targets": (Decimal("1.10400"),),
        "shares": (Decimal("0.10"),),
        "opened_at": NOW,
        "seen": NOW,
    }
    return Held(**(fields | values))


def closed_trade(**values: Any) -> ClosedTrade:
    fields: dict[str, Any] = {
        "position_id": "1",
        "client_id": "at-1",
        "symbol": "EURUSD",
        "direction": Direction.BUY,
        "volume": Decimal("0.10"),
        "entry_price": Decimal("1.10009"),
        "exit_price": Decimal("1.10400"),
        "profit": Decimal("39.10"),
        "opened_at": NOW,
        "closed_at": NOW + HOUR,
        "reason": "take_profit",
    }
    return ClosedTrade(**(fields | values))


def decision(**values: Any) -> Decision:
    """A record of the history; keywords are those of its entry, ``seq`` its number."""
    seq = values.pop("seq", 40)
    fields: dict[str, Any] = {
        "action": Action.AI_PROPOSED,
        "occurred_at": NOW,
        "actor": "ai",
        "rationale": "+ ema_trend with_trade: bullish",
        "symbol": "EURUSD",
        "market_time": NOW,
        "strategy_id": STRATEGY_ID,
        "strategy_version": 1,
        "bundle_hash": "ab" * 32,
        "detail": {},
    }
    return Decision(
        seq=seq, hash="cd" * 32, previous_hash="00" * 32, entry=Entry(**(fields | values))
    )


def story(**values: Any) -> Story:
    """An idea that waits for a person, with all that belongs to it."""
    made = values.pop("outcome", None) or outcome()
    fields: dict[str, Any] = {
        "idea": idea(),
        "approval": approval(),
        "order": None,
        "trade": None,
        "decision": decision(detail={"outcome": plain(made)}),
        "bundle": bundle(),
        "settings": RiskSettings(),
    }
    return Story(**(fields | values))
