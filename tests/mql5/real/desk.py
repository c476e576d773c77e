"""The product's side of a run: its queue and its books, with the stand-in server's interface."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from bot.world import World as Adapters
from engine.domain.person import Person, Role
from engine.domain.state import TradingState
from engine.domain.terminal import Command, CommandState, CommandType, Draft
from engine.flow.halts import ChangeControl
from engine.flow.terminals import IssueCode
from engine.ports import Bell
from engine.snapshot.canonical import plain
from storage.transaction import PostgresStore
from tests.mql5.real.endpoint import ACCOUNT
from tests.mql5.server import Command as Known

T = TypeVar("T")
ADMIN = Person(id=1, name="Ann", role=Role.ADMIN, chat_id=1)


@dataclass
class Desk:
    """``call`` runs a coroutine on the loop that has the database open. ``tick`` brings the
    database's clock to the terminal's.
    """

    adapters: Adapters
    bell: Bell
    call: Callable[[Coroutine[Any, Any, Any]], Any]
    tick: Callable[[], None]
    commands: dict[str, Known] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    anomalies: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: count(1))
    _order: str = ""

    @property
    def store(self) -> PostgresStore:
        """Where the product keeps everything."""
        return self.adapters.store

    # ---- what a storm asks of a server

    @property
    def magic_base(self) -> int:
        """What the account's magic numbers begin at."""

        async def read() -> int:
            async with self.store.begin() as tx:
                terminal = await tx.terminals.read(ACCOUNT)
            assert terminal is not None
            return terminal.magic_base

        return int(self.call(read()))

    def add_code(self, code: str) -> None:
        """An admin asks for a connect code."""
        self.tick()
        issue = IssueCode(store=self.store, account_id=ACCOUNT, new_code=lambda: code)
        self.call(issue(ADMIN.id, self.call(issue.mark())))

    def put(self, kind: str, *, expires_s: int = 60, **fields: Any) -> str:
        """Queue a command as the venue does: legs of one order belong together."""
        number = next(self._numbers)
        if kind == "OPEN":
            self._order = f"o-{number}" if fields["leg"] == 1 else self._order
            name, client_id = f"{self._order}-{fields['leg']}", self._order
        else:
            client_id = f"ap-{number}"
            name = client_id + {"MOVE_SL": "-sl", "SET_TP": "-tp"}.get(kind, "")
        self.tick()
        self.call(self._put(name, client_id, kind, expires_s, fields))
        return name

    async def _put(
        self, name: str, client_id: str, kind: str, expires_s: int, fields: dict[str, Any]
    ) -> None:
        async with self.store.begin() as tx:
            now = await tx.now()
            draft = Draft(
                id=name,
                account_id=ACCOUNT,
                type=CommandType(kind),
                client_id=client_id,
                expires_at=now + timedelta(seconds=expires_s) if expires_s else None,
                fields={n: _text(v) for n, v in fields.items()},
            )
            if kind == "OPEN" and not (await tx.controls.hold()).may_open:
                self.stopped.add(name)
                return
            (command,) = await tx.commands.put([draft])
        self._keep(command)

    def stop(self) -> None:
        """The emergency stop."""
        self.tick()
        self.call(self._control().stop(None))

    def resume(self) -> None:
        """Trading goes on, if it was stopped."""
        self.tick()

        async def run() -> None:
            async with self.store.begin() as tx:
                state = (await tx.controls.read()).state
            if state is not TradingState.RUNNING:
                await self._control().resume(None)

        self.call(run())

    def _control(self) -> ChangeControl:
        return ChangeControl(
            store=self.store, market=self.adapters.market, broker=self.adapters.broker,
            bell=self.bell, symbols=("EURUSD", "XAUUSD"),
        )  # fmt: skip

    # ---- the books

    def refresh(self) -> None:
        """Read what became of every command, also of those the product queued by itself."""
        self.tick()
        for command in self.call(self._all()):
            self._keep(command)

    async def _all(self) -> tuple[Command, ...]:
        async with self.store.begin() as tx:
            return await tx.commands.recent(ACCOUNT, 1_000_000)

    def _keep(self, command: Command) -> None:
        known = self.commands.setdefault(command.id, Known({}))
        known.document = {
            "id": command.id, "seq": command.seq, "type": str(command.type),
            "client_id": command.client_id, **command.fields,
        }  # fmt: skip
        known.attempt, known.instances = command.attempt, set(command.offered_to)
        if command.result is not None:
            known.result = plain(command.result)
        elif command.state is CommandState.CANCELLED:
            known.result = {"status": "cancelled", "volume": "0"}

    def alerts(self) -> list[dict[str, Any]]:
        """What the admins were told of terminals."""

        async def read() -> list[dict[str, Any]]:
            async with self.store.begin() as tx:
                rows: list[dict[str, Any]] = await tx._connection.execute_query_dict(
                    "SELECT payload -> 'detail' ->> 'what' AS what,"
                    " payload -> 'detail' ->> 'command' AS command,"
                    " (payload -> 'detail' -> 'result')::text AS result"
                    " FROM outbox WHERE kind = 'terminal' ORDER BY id"
                )
                return rows

        return list(self.call(read()))


def in_background(loop: asyncio.AbstractEventLoop) -> Callable[[Coroutine[Any, Any, T]], T]:
    """What runs a coroutine on a loop of another thread and waits for it."""

    def call(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    return call


def _text(value: Any) -> Any:
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else value
