"""Setups written in Python: registered by name, asked beside the conditions of a document."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.metadata import entry_points
from re import fullmatch
from typing import TYPE_CHECKING

from engine.domain.account import Direction
from engine.domain.idea import Observation
from engine.domain.market import Candle, Timeframe
from engine.domain.snapshot import Bundle
from engine.domain.values import bounded, from_float
from engine.errors import InvalidInput
from engine.strategies.rules import RULES

if TYPE_CHECKING:
    from pandas import DataFrame

log = logging.getLogger(__name__)

#: The observation of a setup that raised: its own name would be the no of a setup that saw nothing,
#: and a repeated no is folded.
CRASHED = "setup_error"
#: Letters of an observation's name that every record has room for.
_LONGEST_NAME = 40
#: The entry points by which an installed package offers its setups.
GROUP = "ai_trader.setups"


@dataclass(frozen=True, slots=True)
class Found:
    """What a setup saw, and where it would end the trade.

    It proposes where every required observation is met. A stop or targets it leaves out come from
    the document's ``exit_rules``.
    """

    observations: tuple[Observation, ...]
    stop_loss: Decimal | None = None
    take_profit: tuple[Decimal, ...] = ()

    def __post_init__(self) -> None:
        if not self.observations:
            raise InvalidInput("a setup must say what it saw", field="observations")
        for price in (self.stop_loss, *self.take_profit):
            if price is not None and not bounded(price) > 0:
                raise InvalidInput(f"a price must be above zero, is {price}")


#: (bundle, direction) -> what it found, or None. Pure: the same bundle gives the same answer.
Function = Callable[[Bundle, Direction], Found | None]


@dataclass(frozen=True, slots=True)
class Setup:
    """A registered function and the longer timeframes it reads from ``bundle.frames``."""

    function: Function
    frames: tuple[Timeframe, ...]


SETUPS: dict[str, Setup] = {}


def setup(name: str, *, frames: Sequence[Timeframe] = ()) -> Callable[[Function], Function]:
    """Register a function as the setup that documents name with ``"setup": "name"``.

    Raises :class:`InvalidInput` for a name that is taken, by a setup or by a condition.
    """
    if not fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise InvalidInput(f"a setup is named like 'donchian_break', not {name!r}", field="setup")
    if name in SETUPS or name in RULES:
        raise InvalidInput(f"there is a setup or condition {name!r} already", field="setup")

    def register(function: Function) -> Function:
        SETUPS[name] = Setup(function, tuple(frames))
        return function

    return register


def ask(name: str, bundle: Bundle, direction: Direction) -> Found:
    """The setup's answer. Whatever goes wrong in it is a no that says so: other people's code may
    stop its own strategy, never the loop.
    """
    known = SETUPS.get(name)
    if known is None:
        return _nothing(name, "n/a")
    try:
        answer = known.function(bundle, direction)
        return _nothing(name, "none") if answer is None else _recordable(answer)
    except Exception as error:
        log.exception("the setup %s failed on %s", name, bundle.symbol)
        return _recordable(_nothing(CRASHED, f"error {type(error).__name__}", of=name))


def _recordable(found: Found) -> Found:
    """The same in plain types and in text that can be stored: pandas answers with truths and
    figures of its own, and other people's code with any letter and any length.
    """
    return replace(
        found,
        observations=tuple(
            Observation(
                _printable(o.name)[:_LONGEST_NAME],
                _printable(o.argument),
                _printable(o.observed),
                bool(o.met),
                bool(o.required),
            )
            for o in found.observations
        ),
    )


def _printable(answer: object) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in str(answer))


def _nothing(name: str, seen: str, *, of: str = "") -> Found:
    return Found((Observation(name, of, seen, met=False, required=True),))


def load() -> None:
    """Register the setups of installed packages: entry points of the group ``ai_trader.setups``,
    each with its setup's name. Raises :class:`InvalidInput` that names a package which fails.
    """
    for point in entry_points(group=GROUP):
        package = point.dist.name if point.dist else point.value
        try:
            point.load()
        except Exception as error:
            raise InvalidInput(
                f"the package {package} offers the setup {point.name!r}, which does not load:"
                f" {error}. Repair it or uninstall it"
            ) from error
        if point.name not in SETUPS:
            raise InvalidInput(
                f"the package {package} offers the setup {point.name!r}, but {point.value} makes"
                f" no such name. Decorate its function with @setup({point.name!r})"
            )


def table(candles: Sequence[Candle]) -> "DataFrame":
    """Candles as pandas takes them: float columns open, high, low, close and volume by time, oldest
    first. For ``pandas_ta_classic`` and the like; prices go back through :func:`price`.
    """
    from pandas import DataFrame, DatetimeIndex

    columns = ("open", "high", "low", "close", "volume")
    rows = {name: [float(getattr(c, name)) for c in candles] for name in columns}
    return DataFrame(rows, index=DatetimeIndex([c.time for c in candles], name="time"))


def price(bundle: Bundle, figure: float) -> Decimal:
    """A computed price as one of the symbol's; raises :class:`InvalidInput` for NaN."""
    return from_float(figure, bundle.instrument.digits)
