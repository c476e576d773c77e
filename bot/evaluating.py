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
from engine.research.plan import Plan
from engine.research.walkforward import Window
from engine.scoring.metrics import Trade


@dataclass(frozen=True, slots=True)
class PlayWindow:
    """The port ``Evaluator``: the settings of now, the usual costs, and the candles that this
    installation decides on. Where nobody knows the news of then, none are assumed.
    """

    world: World
    play: PlayApart

    async def evaluate(self, document: Strategy, window: Window) -> tuple[Trade, ...]:
        """Trades that were opened and closed in the window, of every watched symbol the document
        speaks of. Raises :class:`InvalidInput` where no candles of one are kept.
        """
        async with self.world.store.begin() as tx:
            version, settings = await tx.settings.risk()
        watched = [
            symbol
            for symbol, timeframe in self.world.symbols
            if symbol in document.allowed_symbols and timeframe is document.timeframe
        ]
        found: list[Trade] = []
        for symbol in watched:
            plan = self._plan(document, symbol, window, settings, version)
            found += await self.play.trades(plan)
        return tuple(sorted(found, key=lambda trade: trade.closed_at))

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
