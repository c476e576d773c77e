"""How the market moves: the market-state filter of source 002, read from the closed candles."""

from decimal import Decimal

from engine.domain.snapshot import Bundle
from engine.domain.strategy import MarketState

#: The last candle is this many times the ATR: nobody deals well in that.
CHAOTIC_RANGES = Decimal(3)
#: Nearly all of the recent candles are narrower than this part of the ATR, or the ATR is nothing.
DEAD_RANGES = Decimal("0.25")
#: ADX from which the market is said to trend (Wilder's usual reading).
TREND_ADX = Decimal(20)
_RECENT = 10


def market_state(bundle: Bundle) -> MarketState:
    """The state at the last closed candle.

    Chaotic: the last range is above ``CHAOTIC_RANGES`` × ATR 14. Dead: the market does not move, or
    nine of the last ten ranges are below ``DEAD_RANGES`` × ATR 14. Otherwise trend or range by
    ADX 14. Unknown while ATR or ADX is not there yet.
    """
    atr, adx = bundle.indicators.atr_14, bundle.indicators.adx_14
    if atr is not None and atr == 0:
        return MarketState.DEAD
    if atr is None or adx is None or not bundle.candles:
        return MarketState.UNKNOWN
    ranges = [candle.high - candle.low for candle in bundle.candles[-_RECENT:]]
    if ranges[-1] > CHAOTIC_RANGES * atr:
        return MarketState.CHAOTIC
    limit = DEAD_RANGES * atr
    if sum(span < limit for span in ranges) >= _RECENT - 1:
        return MarketState.DEAD
    return MarketState.TREND if adx >= TREND_ADX else MarketState.RANGE
