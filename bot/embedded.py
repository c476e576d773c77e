"""Everything in one process: servers found or brought, the local chat, the bot and a worker."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.key_settings import make_keys
from bot.narrator import Narrator
from bot.processes import (
    announce,
    demo_risk,
    open_world,
    prepare,
    recover,
    run_api,
    run_bot,
    run_endpoint,
    run_worker,
    with_urls,
)
from bot.pushing import run_push
from bot.running import steadily, together
from bot.sandbox import Person as ChatPerson
from bot.sandbox import Sandbox, ServedSandbox, serve
from bot.settings import Settings
from bot.world import World, now
from engine.domain.person import Person, Role
from engine.domain.state import Control, TradingState
from engine.errors import InvalidInput
from storage.embedded import data_folder, embedded_servers, remove_data

log = logging.getLogger(__name__)

#: The local chat's bot; it opens nothing outside this machine.
LOCAL_TOKEN = "700000001:local-chat-on-this-machine-only"  # noqa: S105

#: Who sits in the local chat: you, a second trader, and somebody who only watches.
PEOPLE = (
    (ChatPerson(1001, "Ann", "ann", "en"), Role.ADMIN),
    (ChatPerson(1002, "Luis", "luis", "es"), Role.TRADER),
    (ChatPerson(1003, "Eve", "eve", "en"), Role.VIEWER),
)


def has_terminal(settings: Settings) -> bool:
    """Whether an Expert Advisor connects here, for its account or for its prices alone."""
    return "mt_bridge" in (settings.broker, settings.paper_market)


async def run_all(
    settings: Settings,
    *,
    demo: bool,
    say: Any,
    control: Control | None = None,
    beside: Callable[[World], Awaitable[None]] | None = None,
) -> None:
    """Run the whole product until cancelled; ``say`` prints a line for whoever started it. A
    database that is new begins with ``control``; ``beside`` runs as long as the rest.
    """
    if demo:
        # A recording's signals are for nobody's account, and its chat knows no passwords.
        settings = with_urls(settings, ea_push_enabled=False, api_host="127.0.0.1")
    async with AsyncExitStack() as stack:
        settings, described = await stack.enter_async_context(_servers(settings))
        say(f"Servers: {described}")
        settings, chat = await stack.enter_async_context(_chat(settings))
        risk, control = (demo_risk(), demo_control()) if demo else (None, control)
        make_keys(settings)
        await prepare(settings, risk=risk, control=control)
        world, pool = await stack.enter_async_context(open_world(settings))
        found = await recover(world, pool)
        say(f"History: {found.records} records, {len(found.faults)} faults")
        if chat is not None:
            await _seat(world)
            await _press_start(chat.sandbox)
            say(f"\n  The chat is at  {chat.served.url}")
            soon = "the first idea comes within half a minute"
            if world.tape is None:
                soon = "what is decided is shown as candles close"
            if has_terminal(settings):
                soon = "/ea makes the code that connects your MetaTrader terminal"
            say(f"  Open it: {soon}. Ctrl-C stops everything.\n")
        await announce(world)
        parts = [
            run_bot(settings, world, pool, api_at=_api_at(settings)),
            run_worker(settings, world, pool, name="embedded"),
            # A server that is gone for a moment must not end what runs beside it.
            steadily(Narrator(store=world.store, say=say).run, "narrator"),
        ]
        if has_terminal(settings):
            say(f"The Expert Advisor's endpoint: http://{settings.ea_host}:{settings.ea_port}")
            parts.append(run_endpoint(settings, world, pool))
        if settings.api_port is not None:
            say(f"The HTTP API: {_api_at(settings)}/v1/docs")
            say("  /web in the chat makes the code for an address and a password")
            parts.append(run_api(settings, world, pool))
        if world.signal_server is not None:
            say(f"Signals are pushed to {world.signal_server.url}")
            parts.append(run_push(settings, world.store, name="embedded"))
        if beside is not None:
            parts.append(steadily(partial(beside, world), "beside"))
        await together(*parts)


def demo_control() -> Control:
    """A demo, and a paper run, start trading; a real installation starts paused."""
    return Control(state=TradingState.RUNNING, reason="demo", changed_at=now())


@asynccontextmanager
async def _servers(settings: Settings) -> AsyncIterator[tuple[Settings, str]]:
    """The given servers, and embedded ones for those that were not given."""
    postgres, redis = settings.database_url is None, settings.redis_url is None
    if not postgres and not redis:
        yield settings, "PostgreSQL and Redis by their URLs"
        return
    async with embedded_servers(
        settings.ai_trader_home, want_postgres=postgres, want_redis=redis
    ) as servers:
        urls: dict[str, str] = {}
        if postgres:
            urls |= {
                "database_url": servers.database_url,
                "database_owner_url": servers.owner_url,
            }
        if redis:
            urls["redis_url"] = servers.redis_url
        yield with_urls(settings, **urls), servers.describe


@dataclass(frozen=True, slots=True)
class _Chat:
    sandbox: Sandbox
    served: ServedSandbox


@asynccontextmanager
async def _chat(settings: Settings) -> AsyncIterator[tuple[Settings, _Chat | None]]:
    """Telegram when there is a token, else the local chat."""
    if settings.telegram_bot_token is not None:
        yield settings, None
        return
    if settings.is_production:
        raise InvalidInput(
            f"APP_ENV is {settings.app_env} and TELEGRAM_BOT_TOKEN is not set: the local chat knows"
            " no passwords and does not serve there"
        )
    state = settings.ai_trader_home / "chat.json"
    sandbox = Sandbox(token=LOCAL_TOKEN, people=[person for person, _ in PEOPLE], state_file=state)
    served = await serve(sandbox, port=settings.chat_port, app_env=settings.app_env)
    try:
        found = with_urls(
            settings, telegram_bot_token=SecretStr(LOCAL_TOKEN), telegram_api_url=served.url
        )
        yield found, _Chat(sandbox, served)
    finally:
        await served.close()


async def _seat(world: World) -> None:
    """Let the people of the local chat in, each in their role; later changes stay."""
    async with world.store.begin() as tx:
        known = {person.id for person in await tx.people.list()}
        for sitting, role in PEOPLE:
            if sitting.id not in known:
                await tx.people.save(
                    Person(
                        id=sitting.id,
                        name=sitting.first_name,
                        role=role,
                        language=sitting.language_code,
                        chat_id=sitting.id,
                    )
                )


async def _press_start(sandbox: Sandbox) -> None:
    """A bot cannot write first: press Start for those who have not, so that ideas reach them."""
    for person, _ in PEOPLE:
        if not sandbox.messages(person.id):
            await sandbox.send(person.id, "/start")


def forget(home: Path) -> None:
    """Begin anew: delete what earlier runs of this folder left. Refused while they run."""
    remove_data(home)
    (home / "chat.json").unlink(missing_ok=True)
    (home / "anchors.jsonl").unlink(missing_ok=True)
    log.info("deleted %s", data_folder(home))


def _api_at(settings: Settings) -> str | None:
    if settings.api_port is None:
        return None
    return f"http://{settings.api_host}:{settings.api_port}"
