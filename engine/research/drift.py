"""How far the market has moved from what a model learnt, and whether its forecasts still hold."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.domain.market import Candle
from engine.domain.model import Model, Score
from engine.domain.person import Role
from engine.domain.values import from_float
from engine.errors import NotFound
from engine.flow.models import model_of
from engine.flow.signals import allowed
from engine.ports import MarketData, Store
from engine.research.dataset import labels
from engine.research.training import score
from engine.snapshot.features import LOOKBACK, columns, table
from engine.snapshot.forest import Forest, read_forest

#: Candles that are compared with those learnt from; and how many it takes to say anything.
_RECENT, _LEAST = 500, 50
#: The usual borders of the population stability index.
MODERATE, SHIFTED = Decimal("0.1"), Decimal("0.25")
#: A bin that is empty on one side would count without end.
_EMPTY = 1e-4


class Stability(StrEnum):
    """What an index of population stability means; UNKNOWN is too few candles."""

    STABLE = "stable"
    MODERATE = "moderate"
    SHIFTED = "shifted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """A figure's index of population stability: 0 is the same distribution as was learnt from."""

    name: str
    index: Decimal

    @property
    def stability(self) -> Stability:
        """What that means."""
        if self.index < MODERATE:
            return Stability.STABLE
        return Stability.MODERATE if self.index < SHIFTED else Stability.SHIFTED


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """``rows`` recent candles against those learnt from, the figures that moved most first;
    ``since`` is how forecasts came true on candles after the training, None with too few of them.
    """

    model: Model
    rows: int
    features: tuple[FeatureDrift, ...]
    since: Score | None

    @property
    def stability(self) -> Stability:
        """That of the figure that moved most."""
        return self.features[0].stability if self.features else Stability.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDrift:
    """The drift of a model; raises :class:`NotFound`."""

    store: Store
    market: MarketData

    async def __call__(self, person_id: int | None, id_: int) -> DriftReport:
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.VIEWER)
            model = await model_of(tx, id_)
            body = await tx.models.body(id_)
        if body is None:
            raise NotFound(f"there is no model {id_}", id=id_)
        candles = await self.market.candles(model.symbol, model.timeframe, LOOKBACK + 2 * _RECENT)
        forest = read_forest(body, model.hash)
        return await asyncio.to_thread(drift, model, forest, candles)


def drift(model: Model, forest: Forest, candles: Sequence[Candle]) -> DriftReport:
    """Compare a model with these candles."""
    given = columns(candles)
    rows = table(given)
    known: NDArray[np.bool_] = np.asarray(np.isfinite(rows).all(axis=1), dtype=np.bool_)
    recent = rows[known][-_RECENT:]
    moved = []
    if len(recent) >= _LEAST:
        for place, fact in enumerate(model.report.features):
            index = stability_index(np.array(fact.borders), recent[:, place])
            moved.append(FeatureDrift(fact.name, from_float(index, 4)))
    return DriftReport(
        model=model,
        rows=len(recent),
        features=tuple(sorted(moved, key=lambda one: -one.index)),
        since=_since(model, forest, candles, rows, known),
    )


def _since(
    model: Model,
    forest: Forest,
    candles: Sequence[Candle],
    rows: NDArray[np.float64],
    known: NDArray[np.bool_],
) -> Score | None:
    """How forecasts came true on candles whose whole future lies after what was learnt from."""
    found = labels(columns(candles), model.report.wish.horizon)
    places = [
        place
        for place in range(len(found))
        if known[place] and candles[place].time > model.report.last
    ]
    # The labels of the first ones overlap those of the last that were learnt from.
    places = places[model.report.wish.horizon :]
    if len(places) < _LEAST:
        return None
    said = np.array([forest.probability(rows[place]) for place in places])
    return score(said, found[places])


def stability_index(borders: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """The population stability index of values against the equally filled bins between borders."""
    counts = np.bincount(np.searchsorted(borders, values), minlength=len(borders) + 1)
    seen = np.maximum(counts / len(values), _EMPTY)
    learnt = 1 / (len(borders) + 1)
    return float(((seen - learnt) * np.log(seen / learnt)).sum())
