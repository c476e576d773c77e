"""Play a plan in a process of its own: what goes in and what comes back.

A sweep and the optimizer want figures and trades, a person the whole report with its page.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.children import Arrays, Child, child, died, packed
from bot.past import Kept, news_of
from bot.world import World
from engine.domain.market import Timeframe
from engine.domain.snapshot import CalendarView
from engine.domain.sweep import ShardFigures
from engine.errors import InvalidInput
from engine.research.columns import Columns
from engine.research.plan import Plan
from engine.scoring.metrics import Trade
from engine.snapshot.canonical import plain, restore

MODULE = "bot.play_child"
_MODEL = "model"
_ARRAYS = ("opened", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be played. ``reader`` is the language and the zone of whoever reads the report;
    None for figures and trades alone. ``model`` are the trees of the plan's model.
    """

    plan: Plan
    columns: Columns
    calendar: CalendarView
    reader: tuple[str, str] | None = None
    model: bytes | None = None


def input_of(given: Given) -> bytes:
    """What a child needs, as bytes; :func:`given_of` reads what was unpacked of them."""
    document = {
        "plan": plain(given.plan),
        "places": given.columns.places,
        "calendar": plain(given.calendar),
        "reader": given.reader,
    }
    arrays = {name: getattr(given.columns, name) for name in _ARRAYS}
    if given.model is not None:
        arrays[_MODEL] = np.frombuffer(given.model, dtype=np.uint8)
    return packed(document, arrays)


def given_of(document: Any, arrays: Arrays) -> Given:
    """The inverse of :func:`input_of`."""
    plan, reader = restore(Plan, document["plan"]), document["reader"]
    columns = Columns(
        symbol=plan.symbol, timeframe=Timeframe(plan.timeframe), places=document["places"],
        **{name: arrays[name] for name in _ARRAYS},
    )  # fmt: skip
    calendar = restore(CalendarView, document["calendar"])
    return Given(
        plan, columns, calendar,
        reader=None if reader is None else (reader[0], reader[1]),
        model=arrays[_MODEL].tobytes() if _MODEL in arrays else None,
    )  # fmt: skip


def must_be_well(told: dict[str, Any]) -> None:
    """Raise :class:`InvalidInput` with what a child says cannot be played."""
    if "problem" in told:
        raise InvalidInput(told["problem"])


@dataclass(eq=False)
class PlayApart:
    """The port ``Play``: a child for each plan. Candles of the last one are kept, because the next
    is of the same sweep.
    """

    world: World

    def __post_init__(self) -> None:
        self._candles = Kept(self.world)

    async def __call__(self, plan: Plan) -> ShardFigures:
        return restore(ShardFigures, (await self._played(plan))["figures"])

    async def trades(self, plan: Plan) -> tuple[Trade, ...]:
        """The trades of a plan, in the order they ended; none of a time before the first candle."""
        columns = await self._candles(plan.source, plan.symbol, plan.timeframe)
        if plan.until is not None and plan.until <= columns.time(1):
            return ()
        return tuple(restore(Trade, told) for told in (await self._played(plan))["trades"])

    async def _played(self, plan: Plan) -> dict[str, Any]:
        columns = await self._candles(plan.source, plan.symbol, plan.timeframe)
        _, news = news_of(self.world, plan.source, quiet=plan.calendar is None)
        async with child(MODULE, input_of(Given(plan, columns, news))) as playing:
            return await _result(playing)


async def _result(playing: Child) -> dict[str, Any]:
    while (told := await playing.told()) is not None:
        must_be_well(told)
        if "figures" in told:
            return told
    raise died()
