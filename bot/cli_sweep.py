"""The command ``ai-trader sweep``."""

from typing import Annotated
from uuid import UUID

import typer

from bot.cli import _exit, _guard, _run, _say, _settings
from bot.options import Home
from engine.domain.backtest import Wish
from engine.domain.market import Timeframe
from engine.errors import InvalidInput

sweep = typer.Typer(
    name="sweep",
    no_args_is_help=True,
    help="Try many variants of a strategy over history, on all cores.",
)


@sweep.command("run")
def run(
    strategy: Annotated[str, typer.Option("--strategy", help="The strategy to vary.")],
    symbol: Annotated[str, typer.Option("--symbol")] = "EURUSD",
    timeframe: Annotated[str, typer.Option("--timeframe", help="M1 M5 M15 M30 H1 H4 D1.")] = "H1",
    axis: Annotated[
        list[str] | None,
        typer.Option("--axis", help="path=value,value; without one, its numbers and some around."),
    ] = None,
    most: Annotated[int, typer.Option("--most", help="Runs at most.", min=1)] = 64,
    seed: Annotated[int, typer.Option("--seed", help="Which ones of a larger grid.")] = 1,
    jobs: Annotated[int, typer.Option("--jobs", help="Runs at a time here.", min=0, max=64)] = 2,
    quiet_news: Annotated[
        bool, typer.Option("--quiet-news", help="Assume that there were no news.")
    ] = False,
    home: Home = None,
) -> None:
    """Start a sweep, or go on with the same one, and work on it here; workers elsewhere help."""
    from bot import sweep_reports

    settings = _settings(home)

    async def work() -> int:
        if timeframe not in list(Timeframe):
            raise InvalidInput(f"there is no timeframe {timeframe!r}: {', '.join(Timeframe)}")
        wish = Wish(
            symbol=symbol, timeframe=Timeframe(timeframe), strategy=strategy, quiet=quiet_news
        )
        id_ = await sweep_reports.start(settings, wish, axis or (), most=most, seed=seed, say=_say)
        return await sweep_reports.work(settings, id_, jobs=jobs, say=_say) if jobs else 0

    _exit(_guard(lambda: _run(work())))


@sweep.command("work")
def work(
    id_: Annotated[UUID, typer.Argument(metavar="ID")],
    jobs: Annotated[int, typer.Option("--jobs", help="Runs at a time here.", min=1, max=64)] = 2,
    home: Home = None,
) -> None:
    """Work on a sweep that was started, here or on another machine."""
    from bot import sweep_reports

    settings = _settings(home)
    _exit(_guard(lambda: _run(sweep_reports.work(settings, id_, jobs=jobs, say=_say))))


@sweep.command("show")
def show(
    id_: Annotated[UUID | None, typer.Argument(metavar="[ID]")] = None, home: Home = None
) -> None:
    """How a sweep stands, and its best runs; without an id the last one."""
    from bot import sweep_reports

    settings = _settings(home)
    _exit(_guard(lambda: _run(sweep_reports.show(settings, id_, _say))))


@sweep.command("cancel")
def cancel(id_: Annotated[UUID, typer.Argument(metavar="ID")], home: Home = None) -> None:
    """Run nothing more of a sweep; what is done stays."""
    from bot import sweep_reports

    settings = _settings(home)
    _exit(_guard(lambda: _run(sweep_reports.cancel(settings, id_, _say))))
