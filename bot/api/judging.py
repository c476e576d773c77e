"""Judge now: somebody's candles (source 000), and the last candle that there is (source 001)."""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from bot.api.fields import Exact, Given, Instant, Number, Symbol, Text, Told, Whole
from bot.api.records import RecordTold, record_of
from bot.api.routing import Call, Routes
from bot.api.shapes import Price
from engine.domain.account import Direction
from engine.domain.gate import Check, CheckResult
from engine.domain.market import Candle, Timeframe
from engine.domain.person import Role
from engine.domain.strategy import Strategy
from engine.flow.judgement import Outcome
from engine.flow.trial import Trial, Wanted
from engine.snapshot.indicators import WINDOW

routes = Routes("judging")

_FIRST, _LAST = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _sane(at: datetime) -> datetime:
    if not _FIRST <= at < _LAST:
        raise ValueError("is no time of a market")
    return at


class CandleGiven(Given):
    """A closed candle: when it opened, and its bids. ``volume`` 0 is that it is not known."""

    time: Annotated[Instant, AfterValidator(_sane)]
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Annotated[Whole, Field(ge=0, le=10**15)] = 0


class CandlesWanted(Given):
    """Candles to be judged, the oldest first. ``timeframe`` is the smallest step between them where
    it is not given, M15 for a single one; ``account_id`` must be the account there is.
    """

    account_id: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    symbol: Symbol
    spread_pips: Annotated[Exact, Field(ge=0, le=100_000)]
    candles: Annotated[list[CandleGiven], Field(min_length=1, max_length=WINDOW)]
    timeframe: Literal["M1", "M5", "M15", "M30", "H1", "H4", "D1"] | None = None


class CheckTold(Told):
    """One check of the gate: what it saw, and the limit it held it against."""

    code: Check
    passed: bool
    observed: str
    limit: str


class ConditionTold(Told):
    """One condition of a strategy, and whether it held."""

    name: str
    argument: str
    observed: str
    met: bool
    required: bool


class AdjustmentTold(Told):
    """A named bonus or penalty."""

    name: str
    points: Number


class ConfidenceTold(Told):
    """Source 004 §14.1: the score and its three parts."""

    score: Number
    strategy_match: Number
    market_risk: Number
    account_comfort: Number
    adjustments: list[AdjustmentTold]


class SignalTold(Told):
    """A setup that the gate judged. ``verdict`` is what would be done with it, ``result`` is source
    004's ``risk_check_result``.
    """

    strategy_id: UUID
    strategy: str
    direction: Direction
    entry: Number
    stop_loss: Number
    take_profit: list[Number]
    lot_size: Number
    risk_money: Number
    risk_percent: Number
    confidence: ConfidenceTold
    verdict: Literal["execute", "ask", "refuse", "halted"]
    result: str


class JudgedTold(Told):
    """What one strategy made of the candles; ``reason`` is why there is no signal."""

    strategy_id: UUID
    strategy: str
    version: int
    has_signal: bool
    reason: str | None
    signal: SignalTold | None
    conditions: list[ConditionTold]
    checks: list[CheckTold]


class TrialTold(Told):
    """What was made of the candles at ``instant``, when the last of them closed."""

    has_signal: bool
    account_id: str
    symbol: str
    timeframe: Timeframe
    instant: Instant
    signal: SignalTold | None
    strategies: list[JudgedTold]


class MissingTold(Told):
    """Why a symbol was not judged."""

    code: str
    message: str


class CycleTold(Told):
    """What the loop wrote down; nothing for a candle that was judged before."""

    status: Literal["ok"] = "ok"
    state: str
    decisions: list[RecordTold]
    missing: list[MissingTold]


@routes.post("/v1/admin/strategy/evaluate", role=Role.TRADER, statuses=(404,))
async def evaluate_strategy(call: Call, body: CandlesWanted) -> TrialTold:
    """Judge candles by the approved strategies, with the account and the limits of now.

    Nothing is traded and nothing is kept. ``has_signal`` is that a setup came before the gate;
    every check is told, with what it saw and its limit. The candles must be of a symbol that the
    venue has. Conditions that look at a longer timeframe are not met.
    """
    return await _judged(call, body)


@routes.post("/v1/admin/signals/evaluate", role=Role.TRADER, statuses=(404,))
async def evaluate_signals(call: Call, body: CandlesWanted) -> TrialTold:
    """The same under source 000's other name."""
    return await _judged(call, body)


@routes.post("/v1/trading/paper/cycle", role=Role.TRADER, statuses=(409,))
async def paper_cycle(call: Call) -> CycleTold:
    """Judge the last candle of each watched symbol now; 409 on an account of real money.

    A candle is judged once: where a worker was first, there are no decisions.
    """
    done = await call.uses.acts.run_paper_cycle(call.person_id)
    return CycleTold(
        state=done.control.state.upper(),
        decisions=[record_of(one) for one in done.decisions],
        missing=[MissingTold(code=one.code, message=str(one)) for one in done.missing],
    )


async def _judged(call: Call, body: CandlesWanted) -> TrialTold:
    candles = tuple(
        Candle(one.time, one.open, one.high, one.low, one.close, one.volume) for one in body.candles
    )
    wanted = Wanted(
        symbol=body.symbol,
        candles=candles,
        spread_pips=body.spread_pips,
        timeframe=None if body.timeframe is None else Timeframe(body.timeframe),
        account_id=body.account_id,
    )
    return _trial(await call.uses.acts.try_candles(call.person_id, wanted))


def _trial(trial: Trial) -> TrialTold:
    best = trial.best
    return TrialTold(
        has_signal=best is not None,
        account_id=trial.account_id,
        symbol=trial.bundle.symbol,
        timeframe=trial.bundle.timeframe,
        instant=trial.bundle.instant,
        signal=None if best is None else _signal(*best),
        strategies=[_of(*one) for one in trial.outcomes],
    )


def _of(strategy: Strategy, outcome: Outcome) -> JudgedTold:
    signal = _signal(strategy, outcome)
    return JudgedTold(
        strategy_id=strategy.id,
        strategy=strategy.name,
        version=strategy.version,
        has_signal=signal is not None,
        reason=outcome.no_trade if signal is None else None,
        signal=signal,
        conditions=[
            ConditionTold(
                name=o.name,
                argument=o.argument,
                observed=o.observed,
                met=o.met,
                required=o.required,
            )
            for o in outcome.evaluation.observations
        ],
        checks=[_check(one) for one in outcome.checks],
    )


def _check(one: CheckResult) -> CheckTold:
    return CheckTold(code=one.code, passed=one.passed, observed=one.observed, limit=one.limit)


def _signal(strategy: Strategy, outcome: Outcome) -> SignalTold | None:
    proposal, sizing, score = outcome.evaluation.proposal, outcome.sizing, outcome.confidence
    if outcome.report is None or proposal is None or sizing is None or score is None:
        return None
    told = {
        "strategy_id": strategy.id,
        "strategy": strategy.name,
        "direction": proposal.direction,
        "entry": proposal.entry,
        "stop_loss": proposal.stop_loss,
        "take_profit": list(proposal.take_profit),
        "lot_size": sizing.volume,
        "risk_money": sizing.risk_money,
        "risk_percent": sizing.risk_percent,
        "verdict": outcome.verdict,
        "result": outcome.result,
    }
    confidence = ConfidenceTold(
        score=score.score,
        strategy_match=score.strategy_match,
        market_risk=score.market_risk,
        account_comfort=score.account_comfort,
        adjustments=[AdjustmentTold(name=a.name, points=a.points) for a in score.adjustments],
    )
    return SignalTold.model_validate({**told, "confidence": confidence})
