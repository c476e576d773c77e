"""The vocabulary of entry conditions: named predicates over a bundle, each a small function."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.domain.account import Direction
from engine.domain.idea import Observation
from engine.domain.market import Timeframe
from engine.domain.snapshot import Bundle
from engine.domain.strategy import Condition
from engine.domain.values import decimal
from engine.errors import InvalidInput

#: (bundle, direction, argument) -> (held, what was observed)
Predicate = Callable[[Bundle, Direction, str], tuple[bool, str]]


_SIDES = ("bullish", "bearish", "with_trade")
_MISSING = (False, "n/a")


@dataclass(frozen=True, slots=True)
class Rule:
    """A predicate and the shape its argument must have: one of some words, else a number.

    A rule that looks at a ``longer`` timeframe has its name in front: ``H4 with_trade``.
    """

    predicate: Predicate
    words: tuple[str, ...]
    longer: bool = False

    @property
    def form(self) -> str:
        """What its argument may be, for the person who writes one."""
        form = " or ".join(self.words) or "a plain number such as 30"
        return f"a longer timeframe and {form}, such as '{self.example}'" if self.longer else form

    @property
    def example(self) -> str:
        """An argument it accepts."""
        value = self.words[-1] if self.words else "30"
        return f"H4 {value}" if self.longer else value

    def accepts(self, argument: str) -> bool:
        """Whether the argument has the right shape."""
        if self.longer:
            timeframe, _, argument = argument.partition(" ")
            if timeframe not in list(Timeframe):
                return False
        if self.words:
            return argument in self.words
        try:
            decimal(argument)
        except InvalidInput:
            return False
        return True

    def frame(self, argument: str) -> Timeframe | None:
        """The longer timeframe an accepted argument names, if it names one."""
        return Timeframe(argument.partition(" ")[0]) if self.longer else None


RULES: dict[str, Rule] = {}


def rule(name: str, *words: str, longer: bool = False) -> Callable[[Predicate], Predicate]:
    """Add a predicate to the vocabulary; without words its argument is a number."""

    def register(predicate: Predicate) -> Predicate:
        RULES[name] = Rule(predicate, words, longer)
        return predicate

    return register


def observe(
    condition: Condition, bundle: Bundle, direction: Direction, *, required: bool
) -> Observation:
    """Ask one condition; a figure or a timeframe that is not there means it does not hold."""
    asked = RULES[condition.name]
    if not asked.longer:
        met, seen = asked.predicate(bundle, direction, condition.argument)
        return Observation(condition.name, condition.argument, seen, met, required)
    there = _seen_in(bundle, asked.frame(condition.argument))
    argument = condition.argument.rpartition(" ")[2]
    met, seen = _MISSING if there is None else asked.predicate(there, direction, argument)
    return Observation(condition.name, condition.argument, seen, met, required)


def _seen_in(bundle: Bundle, wanted: Timeframe | None) -> Bundle | None:
    """The bundle with the candles and figures of a longer timeframe in the place of its own."""
    if wanted is None:
        return bundle
    frame = next((frame for frame in bundle.frames if frame.timeframe is wanted), None)
    if frame is None:
        return None
    return replace(
        bundle,
        timeframe=frame.timeframe,
        candles=frame.candles,
        indicators=frame.indicators,
        indicators_before=frame.indicators_before,
    )


@rule("trend_alignment", *_SIDES)
def trend_alignment(bundle: Bundle, direction: Direction, wanted: str) -> tuple[bool, str]:
    """SMA 50 against SMA 200, and the last close on the same side of SMA 200."""
    fast, slow = bundle.indicators.sma_50, bundle.indicators.sma_200
    if fast is None or slow is None:
        return _MISSING
    close = bundle.candles[-1].close
    seen = "bullish" if fast > slow < close else "bearish" if fast < slow > close else "mixed"
    return seen == _side(wanted, direction), seen


@rule("ema_trend", *_SIDES)
@rule("higher_timeframe_trend", *_SIDES, longer=True)
def ema_trend(bundle: Bundle, direction: Direction, wanted: str) -> tuple[bool, str]:
    """EMA 20 above EMA 50 is bullish, below is bearish (source 000)."""
    fast, slow = bundle.indicators.ema_20, bundle.indicators.ema_50
    if fast is None or slow is None:
        return _MISSING
    seen = "bullish" if fast > slow else "bearish"
    return seen == _side(wanted, direction), seen


@rule("ema_gap_atr_above")
def ema_gap_atr_above(bundle: Bundle, direction: Direction, least: str) -> tuple[bool, str]:
    """EMA 20 leads EMA 50, in the trade's direction, by more than so many ATR."""
    now = bundle.indicators
    if now.ema_20 is None or now.ema_50 is None or not now.atr_14:
        return _MISSING
    gap = direction.sign * (now.ema_20 - now.ema_50) / now.atr_14
    return gap > Decimal(least), f"{gap:.2f}"


@rule("ema_cross", *_SIDES)
def ema_cross(bundle: Bundle, direction: Direction, wanted: str) -> tuple[bool, str]:
    """EMA 20 crossed EMA 50 between the last two closed candles."""
    now, before = bundle.indicators, bundle.indicators_before
    if None in (now.ema_20, now.ema_50, before.ema_20, before.ema_50):
        return _MISSING
    above, was_above = now.ema_20 > now.ema_50, before.ema_20 > before.ema_50  # type: ignore[operator]
    seen = "none" if above is was_above else "bullish" if above else "bearish"
    return seen == _side(wanted, direction), seen


@rule("close_crosses_ema_20", "true")
def close_crosses_ema_20(bundle: Bundle, direction: Direction, _: str) -> tuple[bool, str]:
    """The last candle closed beyond EMA 20 in the trade's direction, the one before did not."""
    now, before = bundle.indicators.ema_20, bundle.indicators_before.ema_20
    if now is None or before is None:
        return _MISSING
    beyond = direction.sign * (bundle.candles[-1].close - now)
    was_beyond = direction.sign * (bundle.candles[-2].close - before)
    digits = bundle.instrument.digits
    return beyond > 0 >= was_beyond, f"{bundle.candles[-1].close:.{digits}f} / {now:.{digits}f}"


@rule("rsi_below")
@rule("higher_timeframe_rsi_below", longer=True)
def rsi_below(bundle: Bundle, _: Direction, limit: str) -> tuple[bool, str]:
    """RSI 14 of the last closed candle is below the limit."""
    rsi = bundle.indicators.rsi_14
    return _MISSING if rsi is None else (rsi < Decimal(limit), str(rsi))


@rule("rsi_above")
@rule("higher_timeframe_rsi_above", longer=True)
def rsi_above(bundle: Bundle, _: Direction, limit: str) -> tuple[bool, str]:
    """RSI 14 of the last closed candle is above the limit."""
    rsi = bundle.indicators.rsi_14
    return _MISSING if rsi is None else (rsi > Decimal(limit), str(rsi))


@rule("adx_above")
def adx_above(bundle: Bundle, _: Direction, limit: str) -> tuple[bool, str]:
    """ADX 14 says the market trends at least this strongly."""
    adx = bundle.indicators.adx_14
    return _MISSING if adx is None else (adx > Decimal(limit), str(adx))


@rule("macd_cross", *_SIDES)
def macd_cross(bundle: Bundle, direction: Direction, wanted: str) -> tuple[bool, str]:
    """The MACD histogram changed sign between the last two closed candles."""
    now, before = bundle.indicators.macd_hist, bundle.indicators_before.macd_hist
    if now is None or before is None:
        return _MISSING
    crossed = (now > 0) is not (before > 0)
    seen = "none" if not crossed else "bullish" if now > 0 else "bearish"
    return seen == _side(wanted, direction), seen


@rule("macd_side", *_SIDES)
def macd_side(bundle: Bundle, direction: Direction, wanted: str) -> tuple[bool, str]:
    """Which side of its signal line MACD is on."""
    hist = bundle.indicators.macd_hist
    if hist is None:
        return _MISSING
    seen = "bullish" if hist > 0 else "bearish"
    return seen == _side(wanted, direction), seen


@rule("bollinger_touch", "lower", "upper", "with_trade")
def bollinger_touch(bundle: Bundle, direction: Direction, wanted: str) -> tuple[bool, str]:
    """The last candle reached the band a trade of this direction would start from."""
    low, high = bundle.indicators.bb_low, bundle.indicators.bb_high
    if low is None or high is None:
        return _MISSING
    band = wanted
    if wanted == "with_trade":
        band = "lower" if direction is Direction.BUY else "upper"
    last = bundle.candles[-1]
    touched = [n for n, t in (("lower", last.low <= low), ("upper", last.high >= high)) if t]
    return band in touched, "+".join(touched) or "none"


@rule("vwap_side", *_SIDES)
def vwap_side(bundle: Bundle, direction: Direction, wanted: str) -> tuple[bool, str]:
    """Which side of the day's VWAP the last candle closed on."""
    vwap, close = bundle.indicators.vwap, bundle.candles[-1].close
    if vwap is None:
        return _MISSING
    seen = "bullish" if close > vwap else "bearish" if close < vwap else "none"
    return seen == _side(wanted, direction), seen


@rule("price_rejects_level", "true")
def price_rejects_level(bundle: Bundle, direction: Direction, _: str) -> tuple[bool, str]:
    """The last candle came within half an ATR of the swing extreme and closed away from it.

    Away means in the outer 60 % of its range, seen from that extreme.
    """
    now, last = bundle.indicators, bundle.candles[-1]
    level = now.swing_low if direction is Direction.BUY else now.swing_high
    if level is None or now.atr_14 is None:
        return _MISSING
    probe = last.low if direction is Direction.BUY else last.high
    near = abs(probe - level) <= now.atr_14 / 2
    span = last.high - last.low
    away = span > 0 and direction.sign * (last.close - probe) >= span * Decimal("0.4")
    return (
        near and away,
        f"{probe:.{bundle.instrument.digits}f} / {level:.{bundle.instrument.digits}f}",
    )


@rule("model_probability_above")
def model_probability_above(
    bundle: Bundle, direction: Direction, argument: str
) -> tuple[bool, str]:
    """What the approved model gives the trade's direction, as a probability of 0 to 1."""
    if bundle.prediction is None:
        return _MISSING
    rise = bundle.prediction.probability
    given = rise if direction is Direction.BUY else 1 - rise
    return given > Decimal(argument), str(given)


def _side(wanted: str, direction: Direction) -> str:
    if wanted != "with_trade":
        return wanted
    return "bullish" if direction is Direction.BUY else "bearish"
