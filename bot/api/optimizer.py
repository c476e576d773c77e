"""Source 001's optimizer: ask for a walk-forward search, and read what it came to."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field

from bot.api.changes import FoldTold, fold_told
from bot.api.fields import Given, Instant, Number, Told, Whole
from bot.api.routing import Call, Routes
from engine.domain.optimizer_run import OptimizerRun, RunState, RunWish
from engine.domain.person import Role
from engine.errors import NotFound

routes = Routes("optimizer")


class SearchWanted(Given):
    """A strategy, and how its numbers are searched: over the last ``days``, chosen and tried in
    ``folds`` steps, among so many ``candidates`` drawn with ``seed``.
    """

    strategy_id: UUID
    days: Annotated[Whole, Field(ge=30, le=3650)] = 365
    folds: Annotated[Whole, Field(ge=2, le=12)] = 4
    candidates: Annotated[Whole, Field(ge=2, le=400)] = 40
    seed: Annotated[Whole, Field(ge=0, le=10**9)] = 1


class SearchTold(Told):
    """A search and how it stands: ``done`` of at most ``total`` trials. ``proposal_id`` names
    what it proposes under ``/v1/ai/proposals`` or is null, and ``reason`` then says why nothing is
    proposed. Results are means in units of risk: ``outside`` what the choices made where they were
    tried, ``baseline`` what the strategy as it is made there.
    """

    id: int
    status: RunState
    strategy_id: UUID
    days: int
    candidates: int
    seed: int
    created_at: Instant
    finished_at: Instant | None
    done: int
    total: int
    cancelled: bool
    proposal_id: int | None
    reason: str | None
    outside: Number | None
    baseline: Number | None
    trades_outside: int
    tried: int
    folds: list[FoldTold]


@routes.post("/v1/ai/optimizer/train", role=Role.TRADER, status=202, statuses=(404, 409))
async def train(call: Call, body: SearchWanted) -> SearchTold:
    """Ask for a search; a worker runs it. 409 while another search is under way."""
    wish = RunWish(**body.model_dump(), by=call.person_id)
    return _search(await call.uses.acts.changes.train(call.person_id, wish))


@routes.get("/v1/ai/optimizer/propose", role=Role.VIEWER, statuses=(404,))
async def propose(call: Call) -> SearchTold:
    """The newest search: what it proposes, or why it proposes nothing."""
    found = await call.uses.acts.changes.train.last(call.person_id)
    if found is None:
        raise NotFound("nothing was searched yet; ask for it with POST /v1/ai/optimizer/train")
    return _search(found)


@routes.get("/v1/ai/optimizer/runs", role=Role.VIEWER)
async def runs(call: Call, limit: Annotated[int, Field(ge=1, le=100)] = 20) -> list[SearchTold]:
    """The last searches, newest first."""
    found = await call.uses.acts.changes.train.list(call.person_id, limit)
    return [_search(run) for run in found]


@routes.get("/v1/ai/optimizer/runs/{run_id}", role=Role.VIEWER)
async def run(call: Call, run_id: Annotated[int, Field(ge=1, lt=2**63)]) -> SearchTold:
    """One search and how far it is."""
    return _search(await call.uses.acts.changes.train.one(call.person_id, run_id))


@routes.post("/v1/ai/optimizer/runs/{run_id}/cancel", role=Role.TRADER)
async def cancel(call: Call, run_id: Annotated[int, Field(ge=1, lt=2**63)]) -> SearchTold:
    """Stop a search: it proposes nothing. One that has ended stays as it is."""
    return _search(await call.uses.acts.changes.train.cancel(call.person_id, run_id))


def _search(run: OptimizerRun) -> SearchTold:
    result = run.result
    return SearchTold(
        id=run.id,
        status=run.state,
        strategy_id=run.wish.strategy_id,
        days=run.wish.days,
        candidates=run.wish.candidates,
        seed=run.wish.seed,
        created_at=run.created_at,
        finished_at=run.finished_at,
        done=run.done,
        total=run.total,
        cancelled=run.cancelled,
        proposal_id=None if result is None else result.proposal_id,
        reason=None if result is None else result.reason,
        outside=_short(None if result is None else result.outside),
        baseline=_short(None if result is None else result.baseline),
        trades_outside=0 if result is None else result.trades_outside,
        tried=0 if result is None else result.tried,
        folds=[] if result is None else [fold_told(fold) for fold in result.folds],
    )


def _short(mean: Decimal | None) -> Decimal | None:
    return None if mean is None else round(mean, 6)
