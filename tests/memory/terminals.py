"""Terminals and their commands in memory."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.domain.terminal import (
    PENDING,
    Command,
    CommandState,
    CommandType,
    ConnectCode,
    Draft,
    Result,
    Terminal,
)
from engine.errors import IllegalMove, NotFound
from engine.ports import Clock
from storage.terminal_commands import is_nowhere
from tests.memory.rows import View

#: The mark of a code that a newer one replaced.
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class MemoryTerminals:
    """The port ``Terminals`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def add_code(self, code: ConnectCode) -> None:
        for other in self._view.all("ea_code"):
            if other.account_id == code.account_id and other.used_at is None:
                await self._view.put("ea_code", other.digest, replace(other, expires_at=_LONG_AGO))
        await self._view.put("ea_code", code.digest, code)

    async def newest_code(self, account_id: str) -> ConnectCode | None:
        codes = [c for c in self._view.all("ea_code") if c.account_id == account_id]
        left = sorted((c for c in codes if c.expires_at != _LONG_AGO), key=lambda c: c.digest)
        return max(left, key=lambda c: c.expires_at, default=None)

    async def take_code(self, digest: str) -> ConnectCode | None:
        await self._view.lock("ea_code", digest)
        code: ConnectCode | None = self._view.get("ea_code", digest)
        return None if code is None or code.expires_at == _LONG_AGO else code

    async def save_code(self, code: ConnectCode) -> None:
        await self._view.put("ea_code", code.digest, code)

    async def guess(self, keys: Collection[str], window: timedelta) -> int:
        now = self._clock()
        for key in set(keys):
            await self._view.put("ea_guess", (key, now), (key, now))
        recent = Counter(key for key, at in self._view.all("ea_guess") if at > now - window)
        return max(recent[key] for key in keys)

    async def of_token(self, digest: str, *, lock: bool = False) -> Terminal | None:
        return next((t for t in await self.list() if t.token_digest == digest != ""), None)

    async def take(self, account_id: str) -> Terminal | None:
        await self._view.lock("ea_terminal", account_id)
        return await self.read(account_id)

    async def read(self, account_id: str) -> Terminal | None:
        terminal: Terminal | None = self._view.get("ea_terminal", account_id)
        return terminal

    async def list(self) -> Sequence[Terminal]:
        return sorted(self._view.all("ea_terminal"), key=lambda terminal: terminal.account_id)

    async def save(self, terminal: Terminal) -> None:
        before = await self.take(terminal.account_id)
        last = max(terminal.last_seq, before.last_seq if before else 0)
        await self._view.put("ea_terminal", terminal.account_id, replace(terminal, last_seq=last))

    async def remove(self, account_id: str) -> bool:
        terminal = await self.take(account_id)
        if terminal is None or not terminal.token_digest:
            return False
        await self._view.put("ea_terminal", account_id, replace(terminal, token_digest=""))
        return True


class MemoryCommands:
    """The port ``Commands`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock
        self._terminals = MemoryTerminals(view, clock)

    async def put(self, drafts: Sequence[Draft]) -> tuple[Command, ...]:
        return tuple([await self._insert(draft, CommandState.QUEUED) for draft in drafts])

    async def strike(self, account_id: str, id_: str) -> bool:
        draft = Draft(id=id_, account_id=account_id, type=CommandType.RESUME)
        try:
            await self._insert(draft, CommandState.CANCELLED)
        except IllegalMove:
            return False
        return True

    async def _insert(self, draft: Draft, state: CommandState) -> Command:
        terminal = await self._terminals.take(draft.account_id)
        if terminal is None:
            raise NotFound(f"account {draft.account_id} has no terminal")
        seq = terminal.last_seq + 1
        command = Command(
            id=draft.id,
            account_id=draft.account_id,
            type=draft.type,
            fields=draft.fields,
            client_id=draft.client_id,
            expires_at=draft.expires_at,
            seq=seq,
            magic=terminal.magic_base + seq,
            issued_at=self._clock(),
            state=state,
        )
        if not await self._view.insert("ea_command", draft.id, command):
            raise IllegalMove(f"{draft.id} was given before")
        await self._terminals.save(replace(terminal, last_seq=seq))
        return command

    def _all(self) -> list[Command]:
        return sorted(self._view.all("ea_command"), key=lambda c: (c.account_id, c.seq))

    async def get(self, id_: str) -> Command | None:
        command: Command | None = self._view.get("ea_command", id_)
        return command

    async def of_order(self, client_id: str) -> tuple[Command, ...]:
        return tuple(c for c in self._all() if c.client_id == client_id)

    async def of_magics(self, account_id: str, magics: Collection[int]) -> tuple[Command, ...]:
        return tuple(c for c in self._all() if c.account_id == account_id and c.magic in magics)

    async def recent(self, account_id: str, limit: int) -> tuple[Command, ...]:
        mine = [command for command in self._all() if command.account_id == account_id]
        return tuple(mine[::-1][:limit])

    async def is_waiting(self, account_id: str) -> bool:
        return any(c.account_id == account_id and self._is_free(c) for c in self._all())

    def _is_free(self, command: Command) -> bool:
        if command.state not in PENDING:
            return False
        return command.lease_until is None or command.lease_until <= self._clock()

    async def lease(
        self,
        account_id: str,
        instance: str,
        *,
        limit: int,
        opens: bool,
        may_open: bool,
        busy: Collection[int],
        paused: Collection[str] = (),
    ) -> tuple[Command, ...]:
        def may(command: Command) -> bool:
            order = self._view.get("order", command.client_id)
            return may_open and (order is None or order.symbol not in paused)

        mine = [c for c in self._all() if c.account_id == account_id]
        held = {c.position for c in mine if c.state is CommandState.LEASED and not self._is_free(c)}
        held = (held | set(busy)) - {None}
        free = [
            c
            for c in sorted(mine, key=lambda c: (c.type.rank, c.seq))
            if self._is_free(c)
            and c.position not in held
            and (c.type is not CommandType.OPEN or (opens and (may(c) or c.attempt > 0)))
        ]
        now = self._clock()
        offered = tuple(c.offer(instance, now, may_open=may(c)) for c in free[:limit])
        for command in offered:
            await self._view.put("ea_command", command.id, command)
        return offered

    async def finish(self, id_: str, result: Result) -> bool:
        await self._view.lock("ea_command", id_)
        command = await self.get(id_)
        if command is None or command.result is not None:
            return False
        after = replace(
            command, state=CommandState.FINISHED, result=result, finished_at=self._clock()
        )
        await self._view.put("ea_command", id_, after)
        return True

    async def withdraw(self, client_id: str) -> bool:
        for command in await self.of_order(client_id):
            await self._cancel(command)
        return is_nowhere(await self.of_order(client_id))

    async def _cancel(self, command: Command) -> bool:
        if command.state is not CommandState.QUEUED:
            return False
        after = replace(command, state=CommandState.CANCELLED, finished_at=self._clock())
        await self._view.put("ea_command", command.id, after)
        return True

    async def stop_opens(self) -> frozenset[str]:
        orders = set()
        for command in self._all():
            if command.type is not CommandType.OPEN:
                continue
            if await self._cancel(command) and command.client_id is not None:
                orders.add(command.client_id)
            if command.state is CommandState.LEASED:
                asked = replace(command, lookup_only=True)
                await self._view.put("ea_command", command.id, asked)
        return frozenset([o for o in orders if is_nowhere(await self.of_order(o))])

    async def pause(self, *, paused: bool, account_id: str | None = None) -> None:
        kind = CommandType.PAUSE if paused else CommandType.RESUME
        for terminal in await self._terminals.list():
            if account_id in (None, terminal.account_id):
                await self._pause(terminal, kind)

    async def _pause(self, terminal: Terminal, kind: CommandType) -> None:
        both = (CommandType.PAUSE, CommandType.RESUME)
        waiting = [
            command
            for command in self._all()
            if command.account_id == terminal.account_id
            and command.state in PENDING
            and command.type in both
        ]
        if waiting and waiting[-1].type is kind:
            return
        for command in waiting:
            await self._cancel(command)
        name = f"{kind.lower()}-{terminal.magic_base + terminal.last_seq + 1}"
        await self.put([Draft(id=name, account_id=terminal.account_id, type=kind)])
