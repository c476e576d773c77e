"""After a restore: the world went on without this copy, so nothing in it may act by itself."""

from contextlib import suppress
from dataclasses import dataclass

from engine.domain.position_orders import PositionOrderState
from engine.errors import IllegalMove
from engine.flow.halts import ChangeControl
from engine.flow.position_records import keep
from engine.ports import Store

_REASON = "restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleRestored:
    """Stop trading, which cancels every order that was decided and not sent, and cancel what was
    wanted of open trades. Orders that were under way stay: the venue is asked about them.
    """

    store: Store
    change_control: ChangeControl

    async def __call__(self) -> int:
        """How many closes and moves were cancelled."""
        # One that was stopped when the copy was made has nothing queued.
        with suppress(IllegalMove):
            await self.change_control.stop(None)
        async with self.store.begin() as tx:
            now = await tx.now()
            entries = []
            for state in (PositionOrderState.ASKED, PositionOrderState.INTENT):
                for order in await tx.position_orders.in_state(state):
                    after = order.move(PositionOrderState.CANCELLED, reason=_REASON)
                    record = await keep(
                        tx, order, after, now, rationale="it waited in a backup that was restored"
                    )
                    if record is not None:
                        entries.append(record)
            await tx.history.extend(entries)
            return len(entries)
