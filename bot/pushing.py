"""The pusher: its use cases put together, and the process that runs it every half minute."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from bot.push_settings import server_of
from bot.running import steadily, together
from bot.settings import Settings
from broker.signal_push.server import HttpSignalServer
from engine.domain.diagnosis import Finding
from engine.errors import InvalidInput
from engine.flow.signal_status import PUSHER, CheckConnection, FindPushFaults, ReadSignalQueue
from engine.flow.signals import PushSignals, QueueSignal
from engine.ports import SignalLine, Store
from storage.heartbeats import beat

log = logging.getLogger(__name__)

_BEAT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What can be done with signals and the server they go to; a route of each is one call."""

    server: HttpSignalServer
    life: timedelta
    store: Store
    queue_signal: QueueSignal
    read_queue: ReadSignalQueue
    check_connection: CheckConnection

    def push_signals(self, line: SignalLine) -> PushSignals:
        """The push over an open line."""
        return PushSignals(
            store=self.store, line=line, life=self.life, patience=self.server.patience
        )


def build_push(settings: Settings, store: Store) -> Push:
    """The use cases; raises :class:`InvalidInput` when the server is not set."""
    server = server_of(settings)
    return Push(
        server=server,
        life=timedelta(seconds=settings.ea_signal_life),
        store=store,
        queue_signal=QueueSignal(store=store),
        read_queue=ReadSignalQueue(store=store, server=server),
        check_connection=CheckConnection(store=store, server=server),
    )


async def no_push_faults() -> Sequence[Finding]:
    """Nothing is pushed, so nothing is wrong with it."""
    return ()


def push_faults(
    store: Store, server: HttpSignalServer | None
) -> Callable[[], Awaitable[Sequence[Finding]]]:
    """What looks for faults of the pusher, if signals are pushed."""
    if server is None:
        return no_push_faults
    return FindPushFaults(check=CheckConnection(store=store, server=server))


async def run_push(settings: Settings, store: Store, *, name: str) -> None:
    """Push until cancelled; raises :class:`InvalidInput` when it is switched off."""
    if not settings.ea_push_enabled:
        raise InvalidInput(
            "EA_PUSH_ENABLED is not true: nothing is pushed. Set it, or push once: --once"
        )
    push = build_push(settings, store)
    async with push.server.connected() as line:
        pushing = _pushing(push.push_signals(line), settings.ea_push_interval)
        await together(steadily(pushing, "push"), steadily(_beating(name), "heart of the pusher"))


def _pushing(push: PushSignals, seconds: int) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        while True:
            ends = monotonic() + seconds
            done = await push()
            if done.sent or done.failed or done.expired or done.waiting:
                log.log(
                    logging.INFO if done.sent and not done.failed else logging.WARNING,
                    "signals: %s sent, %s failed, %s expired, %s to be tried again",
                    done.sent, done.failed, done.expired, done.waiting,
                )  # fmt: skip
            await asyncio.sleep(max(0.0, ends - monotonic()))

    return run


def _beating(name: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        while True:
            await beat(f"{PUSHER}:{name}")
            await asyncio.sleep(_BEAT_SECONDS)

    return run
