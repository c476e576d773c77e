"""A model in a backtest says what it says in the loop, and nothing of candles it learnt from."""

from dataclasses import replace
from decimal import Decimal
from functools import cache

import pytest

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Timeframe
from engine.domain.model import Approved
from engine.domain.strategy import Condition
from engine.errors import InvalidInput
from engine.flow.predicting import AskModel
from engine.research.columns import Columns, columns_of
from engine.research.forecasts import asks_a_model, fair_from, forecasts
from engine.research.plan import PastModel, cut
from engine.snapshot.features import LOOKBACK
from tests.bars import backtest, crossing
from tests.models import WISH, trained

CANDLES = shipped_recording().candles[:2_600]
ID = 3


@cache
def columns() -> Columns:
    """Worked out for a test, not for everybody who collects tests; as the model."""
    return columns_of("EURUSD", Timeframe.H1, CANDLES)


@cache
def model() -> PastModel:
    asked = Approved(id=ID, name="rf_h1_v1", hash=trained().hash, horizon=WISH.horizon)
    return PastModel(asked=asked, last=trained().report.last)


class Shelf:
    """A registry of one model, as far as asking it needs one."""

    def begin(self) -> "Shelf":
        return self

    async def __aenter__(self) -> "Shelf":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    @property
    def models(self) -> "Shelf":
        return self

    async def body(self, id_: int) -> bytes:
        assert id_ == ID
        return trained().body


async def test_it_says_what_the_loop_hears():
    said = forecasts(model(), trained().body, columns(), fair_from(model(), columns()))
    ask = AskModel(store=Shelf())  # type: ignore[arg-type]
    for place in (LOOKBACK - 2, LOOKBACK - 1, 300, 1_999, 2_000, 2_345, 2_599):
        window = CANDLES[max(0, place + 1 - 600) : place + 1]
        assert said(place) == await ask(model().asked, window)
    assert said(LOOKBACK - 2) is None
    assert said(2_345) is not None


def test_what_it_learnt_from_ends_a_horizon_behind_its_last_row():
    last = next(n for n, candle in enumerate(CANDLES) if candle.time == model().last)
    assert last == 2_000 - 1 - WISH.horizon
    assert fair_from(model(), columns()) == 2_000
    with pytest.raises(InvalidInput, match=f"{CANDLES[2_000].time:%Y-%m-%d %H:%M} or later"):
        forecasts(model(), trained().body, columns(), 1_999)
    with pytest.raises(InvalidInput, match="No later candle"):
        forecasts(model(), trained().body, cut(columns(), 1_500), 300)


def test_other_bytes_than_the_models_are_not_asked():
    with pytest.raises(InvalidInput, match="other bytes"):
        forecasts(model(), trained().body[:-1], columns(), 2_100)


def test_a_strategy_trades_by_it_and_a_later_candle_changes_nothing():
    strategy = crossing(
        timeframe=Timeframe.H1, setup="forest", entry_conditions=(),
        nice_to_have=(Condition("model_probability_above", "0.5"),),
    )  # fmt: skip
    short = cut(columns(), 2_400)
    streams = []
    for seen in (columns(), short):
        test = backtest(seen, strategy, start=2_000)
        test.eyes.forecast = forecasts(model(), trained().body, seen, 2_000)
        streams.append(list(test.run().stream))
    whole, until = streams
    assert whole[: len(until) - 1] == until[:-1]
    assert sum(b'"forecast"' in line and b'"idea"' in line for line in until) > 3
    deaf = backtest(short, strategy, start=2_000).run()
    assert not deaf.trades


def test_who_asks_a_model_is_known_by_the_document():
    assert not asks_a_model(crossing())
    assert asks_a_model(crossing(setup="forest"))
    condition = Condition("model_probability_above", str(Decimal("0.6")))
    assert asks_a_model(crossing(nice_to_have=(condition,)))
    assert asks_a_model(replace(crossing(), entry_conditions=(condition,)))
