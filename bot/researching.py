"""What people try on the past, put together: backtests, sweeps, and what may be tried."""

from dataclasses import dataclass
from datetime import datetime

from bot.past import news_of, source_of
from bot.world import World
from engine.ports import Bell
from engine.research.runs import CancelBacktest, ReadBacktests, StartBacktest
from engine.research.sweeping import AskSweep, CancelSweep, ReadSweep, Scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Research:
    """The use cases."""

    start_backtest: StartBacktest
    read_backtests: ReadBacktests
    cancel_backtest: CancelBacktest
    ask_sweep: AskSweep
    read_sweep: ReadSweep
    cancel_sweep: CancelSweep


def build_research(world: World, bell: Bell) -> Research:
    """The use cases over this installation's past."""
    store, symbols = world.store, world.symbols
    source = source_of(world)
    calendar, _ = news_of(world, source, quiet=False)
    scene = Scene(source=source, calendar=calendar, zone=world.zone.key, moves=world.tape is None)
    return Research(
        start_backtest=StartBacktest(store=store, bell=bell, symbols=symbols),
        read_backtests=ReadBacktests(
            store=store, symbols=symbols, market=world.market, ends=_ends(world)
        ),
        cancel_backtest=CancelBacktest(store=store),
        ask_sweep=AskSweep(
            store=store, bell=bell, broker=world.broker, market=world.market, symbols=symbols,
            scene=scene,
        ),
        read_sweep=ReadSweep(store=store),
        cancel_sweep=CancelSweep(store=store),
    )  # fmt: skip


def _ends(world: World) -> datetime | None:
    return None if world.tape is None else world.tape.recording.times[-1]
