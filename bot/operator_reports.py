"""The operator's commands in the terminal."""

import asyncio
import json
from enum import StrEnum
from time import monotonic
from typing import TypeVar

from bot.bell import SilentBell
from bot.reports import CLEAN, FAULTY, Say, open_database_of
from bot.settings import Settings
from bot.talk import build_talk
from engine.domain.operator_command import (
    AccountMode,
    CommandStatus,
    CommandType,
    OperatorCommand,
)
from engine.errors import InvalidInput
from engine.snapshot.canonical import plain

_LOOK_SECONDS = 0.5
E = TypeVar("E", bound=StrEnum)


async def enqueue(
    settings: Settings,
    kind: str,
    *,
    pair: str | None,
    mode: str | None,
    key: str | None,
    wait: float,
    say: Say,
) -> int:
    """Queue a command, and wait so many seconds for its end."""
    wanted = _one_of(CommandType, kind)
    account = None if mode is None else _one_of(AccountMode, mode)
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        given = await talk.give_command(None, wanted, pair=pair, mode=account, key=key)
        until = monotonic() + wait
        while not given.status.is_over and monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS)
            given = await talk.read_commands.one(None, given.id)
    say(_line(given))
    if given.status.is_over:
        return FAULTY if given.status is CommandStatus.FAILED else CLEAN
    say(f"A worker takes it. To see its end: ai-trader command show {given.id}")
    return FAULTY if wait else CLEAN


async def list_all(settings: Settings, status: str | None, *, limit: int, say: Say) -> int:
    """The last commands, the newest first."""
    wanted = None if status is None else _one_of(CommandStatus, status)
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        found = await talk.read_commands(None, status=wanted, limit=limit)
    for command in found:
        say(_line(command))
    if not found:
        say("no commands")
    return CLEAN


async def show(settings: Settings, number: int, *, say: Say) -> int:
    """One command, whole."""
    async with open_database_of(settings) as world:
        talk = build_talk(world, SilentBell(), claim_code="")
        command = await talk.read_commands.one(None, number)
    say(json.dumps(plain(command), indent=2, ensure_ascii=False))
    return CLEAN


def _line(command: OperatorCommand) -> str:
    parts = [
        str(command.id),
        f"{command.created_at:%Y-%m-%d %H:%M:%S}Z",
        f"{command.status:9}",
        f"{command.type:13}",
        command.payload.pair or "-",
        f"by {command.actor}",
        command.result.get("reason", ""),
    ]
    return "  ".join(parts).rstrip()


def _one_of(kind: type[E], text: str) -> E:
    """A member by its name, in small letters too; raises :class:`InvalidInput` with all of them."""
    if text.upper() not in list(kind):
        raise InvalidInput(f"there is no {text[:24]!r}; there are {', '.join(kind)}")
    return kind(text.upper())
