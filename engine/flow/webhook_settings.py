"""The endpoint that a setting names (``OPENCLAW_WEBHOOK_URL`` of source 000)."""

from dataclasses import dataclass, replace

from engine.domain.webhooks import Draft, Endpoint, Off
from engine.flow.webhook_records import changed
from engine.ports import Store, Transaction, WebhookLine

_NAME = "OpenClaw"
_ACTOR = "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSettingsWebhook:
    """Make the endpoint that the settings name the one that there is: added when it is new, moved
    when the address is another one, off when the setting is gone. One that an admin switched off
    stays off until the address changes.
    """

    store: Store
    line: WebhookLine

    async def __call__(self, url: str | None) -> None:
        """Raises :class:`InvalidInput` for an address that must not be posted to."""
        if url is not None:
            await self.line.check(url)
        async with self.store.begin() as tx:
            await tx.webhooks.alone()
            known = [each for each in await tx.webhooks.list() if each.from_settings]
            if known:
                await self._keep(tx, await tx.webhooks.take(known[0].id), url)
            elif url is not None:
                draft = Draft(url=url, description=_NAME, types=())
                added = await tx.webhooks.add(draft, by=_ACTOR, from_settings=True)
                await tx.history.append(changed(added, "added", _ACTOR, await tx.now()))

    async def _keep(self, tx: Transaction, known: Endpoint, url: str | None) -> None:
        now = await tx.now()
        if url is None:
            if known.is_on:
                await tx.webhooks.save(replace(known, off=Off.SETTINGS))
                await tx.webhooks.cancel(known.id, "its setting is gone")
                await tx.history.append(changed(known, "off: settings", _ACTOR, now))
            return
        if known.url == url and known.off is not Off.SETTINGS:
            return
        if not known.is_on:
            await tx.webhooks.cancel(known.id, "it was switched off")
            await tx.webhooks.move(known.id, None)
        after = replace(known.took(), url=url, off=None, not_before=now)
        await tx.webhooks.save(after)
        await tx.history.append(changed(after, "url, on", _ACTOR, now))
