"""Carry out the operator's commands (source 002's executor).

A worker claims a command for a short time. Every effect is in one transaction with the note that it
was made, so that a worker may die anywhere: whoever takes the command again goes on where the note
ends, and no effect is made twice. Effects go the ways that people's own take: the control's state
machine, and position orders. Nothing here opens a trade.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.domain.account import Position
from engine.domain.decision import Action, Entry
from engine.domain.operator_command import CommandStatus, CommandType, OperatorCommand
from engine.domain.state import Control
from engine.errors import (
    BrokerSilent,
    IllegalMove,
    InvalidInput,
    NotAllowed,
    Outdated,
    TraderError,
    WouldHalt,
)
from engine.flow.command_closes import ask, concerned, ends
from engine.flow.command_guards import Ends, may_begin, version_to_lift
from engine.flow.command_records import done, finish, held, record
from engine.flow.halts import PAUSE, ChangeControl, Wish
from engine.flow.latch import market_time
from engine.flow.reload import ReloadParams
from engine.ports import Bell, Broker, MarketData, Store, Transaction

#: Longer than any step takes; what a worker that died held is free after it.
LEASE = timedelta(seconds=30)
#: A command that waits for its closes, or for the venue, is looked at again after so long.
_AGAIN = timedelta(seconds=1)
#: How long a venue may be silent before a command that needs its positions fails.
_PATIENCE = timedelta(seconds=60)
#: A command whose every attempt ends in a crash is given up.
_MOST_ATTEMPTS = 5

_S = CommandStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteCommands:
    """Carry out every command that is free; safe to call any number of times, from anywhere.

    ``live_enabled`` is LIVE_TRADING_ENABLED: without it no command closes a trade of a real
    account. ``worker`` names who claims.
    """

    store: Store
    broker: Broker
    market: MarketData
    bell: Bell
    change_control: ChangeControl
    reload_params: ReloadParams
    live_enabled: bool
    worker: str
    lease: timedelta = LEASE

    async def __call__(self) -> tuple[OperatorCommand, ...]:
        """The commands that were taken, as each of them stands now."""
        taken = []
        while (command := await self._claim()) is not None:
            after = await self._carry_out(command)
            if after is not None:
                taken.append(after)
        if taken:
            await self.bell.ring("deliver")
        return tuple(taken)

    async def _claim(self) -> OperatorCommand | None:
        async with self.store.begin() as tx:
            command = await tx.operator_commands.claim(self.worker, self.lease)
            if command is None:
                return None
            # One that only looks again for its closes was not given up by anybody.
            if not command.waits or command.attempts > 1:
                why = f"claimed by {self.worker}, the {command.claim}. time"
                now = await tx.now()
                await tx.history.append(record(Action.COMMAND_CLAIMED, command, now, why))
        return command

    async def _carry_out(self, command: OperatorCommand) -> OperatorCommand | None:
        """One claimed command as it stands afterwards; None when somebody else holds it."""
        try:
            if command.attempts > _MOST_ATTEMPTS:
                raise Ends(_S.FAILED, "gave_up")
            if command.type.closes:
                return await self._close(command)
            if command.type is CommandType.RELOAD_PARAMS:
                return await self._reload(command)
            return await self._control(command)
        except Ends as end:
            return await self._end(command, end)

    async def _end(self, command: OperatorCommand, end: Ends) -> OperatorCommand | None:
        async with self.store.begin() as tx:
            mine = await held(tx, command)
            if mine is None:
                return None
            now = await tx.now()
            after, entry = await finish(tx, mine, end.status, now, reason=end.reason, **end.facts)
            await tx.history.append(entry)
        return after

    async def _may_begin(self, tx: Transaction, command: OperatorCommand, now: datetime) -> None:
        await may_begin(
            tx, command, now, is_live=self.broker.is_live, live_enabled=self.live_enabled
        )

    async def _control(self, command: OperatorCommand) -> OperatorCommand | None:
        """Move the trading state: effect, note and end are one transaction."""
        at = await market_time(self.market)
        wish = await self._wish(command)
        async with self.store.begin() as tx:
            control = await tx.controls.take()
            mine = await held(tx, command)
            if mine is None:
                return None
            now = await tx.now()
            await self._may_begin(tx, mine, now)
            started = record(Action.COMMAND_STARTED, mine, now, "started", market_time=at)
            if command.type.resumes:
                wish = replace(wish, expected=await version_to_lift(tx, mine, control))
            before, after, entries = await self._change(tx, mine, wish, at)
            action = {
                "action": command.type.lower(),
                **({"symbol": wish.symbol} if wish.symbol else {}),
                "outcome": "done",
                "before": str(before.state),
                "after": str(after.state),
            }
            mine = replace(mine, result={**mine.result, "actions": [action]})
            versions = {"before": before.version, "after": after.version}
            ended, end = await finish(tx, mine, _S.SUCCEEDED, now, control=versions)
            await tx.history.extend([started, *entries, done(mine, now, action), end])
        return ended

    async def _wish(self, command: OperatorCommand) -> Wish:
        kind, pair = command.type, command.payload.pair
        if pair is not None:
            try:
                return self.change_control.to_symbol(pair, paused=not kind.resumes)
            except InvalidInput as error:
                raise Ends(_S.FAILED, "not_watched", message=str(error)) from error
        return await self.change_control.to_resume() if kind.resumes else PAUSE

    async def _change(
        self, tx: Transaction, command: OperatorCommand, wish: Wish, at: datetime | None
    ) -> tuple[Control, Control, list[Entry]]:
        try:
            return await self.change_control.within(tx, command.person_id, wish, market_time=at)
        except NotAllowed as error:
            raise Ends(_S.FAILED, "not_allowed") from error
        except WouldHalt as error:
            raise Ends(_S.FAILED, "would_halt", message=str(error)) from error
        except Outdated as error:
            raise Ends(_S.FAILED, "overtaken", message=str(error)) from error
        except IllegalMove as error:
            raise Ends(_S.SKIPPED, "already", message=str(error)) from error

    async def _close(self, command: OperatorCommand) -> OperatorCommand | None:
        """Ask for the closes, or look after those that were asked for till each has its end."""
        if "actions" in command.result:
            return await self._pursue(command)
        try:
            positions = await self.broker.positions()
        except BrokerSilent:
            return await self._wait_for_venue(command)
        asked, after = await self._ask(command, positions)
        for client_id in asked:
            await self.bell.ring("send_position_order", client_id)
        return after

    async def _ask(
        self, command: OperatorCommand, positions: tuple[Position, ...]
    ) -> tuple[list[str], OperatorCommand | None]:
        async with self.store.begin() as tx:
            mine = await held(tx, command)
            if mine is None:
                return [], None
            now = await tx.now()
            await self._may_begin(tx, mine, now)
            entries = [record(Action.COMMAND_STARTED, mine, now, "started")]
            actions = []
            for position in concerned(mine, positions):
                action, entry = await ask(tx, mine, self.broker.account_id, position, now)
                entries += [*([entry] if entry else []), done(mine, now, action)]
                actions.append(action)
            arriving = [order.client_id for order in await tx.orders.unproven()]
            mine = replace(mine, result={"actions": actions, "arriving": arriving})
            if actions:
                after = await _release(tx, mine, now)
            else:
                after, end = await finish(tx, mine, _S.SUCCEEDED, now, reason="nothing_open")
                entries.append(end)
            await tx.history.extend(entries)
        return [a["client_id"] for a in actions if a["outcome"] == "asked"], after

    async def _pursue(self, command: OperatorCommand) -> OperatorCommand | None:
        async with self.store.begin() as tx:
            mine = await held(tx, command)
            if mine is None:
                return None
            now = await tx.now()
            actions = await ends(tx, mine)
            if actions is None:
                return await _release(tx, mine, now)
            mine = replace(mine, result={**mine.result, "actions": actions})
            failed = any(action["outcome"] == "failed" for action in actions)
            status, reason = (_S.FAILED, "not_closed") if failed else (_S.SUCCEEDED, None)
            after, end = await finish(tx, mine, status, now, reason=reason)
            await tx.history.extend([*(done(mine, now, action) for action in actions), end])
        return after

    async def _wait_for_venue(self, command: OperatorCommand) -> OperatorCommand | None:
        async with self.store.begin() as tx:
            mine = await held(tx, command)
            if mine is None:
                return None
            now = await tx.now()
            if mine.claimed_at is not None and now - mine.claimed_at < _PATIENCE:
                return await _release(tx, mine, now)
        raise Ends(_S.FAILED, "broker_silent")

    async def _reload(self, command: OperatorCommand) -> OperatorCommand | None:
        async with self.store.begin() as tx:
            mine = await held(tx, command)
            if mine is None:
                return None
            now = await tx.now()
            await self._may_begin(tx, mine, now)
            started = record(Action.COMMAND_STARTED, mine, now, "started")
            try:
                found = await self.reload_params(tx)
            except TraderError as error:
                raise Ends(_S.FAILED, "not_readable", message=str(error)) from error
            action = {"action": "reload_params", "outcome": "done", **found}
            mine = replace(mine, result={"actions": [action]})
            after, end = await finish(tx, mine, _S.SUCCEEDED, now)
            await tx.history.extend([started, done(mine, now, action), end])
        return after


async def _release(tx: Transaction, command: OperatorCommand, now: datetime) -> OperatorCommand:
    """Let a command go that has to wait; any worker looks at it again."""
    after = replace(command, attempts=0, waits=True, lease_until=now + _AGAIN)
    await tx.operator_commands.save(after)
    return after
