"""Builders of models, and a small forest that is grown once."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Timeframe
from engine.domain.model import FeatureFact, Model, ModelStatus, Prediction, Report, Score, Wish
from engine.research import training
from engine.research.dataset import dataset
from engine.snapshot.features import NAMES
from tests.builders import NOW

WISH = Wish(symbol="EURUSD", timeframe=Timeframe.H1, trees=20, depth=4, bars=2_000, folds=1)


def score(**values: Any) -> Score:
    """A little better than chance."""
    shares = {
        "rises": "0.5100", "accuracy": "0.5300", "auc": "0.5400", "brier": "0.2490",
        "signals": "0.4000", "hits": "0.5600",
    }  # fmt: skip
    return Score(
        rows=values.pop("rows", 900), **{n: Decimal(s) for n, s in shares.items()}, **values
    )


def report(**values: Any) -> Report:
    """What a training of 2,000 candles said."""
    fields: dict[str, Any] = {
        "wish": WISH,
        "rows": 1_739,
        "first": datetime(2017, 1, 2, tzinfo=UTC),
        "last": datetime(2017, 5, 2, tzinfo=UTC),
        "data_hash": "d" * 64,
        "score": score(),
        "features": tuple(
            FeatureFact(
                name=name,
                importance=Decimal("0.0667"),
                borders=tuple(0.001 * (place - 5) for place in range(1, 10)),
            )
            for name in NAMES
        ),
        "seconds": Decimal("1.5"),
    }
    return Report(**(fields | values))


def model(**values: Any) -> Model:
    """A candidate."""
    fields: dict[str, Any] = {
        "id": 3, "version": 1, "status": ModelStatus.CANDIDATE, "hash": "a" * 64,
        "report": report(), "trained_by": "person:1", "trained_at": NOW,
    }  # fmt: skip
    return Model(**(fields | values))


def prediction(probability: str = "0.6200", **values: Any) -> Prediction:
    """A model that expects a rise."""
    made = Prediction(
        model_id=3, model="rf_h1_v1", hash="a" * 64, horizon=5, probability=Decimal(probability)
    )
    return replace(made, **values)


@cache
def trained() -> training.Trained:
    """A small forest of the shipped recording."""
    return training.train(dataset(shipped_recording().candles[:2_000], WISH), WISH, lambda *_: None)


async def play_to(desk: Any, count: int) -> None:
    """Move the desk's recording on to where so many candles have closed."""
    market = desk.world.market
    async with market._ledger.open(market._document) as document:
        document["played"] = count


async def registered(desk: Any, *, approved: bool = True) -> Model:
    """The small forest in the desk's registry, approved by the command line if it shall be."""
    made = trained()
    async with desk.world.store.begin() as tx:
        found = await tx.models.add(made.report, made.body, made.hash, "cli")
    return await desk.talk.decide_model.approve(None, found.id) if approved else found
