"""Play a shard of a sweep in a process of its own: many of them use all cores, and one that fills
the memory takes nothing else with it.

Candles go in as arrays and the figures come back as JSON; nothing is pickled.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np

from bot.backtesting import shipped
from engine.domain.market import Timeframe
from engine.domain.sweep import ShardFigures
from engine.errors import FeedError, InvalidInput
from engine.ports import Store
from engine.research.columns import Columns, columns_of
from engine.research.plan import MOST_CANDLES, Plan
from engine.scoring.metrics import Trade
from engine.snapshot.canonical import plain, restore

_ARRAYS = ("opened", "open", "high", "low", "close", "volume")


@dataclass(eq=False)
class PlayApart:
    """The port ``Play``: a child process, which dies with whoever waits for it. The candles of the
    last plan are kept, because the next one is of the same sweep.
    """

    store: Store
    _kept: dict[tuple[str, str, Timeframe], Columns] = field(default_factory=dict)

    async def __call__(self, plan: Plan) -> ShardFigures:
        return restore(ShardFigures, (await self._played(plan))["figures"])

    async def trades(self, plan: Plan) -> tuple[Trade, ...]:
        """The trades of a plan, in the order they ended."""
        return tuple(restore(Trade, told) for told in (await self._played(plan))["trades"])

    async def _played(self, plan: Plan) -> dict[str, Any]:
        columns = await self._candles(plan)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.sweep_child", stdin=PIPE, stdout=PIPE
        )
        try:
            said, _ = await child.communicate(packed(plan, columns))
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
        if child.returncode or not said:
            raise FeedError("the process that played it ended early: the log says why")
        told: dict[str, Any] = json.loads(said)
        if "problem" in told:
            raise InvalidInput(told["problem"])
        return told

    async def _candles(self, plan: Plan) -> Columns:
        key = (plan.source, plan.symbol, plan.timeframe)
        if key not in self._kept:
            past = shipped()
            columns = past.columns
            if plan.source != past.source:
                async with self.store.begin() as tx:
                    stream = (plan.symbol, plan.timeframe)
                    found = await tx.candles.last(plan.source, stream, MOST_CANDLES)
                columns = columns_of(plan.symbol, plan.timeframe, found)
            self._kept = {key: columns}
        return self._kept[key]


def packed(plan: Plan, columns: Columns) -> bytes:
    """What a child needs, as bytes; :func:`unpacked` reads them."""
    file = BytesIO()
    arrays = {name: getattr(columns, name) for name in _ARRAYS}
    document = json.dumps({"plan": plain(plan), "places": columns.places}).encode()
    np.savez(file, document=np.frombuffer(document, dtype=np.uint8), **arrays)
    return file.getvalue()


def unpacked(data: bytes) -> tuple[Plan, Columns]:
    """The inverse of :func:`packed`."""
    with np.load(BytesIO(data), allow_pickle=False) as file:
        document = json.loads(file["document"].tobytes())
        plan = restore(Plan, document["plan"])
        columns = Columns(
            symbol=plan.symbol,
            timeframe=plan.timeframe,
            places=document["places"],
            **{name: file[name] for name in _ARRAYS},
        )
    return plan, columns
