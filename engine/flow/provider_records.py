"""What is stored of the connection to a provider, how it stands, and what is told of it."""

from dataclasses import dataclass, replace
from datetime import datetime

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.domain.provider import Connection, ConnectionMode, Credential, Lost, Plan, Provider
from engine.domain.secret import Secret
from engine.errors import ProviderUnavailable, SecretUnreadable
from engine.flow.people import person_at_least
from engine.ports import Transaction


def key_name(provider: Provider) -> str:
    """The vault's name for a stored key."""
    return f"provider/{provider}/key"


def access_name(provider: Provider) -> str:
    """The vault's name for an access token."""
    return f"provider/{provider}/access-token"


def refresh_name(provider: Provider) -> str:
    """The vault's name for a refresh token."""
    return f"provider/{provider}/refresh-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """How it stands. ``mode`` None and ``lost`` are those of no connection; ``by`` is who made or
    ended it, as the history names them.
    """

    provider: Provider
    enabled: bool
    model: str | None
    mode: ConnectionMode | None
    lost: Lost | None
    by: str | None = None
    at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def connected(self) -> bool:
        """Whether requests can be made."""
        return self.lost is None


async def status_of(tx: Transaction, plan: Plan) -> ProviderStatus:
    """How a provider stands, whatever was stored: a key of the settings goes before it."""
    found = ProviderStatus(
        provider=plan.provider,
        enabled=plan.enabled,
        model=plan.model,
        mode=ConnectionMode.SETTING,
        lost=None,
    )
    if plan.key is not None:
        return found
    stored = await tx.providers.of(plan.provider)
    if stored is None:
        if not plan.needs_key:
            return replace(found, mode=ConnectionMode.NONE)
        return replace(found, mode=None, lost=Lost.NEVER)
    return replace(
        found,
        mode=stored.mode,
        lost=stored.lost or await _unusable(tx, stored),
        by=stored.by,
        at=stored.at,
        expires_at=stored.expires_at,
    )


async def _unusable(tx: Transaction, stored: Connection) -> Lost | None:
    if stored.expires_at is not None and not await tx.now() < stored.expires_at:
        return Lost.EXPIRED
    try:
        return None if await _secret(tx, stored) is not None else Lost.UNREADABLE
    except SecretUnreadable:
        return Lost.UNREADABLE


async def _secret(tx: Transaction, stored: Connection) -> Secret | None:
    name = key_name if stored.mode is ConnectionMode.KEY else access_name
    return await tx.secrets.get(name(stored.provider))


async def credential_of(tx: Transaction, plan: Plan) -> Credential:
    """What a request carries now; raises :class:`ProviderUnavailable` without a connection."""
    status = await status_of(tx, plan)
    if not status.connected:
        raise ProviderUnavailable(
            f"{plan.provider.shown} is not connected: {status.lost}", reason=str(status.lost)
        )
    stored = None if plan.key is not None else await tx.providers.of(plan.provider)
    if stored is None:
        return Credential(key=plan.key, base_url=plan.base_url, is_typed=False)
    return Credential(
        key=await _secret(tx, stored),
        base_url=stored.base_url or plan.base_url,
        is_typed=stored.base_url is not None,
    )


async def may(tx: Transaction, person_id: int | None, role: Role) -> str:
    """The caller's name; None is the command line. Raises :class:`NotAllowed` below a role."""
    if person_id is None:
        return "cli"
    return (await person_at_least(tx, person_id, role)).name


async def forget(tx: Transaction, provider: Provider) -> None:
    """No secret of a connection stays behind."""
    for name in (key_name, access_name, refresh_name):
        await tx.secrets.remove(name(provider))


async def record(
    tx: Transaction, action: Action, by: str, provider: Provider, *, human: bool, **facts: object
) -> None:
    """A step for the history; ``facts`` are plain values and hold no secret."""
    told = ", ".join(f"{name} {value}" for name, value in facts.items() if value is not None)
    await tx.history.append(
        Entry(
            action=action,
            occurred_at=await tx.now(),
            actor=by,
            rationale=f"{provider.shown}: {told}" if told else provider.shown,
            human_override=human,
            detail={"provider": str(provider), **facts},
        )
    )


async def tell(
    tx: Transaction, connection: Connection, *, name: str | None, but: int | None = None
) -> None:
    """Tell the admins that a connection was made or is lost, once for each."""
    lost = connection.lost
    await tx.outbox.tell(
        Notice(
            kind=Kind.PROVIDER,
            key=f"provider:{connection.provider}:{connection.version}",
            priority=Priority.NORMAL,
            detail={
                "provider": str(connection.provider),
                "lost": None if lost is None else str(lost),
                "by": name,
            },
        ),
        Audience(at_least=Role.ADMIN, but=but),
    )
