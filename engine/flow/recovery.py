"""Start is recovery: verify the history, look up what was being sent, read the venue, go on."""

from dataclasses import dataclass, replace

from engine.domain.state import HaltReason, TradingState
from engine.errors import BrokerSilent
from engine.flow.latch import halt, market_time, owed, stop_unrecorded
from engine.flow.position_sending import ResolvePositionOrders
from engine.flow.reconcile import ResolveOrders, SyncBroker
from engine.ports import Auditor, Fault, MarketData, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Faults of the history, and whether the venue answered and its truth was written down."""

    records: int
    faults: tuple[Fault, ...]
    venue_answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """Bring a stopped product back, by the same steps whether it was stopped or killed.

    A history that does not verify halts trading; the chat stays up to say so. A stop that was
    pulled without a record gets it here.
    """

    store: Store
    auditor: Auditor
    market: MarketData
    resolve_orders: ResolveOrders
    resolve_position_orders: ResolvePositionOrders
    sync_broker: SyncBroker

    async def __call__(self) -> Recovered:
        records, faults = await self.auditor.verify()
        await self._make_up()
        if faults:
            await self._halt()
        if await self._owes():
            # What the venue says could not be written down either.
            return Recovered(records=records, faults=faults, venue_answered=False)
        try:
            await self.resolve_orders()
            await self.resolve_position_orders()
            await self.sync_broker()
        except BrokerSilent:
            return Recovered(records=records, faults=faults, venue_answered=False)
        return Recovered(records=records, faults=faults, venue_answered=True)

    async def _make_up(self) -> None:
        """Write what an unrecorded stop owes; while that still fails, it stays owed."""
        try:
            async with self.store.begin() as tx:
                control = await tx.controls.take()
                entries = await owed(tx, control)
                if not entries:
                    return
                told = replace(
                    control, reason=str(HaltReason.AUDIT_FAILURE), version=control.version + 1
                )
                await tx.controls.save(told)
                for entry in entries:
                    await tx.history.append(entry)
        except Exception:
            # Whatever a database says when its history cannot be written.
            return

    async def _owes(self) -> bool:
        async with self.store.begin() as tx:
            control = await tx.controls.read()
        return control.reason == HaltReason.STOP_UNRECORDED

    async def _halt(self) -> None:
        at = await market_time(self.market)
        try:
            async with self.store.begin() as tx:
                control = await tx.controls.take()
                if control.state is TradingState.EMERGENCY_STOP:
                    return
                reason = HaltReason.AUDIT_FAILURE
                if control.state is TradingState.HALTED and control.reason == reason:
                    return
                entries = await halt(tx, control, reason, market_time=at)
                await tx.history.extend(entries)
        except Exception:
            async with self.store.begin() as tx:
                await stop_unrecorded(tx, by="system")
