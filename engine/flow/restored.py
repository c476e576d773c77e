"""After a restore: the world went on without this copy, so nothing in it may act by itself."""

from contextlib import suppress
from dataclasses import dataclass

from engine.domain.change_proposal import ProposalState
from engine.domain.order import OrderState
from engine.domain.position_orders import PositionOrderState
from engine.errors import IllegalMove
from engine.flow.change_answers import close
from engine.flow.halts import ChangeControl
from engine.flow.order_outcomes import in_doubt, record
from engine.flow.position_records import keep
from engine.ports import Bell, Store

_REASON = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How many orders nobody knows the end of, how many closes and moves were cancelled, and how
    many proposals to change the configuration were ended.
    """

    unknown: int
    cancelled: int
    proposals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleRestored:
    """Stop trading, leave the end of every order that was decided or under way to be looked up,
    cancel what was wanted of open trades, and end the proposals that waited: nobody's silence in
    the copy may stop trading, and no answer to it may apply what was settled since.

    What the copy has as INTENT may have been sent after the copy was made, so it is no less unknown
    than a SENDING.
    """

    store: Store
    bell: Bell
    change_control: ChangeControl

    async def __call__(self) -> Settled:
        async with self.store.begin() as tx:
            orders = [
                order
                for state in (OrderState.INTENT, OrderState.SENDING)
                for order in await tx.orders.in_state(state)
            ]
        # Before the stop, which would cancel an INTENT as if it could not have left.
        doubts = [in_doubt(order, "it was under way in a backup") for order in orders]
        await record(self.store, self.bell, doubts)
        # One that was stopped when the copy was made has nothing queued.
        with suppress(IllegalMove):
            await self.change_control.stop(None)
        return Settled(
            unknown=len(orders),
            cancelled=await self._cancel_exits(),
            proposals=await self._end_proposals(),
        )

    async def _cancel_exits(self) -> int:
        async with self.store.begin() as tx:
            now = await tx.now()
            entries = []
            for state in (PositionOrderState.ASKED, PositionOrderState.INTENT):
                for order in await tx.position_orders.in_state(state):
                    after = order.move(PositionOrderState.CANCELLED, reason=_REASON)
                    entry = await keep(
                        tx, order, after, now, rationale="it waited in a backup that was restored"
                    )
                    if entry is not None:
                        entries.append(entry)
            await tx.history.extend(entries)
            return len(entries)

    async def _end_proposals(self) -> int:
        async with self.store.begin() as tx:
            # Before the proposals: so does everyone who needs both.
            await tx.controls.take()
            now = await tx.now()
            entries = [
                await close(tx, one.end(ProposalState.STALE, at=now), None, None)
                for one in await tx.change_proposals.pending()
            ]
            await tx.history.extend(entries)
            return len(entries)
