"""The scalp of source 002: a stretched price that turns back to its mean, in a calm market."""

from decimal import Decimal

from engine.domain.account import Direction
from engine.domain.idea import Observation
from engine.domain.snapshot import Bundle
from engine.strategies.registry import Found, setup

#: An RSI up to this is oversold; as far from 100 it is overbought.
OVERSOLD = Decimal(30)
#: An ADX below this says that there is no trend.
NO_TREND_ADX = Decimal(25)


@setup("mean_reversion")
def mean_reversion(bundle: Bundle, direction: Direction) -> Found | None:
    """The candle before last closed outside its Bollinger band with an extreme RSI; the last one
    came back inside and closed the trade's way, while ADX says that there is no trend.

    The stop lies half an ATR beyond the extreme of the two, the target is the band's middle.
    """
    now, before = bundle.indicators, bundle.indicators_before
    buys, sign = direction is Direction.BUY, direction.sign
    band, outer = (now.bb_low, before.bb_low) if buys else (now.bb_high, before.bb_high)
    rsi, middle, adx, atr = before.rsi_14, now.bb_mid, now.adx_14, now.atr_14
    if band is None or outer is None or rsi is None or middle is None or adx is None or atr is None:
        return None
    stretched, last = bundle.candles[-2:]
    limit = OVERSOLD if buys else 100 - OVERSOLD
    turned = sign * (last.close - band) > 0 and sign * (last.close - last.open) > 0
    reach = min(last.low, stretched.low) if buys else max(last.high, stretched.high)
    digits = bundle.instrument.digits

    def seen(name: str, argument: str, observed: str, *, met: bool) -> Observation:
        return Observation(name, argument, observed, met, required=True)

    return Found(
        (
            seen(
                "stretched",
                f"{outer:.{digits}f}",
                f"{stretched.close:.{digits}f}",
                met=sign * (outer - stretched.close) > 0,
            ),
            seen("rsi_extreme", str(limit), str(rsi), met=sign * rsi <= sign * limit),
            seen("turned", f"{band:.{digits}f}", f"{last.close:.{digits}f}", met=turned),
            seen("no_trend", str(NO_TREND_ADX), str(adx), met=adx < NO_TREND_ADX),
        ),
        stop_loss=reach - sign * atr / 2,
        take_profit=(middle,),
    )
