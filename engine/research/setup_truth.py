"""Setups over whole columns: what each of their observations says of every candle.

A setup that is not here is asked candle by candle, as are those that are where they propose.
"""

from collections.abc import Callable
from dataclasses import dataclass

from engine.domain.account import Direction
from engine.research.figures import Figures, Truth, shifted
from engine.research.truth import band_slack, present
from engine.strategies.setups.mean_reversion import NO_TREND_ADX, OVERSOLD


@dataclass(frozen=True, slots=True)
class SetupTruth:
    """Where a setup has the figures it needs, and where each of its observations is met, by its
    name and in their order.
    """

    there: Truth
    met: dict[str, Truth]


#: By the setup's name.
SETUP_TRUTHS: dict[str, Callable[[Figures, Direction], SetupTruth]] = {}


def _mean_reversion(f: Figures, direction: Direction) -> SetupTruth:
    """As ``engine.strategies.setups.mean_reversion``."""
    buys, columns, close = direction is Direction.BUY, f.columns, f.close
    band = f["bb_low"] if buys else f["bb_high"]
    slack, moved = band_slack(f), f.oscillator_above("adx_14", -1)
    if buys:
        outside, inside = f.above(band, close, slack), f.above(close, band, slack)
        extreme, rose = ~f.oscillator_above("rsi_14", float(OVERSOLD)), columns.close > columns.open
    else:
        outside, inside = f.above(close, band, slack), f.above(band, close, slack)
        extreme = ~f.oscillator_below("rsi_14", float(100 - OVERSOLD))
        rose = columns.close < columns.open
    bands = present(f["bb_low"], f["bb_high"], f["bb_mid"])
    told = f.oscillator_above("rsi_14", -1)
    return SetupTruth(
        there=bands & shifted(bands) & shifted(told) & moved,
        met={
            "stretched": shifted(outside),
            "rsi_extreme": shifted(extreme),
            "turned": inside & Truth(rose, rose | True),
            "no_trend": f.oscillator_below("adx_14", float(NO_TREND_ADX)),
        },
    )


SETUP_TRUTHS["mean_reversion"] = _mean_reversion
