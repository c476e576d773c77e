"""The connection to the language model's provider, in the terminal; each prints JSON."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.bell import SilentBell
from bot.i18n import words_for
from bot.provider_settings import ProviderCases, build_provider
from bot.reports import CLEAN, FAULTY, Say, open_database_of
from bot.settings import Settings
from bot.views import provider as views
from bot.world import World
from engine.domain.secret import Secret
from engine.errors import InvalidInput
from engine.flow.provider_oauth import ATTEMPT
from engine.flow.provider_records import ProviderStatus

_LOOK_SECONDS = 1.0


def _cases(world: World) -> ProviderCases:
    return build_provider(world.provider, world.store, SilentBell())


async def status(settings: Settings, *, say: Say) -> int:
    """How it stands."""
    async with open_database_of(settings) as world:
        return _told(await _cases(world).read(None), say)


async def connect(settings: Settings, key: str, *, say: Say) -> int:
    """Store a key."""
    async with open_database_of(settings) as world:
        return _told(await _cases(world).store_key(None, Secret(key.strip())), say)


async def connect_by_oauth(settings: Settings, *, say: Say) -> int:
    """Print where to go, and wait until the API took what the browser brings back."""
    async with open_database_of(settings) as world:
        cases = _cases(world)
        before = await cases.read(None)
        started = await cases.start(None)
        if started.url is None:
            say("A key is set by OPENAI_API_KEY or LLM_API_KEY: OAuth is not needed.")
            return CLEAN
        say(f"Open this in a browser within {ATTEMPT.total_seconds() / 60:.0f} minutes:\n")
        say(f"{started.url}\n")
        back = parse_qs(urlsplit(started.url).query)["redirect_uri"][0]
        say(f"`ai-trader api` must run and be reached at {back}. Waiting for it.")
        for _ in range(int(ATTEMPT.total_seconds() / _LOOK_SECONDS)):
            seen = await cases.read(None)
            if seen.connected and seen.at != before.at:
                return _told(seen, say)
            await asyncio.sleep(_LOOK_SECONDS)
        raise InvalidInput("nobody came back from the browser: begin again")


async def disconnect(settings: Settings, *, say: Say) -> int:
    """Forget what is stored."""
    async with open_database_of(settings) as world:
        found = await _cases(world).disconnect(None)
    _tell(views.status_document(words_for("en"), found), say)
    return CLEAN


async def test(settings: Settings, *, say: Say) -> int:
    """Source 004, section 6.7."""
    async with open_database_of(settings) as world:
        cases = _cases(world)
        document = views.test_document(words_for("en"), await cases.check(None), cases.plan)
    _tell(document, say)
    return CLEAN if document["status"] == "ok" else FAULTY


def _told(found: ProviderStatus, say: Say) -> int:
    _tell(views.status_document(words_for("en"), found), say)
    return CLEAN if found.connected else FAULTY


def _tell(document: Mapping[str, Any], say: Say) -> None:
    say(json.dumps(document, indent=2, ensure_ascii=False))
