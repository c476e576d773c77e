"""The commands ``ai-trader provider``: the connection to the provider of the language model."""

from typing import Annotated

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home

provider = typer.Typer(
    name="provider", help="Connect to the language model's provider.", no_args_is_help=True
)


@provider.command()
def status(home: Home = None) -> None:
    """Print how the connection stands, as JSON; 1 when there is none."""
    from bot import provider_reports

    _exit(_run(provider_reports.status(_settings(home), say=_say)))


@provider.command()
def connect(
    oauth: Annotated[
        bool, typer.Option("--oauth", help="By OAuth in a browser, instead of a key.")
    ] = False,
    home: Home = None,
) -> None:
    """Connect with a key, which is asked for and kept encrypted, or by OAuth."""
    from bot import provider_reports

    settings = _settings(home)
    if oauth:
        _exit(_run(provider_reports.connect_by_oauth(settings, say=_say)))
        return
    # Not an argument: those are for everybody on this machine to read.
    key = typer.prompt("Key", hide_input=True, prompt_suffix=": ", err=True)
    _exit(_run(provider_reports.connect(settings, key, say=_say)))


@provider.command()
def disconnect(home: Home = None) -> None:
    """Forget the stored key or tokens."""
    from bot import provider_reports

    _exit(_run(provider_reports.disconnect(_settings(home), say=_say)))


@provider.command(name="test")
def try_(home: Home = None) -> None:
    """Ask the provider whether it is there and takes the key; 1 when not, with what to do."""
    from bot import provider_reports

    _exit(_run(provider_reports.test(_settings(home), say=_say)))
