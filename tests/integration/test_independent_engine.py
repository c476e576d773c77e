"""Trades of the EMA strategy against those of an independent engine, one by one."""

from broker.feeds.recorded import shipped_recording
from engine.domain.market import Timeframe
from engine.research.columns import Columns, columns_of
from tests.bars import backtest, bars
from tests.independent import OPEN_GATE, Trade, alike, ours, strategy, theirs, unexplained


def both(columns: Columns) -> tuple[list[Trade], list[Trade]]:
    ran = backtest(columns, strategy(columns), **OPEN_GATE).run()
    return ours(ran.trades), theirs(columns, start=OPEN_GATE["start"])


def test_on_real_candles_both_engines_make_the_same_trades():
    mine, other = both(columns_of("EURUSD", Timeframe.H1, shipped_recording().candles))
    assert len(mine) > 80
    assert all(alike(one, two) for one, two in zip(mine, other, strict=True))


def test_on_generated_candles_every_difference_is_one_of_rounding():
    columns = bars(20_000, seed=3)
    mine, other = both(columns)
    same = sum(trade in other for trade in mine)
    assert len(mine) > 350
    assert same > 0.95 * len(mine)
    assert unexplained(columns, mine, other) == []
    assert unexplained(columns, other, mine) == []
