"""The market as people ask to see it: figures, releases, headlines, and what would be decided now.

Nothing here is recorded and nothing is traded: the loop decides on every candle by itself.
"""

from dataclasses import dataclass
from datetime import datetime

from engine.domain.market import Timeframe
from engine.domain.person import Role
from engine.domain.snapshot import Bundle, CalendarView, Headline
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.flow.judgement import Outcome, consider
from engine.flow.people import person_at_least
from engine.flow.symbols import spelled
from engine.snapshot.collect import Collect
from engine.strategies.base import applies


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """What the calendar says around ``instant``; ``view`` is None when nothing is known.

    ``currencies`` are those of the watched symbols.
    """

    instant: datetime
    view: CalendarView | None
    currencies: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headlines:
    """The newest headlines first; untrusted text."""

    instant: datetime
    items: tuple[Headline, ...]
    #: Whether any news feed is connected.
    is_fed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMarket:
    """Look at one watched symbol; without a timeframe at the one its loop runs on.

    Raises :class:`InvalidInput` for a symbol that is not watched, ``NotFound`` and ``FeedError``
    when the market has no such candles.
    """

    collect: Collect
    symbols: tuple[tuple[str, Timeframe], ...]
    has_news: bool = False

    async def __call__(
        self, person_id: int, symbol: str | None = None, timeframe: Timeframe | None = None
    ) -> Bundle:
        await self._may(person_id)
        known = dict(self.symbols)
        wanted = self.spelled(symbol) if symbol else self.symbols[0][0]
        if wanted not in known:
            raise InvalidInput(
                f"{wanted[:24]} is not watched",
                symbol=wanted[:24],
                watched=", ".join(known),
            )
        return await self.collect(wanted, timeframe or known[wanted])

    def spelled(self, typed: str) -> str:
        """A symbol as it is watched, however it was typed; in capitals where none is like it."""
        return spelled(typed, dict(self.symbols))

    async def evaluate(
        self, person_id: int, symbol: str | None
    ) -> tuple[Bundle, tuple[tuple[Strategy, Outcome], ...]]:
        """What every strategy of a symbol would make of this moment, with every check."""
        bundle = await self(person_id, symbol)
        return bundle, tuple(
            (strategy, consider(strategy, bundle))
            for strategy in bundle.strategies
            if applies(strategy, bundle)
        )

    async def calendar(self, person_id: int) -> Releases:
        """The economic calendar around the market's time."""
        await self._may(person_id)
        instant = await self.collect.market.instant()
        currencies: set[str] = set()
        for symbol, _ in self.symbols:
            currencies |= set((await self.collect.market.instrument(symbol)).currencies)
        view = await self.collect.calendar.around(instant)
        return Releases(instant=instant, view=view, currencies=frozenset(currencies))

    async def news(self, person_id: int, symbol: str | None) -> Headlines:
        """Headlines, all of them or those tagged with a symbol."""
        await self._may(person_id)
        instant = await self.collect.market.instant()
        items = await self.collect.news.latest(instant)
        kept = tuple(item for item in items if symbol is None or symbol in item.symbols)
        return Headlines(instant=instant, items=kept, is_fed=self.has_news)

    async def _may(self, person_id: int) -> None:
        async with self.collect.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
