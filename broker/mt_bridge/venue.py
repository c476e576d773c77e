"""The port ``Broker`` over a terminal's queue: orders become commands, snapshots its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from broker.metatrader.legs import Symbol
from broker.metatrader.trades import closed_trades, position_of
from broker.mt_bridge.changes import Changes
from broker.mt_bridge.orders import drafts, fill_of, is_lost, outcome
from engine.domain.account import Account, Position
from engine.domain.order import ClosedTrade, Fill, Order
from engine.domain.terminal import (
    Command,
    Draft,
)
from engine.errors import BrokerRefused
from engine.flow.terminal_sync import account_of
from engine.ports import (
    Found,
    NotFound,
    Transaction,
)

#: After a result "not executed" a trade may still appear for so long.
_SETTLE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class MtBridge(Changes):
    """A MetaTrader account behind the Expert Advisor.

    An order is queued once. Its answer is waited for so long that a command nobody fetched can
    still be taken back, which proves that it was not done, before the caller's patience ends. What
    was fetched and not answered stays open.
    """

    is_live: bool = False
    deviation_points: int = 30
    command_life: timedelta = timedelta(seconds=15)

    async def submit(self, order: Order) -> Fill:
        """Queue the order as one command per target, and wait for what becomes of it."""
        commands = await self.carry_out(order.client_id, lambda tx: self._opening(tx, order))
        return outcome(order.client_id, commands)

    async def _opening(self, tx: Transaction, order: Order) -> list[Draft]:
        control = await tx.controls.hold()
        if not control.may_open:
            raise BrokerRefused(f"trading is {control.state}")
        if order.symbol in control.paused_symbols:
            raise BrokerRefused(f"{order.symbol} is paused")
        terminal, _, now = await self.tradeable(tx)
        name = (await tx.snapshots.mapped(self.account_id)).get(order.symbol)
        told = await tx.snapshots.symbols(self.account_id, [name] if name else [])
        if name is None or name not in told:
            raise BrokerRefused(f"the terminal shows no {order.symbol}")
        return drafts(
            order,
            Symbol.of(told[name]),
            hedges=terminal.hedges,
            deviation_points=self.deviation_points,
            expires_at=min(order.valid_until, now + self.command_life),
        )

    async def look_up(self, client_id: str) -> Found | NotFound:
        """What became of an order: by its commands, and by what the account shows."""
        async with self.store.begin() as tx:
            commands = await self.ended(tx, client_id, f"{client_id}-1")
            fill = fill_of(client_id, commands)
            if fill is not None:
                return Found(fill)
            if not is_lost(commands):
                return NotFound(proven=True)
            late = await self._late(tx, client_id, commands)
            if late is not None:
                return Found(late)
            return NotFound(proven=await self._settled(tx, commands))

    async def _late(
        self, tx: Transaction, client_id: str, commands: Sequence[Command]
    ) -> Fill | None:
        """A trade that shows although the terminal had found no trace of it, open or ended."""
        shown = await tx.snapshots.last(self.account_id)
        magics = {command.magic for command in commands}
        found = [
            (p["id"], p["price_open"], p["volume"], p["at"])
            for p in (shown.positions if shown else ())
            if p["magic"] in magics
        ]
        if not found:
            found = [
                (deal["position"], deal["price"], deal["volume"], deal["at"])
                for deal in await self.dealt(tx, commands)
                if deal["entry"] == 0
            ]
        if not found:
            return None
        identifier, price, _, at = found[0]
        return Fill(
            client_id=client_id,
            broker_id=str(identifier),
            price=Decimal(price),
            volume=sum((Decimal(volume) for _, _, volume, _ in found), Decimal(0)),
            time=datetime.fromisoformat(at),
        )

    async def _settled(self, tx: Transaction, commands: Sequence[Command]) -> bool:
        """Whether the account was shown without it after the time in which it might appear."""
        shown = await tx.snapshots.last(self.account_id)
        ends = [c.finished_at for c in commands if c.finished_at is not None]
        return shown is not None and bool(ends) and shown.at >= max(ends) + _SETTLE

    async def account(self) -> Account:
        async with self.store.begin() as tx:
            _, shown, _ = await self.shown(tx)
        return account_of(self.account_id, shown.account, shown.at)

    async def positions(self) -> tuple[Position, ...]:
        async with self.store.begin() as tx:
            _, shown, _ = await self.shown(tx)
            ours = await self._our_names(tx)
            orders = await self._orders(tx, [told["magic"] for told in shown.positions])
            symbols = await tx.snapshots.symbols(
                self.account_id, {told["symbol"] for told in shown.positions}
            )
        return tuple(
            position_of(
                told,
                ours.get(told["symbol"], told["symbol"][:24]),
                orders.get(told["magic"]),
                digits=symbols.get(told["symbol"], {}).get("digits"),
            )
            for told in shown.positions
        )

    async def closed_since(self, after: datetime) -> tuple[ClosedTrade, ...]:
        async with self.store.begin() as tx:
            _, shown, _ = await self.shown(tx)
            deals = await tx.snapshots.deals_of_closed(self.account_id, after)
            ours = await self._our_names(tx)
            orders = await self._orders(tx, [deal["magic"] for deal in deals])
        open_ids = frozenset(told["id"] for told in shown.positions)
        owners = {magic: order.client_id for magic, order in orders.items()}
        trades = closed_trades(deals, open_ids, ours, owners)
        return tuple(trade for trade in trades if trade.closed_at > after)

    async def _our_names(self, tx: Transaction) -> dict[str, str]:
        mapped = await tx.snapshots.mapped(self.account_id)
        return {name: symbol for symbol, name in mapped.items()}

    async def _orders(self, tx: Transaction, magics: Sequence[int]) -> dict[int, Order]:
        commands = await tx.commands.of_magics(self.account_id, set(magics))
        named = {c.client_id for c in commands if c.client_id is not None}
        orders = {order.client_id: order for order in await tx.orders.many(named)}
        return {
            c.magic: orders[c.client_id] for c in commands if c.client_id in orders and c.client_id
        }
