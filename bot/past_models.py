"""The registered model that a backtest asks: found in the registry, with its trees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.domain.market import Timeframe
from engine.domain.model import Approved
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput, NotFound
from engine.ports import Store
from engine.research.columns import Columns
from engine.research.forecasts import asks_a_model, fair_from
from engine.research.plan import PastModel, Plan, period


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model and the bytes of its trees; none where a run asks none. ``is_chosen`` is whether
    somebody named it.
    """

    model: PastModel | None = None
    body: bytes | None = None
    is_chosen: bool = False

    def into(self, plan: Plan, columns: Columns) -> Plan:
        """The plan with the model. Where it learnt from the run's candles and nobody named it, the
        strategies that ask it are left out, if there are others.
        """
        others = tuple(each for each in plan.strategies if not asks_a_model(each))
        if self.model is None or self.is_chosen or not others:
            return replace(plan, model=self.model)
        candles, start = period(plan, columns)
        if start >= fair_from(self.model, candles):
            return replace(plan, model=self.model)
        why = f"{self.model.asked.name} learnt from these candles"
        out = tuple(f"{each.name}: {why}" for each in plan.strategies if each not in others)
        return replace(plan, strategies=others, left_out=(*plan.left_out, *out))


async def model_for(
    store: Store,
    strategies: Sequence[Strategy],
    stream: tuple[str, Timeframe],
    id_: int | None = None,
) -> Loaded:
    """The model of a number, or the approved one of the symbol and timeframe where a strategy asks
    one. Raises :class:`NotFound`, and :class:`InvalidInput` for a model of other candles.
    """
    if id_ is None and not any(asks_a_model(each) for each in strategies):
        return Loaded()
    is_chosen = id_ is not None
    async with store.begin() as tx:
        if id_ is None:
            approved = (await tx.models.approved()).get(stream)
            id_ = None if approved is None else approved.id
        if id_ is None:
            return Loaded()
        model, body = await tx.models.get(id_), await tx.models.body(id_)
    if model is None or body is None:
        raise NotFound(f"there is no model {id_}", id=id_)
    if (model.symbol, model.timeframe) != stream:
        raise InvalidInput(
            f"model {id_} is of {model.symbol} {model.timeframe}, not of {stream[0]} {stream[1]}"
        )
    asked = Approved(
        id=model.id, name=model.name, hash=model.hash, horizon=model.report.wish.horizon
    )
    return Loaded(PastModel(asked=asked, last=model.report.last), body, is_chosen)
