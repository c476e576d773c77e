"""Queue a model's signal, and push what waits to an EA server."""

import asyncio
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import timedelta

from engine.domain.person import Role
from engine.domain.signal import (
    Answer,
    AnswerKind,
    Forecast,
    QueuedSignal,
    Signal,
    SignalState,
    signal_of,
)
from engine.domain.state import Control, TradingState
from engine.flow.people import person_at_least
from engine.ports import SignalLine, Store, Transaction

#: Source 003: so many signals a round.
BATCH = 100
#: A signal that is neither taken nor refused is sent so often; its life usually ends before.
ATTEMPTS = 8
_LONGEST_PAUSE = timedelta(minutes=2)
#: Two calls in a row without an answer mean that nobody is there; one may be that signal's fault.
_SILENCES = 2


async def allowed(tx: Transaction, person_id: int | None, role: Role) -> None:
    """Raise ``NotAllowed`` for people below a role; None is a machine, or the command line."""
    if person_id is not None:
        await person_at_least(tx, person_id, role)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSignal:
    """Make a forecast a signal and queue it: None when it is no signal, and else whether it is a
    new one, beside it.
    """

    store: Store

    async def __call__(
        self, person_id: int | None, forecast: Forecast, *, force: bool = False
    ) -> tuple[Signal, bool] | None:
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.TRADER)
            signal = signal_of(forecast, force=force)
            return None if signal is None else (signal, await tx.signal_queue.put(signal))


@dataclass(slots=True)
class Pushed:
    """What a round did. ``waiting`` were put off; ``held`` is the trading state that lets no signal
    leave, if it does not.
    """

    sent: int = 0
    failed: int = 0
    expired: int = 0
    waiting: int = 0
    held: TradingState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSignals:
    """Send up to a hundred signals, one after the other, each symbol's in their order.

    1. What is older than ``life`` is EXPIRED, never sent late. A halt or a stop takes back all that
       waits; a pause lets nothing leave.
    2. The oldest are claimed for this round alone.
    3. Each attempt is counted and committed, then sent while the trading state is held, so that no
       signal leaves after a stop. ``patience`` is how long a call may take, ``slack`` what a round
       needs around it before somebody else may take up what it holds, ``first_pause`` the time to
       the second attempt.
    4. The answer is committed. A process that dies before leaves a lease that runs out: the signal
       is sent again, with the id by which its receiver knows it.
    """

    store: Store
    line: SignalLine
    life: timedelta
    patience: timedelta
    slack: timedelta = timedelta(seconds=20)
    first_pause: timedelta = timedelta(seconds=5)

    async def __call__(self, person_id: int | None = None) -> Pushed:
        pushed = Pushed()
        async with self.store.begin() as tx:
            await allowed(tx, person_id, Role.TRADER)
            control = await tx.controls.read()
            pushed.expired = await self._expire(tx, control)
            claimed: Sequence[QueuedSignal] = ()
            if control.may_open:
                claimed = await tx.signal_queue.claim(BATCH, self.patience + self.slack)
            else:
                pushed.held = control.state
        if claimed:
            await _Round(self, pushed).run(claimed)
            async with self.store.begin() as tx:
                claim = claimed[0].claim
                assert claim is not None
                await tx.signal_queue.release(claim)
                pushed.expired += await self._expire(tx, await tx.controls.read())
        return pushed

    async def _expire(self, tx: Transaction, control: Control) -> int:
        if control.state in (TradingState.HALTED, TradingState.EMERGENCY_STOP):
            return await tx.signal_queue.expire(timedelta(0), f"trading is {control.state}")
        return await tx.signal_queue.expire(self.life, "too old")

    async def attempt(self, claimed: QueuedSignal) -> tuple[QueuedSignal, Answer] | None:
        """Send one signal, once; None when it must not leave now."""
        lease = self.patience + self.slack
        async with self.store.begin() as tx:
            if not _may_leave(claimed.signal, await tx.controls.read()):
                return None
            begun = await tx.signal_queue.begin(claimed, lease=lease, life=self.life)
        if begun is None:
            return None
        sending = await self._start(begun.signal)
        return None if sending is None else (begun, await sending)

    async def _start(self, signal: Signal) -> "asyncio.Task[Answer] | None":
        """Start the call while the trading state is held: a stop waits for the lock, so that after
        its commit none can start; it does not wait for the answer.
        """
        # The call must not inherit this transaction's connection.
        outside = copy_context()
        sending = None
        try:
            async with self.store.begin() as tx:
                control = await tx.controls.hold()
                if _may_leave(signal, control):
                    loop = asyncio.get_running_loop()
                    sending = loop.create_task(self.line.send(signal), context=outside)
                    await asyncio.sleep(0)
        except Exception:
            if sending is None:
                raise
        return sending

    async def settle(self, begun: QueuedSignal, answer: Answer) -> SignalState:
        """Write down what became of an attempt."""
        async with self.store.begin() as tx:
            queue, of = tx.signal_queue, begun.signal.signal_id
            if answer.kind is AnswerKind.TAKEN:
                await queue.sent(of, answer.ticket)
                return SignalState.SENT
            if answer.kind is AnswerKind.REFUSED or begun.attempts >= ATTEMPTS:
                await queue.failed(begun, answer.reason)
                return SignalState.FAILED
            # Twice as long after each attempt.
            pause = min(_LONGEST_PAUSE, self.first_pause * (1 << (begun.attempts - 1)))
            await queue.later(begun, answer.reason, pause)
            return SignalState.PENDING


def _may_leave(signal: Signal, control: Control) -> bool:
    return control.may_open and signal.symbol not in control.paused_symbols


@dataclass(slots=True)
class _Round:
    """The claimed signals of one round, in their order."""

    push: PushSignals
    pushed: Pushed
    waiting: set[str] = field(default_factory=set)
    silences: int = 0

    async def run(self, claimed: Sequence[QueuedSignal]) -> None:
        for one in claimed:
            if one.signal.symbol in self.waiting:
                continue
            if self.silences >= _SILENCES:
                break
            await self._one(one)

    async def _one(self, one: QueuedSignal) -> None:
        made = await self.push.attempt(one)
        if made is None:
            self.waiting.add(one.signal.symbol)
            return
        begun, answer = made
        state = await self.push.settle(begun, answer)
        self.silences = self.silences + 1 if answer.kind is AnswerKind.SILENT else 0
        if state is SignalState.SENT:
            self.pushed.sent += 1
        elif state is SignalState.FAILED:
            self.pushed.failed += 1
        else:
            # What is behind it must not arrive before it.
            self.waiting.add(one.signal.symbol)
            self.pushed.waiting += 1
