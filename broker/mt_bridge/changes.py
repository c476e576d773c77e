"""Closes and other levels of open trades, as commands of the terminal."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from broker.mt_bridge.link import Link
from broker.mt_bridge.orders import is_lost, is_open, plain, why_not
from engine.domain.account import Position
from engine.domain.position_orders import PositionChange
from engine.domain.terminal import Command, CommandType, Draft
from engine.errors import BrokerRefused, BrokerSilent
from engine.ports import NotFound, Transaction


@dataclass(frozen=True, kw_only=True)
class Changes(Link):
    """The half of the port ``Broker`` that is about open trades."""

    @abstractmethod
    async def positions(self) -> tuple[Position, ...]:
        """Open trades now."""

    async def close(
        self, position_id: str, *, volume_left: Decimal, client_id: str
    ) -> PositionChange:
        """Close down to so many lots."""
        fields = {"position": _number(position_id), "keep": f"{volume_left:f}"}
        (command,) = await self._change(client_id, {client_id: (CommandType.CLOSE, fields)})
        return _closed(command, position_id)

    async def modify(
        self,
        position_id: str,
        *,
        stop_loss: Decimal | None = None,
        take_profit: tuple[Decimal, ...] = (),
        client_id: str,
    ) -> PositionChange:
        """Another stop, or another target: a position at MetaTrader has one."""
        if len(take_profit) > 1:
            raise BrokerRefused("a position at MetaTrader has one target")
        number = _number(position_id)
        wanted = {}
        if stop_loss is not None:
            fields = {"position": number, "sl": f"{stop_loss:f}"}
            wanted[f"{client_id}-sl"] = (CommandType.MOVE_SL, fields)
        if take_profit:
            fields = {"position": number, "tp": f"{take_profit[0]:f}"}
            wanted[f"{client_id}-tp"] = (CommandType.SET_TP, fields)
        commands = await self._change(client_id, wanted)
        return await self._modified(commands, position_id, client_id)

    async def _change(
        self, client_id: str, wanted: dict[str, tuple[CommandType, dict[str, object]]]
    ) -> tuple[Command, ...]:
        async def make(tx: Transaction) -> list[Draft]:
            await self.tradeable(tx)
            return [
                Draft(
                    id=name, account_id=self.account_id, type=type_, fields=fields,
                    client_id=client_id,
                )
                for name, (type_, fields) in wanted.items()
            ]  # fmt: skip

        return await self.carry_out(client_id, make)

    async def _modified(
        self, commands: Sequence[Command], position_id: str, client_id: str
    ) -> PositionChange:
        done = [c for c in commands if c.result is not None and c.result.is_dealt]
        if is_open(commands) or is_lost(commands) or 0 < len(done) < len(commands):
            raise BrokerSilent("the terminal has not said of everything what became of it")
        if not done:
            raise BrokerRefused(why_not(commands))
        end = max(c.finished_at for c in done if c.finished_at is not None)
        return PositionChange(
            client_id=client_id,
            position_id=position_id,
            volume_left=await self._left(position_id, end),
            time=end,
        )

    async def _left(self, position_id: str, end: datetime) -> Decimal:
        """What is open of a position whose levels were set by an instant: nothing, when a later
        snapshot does not show it. Raises :class:`BrokerSilent` until there is one.
        """
        async with self.store.begin() as tx:
            _, shown, _ = await self.shown(tx)
        for told in shown.positions:
            if str(told["id"]) == position_id:
                return Decimal(told["volume"])
        if not shown.at > end:
            raise BrokerSilent(f"position {position_id} does not show yet")
        return Decimal(0)

    async def look_up_change(self, client_id: str) -> PositionChange | NotFound:
        """What became of a close or a modification, by its commands."""
        async with self.store.begin() as tx:
            commands = await self.ended(tx, client_id, client_id)
            late = await self._late_close(tx, commands)
        if not commands:
            return NotFound(proven=True)
        first = commands[0]
        if late is not None:
            return late
        try:
            if first.type is CommandType.CLOSE:
                return _closed(first, str(first.position))
            return await self._modified(commands, str(first.position), client_id)
        except BrokerRefused:
            return NotFound(proven=True)
        except BrokerSilent:
            if not is_lost(commands):
                raise
            return NotFound(proven=False)

    async def _late_close(
        self, tx: Transaction, commands: Sequence[Command]
    ) -> PositionChange | None:
        """A close that was dealt although the terminal had found no trace of it."""
        if not is_lost(commands) or commands[0].type is not CommandType.CLOSE:
            return None
        deals = [deal for deal in await self.dealt(tx, commands) if deal["entry"] != 0]
        if not deals:
            return None
        first, position = commands[0], str(commands[0].position)
        shown = await tx.snapshots.last(self.account_id)
        left = [p for p in (shown.positions if shown else ()) if str(p["id"]) == position]
        return PositionChange(
            client_id=first.client_id or first.id,
            position_id=position,
            volume_left=Decimal(left[0]["volume"]) if left else Decimal(0),
            time=datetime.fromisoformat(deals[0]["at"]),
            price=Decimal(deals[0]["price"]),
            volume_closed=sum((Decimal(deal["volume"]) for deal in deals), Decimal(0)),
        )


def _number(position_id: str) -> int:
    if not (position_id.isascii() and position_id.isdigit()):
        raise BrokerRefused(f"there is no position {position_id[:24]}")
    return int(position_id)


def _closed(command: Command, position_id: str) -> PositionChange:
    """What a CLOSE did; raises as the port says."""
    result = command.result
    if is_open([command]) or is_lost([command]):
        raise BrokerSilent("the terminal has not said what became of the close")
    if result is None or not result.is_dealt:
        raise BrokerRefused(why_not([command]))
    assert command.finished_at is not None
    return PositionChange(
        client_id=command.client_id or command.id,
        position_id=position_id,
        volume_left=plain(result.remaining),
        time=command.finished_at,
        price=plain(result.price),
        volume_closed=plain(result.volume),
    )
