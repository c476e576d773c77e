"""What a terminal asks for: am I heard, what is there to do, this is what became of it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.domain.terminal import (
    SKEW_SECONDS,
    Beat,
    Command,
    CommandState,
    CommandType,
    Result,
    Terminal,
)
from engine.flow.terminals import Admit, digest, known
from engine.ports import COMMANDS_TOPIC, Bell, Signals, Store, Transaction
from engine.snapshot.canonical import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whom a request comes from: its token, its journal and its start."""

    token: str
    instance: str
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The answer to a heartbeat."""

    terminal: Terminal
    now: datetime
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HearTerminal:
    """Note a heartbeat. A terminal that is paused where it should not be, or the other way round,
    is told; a clock that is wrong by more than a few seconds is alerted once a day.
    """

    store: Store
    bell: Bell
    admit: Admit = field(default_factory=Admit)

    async def __call__(self, caller: Caller, who: tuple[int, str], gmt: int, beat: Beat) -> Heard:
        async with self.store.begin() as tx:
            terminal, now = await self.admit(
                tx, caller.token, caller.instance, caller.run, who=who, lock=True
            )
            beat = _with_skew(beat, round(now.timestamp()) - gmt)
            terminal = terminal.beaten(beat, now)
            await tx.terminals.save(terminal)
            skewed = abs(beat.skew_seconds) > SKEW_SECONDS
            if skewed:
                detail = {"what": "skew", "seconds": beat.skew_seconds}
                await alert(tx, terminal, f"skew:{now:%Y-%m-%d}", detail)
            control = await tx.controls.read()
        if beat.paused is not None and beat.paused is control.may_open:
            async with self.store.begin() as tx:
                control = await tx.controls.hold()
                if beat.paused is control.may_open:
                    await tx.commands.pause(
                        paused=not control.may_open, account_id=terminal.account_id
                    )
        if skewed:
            await self.bell.ring("deliver")
        return Heard(terminal=terminal, now=now, paused=not control.may_open)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCommands:
    """Offer a terminal what there is to do, under a lease; wait a little when there is nothing.

    The trading state is held while an OPEN is offered: after a stop's commit none leaves.
    """

    store: Store
    signals: Signals
    longest_hold: timedelta = timedelta(seconds=2)
    admit: Admit = field(default_factory=Admit)

    async def __call__(
        self, caller: Caller, *, limit: int, hold_ms: int, opens: bool, busy: Collection[int]
    ) -> tuple[datetime, tuple[Command, ...]]:
        async with self.store.begin() as tx:
            terminal, now = await self.admit(tx, caller.token, caller.instance, caller.run)
            waiting = await tx.commands.is_waiting(terminal.account_id)
        asked = {"limit": limit, "opens": opens, "busy": busy}
        if waiting:
            now, found = await self._lease(terminal, caller.instance, asked)
            if found:
                return now, found
        hold = min(timedelta(milliseconds=hold_ms), self.longest_hold).total_seconds()
        if hold <= 0:
            return now, ()
        return await self._wait(terminal, caller.instance, asked, hold)

    async def _wait(
        self, terminal: Terminal, instance: str, asked: dict[str, Any], hold: float
    ) -> tuple[datetime, tuple[Command, ...]]:
        loop = asyncio.get_running_loop()
        until = loop.time() + hold
        async with self.signals.listen(f"{COMMANDS_TOPIC}:{terminal.account_id}") as wait:
            while True:
                now, found = await self._lease(terminal, instance, asked)
                left = until - loop.time()
                if found or left <= 0:
                    return now, found
                await wait(left)

    async def _lease(
        self, terminal: Terminal, instance: str, asked: dict[str, Any]
    ) -> tuple[datetime, tuple[Command, ...]]:
        async with self.store.begin() as tx:
            found: tuple[Command, ...] = ()
            if await tx.commands.is_waiting(terminal.account_id):
                control = await tx.controls.hold()
                found = await tx.commands.lease(
                    terminal.account_id, instance, may_open=control.may_open, **asked
                )
            return await tx.now(), found


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a result meant: for a command we know, and whether it had one."""

    now: datetime
    known: bool
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeResult:
    """Note what became of a command. The first result is final, whoever brings it and however late;
    a different second one, and one of a command that is not ours, is kept as an anomaly.
    """

    store: Store
    bell: Bell

    async def __call__(self, token: str, id_: str, seq: int, type_: str, result: Result) -> Taken:
        async with self.store.begin() as tx:
            terminal = await known(tx, digest(token))
            now = await tx.now()
            command = await tx.commands.get(id_)
            if command is None or not _is_of(command, terminal, seq, type_):
                await _anomaly(tx, terminal, id_, result, "unknown_command")
                return Taken(now=now, known=False, duplicate=False)
            if await tx.commands.finish(id_, result):
                if command.state is CommandState.CANCELLED and result.is_dealt:
                    await _anomaly(tx, terminal, id_, result, "done_though_cancelled")
                taken = Taken(now=now, known=True, duplicate=False)
            else:
                first = await tx.commands.get(id_)
                if first is None or first.result is None or not first.result.agrees(result):
                    await _anomaly(tx, terminal, id_, result, "another_result")
                return Taken(now=now, known=True, duplicate=True)
        if command.type not in (CommandType.PAUSE, CommandType.RESUME):
            await self.bell.ring("sync_broker")
        return taken


def _is_of(command: Command, terminal: Terminal, seq: int, type_: str) -> bool:
    """Whether a result is about this command; one that the terminal does not know has no type."""
    same = type_ in (str(command.type), "UNKNOWN")
    return command.account_id == terminal.account_id and command.seq == seq and same


def _with_skew(beat: Beat, seconds: int) -> Beat:
    return replace(beat, skew_seconds=seconds)


async def _anomaly(
    tx: Transaction, terminal: Terminal, id_: str, result: Result, what: str
) -> None:
    """Something that cannot be: told to the admins with the whole result."""
    detail = {"what": what, "command": id_, "result": plain(result)}
    await alert(tx, terminal, f"{what}:{id_}:{digest(str(detail))[:8]}", detail)


async def alert(tx: Transaction, terminal: Terminal, key: str, detail: dict[str, Any]) -> None:
    """Tell the admins once about a terminal."""
    await tx.outbox.tell(
        Notice(
            kind=Kind.TERMINAL,
            key=f"terminal:{terminal.account_id}:{key}"[:120],
            priority=Priority.SAFETY,
            detail={"account_id": terminal.account_id, **detail},
        ),
        Audience(at_least=Role.ADMIN),
    )
