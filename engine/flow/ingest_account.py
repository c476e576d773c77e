"""Keep a reading of the account at intervals, by one worker at a time."""

from dataclasses import dataclass, replace
from datetime import timedelta

from engine.domain.stream import StreamKey, StreamTrouble, in_step
from engine.errors import BrokerSilent
from engine.ports import Broker, Store

#: Longer than a venue may take to answer.
_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAccount:
    """Read the account when that is due and keep its figures; True when it did.

    Raises :class:`BrokerSilent`; it is due again after ``every`` then as well.
    """

    store: Store
    broker: Broker
    holder: str
    every: timedelta

    async def __call__(self) -> bool:
        key: StreamKey = (self.broker.account_id, None)
        async with self.store.begin() as tx:
            await tx.streams.enlist("account", [key])
            taken = await tx.streams.take(
                "account", [key], most=1, lease=_LEASE, holder=self.holder
            )
            now = await tx.now()
        if not taken:
            return False
        state = replace(taken[0], due_at=in_step(taken[0], self.every, now))
        try:
            account = await self.broker.account()
            positions = await self.broker.positions()
        except BrokerSilent:
            failed = replace(
                state, checked_at=now, failures=state.failures + 1, trouble=StreamTrouble.SILENT
            )
            async with self.store.begin() as tx:
                await tx.streams.settle(failed)
            raise
        async with self.store.begin() as tx:
            if not await tx.streams.hold(state, _LEASE):
                return False
            await tx.streams.keep_account(account, len(positions), account.captured_at)
            good = replace(state, checked_at=now, good_at=now, failures=0, trouble=None)
            await tx.streams.settle(good)
        return True
