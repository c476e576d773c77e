"""The connection by OAuth: begun by an admin, finished by the provider's answer.

The authorization code flow of RFC 6749 with PKCE (RFC 7636) and a state that works once.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from engine.domain.decision import Action
from engine.domain.person import Role
from engine.domain.provider import Connection, ConnectionMode, Plan, Tokens
from engine.domain.secret import Secret
from engine.errors import (
    AttemptUnknown,
    NotSetUp,
    ProviderUnavailable,
    TokenRefused,
)
from engine.flow.people import actor
from engine.flow.provider_records import ProviderStatus, forget, may, record, status_of, tell
from engine.flow.provider_refresh import keep
from engine.ports import Bell, Store, TokenServer

#: How long an attempt may take.
ATTEMPT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An attempt; ``url`` is where the person goes, None when a key of the settings makes it
    needless.
    """

    url: str | None
    until: datetime | None = None


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def attempt_name(state: str) -> str:
    """The vault's name of an attempt: a digest, so that the state itself is stored nowhere."""
    return f"oauth-start/{_digest(state)}"


def challenge_of(verifier: str) -> str:
    """RFC 7636, section 4.2: S256."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOAuth:
    """Begin a connection. ``new_token`` makes 256 random bits as URL-safe text; ``browser`` is what
    the browser that began must bring back, None where there is none.

    Raises :class:`NotAllowed` below an admin, and :class:`NotSetUp` when OAuth is not set up.
    """

    store: Store
    plan: Plan
    server: TokenServer | None
    new_token: Callable[[], str]

    async def __call__(self, person_id: int | None, *, browser: str | None = None) -> Started:
        async with self.store.begin() as tx:
            await may(tx, person_id, Role.ADMIN)
            if self.plan.key is not None:
                return Started(url=None)
            server = must_be_set_up(self.server)
            state, verifier = self.new_token(), self.new_token()
            until = await tx.now() + ATTEMPT
            document = {
                "person": person_id,
                "verifier": verifier,
                "browser": None if browser is None else _digest(browser),
            }
            await tx.secrets.put(attempt_name(state), Secret(json.dumps(document)), until=until)
            await record(
                tx, Action.PROVIDER_CHANGED, actor(person_id), self.plan.provider,
                human=True, step="started",
            )  # fmt: skip
        return Started(url=server.authorization_url(state, challenge_of(verifier)), until=until)


def must_be_set_up(server: TokenServer | None) -> TokenServer:
    """The authorization server; raises :class:`NotSetUp` naming the settings it needs."""
    if server is None:
        raise NotSetUp(
            "OAuth is not set up: set OPENAI_CLIENT_ID, OPENAI_AUTH_URL, OPENAI_TOKEN_URL and"
            " OPENAI_REDIRECT_URI, or connect with a key"
        )
    return server


@dataclass(frozen=True, slots=True)
class _Attempt:
    person: int | None
    verifier: Secret
    browser: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishOAuth:
    """What the provider sent the person back with. A state works once, whatever comes of it, for
    ten minutes, for whoever began and while they are still an admin.

    Raises :class:`AttemptUnknown`, :class:`NotAllowed`, ``TokenRefused`` when the person or the
    provider said no, and ``ProviderUnavailable`` when the provider did not answer.
    """

    store: Store
    plan: Plan
    server: TokenServer | None
    bell: Bell

    async def __call__(
        self, state: str, code: Secret | None, *, error: str | None = None,
        browser: str | None = None,
    ) -> ProviderStatus:  # fmt: skip
        if self.plan.key is not None:
            async with self.store.begin() as tx:
                return await status_of(tx, self.plan)
        server = must_be_set_up(self.server)
        attempt = await self._attempt(state, browser)
        async with self.store.begin() as tx:
            await may(tx, attempt.person, Role.ADMIN)
        try:
            if error is not None or code is None:
                raise TokenRefused(known_refusal(error))
            tokens = await server.exchange(code, attempt.verifier)
        except ProviderUnavailable as problem:
            await self._failed(attempt, problem)
            raise
        status = await self._connected(attempt, tokens)
        await self.bell.ring("deliver")
        return status

    async def _attempt(self, state: str, browser: str | None) -> _Attempt:
        """Take the attempt, for good; raises :class:`AttemptUnknown`."""
        async with self.store.begin() as tx:
            found = await tx.secrets.take(attempt_name(state))
        unknown = AttemptUnknown(
            "this attempt to connect is not known, was used, is older than ten minutes, or began"
            " in another browser: begin again"
        )
        if found is None:
            raise unknown
        document = json.loads(found.reveal())
        if document["browser"] is not None and (
            browser is None or Secret(_digest(browser)) != Secret(document["browser"])
        ):
            raise unknown
        return _Attempt(document["person"], Secret(document["verifier"]), document["browser"])

    async def _failed(self, attempt: _Attempt, problem: ProviderUnavailable) -> None:
        why = problem.why if isinstance(problem, TokenRefused) else "no_answer"
        async with self.store.begin() as tx:
            await record(
                tx, Action.PROVIDER_CHANGED, actor(attempt.person), self.plan.provider,
                human=True, step="failed", reason=why,
            )  # fmt: skip

    async def _connected(self, attempt: _Attempt, tokens: Tokens) -> ProviderStatus:
        provider = self.plan.provider
        async with self.store.begin() as tx:
            name = await may(tx, attempt.person, Role.ADMIN)
            before = await tx.providers.take(provider)
            await forget(tx, provider)
            now = await tx.now()
            connection = Connection(
                provider=provider,
                mode=ConnectionMode.OAUTH,
                by=actor(attempt.person),
                at=now,
                version=1 if before is None else before.version + 1,
                claim=0 if before is None else before.claim + 1,
            )
            connection = await keep(tx, connection, tokens, now)
            await record(
                tx, Action.PROVIDER_CONNECTED, connection.by, provider,
                human=True, mode=str(connection.mode),
            )  # fmt: skip
            await tell(tx, connection, name=name, but=attempt.person)
            return await status_of(tx, self.plan)


def known_refusal(error: str | None) -> str:
    """A code of RFC 6749, section 4.1.2.1; anybody could have written another text."""
    known = (
        "invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type",
        "invalid_scope", "server_error", "temporarily_unavailable",
    )  # fmt: skip
    return error if error in known else "invalid_request"
