"""Which picture goes above a message: found by what the parcel names, drawn in a thread.

The event loop goes on meanwhile: drawing takes some 20 ms, of which Python may hold the interpreter
for a few at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from bot import charts
from bot.i18n import Words
from bot.pictures.candles import candle_chart
from bot.pictures.equity import Equity, equity_chart
from bot.pictures.exposure import Exposed, Held, exposure_chart
from bot.pictures.market import Levels
from engine.domain.idea import Proposal
from engine.domain.market import Timeframe
from engine.domain.snapshot import Bundle
from engine.domain.strategy import SessionWindow
from engine.errors import BrokerSilent, InvalidInput
from engine.flow.exposures import Sides, exposures
from engine.flow.judgement import Question
from engine.flow.overview import story
from engine.flow.performance import ReadPerformance
from engine.ports import Store
from engine.snapshot.canonical import restore
from engine.snapshot.collect import Collect

#: A picture whose data are all there; it only has to be drawn, in somebody's words.
Picture = Callable[[Words], bytes]
#: Fetches what a picture shows, by what the parcel names.
Finder = Callable[["Draw", Mapping[str, Any]], Awaitable[Picture]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Draw what a parcel's ``chart`` asks for, as PNG.

    The first key that is a kind of picture decides: ``{"idea": id}`` is the chart of an idea,
    ``{"decision": number}`` of what a decision saw, ``{"symbol": name, "timeframe": its}`` of a
    market now, ``{"performance": [first day, last day]}`` the curve of the balance,
    ``{"exposure": [symbol, timeframe]}`` what is open, seen from that market, ``{"backtest": id}``
    the curve of a run. Raises
    :class:`InvalidInput` for another kind.
    """

    store: Store
    collect: Collect
    read_performance: ReadPerformance

    async def __call__(self, chart: dict[str, Any], words: Words) -> bytes:
        kind = next((name for name in chart if name in FINDERS), None)
        if kind is None:
            raise InvalidInput(f"there is no picture of {', '.join(map(repr, chart)) or 'nothing'}")
        picture = await FINDERS[kind](self, chart)
        return await asyncio.to_thread(picture, words)


async def _idea(draw: Draw, chart: Mapping[str, Any]) -> Picture:
    async with draw.store.begin() as tx:
        found = await story(tx, UUID(chart["idea"]))
    fill = {} if found.order is None else {"fill": found.order.fill_price}
    return _chart(found.bundle, found.idea.proposal, found.idea.strategy_id, **fill)


async def _decision(draw: Draw, chart: Mapping[str, Any]) -> Picture:
    async with draw.store.begin() as tx:
        entry = (await tx.history.get(int(chart["decision"]))).entry
        bundle = await tx.bundles.get(entry.bundle_hash or "")
        if "question" in entry.detail:
            asked = restore(Question, entry.detail["question"])
            return _chart(bundle, asked.proposal, asked.strategy_id)
        if entry.idea_id is not None:
            idea = await tx.ideas.get(entry.idea_id)
            return _chart(bundle, idea.proposal, idea.strategy_id)
    return _chart(bundle, None, entry.strategy_id)


async def _symbol(draw: Draw, chart: Mapping[str, Any]) -> Picture:
    """A symbol now, with the levels of every open trade on it."""
    symbol = chart["symbol"]
    bundle = await draw.collect(symbol, Timeframe(chart["timeframe"]))
    trades = tuple(
        Levels(
            fill=trade.entry_price,
            stop=trade.stop_loss,
            targets=() if trade.take_profit is None else (trade.take_profit,),
            direction=trade.direction,
        )
        for trade in bundle.positions
        if trade.symbol == symbol
    )
    market = replace(charts.market_of(bundle, Levels()), trades=trades)
    return lambda words: candle_chart(market, words)


async def _performance(draw: Draw, chart: Mapping[str, Any]) -> Picture:
    seen = await draw.read_performance(None, chart["performance"])
    equity = Equity(
        points=seen.curve,
        trades=tuple((trade.closed_at, trade.profit) for trade, _ in seen.trades),
        currency=seen.account.currency if seen.account is not None else "USD",
    )
    return lambda words: equity_chart(equity, words)


async def _exposure(draw: Draw, chart: Mapping[str, Any]) -> Picture:
    """Everything open; a currency's limit is a part of equity, the account's own has none."""
    symbol, timeframe = chart["exposure"]
    bundle = await draw.collect(symbol, Timeframe(timeframe))
    seen = exposures(bundle)
    if seen is None:
        raise BrokerSilent("the broker does not answer")
    limit = seen.equity * bundle.settings.max_currency_exposure_percent / 100
    exposed = Exposed(
        by_currency=tuple(_held(sides, limit) for sides in seen.by_currency),
        by_symbol=tuple(_held(sides, None) for sides in seen.by_symbol),
        currency=seen.currency,
    )
    return lambda words: exposure_chart(exposed, words)


async def _backtest(draw: Draw, chart: Mapping[str, Any]) -> Picture:
    """Drawn when it was played: a run's candles are not kept."""
    async with draw.store.begin() as tx:
        files = await tx.backtests.files(UUID(chart["backtest"]))
    return lambda words: files.picture


def _held(sides: Sides, limit: Decimal | None) -> Held:
    return Held(name=sides.name, long=sides.long, short=sides.short, limit=limit)


def _chart(
    bundle: Bundle, proposal: Proposal | None, strategy_id: UUID | None, **more: Any
) -> Picture:
    levels = Levels()
    if proposal is not None:
        levels = Levels(
            entry=proposal.entry,
            stop=proposal.stop_loss,
            targets=proposal.take_profit,
            direction=proposal.direction,
            **more,
        )
    windows = _windows(bundle, strategy_id)
    return lambda words: charts.draw(bundle, levels, words, windows)


def _windows(bundle: Bundle, strategy_id: UUID | None) -> tuple[SessionWindow, ...]:
    """The hours of the strategy that decided, as the bundle froze them."""
    for strategy in bundle.strategies:
        if strategy.id == strategy_id:
            return strategy.session_windows
    return ()


#: Every kind of picture by the key that asks for it; a new kind is a finder and its line here.
FINDERS: Mapping[str, Finder] = {
    "idea": _idea,
    "decision": _decision,
    "symbol": _symbol,
    "performance": _performance,
    "exposure": _exposure,
    "backtest": _backtest,
}
