"""Which chart goes above a message: found by what the parcel names, drawn in a thread."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bot.i18n import Words
from engine.domain.market import Timeframe
from engine.domain.snapshot import Bundle
from engine.flow.judgement import Question
from engine.flow.overview import story
from engine.ports import Store
from engine.snapshot.canonical import restore
from engine.snapshot.collect import Collect


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Draw the chart of an idea, of what a decision saw, or of a symbol now, as PNG."""

    store: Store
    collect: Collect

    async def __call__(self, chart: dict[str, Any], words: Words) -> bytes:
        # Here, not above: importing the drawing library takes seconds and most processes never do.
        from bot.charts import Levels, draw

        if "idea" in chart:
            bundle, levels = await self._idea(UUID(chart["idea"]))
        elif "symbol" in chart:
            bundle, levels = await self._symbol(chart["symbol"], Timeframe(chart["timeframe"]))
        else:
            bundle, levels = await self._decision(int(chart["decision"]))
        return await asyncio.to_thread(draw, bundle, Levels(**levels), words)

    async def _idea(self, idea_id: UUID) -> tuple[Bundle, dict[str, Any]]:
        async with self.store.begin() as tx:
            found = await story(tx, idea_id)
        levels = _levels(found.idea.proposal)
        if found.order is not None:
            levels["fill"] = found.order.fill_price
        return found.bundle, levels

    async def _symbol(self, symbol: str, timeframe: Timeframe) -> tuple[Bundle, dict[str, Any]]:
        """A symbol now; with one open trade on it, that trade's levels."""
        bundle = await self.collect(symbol, timeframe)
        held = [position for position in bundle.positions if position.symbol == symbol]
        if len(held) != 1:
            return bundle, {}
        (trade,) = held
        return bundle, {
            "fill": trade.entry_price,
            "stop": trade.stop_loss,
            "targets": () if trade.take_profit is None else (trade.take_profit,),
            "direction": trade.direction,
        }

    async def _decision(self, seq: int) -> tuple[Bundle, dict[str, Any]]:
        async with self.store.begin() as tx:
            decision = await tx.history.get(seq)
            bundle = await tx.bundles.get(decision.entry.bundle_hash or "")
            detail = decision.entry.detail
            if "question" in detail:
                return bundle, _levels(restore(Question, detail["question"]).proposal)
            if decision.entry.idea_id is not None:
                idea = await tx.ideas.get(decision.entry.idea_id)
                return bundle, _levels(idea.proposal)
        return bundle, {}


def _levels(proposal: Any) -> dict[str, Any]:
    return {
        "entry": proposal.entry,
        "stop": proposal.stop_loss,
        "targets": proposal.take_profit,
        "direction": proposal.direction,
    }
