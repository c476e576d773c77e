"""What a registered model says of the candles of a backtest, the same as the loop would hear.

A model that learnt from the candles it is tried on knows them by heart: it is refused there. What
it learnt from ends ``horizon`` candles behind its last row, because of the labels.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.domain.model import Approved, Prediction
from engine.domain.strategy import Strategy
from engine.domain.values import from_float
from engine.errors import InvalidInput
from engine.flow.predicting import PLACES
from engine.research.columns import Columns
from engine.research.plan import PastModel
from engine.snapshot import features
from engine.snapshot.forest import Forest, read_forest

#: The setup and the condition that read what a model says.
_SETUP, _CONDITION = "forest", "model_probability_above"


def asks_a_model(strategy: Strategy) -> bool:
    """Whether a strategy's document names what a model says. A setup of one's own may read it too,
    and nobody knows.
    """
    conditions = (*strategy.entry_conditions, *strategy.nice_to_have)
    return strategy.setup == _SETUP or any(each.name == _CONDITION for each in conditions)


@dataclass(eq=False)
class Forecasts:
    """Called with a candle's place; answers what the model said at its close, None where a row has
    too little past.
    """

    columns: Columns
    model: Approved
    forest: Forest
    _said: dict[int, Prediction | None] = field(default_factory=dict)

    def __call__(self, place: int) -> Prediction | None:
        if place not in self._said:
            self._said[place] = self._ask(place)
        return self._said[place]

    def _ask(self, place: int) -> Prediction | None:
        row = self._rows[place]
        if not np.isfinite(row).all():
            return None
        return Prediction(
            model_id=self.model.id,
            model=self.model.name,
            hash=self.model.hash,
            horizon=self.model.horizon,
            probability=from_float(self.forest.probability(row), PLACES),
        )

    @cached_property
    def _rows(self) -> features.Column:
        """The rows of all candles at once; each is that of its own past alone, to the last bit."""
        seen = self.columns.arrays(0, len(self.columns))
        return features.table(features.Columns(seen.high, seen.low, seen.close, seen.volume))


def forecasts(model: PastModel, body: bytes, columns: Columns, start: int) -> Forecasts:
    """The model over these candles, of which ``start`` is the first that is judged. Raises
    :class:`InvalidInput` for bytes that are not the model's, and where it learnt from what it is to
    be tried on.
    """
    forest = read_forest(body, model.asked.hash)
    if forest.features != len(features.NAMES):
        raise InvalidInput(f"{model.asked.name} looks at other figures than there are now")
    first = fair_from(model, columns)
    if start < first:
        when = "no later candle is left"
        if first < len(columns):
            when = f"begin on {columns.time(first):%Y-%m-%d %H:%M} or later (--from)"
        raise InvalidInput(
            f"{model.asked.name} learnt from candles until {model.last:%Y-%m-%d %H:%M}Z, and from"
            f" {model.asked.horizon} more what became of them: of these it knows the answers."
            f" {when.capitalize()}, or take a model that was trained earlier (--model)"
        )
    return Forecasts(columns, model.asked, forest)


def fair_from(model: PastModel, columns: Columns) -> int:
    """The place of the first candle that the model could not have learnt from."""
    known = int(np.searchsorted(columns.opened, model.last.timestamp(), side="right"))
    return known + model.asked.horizon
