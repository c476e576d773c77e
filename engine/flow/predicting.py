"""Ask an approved model about the last of some candles."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.domain.market import Candle
from engine.domain.model import Approved, Prediction
from engine.domain.values import from_float
from engine.errors import InvalidInput, NotFound
from engine.ports import Store
from engine.snapshot.features import NAMES, row
from engine.snapshot.forest import Forest, read_forest

log = logging.getLogger(__name__)

#: Digits of a probability that are kept.
PLACES = 4
_MOST = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class AskModel:
    """The port ``Predict`` over the registry; a forest is read and checked once for its hash.

    One whose bytes are not those of its hash says nothing: a strategy then sees no model, and
    nothing is traded by it.
    """

    store: Store
    _forests: dict[str, Forest | None] = field(default_factory=dict, compare=False)

    async def __call__(self, model: Approved, candles: Sequence[Candle]) -> Prediction | None:
        asked = row(candles)
        if asked is None:
            return None
        forest = await self._forest(model)
        if forest is None:
            return None
        return Prediction(
            model_id=model.id,
            model=model.name,
            hash=model.hash,
            horizon=model.horizon,
            probability=from_float(forest.probability(asked), PLACES),
        )

    async def _forest(self, model: Approved) -> Forest | None:
        if model.hash not in self._forests:
            if len(self._forests) >= _MOST:
                self._forests.clear()
            try:
                self._forests[model.hash] = await self._read(model)
            except (InvalidInput, NotFound) as error:
                log.error("the model %s is not asked: %s", model.name, error)
                self._forests[model.hash] = None
        return self._forests[model.hash]

    async def _read(self, model: Approved) -> Forest:
        async with self.store.begin() as tx:
            body = await tx.models.body(model.id)
        if body is None:
            raise NotFound(f"there is no model {model.id}")
        forest = read_forest(body, model.hash)
        if forest.features != len(NAMES):
            raise InvalidInput(f"it looks at {forest.features} figures, there are {len(NAMES)}")
        return forest
