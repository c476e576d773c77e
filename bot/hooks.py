"""Outbound webhooks: their use cases put together, and the part of a worker that sends.

It is no job of the queue: an endpoint that hangs takes no place that trading needs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom
from time import monotonic

from bot.hook_settings import is_wanted, plan_of
from bot.logs import mask
from bot.settings import Settings
from engine.domain.webhooks import MOST, Endpoint, Retry
from engine.errors import InvalidInput
from engine.flow.webhook_log import ReadDeliveries, Redeliver, TestWebhook
from engine.flow.webhook_sending import GatherEvents, RetireDeliveries, SendDeliveries
from engine.flow.webhook_settings import KeepSettingsWebhook
from engine.flow.webhooks import (
    AddWebhook,
    ChangeWebhook,
    ReadWebhooks,
    RemoveWebhook,
    RotateWebhook,
)
from engine.ports import Clock, Store, WebhookLine, WebhookSecrets

log = logging.getLogger(__name__)

_ROUND_SECONDS = 1.0
_RETIRE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What can be done with webhooks; a route or a command of each is one call."""

    add: AddWebhook
    read: ReadWebhooks
    change: ChangeWebhook
    remove: RemoveWebhook
    rotate: RotateWebhook
    test: TestWebhook
    deliveries: ReadDeliveries
    redeliver: Redeliver
    gather: GatherEvents
    send: SendDeliveries
    retire: RetireDeliveries
    keep_settings: KeepSettingsWebhook
    url: str | None


def build_hooks(settings: Settings, store: Store, clock: Clock) -> Hooks:
    """The use cases; raises :class:`InvalidInput` naming the setting that is missing or wrong."""
    plan = plan_of(settings, clock)
    chance = SystemRandom().random
    return assemble(store, plan.line, plan.secrets, plan.retry, chance=chance, url=plan.url)


def assemble(
    store: Store,
    line: WebhookLine,
    secrets: WebhookSecrets,
    retry: Retry,
    *,
    chance: Callable[[], float],
    url: str | None,
    slack: timedelta = timedelta(seconds=20),
) -> Hooks:
    """The same over any line; ``url`` is the endpoint that a setting names, ``slack`` what a sender
    needs beside the answer before another may take up what it holds.
    """
    return Hooks(
        add=AddWebhook(store=store, line=line, secrets=secrets),
        read=ReadWebhooks(store=store),
        change=ChangeWebhook(store=store, line=line),
        remove=RemoveWebhook(store=store),
        rotate=RotateWebhook(store=store, secrets=secrets),
        test=TestWebhook(store=store, line=line, secrets=secrets),
        deliveries=ReadDeliveries(store=store),
        redeliver=Redeliver(store=store),
        gather=GatherEvents(store=store, mask=mask),
        send=SendDeliveries(
            store=store, line=line, secrets=secrets, retry=retry, chance=chance, slack=slack
        ),
        retire=RetireDeliveries(store=store),
        keep_settings=KeepSettingsWebhook(store=store, line=line),
        url=url,
    )


def posting(settings: Settings, store: Store, clock: Clock) -> Callable[[], Awaitable[None]]:
    """What gathers and sends, until it is cancelled; raises as :func:`build_hooks` does.

    Without a setting of webhooks it sends nothing, and says so if there are endpoints.
    """
    if not is_wanted(settings):
        return _Idle(store).run
    return Poster(build_hooks(settings, store, clock)).run


class Poster:
    """Sends to every endpoint whose turn it is, each beside the others."""

    def __init__(self, hooks: Hooks, *, seconds: float = _ROUND_SECONDS) -> None:
        self._hooks, self._seconds = hooks, seconds
        self._busy: set[asyncio.Task[None]] = set()
        self._retires = monotonic() + _RETIRE_SECONDS

    async def run(self) -> None:
        """Look every now and then, for ever."""
        try:
            await self._hooks.keep_settings(self._hooks.url)
        except InvalidInput as error:
            log.error("OPENCLAW_WEBHOOK_URL: %s", error)
        async with asyncio.TaskGroup() as group:
            while True:
                await self.once(group)
                await asyncio.sleep(self._seconds)

    async def once(self, group: asyncio.TaskGroup) -> None:
        """One look: gather what is new, and begin to send where nobody sends yet."""
        await self._hooks.gather()
        for endpoint in await self._hooks.send.claim(MOST - len(self._busy)):
            task = group.create_task(self._serve(endpoint))
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)
        if monotonic() >= self._retires:
            self._retires = monotonic() + _RETIRE_SECONDS
            await self._hooks.retire()

    async def _serve(self, endpoint: Endpoint) -> None:
        try:
            await self._hooks.send(endpoint)
        except Exception:
            # One endpoint must not end the others; its lease runs out and it is tried again.
            log.exception("webhook %s was not served", endpoint.id)


class _Idle:
    """Nothing is set: what waits goes on waiting."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self) -> None:
        async with self._store.begin() as tx:
            left = [endpoint for endpoint in await tx.webhooks.list() if endpoint.is_on]
        if left:
            log.warning("nothing is sent to %s webhooks: WEBHOOK_SECRET is not set", len(left))
        await asyncio.Event().wait()
