"""The queue of model signals, and the server they are pushed to."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from engine.domain.signal import (
    Ack,
    Answer,
    Contact,
    QueuedSignal,
    Signal,
    SignalState,
    StateCount,
)


class SignalQueue(Protocol):
    """Signals on their way. All times are the database's; an age counts from the signal's own
    timestamp, or from when it was queued if that was earlier.
    """

    async def put(self, signal: Signal) -> bool:
        """Queue a signal behind the others; False when its id is there already, whatever it says
        now.
        """
        ...

    async def get(self, signal_id: UUID) -> QueuedSignal | None:
        """One signal."""
        ...

    async def ack(self, signal_id: UUID) -> Ack | None:
        """The acknowledgement of a signal."""
        ...

    async def claim(self, limit: int, lease: timedelta) -> tuple[QueuedSignal, ...]:
        """Hold the oldest that may be sent now, for so long, in their order.

        Nobody else is given them meanwhile. One that waits behind an earlier signal of its symbol,
        which somebody else holds or which has to wait, is not among them.
        """
        ...

    async def begin(
        self, claimed: QueuedSignal, *, lease: timedelta, life: timedelta
    ) -> QueuedSignal | None:
        """Count an attempt and hold all of its claim for so long from now.

        None when it must not be sent: the claim was lost, or it is older than its life.
        """
        ...

    async def sent(self, signal_id: UUID, ticket: int | None) -> bool:
        """SENT with its acknowledgement, from any other state: who says so has the proof. False
        when it was so before; the first acknowledgement is kept.
        """
        ...

    async def failed(self, claimed: QueuedSignal, reason: str) -> bool:
        """FAILED for good; False when the claim was lost."""
        ...

    async def later(self, claimed: QueuedSignal, reason: str, pause: timedelta) -> bool:
        """PENDING again, not to be sent before the pause is over; False when the claim was lost."""
        ...

    async def release(self, claim: UUID) -> None:
        """Let go of what a claim still holds."""
        ...

    async def expire(self, life: timedelta, why: str) -> int:
        """Make what waits, is held by nobody and is older than its life EXPIRED; how many."""
        ...

    async def states(self, window: timedelta) -> Mapping[SignalState, StateCount]:
        """What was queued within the window, by state; states without signals are left out."""
        ...

    async def totals(self) -> Mapping[SignalState, int]:
        """Every signal ever queued, by state."""
        ...

    async def recent(self, state: SignalState, limit: int) -> Sequence[QueuedSignal]:
        """The last ones queued that are in a state, newest first."""
        ...


class SignalLine(Protocol):
    """An open way to the server."""

    async def send(self, signal: Signal) -> Answer:
        """Send a signal, once. Raises nothing for what the server or the way to it does."""
        ...


class SignalServer(Protocol):
    """Somebody's EA server."""

    @property
    def address(self) -> str:
        """Host and port."""
        ...

    @property
    def url(self) -> str:
        """Where signals go."""
        ...

    @property
    def patience(self) -> timedelta:
        """How long an answer may take."""
        ...

    async def test(self) -> Contact:
        """Ask whether it is there; sends no signal."""
        ...
