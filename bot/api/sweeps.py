"""Sweeps over HTTP: started, watched, read and cancelled."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from bot.api.backtests import BacktestWanted, wish_of
from bot.api.fields import Given, Instant, Number, Text, Told, Whole
from bot.api.routing import Call, Routes
from engine.domain.person import Role
from engine.domain.sweep import Shard, Sweep
from engine.errors import InvalidInput
from engine.research.space import Axis
from engine.research.sweeping import result_hash

routes = Routes("sweeps")

Value = Annotated[Text, Field(min_length=1, max_length=60)]


class AxisGiven(Given):
    """A field of the strategy's document by its path, and the values to try, as it writes them."""

    path: Annotated[Text, Field(min_length=1, max_length=80)]
    values: Annotated[list[Value], Field(min_length=1, max_length=64)]


class SweepWanted(BacktestWanted):
    """A backtest of one ``strategy``, varied along ``axes``; without them its numbers and some
    around each. At most ``most`` runs, of a larger grid those that ``seed`` draws.
    """

    strategy: Value
    axes: Annotated[list[AxisGiven], Field(max_length=6)] = Field(default_factory=list)
    most: Annotated[Whole, Field(ge=1, le=256)] = 64
    seed: Annotated[Whole, Field(ge=0, le=10**9)] = 1


class SweepTold(Told):
    """A sweep: ``done`` and ``failed`` of ``total`` runs."""

    id: UUID
    title: str
    source: str
    state: Literal["running", "done", "cancelled"]
    created_at: Instant
    total: int
    done: int
    failed: int


class RunTold(Told):
    """A run: its values by path (none for the strategy as it is), and its figures, null until it is
    played. ``problem`` is why it failed.
    """

    number: int
    values: dict[str, str]
    state: Literal["waiting", "running", "done", "failed"]
    trades: int | None
    profit: Number | None
    win_rate: Number | None
    profit_factor: Number | None
    drawdown_percent: Number | None
    decisions: str | None
    problem: str | None


class SweepRead(SweepTold):
    """A sweep with its runs, the best first, and the SHA-256 of all that they came to, null until
    all are played.
    """

    result: str | None
    runs: list[RunTold]


@routes.post("/v1/sweeps", role=Role.TRADER, status=202)
async def start(call: Call, body: SweepWanted) -> SweepTold:
    """Vary a strategy over the past; workers play the runs.

    The same sweep is not played twice: it is answered as it stands, and goes on if it was
    cancelled.
    """
    axes = [Axis(each.path, tuple(dict.fromkeys(each.values))) for each in body.axes]
    if len({axis.path for axis in axes}) < len(axes):
        raise InvalidInput("a path is given twice", field="axes")
    found = await call.uses.talk.ask_sweep(
        call.person_id, wish_of(body), axes, most=body.most, seed=body.seed
    )
    return SweepTold(**_told(found))


@routes.get("/v1/sweeps", role=Role.VIEWER)
async def sweeps(call: Call, limit: Annotated[int, Field(ge=1, le=100)] = 20) -> list[SweepTold]:
    """The last sweeps, whoever wanted them, newest first."""
    found = await call.uses.talk.read_sweep.last(call.person_id, limit)
    return [SweepTold(**_told(sweep)) for sweep in found]


@routes.get("/v1/sweeps/{sweep_id}", role=Role.VIEWER)
async def sweep(call: Call, sweep_id: UUID) -> SweepRead:
    """A sweep with what its runs came to."""
    found, shards = await call.uses.talk.read_sweep(call.person_id, sweep_id)
    runs = sorted(shards, key=lambda shard: (-_profit(shard), shard.number))
    over = found.done + found.failed == found.total
    return SweepRead(
        **_told(found), result=result_hash(shards) if over else None, runs=list(map(_run, runs))
    )


@routes.post("/v1/sweeps/{sweep_id}/cancel", role=Role.TRADER)
async def cancel(call: Call, sweep_id: UUID) -> SweepTold:
    """Play nothing more of a sweep; what is done stays. One that is over stays as it is."""
    return SweepTold(**_told(await call.uses.talk.cancel_sweep(call.person_id, sweep_id)))


def _profit(shard: Shard) -> Decimal:
    """Runs without figures come last."""
    return Decimal("-Infinity") if shard.figures is None else shard.figures.profit


def _told(sweep: Sweep) -> dict[str, Any]:
    state = "cancelled" if sweep.cancelled else "done" if sweep.is_over else "running"
    return {
        "id": sweep.id, "title": sweep.title, "source": sweep.source, "state": state,
        "created_at": sweep.created_at, "total": sweep.total, "done": sweep.done,
        "failed": sweep.failed,
    }  # fmt: skip


def _run(shard: Shard) -> RunTold:
    seen = shard.figures
    return RunTold(
        number=shard.number,
        values=dict(shard.point),
        state=shard.state.value,
        trades=None if seen is None else seen.trades,
        profit=None if seen is None else seen.profit,
        win_rate=_short(None if seen is None else seen.win_rate),
        profit_factor=_short(None if seen is None else seen.profit_factor),
        drawdown_percent=_short(None if seen is None else seen.drawdown_percent),
        decisions=None if seen is None else seen.decisions,
        problem=shard.problem,
    )


def _short(ratio: Decimal | None) -> Decimal | None:
    return None if ratio is None else round(ratio, 6)
