"""The long-running processes: prepare the database, run a bot, run a worker, stop cleanly."""

import asyncio
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from arq.connections import ArqRedis

from bot.bell import ArqBell
from bot.endpoint import build_endpoint, serve_endpoint
from bot.explain_jobs import Explaining
from bot.hook_settings import is_wanted
from bot.hooks import build_hooks
from bot.hooks import posting as post_hooks
from bot.modelling import training
from bot.running import steadily, surely, together
from bot.settings import Settings
from bot.talk import build_talk
from bot.webhook_settings import plan_of
from bot.wiring import build_anchor_history, build_explain, build_work
from bot.worker import build_worker, connect, open_queue, telegram_bot, work_off
from bot.world import World, build_world, now
from broker.ai.analyst import get_ready
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.settings import RiskSettings
from engine.domain.state import Control
from engine.errors import InvalidInput
from engine.flow.recovery import Recovered
from engine.flow.watch import WatchHeartbeats
from engine.strategies.documents import shipped
from engine.strategies.registry import load as load_setups
from storage.backup import must_be_whole
from storage.database import open_database
from storage.heartbeats import beat, forget_gone
from storage.locks import Lock
from storage.migrate import may_migrate, may_rewrite_history, migrate, missing
from storage.seed import seed
from storage.sole import Sole

log = logging.getLogger(__name__)

#: Where the API listens when nothing else is said.
API_PORT = 8070
#: Where the HTTP API is when another process serves it.
API_AT = "ai-trader api"
_BEAT_SECONDS = 5.0
#: How long jobs may take to end when the process is told to stop.
_WIND_UP_SECONDS = 5.0
#: A silence of the bot that people are told of; Telegram drops a tap after 150 seconds.
_AWAY = timedelta(minutes=2)


async def prepare(
    settings: Settings, *, risk: RiskSettings | None = None, control: Control | None = None
) -> None:
    """Bring the database to this version: schema, rights, and what an empty one starts with."""
    database_url = needed(settings.database_url, "DATABASE_URL")
    owner_url = settings.database_owner_url or database_url
    await must_be_whole(database_url)
    if await may_migrate(owner_url):
        role = urlsplit(database_url).username
        await migrate(owner_url, runtime_role=role if owner_url != database_url else None)
    elif behind := await missing(database_url):
        raise InvalidInput(
            f"the database lacks {', '.join(behind)} and this role may not add it. Run"
            " ai-trader migrate with the schema's owner in DATABASE_OWNER_URL."
        )
    if settings.is_production and await may_rewrite_history(database_url):
        raise InvalidInput(
            "DATABASE_URL belongs to a role that could rewrite the decision history. Give the"
            " schema's owner as DATABASE_OWNER_URL and a role of its own as DATABASE_URL."
        )
    async with open_database(database_url):
        await seed(shipped(), risk or RiskSettings(), control or Control(changed_at=now()))


def needed(value: str | None, name: str) -> str:
    """A setting this command cannot do without."""
    if value is None:
        raise InvalidInput(f"{name} is not set. Set it, or run everything at once: ai-trader up")
    return value


@asynccontextmanager
async def open_world(settings: Settings) -> AsyncIterator[tuple[World, ArqRedis]]:
    """The open database, the queue, the adapters over them, and installed packages' setups."""
    load_setups()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(
            open_database(needed(settings.database_url, "DATABASE_URL"))
        )
        pool = await stack.enter_async_context(open_queue(needed(settings.redis_url, "REDIS_URL")))
        world = build_world(settings)
        stack.push_async_callback(world.close)
        try:
            yield world, pool
        except asyncio.CancelledError:
            await _anchor(world, pool)
            raise


async def _anchor(world: World, pool: ArqRedis) -> None:
    """A clean stop notes where the history stands; that it cannot is no reason to stay."""
    try:
        await build_anchor_history(world, ArqBell(pool))(quietly=True)
    except Exception as error:
        log.warning("the history was not anchored: %s", error)


async def recover(world: World, pool: ArqRedis) -> Recovered:
    """Start is recovery; see ``engine.flow.recovery``."""
    found = await build_work(world, ArqBell(pool)).recover()
    for fault in found.faults:
        log.error("%s: %s", fault.record, fault.problem)
    return found


async def announce(world: World) -> None:
    """Tell everyone that the bot is up, in which state, with which limits, and since when nobody
    listened, if that was long.
    """
    async with world.store.begin() as tx:
        at = await tx.now()
        last = (await tx.heartbeats.seen()).get("bot")
        detail = {}
        if last is not None and at - last.at > _AWAY:
            detail["away"] = {"since": last.at.isoformat(), "until": at.isoformat()}
        key = f"started:{at.isoformat()}"
        notice = Notice(kind=Kind.STARTED, key=key, priority=Priority.NORMAL, detail=detail)
        await tx.outbox.tell(notice, Audience())


async def run_bot(
    settings: Settings, world: World, pool: ArqRedis, *, api_at: str | None = API_AT
) -> None:
    """The chat's process: updates in, answers out. ``api_at`` is where the HTTP API is."""
    # Here, not above: aiogram takes seconds and 170 MB, and a worker must not pay for it.
    from bot.chat import run_chat

    plan = plan_of(settings)
    code = secrets.token_urlsafe(12)
    await surely(partial(_print_code, world, code), "the look for an administrator")
    test = build_hooks(settings, world.store, now).test if is_wanted(settings) else None
    talk = build_talk(world, ArqBell(pool), claim_code=code, test_webhook=test)
    await together(
        run_chat(settings, world, pool, talk, plan, api_at=api_at),
        steadily(watching(talk.watch_heartbeats), "watch"),
    )


async def _print_code(world: World, code: str) -> None:
    async with world.store.begin() as tx:
        people = await tx.people.list()
    if not any(person.role == "admin" for person in people):
        log.warning("nobody administers this bot yet; claim it in a chat with: /start %s", code)


async def run_worker(settings: Settings, world: World, pool: ArqRedis, *, name: str) -> None:
    """A worker, until it is cancelled. arq gives up when Redis goes away; we start it again."""
    sole = Sole(needed(settings.database_url, "DATABASE_URL"), Lock.COURIER)
    judging = Sole(needed(settings.database_url, "DATABASE_URL"), Lock.JUDGING)
    bot, ready = telegram_bot(settings), asyncio.Event()
    posting = post_hooks(settings, world.store, now)
    explain = build_explain(world, ArqBell(pool))
    explaining = None if explain is None else Explaining(explain=explain, get_ready=get_ready)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sole.close)
        stack.push_async_callback(judging.close)
        stack.push_async_callback(bot.shutdown)

        async def once() -> None:
            worker = build_worker(
                world, pool, bot, sole, ready, judging,
                explaining=None if explaining is None else explaining.rung,
            )  # fmt: skip
            await work_off(worker, patience=_WIND_UP_SECONDS)

        await together(
            steadily(once, f"worker {name}"),
            steadily(beating(name), "heart"),
            # No job of the queue: who hangs there must not take a place that trading needs.
            steadily(posting, "webhooks"),
            *([] if explaining is None else [steadily(explaining.run, "explanations")]),
            steadily(training(world, ArqBell(pool)), "trainings"),
            connect(bot, ready),
        )


async def run_endpoint(settings: Settings, world: World, pool: ArqRedis) -> None:
    """The Expert Advisor's endpoint, until it is cancelled."""
    endpoint = build_endpoint(settings, world, ArqBell(pool))
    await serve_endpoint(endpoint, settings.ea_host, settings.ea_port)


async def run_api(settings: Settings, world: World, pool: ArqRedis) -> None:
    """The HTTP API, until it is cancelled."""
    # Here, not above: a worker serves nothing and must not pay for it.
    from bot.api.building import build_app, serve_api

    app = build_app(settings, world, ArqBell(pool), pool.ping)
    await serve_api(app, settings.api_host, settings.api_port or API_PORT)


def beating(name: str) -> Callable[[], Awaitable[None]]:
    """Say every few seconds that a worker is alive, however busy its jobs are. Each start forgets
    the names of those that are gone for good.
    """

    async def run() -> None:
        await forget_gone()
        while True:
            await beat(f"worker:{name}")
            await asyncio.sleep(_BEAT_SECONDS)

    return run


def watching(look: WatchHeartbeats) -> Callable[[], Awaitable[None]]:
    """Look every few seconds whether any worker is alive."""

    async def run() -> None:
        while True:
            for lost in await look():
                log.warning("no %s gives a sign of life since %s", lost.part.name, lost.since)
            await asyncio.sleep(_BEAT_SECONDS)

    return run


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until the work ends or the process is told to stop (Ctrl-C, SIGTERM)."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopping")


def with_urls(settings: Settings, **urls: Any) -> Settings:
    """The settings with addresses that were found at start."""
    return settings.model_copy(update=urls)


def demo_risk() -> RiskSettings:
    """Limits that let a newcomer see ideas soon and read them in peace."""
    return replace(RiskSettings(), idea_ttl_seconds=180)
