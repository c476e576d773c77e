"""Source 003's models: trained, looked at, let in and retired."""

from typing import Annotated, Literal

from pydantic import Field

from bot import model_documents as views
from bot.api.fields import Done, Flag, Given, Instant, Symbol, Told, Whole
from bot.api.routing import Answer, Call, Routes
from engine.domain.market import Timeframe
from engine.domain.model import Wish
from engine.domain.person import Role

routes = Routes("models")

_USUAL = Wish(symbol="EURUSD", timeframe=Timeframe.H1)
Number = Annotated[int, Field(ge=1, le=10**15)]
Limit = Annotated[int, Field(ge=1, le=500)]
Stability = Literal["stable", "moderate", "shifted", "unknown"]


class TrainingWanted(Given):
    """What to train; see a model's ``parameters``."""

    symbol: Symbol
    timeframe: Timeframe
    trees: Annotated[Whole, Field(ge=10, le=2_000)] = _USUAL.trees
    depth: Annotated[Whole, Field(ge=2, le=16)] = _USUAL.depth
    leaf: Annotated[Whole, Field(ge=1, le=10_000)] = _USUAL.leaf
    horizon: Annotated[Whole, Field(ge=1, le=200)] = _USUAL.horizon
    bars: Annotated[Whole, Field(ge=1_000, le=200_000)] = _USUAL.bars
    folds: Annotated[Whole, Field(ge=1, le=10)] = _USUAL.folds
    seed: Annotated[Whole, Field(ge=0, le=2**31 - 1)] = _USUAL.seed


class TrainingTold(Told):
    """A training. ``percent`` is how far it is, ``model_id`` the candidate that it made."""

    id: int
    symbol: str
    timeframe: Timeframe
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    percent: int
    asked_by: str
    created_at: Instant
    finished_at: Instant | None
    model_id: int | None
    reason: str | None


class Cancelled(Done):
    """``was_open`` is whether there was something to cancel."""

    was_open: Flag


class Parameters(Told):
    """How it was trained."""

    trees: int
    depth: int
    leaf: int
    horizon: int
    bars: int
    folds: int
    seed: int


class ScoreTold(Told):
    """Forecasts on candles that the trees had not seen, as shares of 1. ``signals`` is the share
    that the thresholds let through, ``hits`` how many of those were right.
    """

    rows: int
    rises: float
    accuracy: float
    auc: float
    brier: float
    signals: float
    hits: float | None


class FeatureTold(Told):
    """A column of the table, and how much the trees use it."""

    name: str
    importance: float


class ModelTold(Told):
    """A model's card. ``hash`` is the SHA-256 of its trees, ``data_hash`` of what they learnt."""

    id: int
    name: str
    symbol: str
    timeframe: Timeframe
    version: int
    status: Literal["candidate", "approved", "retired"]
    hash: str
    data_hash: str
    parameters: Parameters
    rows: int
    first: Instant
    last: Instant
    metrics: ScoreTold
    features: list[FeatureTold]
    seconds: float
    trained_by: str
    trained_at: Instant
    decided_by: str | None
    decided_at: Instant | None


class FeatureDriftTold(Told):
    """A column's population stability index against what was learnt from."""

    name: str
    index: float
    stability: Stability


class DriftTold(Told):
    """How far the market has moved. ``since`` is how forecasts came true after the training."""

    rows: int
    stability: Stability
    features: list[FeatureDriftTold]
    validation: ScoreTold
    since: ScoreTold | None


@routes.get("/v1/models", role=Role.VIEWER)
async def models(
    call: Call, before: Number | None = None, limit: Limit = 50
) -> Answer[list[ModelTold]]:
    """Every model, the newest first; the header ``Link`` leads to the next page."""
    found = await call.uses.talk.read_models(call.person_id, before=before, limit=limit)
    headers = {}
    if len(found) == limit:
        headers["Link"] = f'</v1/models?before={found[-1].id}&limit={limit}>; rel="next"'
    return Answer([ModelTold.model_validate(views.model(one)) for one in found], headers=headers)


@routes.get("/v1/models/{model_id}", role=Role.VIEWER)
async def model(call: Call, model_id: Number) -> ModelTold:
    """One model."""
    found = await call.uses.talk.read_models.one(call.person_id, model_id)
    return ModelTold.model_validate(views.model(found))


@routes.get("/v1/models/{model_id}/drift", role=Role.VIEWER, statuses=(503,))
async def drift(call: Call, model_id: Number) -> DriftTold:
    """How far the market has moved from what the model learnt, and whether forecasts still hold."""
    found = await call.uses.talk.read_drift(call.person_id, model_id)
    return DriftTold.model_validate(views.drift(found))


@routes.post("/v1/models/{model_id}/approve", role=Role.ADMIN, statuses=(409,))
async def approve(call: Call, model_id: Number) -> ModelTold:
    """Let a model in, instead of the one of its symbol and timeframe that was asked before."""
    found = await call.uses.talk.decide_model.approve(call.person_id, model_id)
    return ModelTold.model_validate(views.model(found))


@routes.post("/v1/models/{model_id}/retire", role=Role.ADMIN, statuses=(409,))
async def retire(call: Call, model_id: Number) -> ModelTold:
    """Ask a model no more, or never."""
    found = await call.uses.talk.decide_model.retire(call.person_id, model_id)
    return ModelTold.model_validate(views.model(found))


@routes.post("/v1/trainings", role=Role.TRADER, status=202, statuses=(404,))
async def train(call: Call, body: TrainingWanted) -> TrainingTold:
    """Ask for a training, which a worker does.

    While one of the symbol and timeframe is open, that one is the answer.
    """
    wish = Wish(**dict(body))
    training, _ = await call.uses.talk.ask_training(call.person_id, wish)
    return TrainingTold.model_validate(views.training(training))


@routes.get("/v1/trainings", role=Role.VIEWER)
async def trainings(call: Call, limit: Limit = 50) -> list[TrainingTold]:
    """The trainings, the newest first."""
    found = await call.uses.talk.read_models.trainings(call.person_id, limit=limit)
    return [TrainingTold.model_validate(views.training(one)) for one in found]


@routes.get("/v1/trainings/{training_id}", role=Role.VIEWER)
async def training(call: Call, training_id: Number) -> TrainingTold:
    """One training, and how far it is."""
    found = await call.uses.talk.read_models.training(call.person_id, training_id)
    return TrainingTold.model_validate(views.training(found))


@routes.post("/v1/trainings/{training_id}/cancel", role=Role.TRADER)
async def cancel(call: Call, training_id: Number) -> Cancelled:
    """Stop a training; nothing of it is kept."""
    was_open = await call.uses.talk.cancel_training(call.person_id, training_id)
    return Cancelled(was_open=was_open)
