"""The connection by OAuth is kept alive: its access token is renewed before it ends."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.domain.decision import Action
from engine.domain.provider import Connection, ConnectionMode, Lost, Plan, Tokens
from engine.domain.secret import Secret
from engine.errors import ProviderUnavailable, SecretUnreadable, TokenRefused
from engine.flow.provider_records import access_name, forget, record, refresh_name, tell
from engine.ports import Bell, Store, TokenServer, Transaction

#: A refresh that is under way for longer is given up; an answer is waited for much less long.
_LEASE = timedelta(minutes=2)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=5)


async def keep(
    tx: Transaction, connection: Connection, tokens: Tokens, now: datetime
) -> Connection:
    """Store tokens, and the connection that rests on them."""
    provider = connection.provider
    await tx.secrets.put(access_name(provider), tokens.access)
    if tokens.refresh is not None:
        await tx.secrets.put(refresh_name(provider), tokens.refresh)
    kept = replace(
        connection,
        lost=None,
        expires_at=None if tokens.life is None else now + tokens.life,
        claimed_until=None,
        failures=0,
        next_try_at=None,
    )
    await tx.providers.save(kept)
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshProvider:
    """Renew the access token ``skew`` before it ends. Of all processes one asks at a time: it
    claims the connection, and its answer counts only while the claim is still its own.

    What may pass is tried again, after its end too; a clear no ends the connection. Either way the
    admins are told once.
    """

    store: Store
    plan: Plan
    server: TokenServer | None
    bell: Bell
    skew: timedelta

    async def __call__(self) -> bool:
        """Whether there was something to do."""
        if self.plan.key is not None or self.server is None:
            return False
        async with self.store.begin() as tx:
            stored = await tx.providers.take(self.plan.provider)
            now = await tx.now()
            if stored is None or not self._is_due(stored, now):
                return False
            try:
                token = await tx.secrets.get(refresh_name(stored.provider))
            except SecretUnreadable:
                return False
            if token is not None:
                claimed = replace(stored, claim=stored.claim + 1, claimed_until=now + _LEASE)
                await tx.providers.save(claimed)
            elif await self._lose(tx, stored, now, Lost.EXPIRED) is None:
                return False
        if token is not None:
            await self._renew(self.server, claimed, token)
        await self.bell.ring("deliver")
        return True

    def _is_due(self, stored: Connection, now: datetime) -> bool:
        if stored.mode is not ConnectionMode.OAUTH or stored.expires_at is None:
            return False
        if stored.lost not in (None, Lost.EXPIRED):
            return False
        waits = (stored.claimed_until, stored.next_try_at)
        return now >= stored.expires_at - self.skew and all(
            until is None or now >= until for until in waits
        )

    async def _renew(self, server: TokenServer, claimed: Connection, token: Secret) -> None:
        tokens, refused = None, False
        try:
            tokens = await server.refresh(token)
        except TokenRefused as problem:
            # Any other code is about this client, and may be put right in the settings.
            refused = problem.why == "invalid_grant"
        except ProviderUnavailable:
            pass
        async with self.store.begin() as tx:
            stored = await tx.providers.take(claimed.provider)
            if stored is None or stored.claim != claimed.claim:
                return  # Disconnected, connected anew or claimed by another since.
            now = await tx.now()
            if tokens is not None:
                await self._renewed(tx, stored, tokens, now)
            elif refused:
                await self._lose(tx, stored, now, Lost.REFUSED)
                await forget(tx, stored.provider)
            else:
                await self._later(tx, stored, now)

    async def _renewed(
        self, tx: Transaction, stored: Connection, tokens: Tokens, now: datetime
    ) -> None:
        was_lost = stored.lost is not None
        version = stored.version + was_lost
        kept = await keep(tx, replace(stored, version=version), tokens, now)
        await record(
            tx, Action.PROVIDER_CHANGED, "system", stored.provider, human=False, step="refreshed"
        )
        if was_lost:
            await tell(tx, kept, name=None)

    async def _later(self, tx: Transaction, stored: Connection, now: datetime) -> None:
        pause = min(_FIRST_PAUSE * 2 ** min(stored.failures, 8), _LONGEST_PAUSE)
        later = replace(
            stored, failures=stored.failures + 1, next_try_at=now + pause, claimed_until=None
        )
        await tx.providers.save(later)
        await self._lose(tx, later, now, Lost.EXPIRED)

    async def _lose(
        self, tx: Transaction, stored: Connection, now: datetime, why: Lost
    ) -> Connection | None:
        """Write down that it is lost; None when it is written already, or not expired yet."""
        assert stored.expires_at is not None
        if stored.lost is why or (why is Lost.EXPIRED and now < stored.expires_at):
            return None
        lost = replace(stored, lost=why, version=stored.version + 1, claimed_until=None)
        await tx.providers.save(lost)
        await record(
            tx, Action.PROVIDER_DISCONNECTED, "system", stored.provider,
            human=False, reason=str(why),
        )  # fmt: skip
        await tell(tx, lost, name=None)
        return lost
