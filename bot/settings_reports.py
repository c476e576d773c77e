"""The risk settings in the terminal: a table, a change, and what was changed before."""

from collections.abc import Sequence
from dataclasses import fields

from bot.bell import SilentBell
from bot.i18n import words_for
from bot.reports import CLEAN, Say, open_database_of, pair
from bot.settings import Settings
from bot.talk import build_talk
from bot.views.settings import change_line, name_of, shown
from engine.domain.settings import RANGES, RiskSettings, differences, written
from engine.flow.rollback import CompareSettings, RollBackSettings
from engine.flow.settings import ReadSettings


async def show(settings: Settings, *, say: Say) -> int:
    """Every setting: name, value, range, words."""
    async with open_database_of(settings) as world:
        (current,) = await build_talk(world, SilentBell(), claim_code="").read_settings(None)
    words = words_for("en")
    rows = []
    for field in fields(RiskSettings):
        value = getattr(current.settings, field.name)
        rows.append((field.name, written(value), _range(field.name, value)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say(f"{cells}  {name_of(words, row[0])}")
    say(f"Version {current.version}, by {current.changed_by}: {current.reason}")
    say("To change one: ai-trader settings set NAME=VALUE --reason WHY")
    return CLEAN


async def change(settings: Settings, changes: Sequence[str], *, reason: str, say: Say) -> int:
    """Put other values in force, and say what they replace."""
    wanted = dict(pair(text, "name=value") for text in changes)
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        (before,) = await talk.read_settings(None)
        number, names = await talk.change_settings(
            None, wanted, reason=reason, expected=before.version
        )
        now = (await talk.read_settings(None))[0].settings
    for name in names:
        say(f"{name}: {written(getattr(before.settings, name))} -> {written(getattr(now, name))}")
    say(f"Version {number} is in force.")
    return CLEAN


async def history(settings: Settings, *, limit: int, say: Say) -> int:
    """The versions, newest first, each with what it changed."""
    words = words_for("en")
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        found = await talk.read_settings(None, limit=limit + 1)
    for version, before in zip(found[:limit], [*found[1:], None][:limit], strict=False):
        say(
            f"version {version.version}  {version.created_at:%Y-%m-%d %H:%M:%S}Z"
            f"  {version.changed_by}: {version.reason}"
        )
        if before is None:
            continue
        for name in differences(before.settings, version.settings):
            old, new = getattr(before.settings, name), getattr(version.settings, name)
            say(f"  {change_line(words, name, shown(words, old), shown(words, new))}")
    return CLEAN


async def compare(settings: Settings, first: int, second: int, *, say: Say) -> int:
    """What is different between two versions."""
    async with open_database_of(settings) as world:
        read = ReadSettings(store=world.store)
        changes = await CompareSettings(read=read)(None, first, second)
    for change in changes:
        say(str(change))
    if not changes:
        say("no difference")
    return CLEAN


async def roll_back(settings: Settings, version: int, *, reason: str | None, say: Say) -> int:
    """Put the values of an older version in force, and say what they replace."""
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        compare = CompareSettings(read=talk.read_settings)
        (now,) = await talk.read_settings(None)
        back = RollBackSettings(compare=compare, change=talk.change_settings)
        number, _ = await back(None, version, reason=reason, expected=now.version)
        changes = await compare(None, now.version, number)
    for change in changes:
        say(str(change))
    say(f"Version {number} is in force, with the values of version {version}.")
    return CLEAN


def _range(name: str, value: object) -> str:
    if name in RANGES:
        low, high = RANGES[name]
        return f"{low:f} to {high:f}"
    return "true, false" if isinstance(value, bool) else "SYMBOL,SYMBOL"
