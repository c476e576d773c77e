"""Outbound webhooks in the terminal."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.hooks import Hooks, build_hooks
from bot.reports import CLEAN, FAULTY, Say, open_database_of
from bot.settings import Settings
from bot.world import now
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import Attempt, Delivery, DeliveryState, Endpoint
from engine.errors import InvalidInput, NotFound


@asynccontextmanager
async def _hooks(settings: Settings) -> AsyncIterator[Hooks]:
    async with open_database_of(settings) as world:
        yield build_hooks(settings, world.store, now)


async def add(settings: Settings, url: str, description: str, types: str, *, say: Say) -> int:
    """A new endpoint and its secret."""
    wanted = types_of(types)
    async with _hooks(settings) as hooks:
        endpoint, secret = await hooks.add(None, url, description=description, types=wanted)
    say(f"webhook {endpoint.id}: {endpoint.shown}")
    _show(secret, say)
    say(f"Workers send to it from now on. Try it: ai-trader webhook test {endpoint.id}")
    return CLEAN


def types_of(text: str) -> tuple[EventType, ...]:
    """Types of events by their names; raises :class:`InvalidInput` with all of them."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [kind for kind in EventType if kind is not EventType.TEST]
    for name in names:
        if name not in known:
            raise InvalidInput(f"there is no type {name[:40]!r}; there are {', '.join(known)}")
    return tuple(EventType(name) for name in names)


def _show(secret: str, say: Say) -> None:
    say(f"secret: {secret}")
    say("It is shown this once. Its receiver checks each message with it: docs/webhooks.md")


async def list_all(settings: Settings, *, say: Say) -> int:
    """Every endpoint: number, on or off, what waits, events, address."""
    async with _hooks(settings) as hooks:
        found = await hooks.read(None)
    for endpoint, waiting in found:
        say(_line(endpoint, waiting))
    if not found:
        say("no webhooks; add one with: ai-trader webhook add https://example.org/hook")
    return CLEAN


def _line(endpoint: Endpoint, waiting: int) -> str:
    state = "on" if endpoint.is_on else f"off ({endpoint.off})"
    if endpoint.is_on and endpoint.failing_since is not None:
        state = f"failing since {endpoint.failing_since:%Y-%m-%d %H:%M}Z"
    types = ",".join(endpoint.types) or "all events"
    parts = [str(endpoint.id), state, f"{waiting} waiting", types, endpoint.shown]
    return "  ".join([*parts, endpoint.description]).rstrip()


async def remove(settings: Settings, which: int, *, say: Say) -> int:
    """Forget an endpoint."""
    async with _hooks(settings) as hooks:
        endpoint = await hooks.remove(None, which)
    say(f"webhook {which} is removed: {endpoint.shown}")
    return CLEAN


async def switch(settings: Settings, which: int, *, is_on: bool, say: Say) -> int:
    """Switch an endpoint on or off."""
    async with _hooks(settings) as hooks:
        endpoint = await hooks.change(None, which, is_on=is_on)
    say(f"webhook {which} is {'on' if endpoint.is_on else 'off'}: {endpoint.shown}")
    return CLEAN


async def test(settings: Settings, which: int, *, say: Say) -> int:
    """Send a test and show what became of it."""
    async with _hooks(settings) as hooks:
        delivery, reply = await hooks.test(None, which)
    milliseconds = reply.took // timedelta(milliseconds=1)
    told = f"HTTP {reply.status}" if reply.is_taken else reply.reason
    say(f"{delivery.state} in {milliseconds} ms: {told}")
    if reply.said:
        say(f"It said: {reply.said}")
    return CLEAN if reply.is_taken else FAULTY


async def rotate(settings: Settings, which: int, hours: int, *, say: Say) -> int:
    """Another secret for an endpoint."""
    async with _hooks(settings) as hooks:
        endpoint, secret = await hooks.rotate(None, which, timedelta(hours=hours))
    _show(secret, say)
    if endpoint.old_until is not None and hours:
        say(f"The secret before signs too until {endpoint.old_until:%Y-%m-%d %H:%M}Z.")
    return CLEAN


async def log(
    settings: Settings,
    which: int,
    state: str | None,
    limit: int,
    delivery: int | None,
    *,
    say: Say,
) -> int:
    """What was sent to an endpoint; or one delivery with its attempts and its body."""
    wanted = None if state is None else _state(state)
    async with _hooks(settings) as hooks:
        if delivery is not None:
            one, attempts = await hooks.deliveries.one(None, delivery)
            if one.endpoint_id != which:
                raise NotFound(f"delivery {delivery} is none of webhook {which}")
            _tell_one(one, attempts, say)
            return CLEAN
        found = await hooks.deliveries(None, which, state=wanted, limit=limit)
    for each in found:
        say(_delivery_line(each))
    if not found:
        say("no deliveries")
    return CLEAN


def _tell_one(delivery: Delivery, attempts: Sequence[Attempt], say: Say) -> None:
    say(_delivery_line(delivery))
    for attempt in attempts:
        took = None if attempt.took is None else attempt.took // timedelta(milliseconds=1)
        parts = [
            f"  {attempt.number}",
            f"{attempt.at:%Y-%m-%d %H:%M:%S}Z",
            attempt.outcome or "under way, or cut off",
            "" if took is None else f"{took} ms",
            attempt.said,
        ]
        say("  ".join(part for part in parts if part))
    say(delivery.event.body)


def _delivery_line(delivery: Delivery) -> str:
    parts = [
        str(delivery.id),
        f"{delivery.created_at:%Y-%m-%d %H:%M:%S}Z",
        f"{delivery.state:9}",
        f"{delivery.attempts} attempts",
        str(delivery.event.type),
        delivery.event.id,
        delivery.reason,
    ]
    return "  ".join(parts).rstrip()


def _state(text: str) -> DeliveryState:
    if text not in list(DeliveryState):
        raise InvalidInput(f"there is no state {text[:20]!r}; there are {', '.join(DeliveryState)}")
    return DeliveryState(text)


async def redeliver(
    settings: Settings, delivery: int | None, failed_of: int | None, *, say: Say
) -> int:
    """Queue one delivery anew, or all that failed at an endpoint."""
    async with _hooks(settings) as hooks:
        if failed_of is not None:
            count = await hooks.redeliver.failed(None, failed_of)
            say(f"{count} are sent again, the oldest first, behind what waits")
            return CLEAN
        assert delivery is not None
        found = await hooks.redeliver(None, delivery)
    say(f"delivery {found.id} ({found.event.type}) is sent again with the id {found.event.id}")
    return CLEAN
