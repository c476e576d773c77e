"""The API put together: use cases, credentials and paths, as the settings choose."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from time import monotonic

from aiohttp import web

from bot.api.acts import build_acts
from bot.api.app import create_app, serve_api
from bot.api.credentials import Credentials
from bot.api.guard import Guard
from bot.api.probes import Probes
from bot.api.reads import build_reads
from bot.api.tokens import SHORTEST_SECRET, Tokens, signing_secret
from bot.api.uses import Uses, build_access
from bot.hook_settings import is_wanted
from bot.hooks import build_hooks
from bot.provider_settings import build_provider
from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_check_readiness
from bot.world import World, now
from engine.errors import InvalidInput
from engine.ports import Bell

__all__ = ["build_app", "serve_api"]

log = logging.getLogger(__name__)


def build_app(
    settings: Settings, world: World, bell: Bell, queue: Callable[[], Awaitable[object]]
) -> web.Application:
    """The application; raises :class:`InvalidInput` for a weak secret or a wrong origin."""
    uses = build_uses(settings, world, bell, queue)
    guard = Guard(
        uses=uses,
        credentials=Credentials(
            access=uses.access, timer=monotonic, origins=origins_of(settings.api_origins)
        ),
        new_number=lambda: secrets.token_hex(8),
        behind_proxy=settings.api_behind_proxy,
    )
    return create_app(Probes(check_readiness=uses.check_readiness), guard)


def build_uses(
    settings: Settings, world: World, bell: Bell, queue: Callable[[], Awaitable[object]]
) -> Uses:
    """Everything a handler may call."""
    secret = signing_secret(settings.jwt_secret, is_production=settings.is_production)
    if secret is None:
        secret = secrets.token_urlsafe(SHORTEST_SECRET)
        log.info("no JWT_SECRET: sessions end with this process")
    talk = build_talk(world, bell, claim_code=secrets.token_urlsafe(12))
    check_readiness = build_check_readiness(world, queue)
    return Uses(
        talk=talk,
        reads=build_reads(world, talk),
        access=build_access(world.store, Tokens(secret=secret, clock=now)),
        check_readiness=check_readiness,
        acts=build_acts(settings, world, bell, talk, check_readiness),
        provider=build_provider(world.provider, world.store, bell),
        hooks=build_hooks(settings, world.store, now) if is_wanted(settings) else None,
    )


def origins_of(text: str) -> frozenset[str]:
    """The pages that may ask with a cookie beside our own."""
    found = frozenset(part.strip().rstrip("/") for part in text.split(",") if part.strip())
    for origin in found:
        scheme, separator, host = origin.partition("://")
        if scheme not in ("https", "http") or not separator or not host or "/" in host:
            raise InvalidInput(
                f"API_ORIGINS: {origin[:80]} is no origin; write https://desk.example.com"
            )
    return found
