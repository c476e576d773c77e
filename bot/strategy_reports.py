"""What ``ai-trader strategy`` does: list, show, compare, check and change strategies."""

from pathlib import Path

from bot.reports import CLEAN, Say, open_database_of
from bot.settings import Settings
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput
from engine.flow.rollback import RollBackStrategy
from engine.flow.strategies import (
    AddStrategy,
    EditStrategy,
    ReadStrategies,
    ReadVersions,
    SwitchStrategy,
    named,
    version_of,
)
from engine.flow.strategy_records import Changed
from engine.strategies.changes import diff
from engine.strategies.documents import parse, strategy_id, text
from engine.strategies.registry import load as load_setups
from storage.transaction import PostgresStore

#: The exit code of a document with mistakes; as of every other wrong input.
WRONG = 2


def check(file: Path, *, say: Say) -> int:
    """Say every mistake of a document, or that there is none."""
    written = _sound(file, say)
    if written is None:
        return WRONG
    say(f"no mistakes: {_what(parse(strategy_id(''), written))}")
    return CLEAN


async def list_all(settings: Settings, *, say: Say) -> int:
    """Every strategy in one line."""
    async with open_database_of(settings) as world:
        for strategy in await ReadStrategies(store=world.store)(None):
            say(_line(strategy))
    return CLEAN


async def show(settings: Settings, name: str, *, say: Say) -> int:
    """The document of a strategy, as ``edit`` takes it."""
    async with open_database_of(settings) as world:
        strategy = await _find(world.store, name)
    say(text(strategy).rstrip())
    return CLEAN


async def versions(settings: Settings, name: str, *, say: Say) -> int:
    """Who wrote each version, when and why."""
    async with open_database_of(settings) as world:
        strategy = await _find(world.store, name)
        found = await ReadVersions(store=world.store)(None, strategy.id)
    for version in found:
        at = f"{version.at:%Y-%m-%d %H:%M}Z"
        say(f"v{version.strategy.version}  {at}  by {version.by}: {version.reason}")
    return CLEAN


async def compare(
    settings: Settings, name: str, first: int | None, second: int | None, *, say: Say
) -> int:
    """What changed between two versions: the last two unless they are named."""
    async with open_database_of(settings) as world:
        strategy = await _find(world.store, name)
        found = await ReadVersions(store=world.store)(None, strategy.id)
    after = strategy.version if second is None else second
    before = after - 1 if first is None else first
    if before == 0:
        say(f"{strategy.name} has one version; there is nothing to compare it with")
        return CLEAN
    changes = diff(version_of(found, before).strategy, version_of(found, after).strategy)
    say(f"{strategy.name}, version {before} to {after}:")
    for change in changes:
        say(f"  {change}")
    if not changes:
        say("  no difference")
    return CLEAN


async def roll_back(
    settings: Settings, name: str, version: int, reason: str | None, *, say: Say
) -> int:
    """Make the document of an older version the next one."""
    load_setups()
    async with open_database_of(settings) as world:
        strategy = await _find(world.store, name)
        store = world.store
        back = RollBackStrategy(read=ReadVersions(store=store), edit=EditStrategy(store=store))
        done = await back(None, strategy.id, version, reason=reason, expected=strategy.version)
    return _told(done, say)


async def edit(settings: Settings, name: str, file: Path, reason: str, *, say: Say) -> int:
    """Make a document the next version of a strategy."""
    async with open_database_of(settings) as world:
        written = _sound(file, say)
        if written is None:
            return WRONG
        strategy = await _find(world.store, name)
        done = await EditStrategy(store=world.store)(
            None, strategy.id, written, reason=reason, expected=strategy.version
        )
    return _told(done, say)


async def add(settings: Settings, file: Path, reason: str, *, say: Say) -> int:
    """Add a strategy; it is off unless its document says otherwise."""
    async with open_database_of(settings) as world:
        written = _sound(file, say)
        if written is None:
            return WRONG
        done = await AddStrategy(store=world.store)(None, written, reason=reason)
    say(_line(done.after))
    return CLEAN


async def switch(settings: Settings, name: str, reason: str, *, on: bool, say: Say) -> int:
    """Turn a strategy on or off."""
    async with open_database_of(settings) as world:
        strategy = await _find(world.store, name)
        done = await SwitchStrategy(store=world.store)(None, strategy.id, on=on, reason=reason)
    return _told(done, say)


async def _find(store: PostgresStore, name: str) -> Strategy:
    return named(await ReadStrategies(store=store)(None), name)


def _sound(file: Path, say: Say) -> str | None:
    """The text of a document that can be read; None after its mistakes were said."""
    load_setups()
    try:
        written = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not text in UTF-8") from error
    try:
        parse(strategy_id(""), written)
    except InvalidInput as problem:
        if "errors" not in problem.details:
            raise
        for mistake in problem.details["errors"]:
            say(mistake["message"])
        return None
    return written


def _told(done: Changed, say: Say) -> int:
    say(_line(done.after))
    for change in done.changes:
        say(f"  {change}")
    return CLEAN


def _line(strategy: Strategy) -> str:
    state = "on " if strategy.is_active else "off"
    return f"{state}  v{strategy.version}  {_what(strategy)}"


def _what(strategy: Strategy) -> str:
    symbols = ", ".join(strategy.allowed_symbols)
    return f"{strategy.name}: {strategy.timeframe} {strategy.direction} {symbols}"
