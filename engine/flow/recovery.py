"""Start is recovery: verify the history, look up what was being sent, read the venue, go on."""

from dataclasses import dataclass, replace

from engine.domain.state import HaltReason, TradingState
from engine.errors import BrokerSilent, HistoryBroken
from engine.flow.halts import halt, stop_unrecorded
from engine.flow.reconcile import ResolveOrders, SyncBroker
from engine.ports import Auditor, Fault, MarketData, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What was found: faults of the history, and whether the venue answered."""

    records: int
    faults: tuple[Fault, ...]
    venue_answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """Bring a stopped product back, by the same steps whether it was stopped or killed.

    A history that does not verify halts trading; the chat stays up to say so.
    """

    store: Store
    auditor: Auditor
    market: MarketData
    resolve_orders: ResolveOrders
    sync_broker: SyncBroker

    async def __call__(self) -> Recovered:
        records, faults = await self.auditor.verify()
        if faults:
            await self._halt()
        try:
            await self.resolve_orders()
            await self.sync_broker()
        except BrokerSilent:
            return Recovered(records=records, faults=faults, venue_answered=False)
        return Recovered(records=records, faults=faults, venue_answered=True)

    async def _halt(self) -> None:
        market_time = await self.market.instant()
        try:
            async with self.store.begin() as tx:
                control = await tx.controls.take()
                if control.state is TradingState.EMERGENCY_STOP:
                    return
                if control.state is TradingState.HALTED:
                    # Halted for another reason: whoever resumes must know of this one.
                    await tx.controls.save(
                        replace(
                            control,
                            reason=str(HaltReason.AUDIT_FAILURE),
                            version=control.version + 1,
                        )
                    )
                    return
                reason = HaltReason.AUDIT_FAILURE
                entries = await halt(tx, control, reason, market_time=market_time)
                await tx.history.extend(entries)
        except HistoryBroken:
            async with self.store.begin() as tx:
                await stop_unrecorded(tx)
