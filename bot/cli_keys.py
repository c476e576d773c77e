"""The commands ``ai-trader keys``: what secrets at rest are encrypted with."""

import typer

from bot.cli import _exit, _run, _say, _settings
from bot.options import Home

keys = typer.Typer(
    name="keys",
    help="Keys that secrets are encrypted with (ENCRYPTION_KEYS).",
    no_args_is_help=True,
)


@keys.command(name="list")
def list_(home: Home = None) -> None:
    """List the keys' ids, the one that encrypts first, and how many secrets are under each."""
    from bot import key_reports

    _exit(_run(key_reports.list_all(_settings(home), say=_say)))


@keys.command()
def new() -> None:
    """Print a fresh key: put it before the others in ENCRYPTION_KEYS, then rotate."""
    from bot.key_settings import fresh

    _say(fresh())


@keys.command()
def rotate(home: Home = None) -> None:
    """Encrypt every secret under the first key; may be cut off and begun again at any time."""
    from bot import key_reports

    _exit(_run(key_reports.rotate_all(_settings(home), say=_say)))


@keys.command()
def count(home: Home = None) -> None:
    """Count secrets that are not under the first key; at 0 the other keys may go."""
    from bot import key_reports

    _exit(_run(key_reports.count(_settings(home), say=_say)))
