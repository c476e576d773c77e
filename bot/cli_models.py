"""The commands ``ai-trader train`` and ``ai-trader models``."""

from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home

models = typer.Typer(
    name="models", help="Models: what was trained, how good it is, which is asked."
)

Number = Annotated[int, typer.Argument(metavar="ID", help="A model's number.")]


def train(
    symbol: Annotated[
        str | None, typer.Argument(help="Such as EURUSD; the first that is watched.")
    ] = None,
    timeframe: Annotated[str | None, typer.Argument(help="Such as H1; the one watched.")] = None,
    trees: Annotated[int, typer.Option("--trees", help="Trees of the forest.")] = 200,
    depth: Annotated[int, typer.Option("--depth", help="How deep a tree may be.")] = 6,
    leaf: Annotated[int, typer.Option("--leaf", help="Candles that a leaf must hold.")] = 25,
    horizon: Annotated[
        int, typer.Option("--horizon", help="Candles ahead that the forecast is about.")
    ] = 5,
    bars: Annotated[int, typer.Option("--bars", help="Candles to learn from.")] = 20_000,
    home: Home = None,
) -> None:
    """Train a random forest here and now, on all cores; Ctrl-C cancels. It becomes a candidate."""
    from bot import model_reports
    from bot.processes import until_stopped

    numbers = {
        "trees": trees, "depth": depth, "leaf": leaf, "horizon": horizon, "bars": bars,
    }  # fmt: skip
    work = model_reports.train(
        _settings(home), symbol, timeframe, numbers, until_stopped=until_stopped, say=_say
    )
    _exit(_run(work))


@models.callback(invoke_without_command=True)
def every(context: typer.Context, home: Home = None) -> None:
    """List every model, the newest first."""
    from bot import model_reports

    if context.invoked_subcommand is None:
        _exit(_run(model_reports.every(_settings(home), say=_say)))


@models.command()
def show(number: Number, home: Home = None) -> None:
    """Print a model's card and how far the market has moved from what it learnt, as JSON."""
    from bot import model_reports

    _exit(_run(model_reports.show(_settings(home), number, say=_say)))


@models.command()
def approve(number: Number, home: Home = None) -> None:
    """Let a model in: from now on it is asked, instead of the one before."""
    from bot import model_reports

    _exit(_run(model_reports.decide(_settings(home), number, "approve", say=_say)))


@models.command()
def retire(number: Number, home: Home = None) -> None:
    """Ask a model no more."""
    from bot import model_reports

    _exit(_run(model_reports.decide(_settings(home), number, "retire", say=_say)))
