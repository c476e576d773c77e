"""What every call of the venue shares: is the terminal there, queue and wait, look what ended."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from broker.mt_bridge.orders import is_open
from engine.domain.terminal import Command, CommandState, Draft, Terminal
from engine.errors import BrokerRefused, BrokerSilent, IllegalMove
from engine.errors import NotFound as NoTerminal
from engine.ports import RESULTS_TOPIC, Shown, Signals, Store, Transaction

Make = Callable[[Transaction], Awaitable[Sequence[Draft]]]

#: What keeps a terminal from showing its account; the rest keeps it from trading only.
_BLINDS = ("silent", "connected")


@dataclass(frozen=True, kw_only=True)
class Link:
    """A terminal as its queue and its last snapshot.

    Figures are those of the last snapshot; one that is older than ``oldest`` is no answer.
    """

    store: Store
    signals: Signals
    account_id: str
    patience_seconds: float = 8.0
    oldest: timedelta = timedelta(seconds=60)

    async def tradeable(self, tx: Transaction) -> tuple[Terminal, Shown, datetime]:
        """The terminal, if it can trade now; nothing is queued for one that cannot."""
        try:
            terminal, shown, now = await self.shown(tx)
        except BrokerSilent as error:
            raise BrokerRefused(str(error)) from error
        hindrance = terminal.hindrance(now)
        if hindrance is not None:
            raise BrokerRefused(f"the terminal cannot trade: {hindrance}")
        return terminal, shown, now

    async def shown(self, tx: Transaction) -> tuple[Terminal, Shown, datetime]:
        terminal = await tx.terminals.read(self.account_id)
        if terminal is None or not terminal.token_digest:
            raise BrokerSilent("no terminal is connected; make a connect code with /ea")
        now = await tx.now()
        hindrance = terminal.hindrance(now)
        if hindrance in _BLINDS:
            raise BrokerSilent(f"the terminal is not there: {hindrance}")
        shown = await tx.snapshots.last(self.account_id)
        if shown is None or not now - shown.at <= self.oldest:
            raise BrokerSilent("the terminal has shown no account for too long")
        return terminal, shown, now

    async def carry_out(self, client_id: str, make: Make) -> tuple[Command, ...]:
        """Queue commands in one transaction and wait until each has an end; what was not fetched
        when the patience is over is taken back.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self.patience_seconds
        async with self.signals.listen(RESULTS_TOPIC) as wait:
            await self._put(make)
            while True:
                async with self.store.begin() as tx:
                    commands = await tx.commands.of_order(client_id)
                left = until - loop.time()
                if not is_open(commands):
                    return commands
                if left <= 0:
                    break
                await wait(left)
        async with self.store.begin() as tx:
            await tx.commands.withdraw(client_id)
            return await tx.commands.of_order(client_id)

    async def _put(self, make: Make) -> None:
        try:
            async with self.store.begin() as tx:
                await tx.commands.put(await make(tx))
        except IllegalMove as error:
            # Given before, by whomever: what became of it is looked up.
            raise BrokerSilent(str(error)) from error
        except NoTerminal as error:
            raise BrokerRefused(str(error)) from error

    async def ended(self, tx: Transaction, client_id: str, name: str) -> tuple[Command, ...]:
        """The commands of an id, all of them ended. One that was never queued is struck off, so
        that it never can be; raises :class:`BrokerSilent` while one may still be done.
        """
        commands = await tx.commands.of_order(client_id)
        if not commands:
            struck = await tx.commands.get(name)
            try:
                if struck is None and not await tx.commands.strike(self.account_id, name):
                    raise BrokerSilent("it is being queued just now")
            except NoTerminal as error:
                raise BrokerSilent(str(error)) from error
            return ()
        now = await tx.now()
        waiting = [c for c in commands if c.state is CommandState.QUEUED]
        if any(now - c.issued_at > timedelta(seconds=2 * self.patience_seconds) for c in waiting):
            # Whoever waited for it is gone.
            await tx.commands.withdraw(client_id)
            commands = await tx.commands.of_order(client_id)
        if is_open(commands):
            raise BrokerSilent("the terminal has not answered yet")
        return commands

    async def dealt(self, tx: Transaction, commands: Sequence[Command]) -> list[Mapping[str, Any]]:
        """The deals with the commands' numbers, of positions that were closed at least in part."""
        after = min(command.issued_at for command in commands)
        magics = {command.magic for command in commands}
        deals = await tx.snapshots.deals_of_closed(self.account_id, after)
        return [deal for deal in deals if deal["magic"] in magics]
