"""Backtests over HTTP: started, watched, read and cancelled."""

from datetime import datetime
from secrets import token_bytes
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from bot.api.fields import Exact, Flag, Given, Instant, Symbol, Text, Told
from bot.api.routing import Answer, Call, Routes
from engine.domain.backtest import BALANCE, LONGEST_LATENCY_MS, BacktestRun, Costs, Resume, Wish
from engine.domain.market import Timeframe
from engine.domain.person import Role

routes = Routes("backtests")

Cost = Annotated[Exact, Field(ge=0, le=1000)]


class CostsGiven(Given):
    """What dealing costs: spread and slippage in pips, commission per lot and side in account
    currency, swaps in points for a lot and a night (below zero is a cost). An order is dealt at the
    price of its arrival, ``latency_ms`` after the decision.
    """

    spread_pips: Cost | None = None
    slippage_pips: Cost | None = None
    commission_per_lot: Cost | None = None
    swap_long: Annotated[Exact, Field(ge=-1000, le=1000)] | None = None
    swap_short: Annotated[Exact, Field(ge=-1000, le=1000)] | None = None
    leverage: Cost | None = None
    latency_ms: Annotated[Exact, Field(ge=0, le=LONGEST_LATENCY_MS)] | None = None


class BacktestWanted(Given):
    """What is to be tried. Without ``strategy`` all that are on; ``since`` is the first candle that
    is judged, ``until`` the first that is not played. The account starts with 10000 unless it is
    said. ``settings`` are risk settings to try, by name.
    """

    symbol: Symbol
    timeframe: Literal["M1", "M5", "M15", "M30", "H1", "H4", "D1"]
    strategy: Annotated[Text, Field(min_length=1, max_length=60)] | None = None
    since: Instant | None = None
    until: Instant | None = None
    costs: CostsGiven = CostsGiven()
    starting_balance: Annotated[Exact, Field(ge=1, le=1_000_000_000)] | None = None
    resume: Literal["never", "daily"] = "daily"
    approves: Flag = True
    quiet_news: Flag = False
    settings: dict[str, str] = Field(default_factory=dict, max_length=50)


class BacktestTold(Told):
    """A run: ``done`` of ``total`` candles. ``problem`` is why it failed."""

    id: UUID
    symbol: str
    timeframe: str
    strategy: str | None
    state: Literal["waiting", "running", "done", "cancelled", "failed", "broken_off"]
    cancelled: bool
    asked_at: Instant
    changed_at: datetime
    done: int
    total: int
    problem: str | None


class BacktestRead(BacktestTold):
    """A run with its report, null while there is none. Money and prices in it are texts."""

    report: dict[str, Any] | None


@routes.post("/v1/backtests", role=Role.TRADER, status=201, also=(200,))
async def start(call: Call, body: BacktestWanted) -> Answer[BacktestTold]:
    """Put a backtest down to be played by a worker.

    201 for a new one, 200 with the one that is under way: a person has one at a time.
    """
    id_ = UUID(bytes=token_bytes(16), version=4)
    run, is_new = await call.uses.talk.start_backtest(call.person_id, id_, wish_of(body))
    return Answer(BacktestTold(**_told(run)), status=201 if is_new else 200)


@routes.get("/v1/backtests", role=Role.TRADER)
async def backtests(
    call: Call, limit: Annotated[int, Field(ge=1, le=100)] = 20
) -> list[BacktestTold]:
    """One's own last runs, newest first."""
    found = await call.uses.talk.read_backtests(call.person_id, limit)
    return [BacktestTold(**_told(run)) for run in found]


@routes.get("/v1/backtests/{backtest_id}", role=Role.TRADER)
async def backtest(call: Call, backtest_id: UUID) -> BacktestRead:
    """A run with its report.

    That is the figures, the trades, the equity, the refusals, and the SHA-256 of its decisions.
    """
    run = await call.uses.talk.read_backtests.one(call.person_id, backtest_id)
    return BacktestRead(**_told(run), report=run.report)


@routes.post("/v1/backtests/{backtest_id}/cancel", role=Role.TRADER)
async def cancel(call: Call, backtest_id: UUID) -> BacktestTold:
    """Ask a run to stop; what it did until then is kept. One that has ended stays as it is."""
    return BacktestTold(**_told(await call.uses.talk.cancel_backtest(call.person_id, backtest_id)))


def wish_of(body: BacktestWanted) -> Wish:
    """What a body asks for."""
    costs = {name: value for name, value in body.costs if value is not None}
    return Wish(
        symbol=body.symbol, timeframe=Timeframe(body.timeframe), strategy=body.strategy,
        since=body.since, until=body.until, costs=Costs(**costs),
        balance=body.starting_balance or BALANCE,
        resume=Resume(body.resume), approves=body.approves, quiet=body.quiet_news,
        changes=tuple(sorted(body.settings.items())),
    )  # fmt: skip


def _told(run: BacktestRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "symbol": run.wish.symbol,
        "timeframe": str(run.wish.timeframe),
        "strategy": run.wish.strategy,
        "state": str(run.state),
        "cancelled": run.cancelled,
        "asked_at": run.asked_at,
        "changed_at": run.changed_at,
        "done": run.done,
        "total": run.total,
        "problem": run.problem,
    }
