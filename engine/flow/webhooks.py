"""Who is told of events: endpoints are added, changed and removed by admins.

``person_id`` None is the operator of this machine, or a setting of the process.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from engine.domain.person import Role
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import (
    MOST,
    Draft,
    Endpoint,
    Off,
    secret_text,
)
from engine.errors import IllegalMove, InvalidInput
from engine.flow.people import actor, person_at_least
from engine.flow.webhook_records import changed
from engine.ports import Store, Transaction, WebhookLine, WebhookSecrets

_LONGEST_OVERLAP = timedelta(days=7)
_TAKEN_BACK = "its endpoint was switched off"


async def admin(tx: Transaction, person_id: int | None) -> str:
    """Who acts, as the history names them; raises :class:`NotAllowed` below an admin."""
    if person_id is not None:
        await person_at_least(tx, person_id, Role.ADMIN)
    return actor(person_id)


async def _secret(secrets: WebhookSecrets, endpoint: Endpoint) -> str:
    newest, *_ = await secrets.keys(endpoint.id, endpoint.key)
    return secret_text(newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddWebhook:
    """A new endpoint, and its secret, which is shown this once."""

    store: Store
    line: WebhookLine
    secrets: WebhookSecrets

    async def __call__(
        self,
        person_id: int | None,
        url: str,
        *,
        description: str = "",
        types: Sequence[EventType] = (),
    ) -> tuple[Endpoint, str]:
        """Raises :class:`InvalidInput` for an address that must not be posted to, and when there
        are as many as there may be.
        """
        draft = Draft(url=url, description=description.strip(), types=tuple(types))
        async with self.store.begin() as tx:
            # Before the name is looked up: not everybody may make us ask for names.
            await admin(tx, person_id)
        await self.line.check(url)
        async with self.store.begin() as tx:
            by = await admin(tx, person_id)
            await tx.webhooks.alone()
            if len(await tx.webhooks.list()) >= MOST:
                raise InvalidInput(f"there are {MOST} webhooks, which is the most there may be")
            endpoint = await tx.webhooks.add(draft, by=by)
            secret = await _secret(self.secrets, endpoint)
            now = await tx.now()
            await tx.history.append(
                changed(endpoint, "added", by, now, types=[str(kind) for kind in endpoint.types])
            )
        return endpoint, secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWebhooks:
    """The endpoints, with how many deliveries wait for each."""

    store: Store

    async def __call__(self, person_id: int | None) -> Sequence[tuple[Endpoint, int]]:
        async with self.store.begin() as tx:
            await admin(tx, person_id)
            found = await tx.webhooks.list()
            return [(endpoint, await tx.webhooks.waiting(endpoint.id)) for endpoint in found]

    async def one(self, person_id: int | None, endpoint_id: int) -> tuple[Endpoint, int]:
        """One endpoint; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            await admin(tx, person_id)
            endpoint = await tx.webhooks.get(endpoint_id)
            return endpoint, await tx.webhooks.waiting(endpoint_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWebhook:
    """Another address, description or choice of events; on or off. What is None stays.

    Off takes back what waits. On begins with what happens from then on.
    """

    store: Store
    line: WebhookLine

    async def __call__(
        self,
        person_id: int | None,
        endpoint_id: int,
        *,
        url: str | None = None,
        description: str | None = None,
        types: Sequence[EventType] | None = None,
        is_on: bool | None = None,
    ) -> Endpoint:
        """Raises :class:`NotFound`, and :class:`InvalidInput` for what cannot be."""
        async with self.store.begin() as tx:
            await admin(tx, person_id)
        if url is not None:
            await self.line.check(url)
        async with self.store.begin() as tx:
            by = await admin(tx, person_id)
            before = await tx.webhooks.take(endpoint_id)
            if before.from_settings and url not in (None, before.url):
                raise IllegalMove("its address is OPENCLAW_WEBHOOK_URL: change it there")
            draft = Draft(
                url=before.url if url is None else url,
                description=before.description if description is None else description.strip(),
                types=before.types if types is None else tuple(types),
            )
            after = replace(before, url=draft.url, description=draft.description, types=draft.types)
            after = _switched(after, is_on)
            if after != before:
                await _save(tx, before, after, by)
        return after


def _switched(endpoint: Endpoint, is_on: bool | None) -> Endpoint:
    if is_on is None or is_on is endpoint.is_on:
        return endpoint
    return replace(endpoint.took(), off=None if is_on else Off.PERSON)


async def _save(tx: Transaction, before: Endpoint, after: Endpoint, by: str) -> None:
    now = await tx.now()
    what = [
        name
        for name in ("url", "description", "types")
        if getattr(before, name) != getattr(after, name)
    ]
    if after.is_on is not before.is_on:
        # Whatever is there has to be of the time before.
        await tx.webhooks.cancel(after.id, _TAKEN_BACK)
        what.append("on" if after.is_on else "off")
        if after.is_on:
            await tx.webhooks.move(after.id, None)
            after = replace(after, not_before=now)
    await tx.webhooks.save(after)
    await tx.history.append(changed(after, ", ".join(what), by, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveWebhook:
    """Forget an endpoint, and what was sent to it."""

    store: Store

    async def __call__(self, person_id: int | None, endpoint_id: int) -> Endpoint:
        """The endpoint that was; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            by = await admin(tx, person_id)
            endpoint = await tx.webhooks.take(endpoint_id)
            if endpoint.from_settings and endpoint.off is not Off.SETTINGS:
                raise IllegalMove(
                    "it is OPENCLAW_WEBHOOK_URL: take that setting away and start again, or switch"
                    " it off"
                )
            await tx.webhooks.remove(endpoint_id)
            await tx.history.append(changed(endpoint, "removed", by, await tx.now()))
        return endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateWebhook:
    """Another secret, shown this once; the one before signs too for a while."""

    store: Store
    secrets: WebhookSecrets

    async def __call__(
        self, person_id: int | None, endpoint_id: int, overlap: timedelta
    ) -> tuple[Endpoint, str]:
        """Raises :class:`InvalidInput` unless the overlap is 0 to 7 days."""
        if not timedelta(0) <= overlap <= _LONGEST_OVERLAP:
            raise InvalidInput("the old secret may hold for 0 to 168 more hours", field="overlap")
        async with self.store.begin() as tx:
            by = await admin(tx, person_id)
            before = await tx.webhooks.take(endpoint_id)
            now = await tx.now()
            endpoint = await tx.webhooks.new_key(before, now + overlap)
            secret = await _secret(self.secrets, endpoint)
            await tx.history.append(
                changed(endpoint, "new secret", by, now, old_until=(now + overlap).isoformat())
            )
        return endpoint, secret
