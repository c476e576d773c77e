"""What a strategy would have made in a span of the past: a backtest for the optimizer."""

from dataclasses import dataclass, replace

from bot.backtesting import calendar_of
from bot.past import source_of
from bot.playing import PlayApart
from bot.world import World
from broker.feeds.recorded import shipped_recording
from engine.domain.backtest import Costs
from engine.domain.settings import RiskSettings
from engine.domain.strategy import Strategy
from engine.research.plan import Plan, obstacles
from engine.research.walkforward import Window
from engine.scoring.metrics import Trade


@dataclass(frozen=True, slots=True)
class PlayWindow:
    """The ports ``Evaluator``, with the settings of now, and ``SettingsEvaluator``: the usual
    costs, and the candles that this installation decides on. Where nobody knows the news of then,
    none are assumed.
    """

    world: World
    play: PlayApart

    async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
        """Trades that were opened and closed in the window, of every watched symbol the document
        speaks of. Raises :class:`InvalidInput` where no candles of one are kept.
        """
        async with self.world.store.begin() as tx:
            version, settings = await tx.settings.risk()
        found = await self._played(document, window, settings, version)
        return tuple(sorted(found, key=lambda trade: trade.closed_at))

    async def tried(self, settings: RiskSettings, window: Window) -> tuple[Trade, ...]:
        """The port ``SettingsEvaluator``: every strategy that is on and that a backtest can play,
        each for itself.
        """
        async with self.world.store.begin() as tx:
            version, _ = await tx.settings.risk()
            strategies = await tx.settings.strategies()
        found: list[Trade] = []
        for document in strategies:
            if document.is_active and not obstacles(document):
                found += await self._played(document, window, settings, version)
        return tuple(sorted(found, key=lambda trade: trade.closed_at))

    async def _played(
        self, document: Strategy, window: Window, settings: RiskSettings, version: int
    ) -> list[Trade]:
        watched = [
            symbol
            for symbol, timeframe in self.world.symbols
            if symbol in document.allowed_symbols and timeframe is document.timeframe
        ]
        found: list[Trade] = []
        for symbol in watched:
            found += await self.play.trades(self._plan(document, symbol, window, settings, version))
        return found

    def _plan(
        self,
        document: Strategy,
        symbol: str,
        window: Window,
        settings: RiskSettings,
        version: int,
    ) -> Plan:
        source = source_of(self.world)
        name, _ = calendar_of(source, None, quiet=source != shipped_recording().name)
        return Plan(
            source=source,
            symbol=symbol,
            timeframe=document.timeframe,
            strategies=(replace(document, is_active=True),),
            settings=settings,
            settings_version=version,
            calendar=name,
            costs=Costs(),
            since=window.start,
            until=window.end,
            zone=str(self.world.zone),
        )
