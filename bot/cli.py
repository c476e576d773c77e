"""The command ``ai-trader``. Heavy libraries are imported by the command that uses them."""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import look_commands, settings_commands
from bot.options import Home
from engine.errors import TraderError

app = typer.Typer(
    name="ai-trader",
    help="An AI trading assistant run from a phone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def demo(
    home: Home = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget earlier runs first.")] = False,
    port: Annotated[int | None, typer.Option("--port", help="Port of the chat page.")] = None,
    pace: Annotated[
        float | None, typer.Option("--pace", help="Seconds between two candles.", min=0)
    ] = None,
    recording: Annotated[
        Path | None, typer.Option("--recording", help="Candles of your own, after an import.")
    ] = None,
) -> None:
    """Play a recorded market into a local chat: no key, no account, paper money."""
    updates = {"chat_port": port, "market_pace_seconds": pace, "market_recording": recording}
    _everything(home, demo=True, fresh=fresh, updates=updates)


@app.command()
def up(home: Home = None) -> None:
    """Run everything on this machine: the bot, a worker, and servers that were not given."""
    _everything(home, demo=False, fresh=False, updates={})


def _everything(home: Path | None, *, demo: bool, fresh: bool, updates: dict[str, Any]) -> None:
    from bot.embedded import forget, run_all
    from bot.processes import until_stopped

    settings = _settings(home, demo=demo)
    settings = settings.model_copy(
        update={name: value for name, value in updates.items() if value is not None}
    )
    if fresh:
        forget(settings.ai_trader_home)
    _run(until_stopped(run_all(settings, demo=demo, say=_say)))


@app.command()
def bot() -> None:
    """Run the chat's process (DATABASE_URL, REDIS_URL and TELEGRAM_BOT_TOKEN are given)."""
    from bot.processes import announce, open_world, prepare, recover, run_bot, until_stopped

    async def work() -> None:
        settings = _settings(None)
        _needs_token(settings)
        await prepare(settings)
        async with open_world(settings) as (world, pool):
            await recover(world, pool)
            await announce(world)
            await run_bot(settings, world, pool)

    _run(until_stopped(work()))


@app.command()
def worker(
    name: Annotated[
        str | None, typer.Option("--name", help="What this worker is called: this host's name.")
    ] = None,
) -> None:
    """Run a worker; run as many as you like."""
    from socket import gethostname

    from bot.processes import open_world, prepare, recover, run_worker, until_stopped

    async def work() -> None:
        settings = _settings(None)
        _needs_token(settings)
        await prepare(settings)
        async with open_world(settings) as (world, pool):
            await recover(world, pool)
            await run_worker(settings, world, pool, name=name or gethostname())

    _run(until_stopped(work()))


@app.command()
def ea() -> None:
    """Serve the endpoint of the MetaTrader Expert Advisor (BROKER is mt_bridge)."""
    from bot.processes import open_world, prepare, run_endpoint, until_stopped

    async def work() -> None:
        settings = _settings(None)
        await prepare(settings)
        async with open_world(settings) as (world, pool):
            await run_endpoint(settings, world, pool)

    _run(until_stopped(work()))


@app.command()
def push(
    test: Annotated[bool, typer.Option("--test", help="Say if the server is there.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Show the queue.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Push what waits now, and end.")] = False,
    home: Home = None,
) -> None:
    """Push model signals to an EA server every EA_PUSH_INTERVAL seconds (EA_SERVER_URL)."""
    from bot import push_reports

    if test + status + once > 1:
        raise typer.BadParameter("give one of --test, --status and --once")
    settings = _settings(home)
    if test:
        _exit(_run(push_reports.test(settings, say=_say)))
    elif status:
        _exit(_run(push_reports.status(settings, say=_say)))
    elif once:
        _exit(_run(push_reports.once(settings, say=_say)))
    else:
        _push(settings)


def _push(settings: Any) -> None:
    from socket import gethostname

    from bot.processes import prepare, until_stopped
    from bot.pushing import run_push
    from bot.reports import open_database_of

    async def work() -> None:
        await prepare(settings)
        async with open_database_of(settings) as world:
            await run_push(settings, world.store, name=gethostname())

    _run(until_stopped(work()))


@app.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    from bot.processes import prepare

    _run(prepare(_settings(None)))
    _say("The schema is up to date.")


@app.command()
def replay(
    which: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A decision's number.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Replay every decision.")] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--with", help="A setting to try: name=value.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was seen as a JSON document.")
    ] = False,
    home: Home = None,
) -> None:
    """Compute decisions again from what was seen, and compare."""
    from bot import reports

    if (which is None) is not everything:
        raise typer.BadParameter("give a decision's number, or --all")
    if everything and as_json:
        raise typer.BadParameter("--json prints one decision: give its number")
    if which is not None and not (which.isascii() and which.isdigit()):
        raise typer.BadParameter(f"{which!r} is no decision's number")
    settings = _settings(home)
    if which is None:
        _exit(_run(reports.replay_all(settings, say=_say)))
    else:
        work = reports.replay_one(settings, int(which), changes or [], say=_say, as_json=as_json)
        _exit(_run(work))


@app.command()
def verify(home: Home = None) -> None:
    """Check the decision history and every bundle against their hashes."""
    from bot import reports

    _exit(_run(reports.verify(_settings(home), say=_say)))


@app.command()
def anchor(home: Home = None) -> None:
    """Note outside the database where the history stands, and tell the admins."""
    from bot import reports

    _exit(_run(reports.anchor(_settings(home), say=_say)))


@app.command()
def halt(home: Home = None) -> None:
    """Emergency stop, with Redis, the chat and every model down: after it no order can leave."""
    from bot import reports

    _exit(_run(reports.halt(_settings(home), say=_say)))


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV of candles: MetaTrader 5's export, or OHLCV.")],
    symbol: Annotated[str, typer.Option("--symbol", help="Such as EURUSD.")],
    timeframe: Annotated[str, typer.Option("--timeframe", help="M1 M5 M15 M30 H1 H4 D1.")] = "H1",
    utc_offset: Annotated[
        float | None, typer.Option("--utc-offset", help="Hours the file's times are ahead of UTC.")
    ] = None,
    home: Home = None,
) -> None:
    """Read your own candles, check every row, and keep them as a recording."""
    from bot import reports

    offset = None if utc_offset is None else timedelta(hours=utc_offset)
    _guard(
        lambda: reports.import_candles(
            _settings(home), file, symbol=symbol, timeframe=timeframe, offset=offset, say=_say
        )
    )


def _settings(home: Path | None, *, demo: bool = False) -> Any:
    from bot.logs import hide, set_up
    from bot.settings import read_settings, secrets_in

    settings = _guard(read_settings)
    hide(secrets_in(settings))
    set_up(as_json=settings.log_format == "json")
    folder = home or settings.ai_trader_home
    if demo and home is None:
        folder = settings.ai_trader_home / "demo"
    updates: dict[str, Any] = {"ai_trader_home": folder}
    if folder != settings.ai_trader_home:
        # Another home is another history; the anchors of this one would call it a forgery.
        updates["anchor_file"] = None
    return settings.model_copy(update=updates)


def _needs_token(settings: Any) -> None:
    from bot.processes import needed

    token = settings.telegram_bot_token
    needed(None if token is None else "set", "TELEGRAM_BOT_TOKEN")


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    from bot.logs import set_up

    set_up()
    return _guard(lambda: asyncio.run(work))


def _guard(work: Any) -> Any:
    """Turn what can go wrong into one readable line and an exit code."""
    try:
        return work()
    except typer.Exit:
        raise
    except Exception as found:
        from redis.exceptions import RedisError

        from bot.logs import mask
        from bot.running import only
        from storage.database import REFUSALS
        from storage.embedded import EmbeddedServerError

        problem = only(found)
        if isinstance(problem, TraderError | EmbeddedServerError | OSError | RedisError | REFUSALS):
            typer.echo(f"ai-trader: {mask(str(problem))}", err=True)
            raise typer.Exit(2) from problem
        logging.getLogger(__name__).exception("ai-trader failed")
        raise typer.Exit(3) from problem


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _say(text: str) -> None:
    typer.echo(text)


look_commands.add(app, _settings, _run, _say)
app.add_typer(settings_commands.build(_settings, _run, _say), name="settings")
