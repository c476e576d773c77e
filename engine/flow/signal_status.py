"""How the signal queue stands, and whether the EA server it is pushed to is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.domain.diagnosis import Finding, Level
from engine.domain.person import Role
from engine.domain.signal import Contact, QueuedSignal, SignalState, StateCount
from engine.domain.state import TradingState
from engine.flow.signals import allowed
from engine.ports import SignalServer, Store

#: What the status of source 003 is about.
PERIOD = timedelta(hours=24)
#: Names of heartbeats: the pusher's own, and the last connection test.
PUSHER, TESTED = "push", "signal-server"
_ALIVE = timedelta(seconds=30)
_FAILURES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """The queue's last 24 hours by state, what failed last, and counts since the beginning.

    ``server`` is where signals go, None when they are not pushed; ``held`` is the trading state
    that lets none leave. ``generated``, ``sent`` and ``failed`` are ``ea_signals_…_total`` of
    source 003; ``connection`` is ``ea_connection_test_success``: the last test, if there was one.
    """

    server: str | None
    states: Mapping[SignalState, StateCount]
    failures: Sequence[QueuedSignal]
    held: TradingState | None
    generated: int
    sent: int
    failed: int
    connection: bool | None

    def count(self, state: SignalState) -> int:
        """How many of the last 24 hours are in a state."""
        found = self.states.get(state)
        return 0 if found is None else found.count


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSignalQueue:
    """How the queue stands. ``server`` is None when nothing is pushed."""

    store: Store
    server: SignalServer | None

    async def __call__(self, person_id: int | None) -> QueueStatus:
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.VIEWER)
            control = await tx.controls.read()
            totals = await tx.signal_queue.totals()
            tested = (await tx.heartbeats.seen()).get(TESTED)
            return QueueStatus(
                server=None if self.server is None else self.server.address,
                states=await tx.signal_queue.states(PERIOD),
                failures=await tx.signal_queue.recent(SignalState.FAILED, _FAILURES),
                held=None if control.may_open else control.state,
                generated=sum(totals.values()),
                sent=totals.get(SignalState.SENT, 0),
                failed=totals.get(SignalState.FAILED, 0),
                connection=None if tested is None else bool(tested.detail["connected"]),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckConnection:
    """Ask the EA server whether it is there, and note what it said."""

    store: Store
    server: SignalServer

    async def __call__(self, person_id: int | None) -> Contact:
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.VIEWER)
        contact = await self.server.test()
        async with self.store.begin() as tx:
            await tx.heartbeats.beat(
                TESTED, {"connected": contact.connected, "reach": str(contact.reach)}
            )
        return contact


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPushFaults:
    """What keeps signals from being pushed, as findings: nobody pushes, or nobody is there."""

    check: CheckConnection

    async def __call__(self) -> Sequence[Finding]:
        facts: dict[str, str | int] = {"server": self.check.server.address}
        found = []
        async with self.check.store.begin() as tx:
            now, seen = await tx.now(), await tx.heartbeats.seen()
        beats = [beat.at for name, beat in seen.items() if name.split(":")[0] == PUSHER]
        if not beats or not now - max(beats) <= _ALIVE:
            found.append(Finding(code="push_nobody", level=Level.WARNING, facts=facts))
        contact = await self.check(None)
        if not contact.connected:
            found.append(finding(contact, self.check.server))
        return found


def finding(contact: Contact, server: SignalServer) -> Finding:
    """A failed connection test as a finding, with the facts of its words."""
    facts: dict[str, str | int] = {
        "server": server.address,
        "seconds": round(server.patience.total_seconds()),
        "status": contact.status or 0,
    }
    return Finding(code=f"push_{contact.reach}", level=Level.WARNING, facts=facts)
