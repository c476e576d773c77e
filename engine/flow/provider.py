"""The connection to the provider of the language model: seen, made with a key, ended, tried."""

from dataclasses import dataclass, replace

from engine.domain.decision import Action
from engine.domain.person import Role
from engine.domain.provider import AiReach, Connection, ConnectionMode, Lost, Offer, Plan
from engine.domain.secret import Secret
from engine.errors import InvalidInput, ProviderUnavailable, SecretUnreadable
from engine.flow.people import actor
from engine.flow.provider_records import (
    ProviderStatus,
    credential_of,
    forget,
    key_name,
    may,
    record,
    status_of,
    tell,
)
from engine.ports import Bell, ModelServer, Store

#: A key is printable ASCII, so that it can stand in a header.
_LONGEST_KEY = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProvider:
    """How the connection stands, for whoever may look; None is the command line."""

    store: Store
    plan: Plan

    async def __call__(
        self, person_id: int | None, *, at_least: Role = Role.VIEWER
    ) -> ProviderStatus:
        async with self.store.begin() as tx:
            await may(tx, person_id, at_least)
            return await status_of(tx, self.plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreKey:
    """Connect with a key that is kept encrypted; it takes the place of what was connected before.

    Raises :class:`NotAllowed` below an admin, :class:`InvalidInput` for what can be no key or no
    address, and ``NoEncryptionKey``. ``base_url`` is an address that the person typed.
    """

    store: Store
    plan: Plan
    bell: Bell

    async def __call__(
        self, person_id: int | None, key: Secret, *, base_url: str | None = None
    ) -> ProviderStatus:
        text = key.reveal()
        if not (1 <= len(text) <= _LONGEST_KEY and text.isascii() and text.isprintable()):
            raise InvalidInput(f"a key has 1 to {_LONGEST_KEY} printable characters", field="key")
        if " " in text:
            raise InvalidInput("a key has no spaces", field="key")
        if self.plan.key is not None:
            raise InvalidInput(
                "a key is set by OPENAI_API_KEY or LLM_API_KEY and goes before a stored one:"
                " remove it there first",
                field="key",
            )
        provider = self.plan.provider
        async with self.store.begin() as tx:
            name = await may(tx, person_id, Role.ADMIN)
            before = await tx.providers.take(provider)
            await forget(tx, provider)
            await tx.secrets.put(key_name(provider), key)
            connection = Connection(
                provider=provider,
                mode=ConnectionMode.KEY,
                by=actor(person_id),
                at=await tx.now(),
                version=1 if before is None else before.version + 1,
                claim=0 if before is None else before.claim + 1,
                base_url=base_url,
            )
            await tx.providers.save(connection)
            await record(
                tx, Action.PROVIDER_CONNECTED, actor(person_id), provider,
                human=True, mode=str(connection.mode), base_url=base_url,
            )  # fmt: skip
            await tell(tx, connection, name=name, but=person_id)
            status = await status_of(tx, self.plan)
        await self.bell.ring("deliver")
        return status


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectProvider:
    """Forget what is stored; a second time changes nothing. What the settings hold stays.

    Raises :class:`NotAllowed` below an admin.
    """

    store: Store
    plan: Plan
    bell: Bell

    async def __call__(self, person_id: int | None) -> ProviderStatus:
        provider = self.plan.provider
        async with self.store.begin() as tx:
            name = await may(tx, person_id, Role.ADMIN)
            stored = await tx.providers.take(provider)
            await forget(tx, provider)
            if stored is not None and stored.lost is not Lost.BY_PERSON:
                ended = replace(
                    stored,
                    lost=Lost.BY_PERSON,
                    by=actor(person_id),
                    at=await tx.now(),
                    version=stored.version + 1,
                    claim=stored.claim + 1,
                    claimed_until=None,
                    expires_at=None,
                )
                await tx.providers.save(ended)
                await record(
                    tx, Action.PROVIDER_DISCONNECTED, actor(person_id), provider,
                    human=True, reason=str(Lost.BY_PERSON),
                )  # fmt: skip
                await tell(tx, ended, name=name, but=person_id)
            status = await status_of(tx, self.plan)
        await self.bell.ring("deliver")
        return status


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckProvider:
    """Ask the provider which models there are: whether it answers, takes the credential, and has
    the model of the settings. Raises :class:`NotAllowed` below a trader, and nothing else.
    """

    store: Store
    plan: Plan
    server: ModelServer

    async def __call__(self, person_id: int | None) -> Offer:
        async with self.store.begin() as tx:
            await may(tx, person_id, Role.TRADER)
            # One look: between two of them somebody may disconnect it.
            try:
                credential = await credential_of(tx, self.plan)
            except (ProviderUnavailable, SecretUnreadable):
                return Offer(reach=AiReach.NOT_CONNECTED)
        offer = await self.server.models(credential)
        model = self.plan.model
        if offer.reach is AiReach.ONLINE and model is not None and not offer.has(model):
            return replace(offer, reach=AiReach.NO_MODEL)
        return offer
