"""The decision history (source 004 §6.5): its records, what was seen, and computing it again."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from bot.api.fields import Exact, Flag, Given, Instant, Number, Symbol, Text, Told
from bot.api.routing import Answer, Call, Routes
from bot.api.shapes import Before, Limit, Release, Wanted, figures, next_page, release
from engine.domain.decision import Action, Decision
from engine.domain.market import Timeframe
from engine.domain.person import Role
from engine.domain.settings import written
from engine.domain.snapshot import Bundle
from engine.flow.judgement import Answer as Judged
from engine.flow.judgement import Outcome

routes = Routes("history")


@dataclass(slots=True)
class Record:
    """A record, as source 004 tells it; then its number, who acted, and the market's time."""

    id: UUID
    occurred_at: Instant
    symbol: str | None
    action: str
    rationale: str
    confidence_score: Number | None
    risk_check_result: str | None
    strategy_id: UUID | None
    trade_idea_id: UUID | None
    snapshot_ref: str | None
    human_override: bool
    number: int
    actor: str
    market_time: Instant | None


class Full(Told):
    """A record with its place in the chain and everything it keeps."""

    id: UUID
    number: int
    hash: str
    previous_hash: str
    occurred_at: Instant
    market_time: Instant | None
    symbol: str | None
    action: Action
    actor: str
    rationale: str
    confidence_score: Number | None
    risk_check_result: str | None
    strategy_id: UUID | None
    strategy_version: int | None
    trade_idea_id: UUID | None
    snapshot_ref: str | None
    human_override: bool
    detail: dict[str, Any]


class Price(Told):
    """The last closed candle."""

    open: Number
    high: Number
    low: Number
    close: Number


class Market(Told):
    """The symbol; ``indicators`` by name, null while there were too few candles for one."""

    symbol: str
    timeframe: Timeframe
    price: Price
    indicators: dict[str, Number | None]


class SeenAccount(Told):
    """The account as it was."""

    balance: Number
    equity: Number
    margin_free: Number
    open_positions: int


class SeenPrediction(Told):
    """What the approved model gave a rise within ``horizon`` candles, 0 to 1."""

    model_id: int
    model: str
    hash: str
    horizon: int
    probability: Number


class Snapshot(Told):
    """The world at that moment; ``account`` is null where the broker was silent, ``prediction``
    where no model was approved.
    """

    market: Market
    calendar: list[Release]
    account: SeenAccount | None
    prediction: SeenPrediction | None = None


class Again(Given):
    """Risk settings to try instead, by name."""

    changes: Annotated[
        dict[Annotated[Text, Field(max_length=60)], Exact | Flag], Field(max_length=40)
    ] = Field(default_factory=dict)


class CheckTold(Told):
    """A check of the gate."""

    code: str
    passed: bool


class Verdict(Told):
    """What computing it gave."""

    verdict: str
    result: str
    checks: list[CheckTold]


class Replayed(Told):
    """Whether computing it again gave the same bit for bit; ``differences`` are dotted paths."""

    equal: bool
    differences: list[str]
    made: Verdict
    what_if: Verdict | None


@routes.get("/v1/ai/history", role=Role.VIEWER)
async def history(
    call: Call,
    symbol: Symbol | None = None,
    action: Action | None = None,
    before: Before | None = None,
    limit: Limit = 100,
) -> Answer[list[Record]]:
    """The decision history, newest first.

    ``before`` is a record's number; the header ``Link`` leads to the next page.
    """
    lines = await call.uses.reads.history(
        call.person_id, symbol=symbol, action=action, before=before, limit=limit
    )
    headers = next_page(call, len(lines) == limit, lines[-1].number if lines else None)
    return Answer([Record(*line) for line in lines], headers=headers)


@routes.get("/v1/ai/history/{record_id}", role=Role.VIEWER)
async def record(call: Call, record_id: Wanted) -> Full:
    """One record, by its id or by its number, with everything it keeps."""
    return _full(await call.uses.reads.record(call.person_id, record_id))


@routes.get("/v1/ai/history/{record_id}/snapshot", role=Role.VIEWER)
async def snapshot(call: Call, record_id: Wanted) -> Snapshot:
    """The world as it was seen when this was decided.

    A record that rests on no snapshot, or on one that was removed, is SNAPSHOT_NOT_FOUND.
    """
    return _snapshot(await call.uses.reads.record.snapshot(call.person_id, record_id))


@routes.post("/v1/ai/history/{record_id}/replay", role=Role.VIEWER)
async def replay(call: Call, record_id: Wanted, body: Again) -> Replayed:
    """Compute a decision again from what was seen, and with other settings if some are given."""
    changes = {name: written(_plainly(value)) for name, value in body.changes.items()}
    found = await call.uses.reads.record(call.person_id, record_id)
    again = await call.uses.talk.replay_decision(found.seq, changes, person_id=call.person_id)
    return Replayed(
        equal=not again.differences,
        differences=list(again.differences),
        made=_verdict(again.made),
        what_if=None if again.what_if is None else _verdict(again.what_if),
    )


def _plainly(value: Decimal | bool) -> Any:
    return value if isinstance(value, bool) else f"{value:f}"


def _full(decision: Decision) -> Full:
    entry = decision.entry
    return Full(
        id=UUID(decision.hash[:32]),
        number=decision.seq,
        hash=decision.hash,
        previous_hash=decision.previous_hash,
        occurred_at=entry.occurred_at,
        market_time=entry.market_time,
        symbol=entry.symbol,
        action=entry.action,
        actor=entry.actor,
        rationale=entry.rationale,
        confidence_score=entry.confidence_score,
        risk_check_result=entry.risk_check_result,
        strategy_id=entry.strategy_id,
        strategy_version=entry.strategy_version,
        trade_idea_id=entry.idea_id,
        snapshot_ref=entry.bundle_hash,
        human_override=entry.human_override,
        detail=entry.detail,
    )


def _snapshot(bundle: Bundle) -> Snapshot:
    last, account = bundle.candles[-1], bundle.account
    seen = None
    if account is not None:
        seen = SeenAccount(
            balance=account.balance,
            equity=account.equity,
            margin_free=account.margin_free,
            open_positions=len(bundle.positions),
        )
    events = () if bundle.calendar is None else bundle.calendar.events
    return Snapshot(
        market=Market(
            symbol=bundle.symbol,
            timeframe=bundle.timeframe,
            price=Price(open=last.open, high=last.high, low=last.low, close=last.close),
            indicators=figures(bundle.indicators),
        ),
        calendar=[release(event, bundle.instant) for event in events],
        account=seen,
        prediction=_prediction(bundle),
    )


def _prediction(bundle: Bundle) -> SeenPrediction | None:
    said = bundle.prediction
    return None if said is None else SeenPrediction(**asdict(said))


def _verdict(made: Outcome | Judged) -> Verdict:
    checks = [CheckTold(code=str(check.code), passed=check.passed) for check in made.checks]
    return Verdict(verdict=made.verdict, result=made.result, checks=checks)
