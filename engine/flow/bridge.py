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
from engine.flow.admission import Admit, Caller, digest, known
from engine.ports import COMMANDS_TOPIC, Bell, Look, Polls, Signals, Store, Transaction
from engine.snapshot.canonical import plain


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

    A heartbeat that tells nothing new is one look, and every few seconds a note. Whatever one of
    them changes is stored, and acted on, before it is answered.
    """

    store: Store
    polls: Polls
    bell: Bell
    admit: Admit = field(default_factory=Admit)

    async def __call__(self, caller: Caller, who: tuple[int, str], gmt: int, beat: Beat) -> Heard:
        look, goes_on = await self.admit.look(self.polls, caller, who=who)
        beat = _with_skew(beat, look.now, gmt)
        if goes_on and _is_nothing_new(beat, look) and await self._is_noted(look, beat):
            return Heard(terminal=look.terminal, now=look.now, paused=not look.control.may_open)
        return await self._write(caller, who, gmt, beat)

    async def _is_noted(self, look: Look, beat: Beat) -> bool:
        """Whether its life is on record, from now or from a few seconds ago."""
        at = look.terminal.beat_at
        if at is not None and self.admit.is_fresh(at, look.now):
            return True
        after = replace(look.terminal.beaten(beat, look.now), heard_at=look.now)
        return await self.polls.note(look, after)

    async def _write(self, caller: Caller, who: tuple[int, str], gmt: int, beat: Beat) -> Heard:
        async with self.store.begin() as tx:
            terminal, now = await self.admit(tx, caller, who=who, lock=True)
            beat = _with_skew(beat, now, gmt)
            terminal = terminal.beaten(beat, now)
            await tx.terminals.save(terminal)
            skewed = _is_skewed(beat)
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


def _is_nothing_new(beat: Beat, look: Look) -> bool:
    """Whether a heartbeat says what is known, but for the equity and a clock that is good enough,
    and asks for nothing.
    """
    before = look.terminal.beat
    if before is None or _is_skewed(before) or _is_skewed(beat):
        return False
    if beat.paused is look.control.may_open or beat.last_seq > look.terminal.last_seq:
        return False
    return replace(beat, equity=before.equity, skew_seconds=before.skew_seconds) == before


def _is_skewed(beat: Beat) -> bool:
    return not abs(beat.skew_seconds) <= SKEW_SECONDS


def _with_skew(beat: Beat, now: datetime, gmt: int) -> Beat:
    return replace(beat, skew_seconds=round(now.timestamp()) - gmt)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCommands:
    """Offer a terminal what there is to do, under a lease; wait a little when there is nothing.

    The trading state is held while an OPEN is offered: after the commit of a stop, or of a pause of
    its symbol, none leaves.
    """

    store: Store
    polls: Polls
    signals: Signals
    longest_hold: timedelta = timedelta(seconds=2)
    admit: Admit = field(default_factory=Admit)

    async def __call__(
        self, caller: Caller, *, limit: int, hold_ms: int, opens: bool, busy: Collection[int]
    ) -> tuple[datetime, tuple[Command, ...]]:
        look, goes_on = await self.admit.look(self.polls, caller)
        if not (goes_on and await self._is_noted(look)):
            async with self.store.begin() as tx:
                await self.admit(tx, caller)
        asked = {"limit": limit, "opens": opens, "busy": busy}
        now, found = await self._lease(look, caller.instance, asked)
        hold = min(timedelta(milliseconds=hold_ms), self.longest_hold).total_seconds()
        if found or hold <= 0:
            return now, found
        return await self._wait(look.terminal, caller, asked, hold)

    async def _is_noted(self, look: Look) -> bool:
        if self.admit.is_fresh(look.terminal.heard_at, look.now):
            return True
        after = replace(look.terminal, heard_at=look.now, token_used_at=look.now)
        return await self.polls.note(look, after)

    async def _wait(
        self, terminal: Terminal, caller: Caller, asked: dict[str, Any], hold: float
    ) -> tuple[datetime, tuple[Command, ...]]:
        loop = asyncio.get_running_loop()
        until = loop.time() + hold
        async with self.signals.listen(f"{COMMANDS_TOPIC}:{terminal.account_id}") as wait:
            while True:
                # Who was put in its place meanwhile gets nothing any more.
                look, _ = await self.admit.look(self.polls, caller)
                now, found = await self._lease(look, caller.instance, asked)
                left = until - loop.time()
                if found or left <= 0:
                    return now, found
                await wait(left)

    async def _lease(
        self, look: Look, instance: str, asked: dict[str, Any]
    ) -> tuple[datetime, tuple[Command, ...]]:
        if not look.is_waiting:
            return look.now, ()
        async with self.store.begin() as tx:
            control = await tx.controls.hold()
            found = await tx.commands.lease(
                look.terminal.account_id,
                instance,
                may_open=control.may_open,
                paused=control.paused_symbols,
                **asked,
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
