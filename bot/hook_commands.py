"""The commands ``ai-trader webhook``: who is told of events, and what became of it."""

from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home

webhook = typer.Typer(
    name="webhook", help="Post events to addresses of your own.", no_args_is_help=True
)

Id = Annotated[int, typer.Argument(metavar="ID", help="A webhook's number.", min=1)]
Types = Annotated[
    str, typer.Option("--types", help="Types of events, by commas: order.filled; else all.")
]


@webhook.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Such as https://example.org/hook.")],
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    types: Types = "",
    home: Home = None,
) -> None:
    """Add an address, and show its secret, once."""
    from bot import hook_reports

    _exit(_run(hook_reports.add(_settings(home), url, description, types, say=_say)))


@webhook.command(name="list")
def list_(home: Home = None) -> None:
    """List them, and how each stands."""
    from bot import hook_reports

    _exit(_run(hook_reports.list_all(_settings(home), say=_say)))


@webhook.command()
def remove(which: Id, home: Home = None) -> None:
    """Forget one, and everything that was sent to it."""
    from bot import hook_reports

    _exit(_run(hook_reports.remove(_settings(home), which, say=_say)))


@webhook.command()
def on(which: Id, home: Home = None) -> None:
    """Send to it, from what happens now on."""
    from bot import hook_reports

    _exit(_run(hook_reports.switch(_settings(home), which, is_on=True, say=_say)))


@webhook.command()
def off(which: Id, home: Home = None) -> None:
    """Send nothing to it any more; what waits is taken back."""
    from bot import hook_reports

    _exit(_run(hook_reports.switch(_settings(home), which, is_on=False, say=_say)))


@webhook.command(name="test")
def try_out(which: Id, home: Home = None) -> None:
    """Send a test, once and now; the exit code is 1 when it was not taken."""
    from bot import hook_reports

    _exit(_run(hook_reports.test(_settings(home), which, say=_say)))


@webhook.command()
def rotate(
    which: Id,
    overlap: Annotated[
        int, typer.Option("--overlap", help="Hours the old secret signs too.", min=0, max=168)
    ] = 24,
    home: Home = None,
) -> None:
    """Give one another secret, and show it, once."""
    from bot import hook_reports

    _exit(_run(hook_reports.rotate(_settings(home), which, overlap, say=_say)))


@webhook.command()
def log(
    which: Id,
    state: Annotated[
        str | None, typer.Option("--state", help="waiting, delivered, failed or cancelled.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 20,
    delivery: Annotated[
        int | None, typer.Option("--delivery", help="One delivery with its attempts.", min=1)
    ] = None,
    home: Home = None,
) -> None:
    """List what was sent to it, the newest first."""
    from bot import hook_reports

    work = hook_reports.log(_settings(home), which, state, limit, delivery, say=_say)
    _exit(_run(work))


@webhook.command()
def redeliver(
    delivery: Annotated[
        int | None, typer.Argument(metavar="[DELIVERY]", help="A delivery's number: log.", min=1)
    ] = None,
    failed_of: Annotated[
        int | None, typer.Option("--failed-of", help="All that failed at this webhook.", min=1)
    ] = None,
    home: Home = None,
) -> None:
    """Send something again, with the same id."""
    from bot import hook_reports

    if (delivery is None) is (failed_of is None):
        raise typer.BadParameter("give a delivery's number, or --failed-of")
    _exit(_run(hook_reports.redeliver(_settings(home), delivery, failed_of, say=_say)))
