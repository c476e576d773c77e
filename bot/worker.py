"""The worker process: arq's queue for the jobs, its clockwork for what is due every second."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from arq import create_pool, cron
from arq.connections import ArqRedis, RedisSettings
from arq.cron import CronJob
from arq.worker import Worker, func
from telegram import Bot
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ExtBot

from bot import jobs
from bot.backtest_jobs import Player, play_backtests
from bot.bell import ArqBell
from bot.briefing import RenderAll
from bot.change_jobs import advise, expire_changes, optimize, remind_of_changes, suggest
from bot.courier import build_courier
from bot.documents import Write
from bot.drawing import Draw
from bot.explain_jobs import explain_ideas
from bot.model_jobs import generate_signals, retrain
from bot.playing import PlayApart
from bot.progress import Progress
from bot.provider_jobs import refresh_provider
from bot.settings import Settings
from bot.sweep_jobs import Sweeper, play_shards
from bot.wiring import build_collect, build_performance, build_read_brief, build_work
from bot.world import World
from engine.flow.ingest_steps import MOMENT
from engine.research.sweeping import WorkSweep
from storage.sole import Sole

_EVERY_SECOND = set(range(60))
#: Candles close on full seconds; when they may be asked for, they are asked for at once.
_CLOSED = int(MOMENT / timedelta(microseconds=1)) + 20_000
#: An order job that hangs longer than this is given up; its order is then looked up, never re-sent.
_JOB_TIMEOUT = 30
#: Many short transactions; what is left when it ends is removed the next day.
_RETIRE_TIMEOUT = 600
#: All feeds, two at a time, each as slow as it may be.
_POLL_TIMEOUT = 420
#: Ten streams, five at a time, each as slow as it may be, and judging them.
_FETCH_TIMEOUT = 50
#: As long as a search of the optimizer may be silent.
_SEARCH_TIMEOUT = 3_600
#: A backtest of years takes minutes; several may wait.
_PLAY_TIMEOUT = 6 * 3_600
_CONNECT_SECONDS = 5.0
#: How long jobs that are cut off may take to end, and how often it is looked.
_WRITING_SECONDS, _LOOK_SECONDS = 2.0, 0.05

log = logging.getLogger(__name__)


def encode(document: dict[str, Any]) -> bytes:
    """Jobs are JSON: pickles would run code for whoever can write to Redis."""
    return json.dumps(document, default=str).encode()


def redis_settings(url: str) -> RedisSettings:
    """Arq's connection for an address."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_retries = 30
    return settings


@asynccontextmanager
async def open_queue(redis_url: str) -> AsyncIterator[ArqRedis]:
    """A connection that enqueues jobs."""
    pool = await create_pool(
        redis_settings(redis_url), job_serializer=encode, job_deserializer=json.loads
    )
    try:
        yield pool
    finally:
        await pool.aclose()


def telegram_bot(settings: Settings) -> ExtBot[Any]:
    """The courier's client of Telegram, or of the local chat."""
    assert settings.telegram_bot_token is not None
    base = settings.telegram_api_url.rstrip("/")
    return ExtBot(
        settings.telegram_bot_token.get_secret_value(),
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
    )


async def connect(bot: Bot, ready: asyncio.Event) -> None:
    """Reach Telegram, however long it takes; trading goes on meanwhile.

    An error of the client is never printed: some of its texts hold the token.
    """
    while True:
        try:
            await bot.initialize()
        except InvalidToken:
            log.error("Telegram refuses TELEGRAM_BOT_TOKEN")
        except (TelegramError, OSError) as error:
            log.warning("Telegram does not answer: %s", type(error).__name__)
        else:
            ready.set()
            return
        await asyncio.sleep(_CONNECT_SECONDS)


async def work_off(worker: Worker, *, patience: float) -> None:
    """Run a worker until we are cancelled; what is begun then may take so many seconds to end.

    arq's loop is not cancelled with us: in the middle of a talk with the queue it would leave a
    connection behind, which nobody gives back.
    """
    running = asyncio.ensure_future(worker.async_run())
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        # Told to stop. An attempt at the venue that is cut off costs its answer.
        await wind_up(worker, running, patience=patience)
        raise
    except BaseException:
        await wind_up(worker, running, patience=0)
        raise


async def wind_up(worker: Worker, running: "asyncio.Future[None]", *, patience: float) -> None:
    """Take no more jobs, let those that are begun end for so many seconds, then cut them off, and
    see the loop of the worker to its end. The queue's connections stay open: they are the caller's.
    """
    # Where it is in the middle of picking, it ends that with the next job it looks at.
    worker.allow_pick_jobs, worker.max_jobs = False, 0
    # A worker of bursts that may begin none: its loop ends after this turn, when the begun jobs do.
    worker.burst, worker.max_burst_jobs = True, 0
    until = asyncio.get_running_loop().time() + patience
    await asyncio.wait([running], timeout=patience)
    begun = [task for task in worker.tasks.values() if not task.done()]
    left = until - asyncio.get_running_loop().time()
    if begun and left > 0:
        await asyncio.wait(begun, timeout=left)
    await _cut_off(worker, begun)
    await asyncio.wait([running], timeout=_WRITING_SECONDS)
    running.cancel()  # the queue does not answer
    await asyncio.gather(running, return_exceptions=True)
    worker._pool = None  # else it would be closed
    await worker.close()


async def _cut_off(worker: Worker, begun: list["asyncio.Task[Any]"]) -> None:
    """Cancel the jobs, and wait until the queue knows what became of each.

    Not what arq wraps around a job: cancelled while it writes to the queue, it ends and leaves the
    writing behind, over a connection that is closed under it.
    """
    cut: set[asyncio.Task[Any]] = set()
    loop = asyncio.get_running_loop()
    until = loop.time() + _WRITING_SECONDS
    while (left := [task for task in begun if not task.done()]) and loop.time() < until:
        # One may only begin its job now; none is cancelled twice, as it cleans up.
        for job in {*worker.job_tasks.values()} - cut:
            job.cancel()
            cut.add(job)
        await asyncio.wait(left, timeout=_LOOK_SECONDS)
    for task in left:
        task.cancel()  # the queue does not answer
    await asyncio.gather(*begun, return_exceptions=True)


def _distinct(clockwork: list[CronJob]) -> list[CronJob]:
    """Jobs of one name would be one job: the last of them."""
    names = [job.name for job in clockwork]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two jobs have the same name: {', '.join(twice)}")
    return clockwork


def build_worker(
    world: World,
    pool: ArqRedis,
    bot: Bot,
    sole: Sole,
    ready: asyncio.Event,
    judging: Sole,
    *,
    explaining: asyncio.Event | None = None,
) -> Worker:
    """A worker over an open database; run it with ``async_run``. ``sole`` is who sends messages,
    ``judging`` who judges what is stored; ``explaining`` wakes whoever explains ideas.
    """
    courier = build_courier(
        bot=bot,
        store=world.store,
        render=RenderAll(
            store=world.store, broker=world.broker, read_brief=build_read_brief(world)
        ),
        draw=Draw(
            store=world.store,
            collect=build_collect(world),
            read_performance=build_performance(world),
        ),
        write=Write(store=world.store, read_performance=build_performance(world)),
        sole=sole,
        ready=ready,
    )
    context: dict[Any, Any] = {
        "world": world,
        "work": build_work(world, ArqBell(pool)),
        "courier": courier,
        "judging": judging,
        "sweeper": Sweeper(
            work=WorkSweep(store=world.store, play=PlayApart(world)),
            progress=Progress(store=world.store),
        ),
        "progress": Progress(store=world.store),
        "busy": set(),
        "explaining": explaining or asyncio.Event(),
        "player": Player(world=world),
    }
    return Worker(
        functions=[
            jobs.evaluate, jobs.send_order, jobs.send_position_order, jobs.flatten, jobs.deliver,
            jobs.sync_broker, jobs.expire, jobs.sweep, jobs.execute_commands,
            func(jobs.fetch, timeout=_FETCH_TIMEOUT), func(optimize, timeout=_SEARCH_TIMEOUT),
            explain_ideas,
            func(play_backtests, timeout=_PLAY_TIMEOUT),
            func(play_shards, timeout=_SEARCH_TIMEOUT, max_tries=1),
            func(suggest, timeout=_SEARCH_TIMEOUT, max_tries=1),
        ],
        cron_jobs=_distinct([
            cron(
                jobs.ingest, second=_EVERY_SECOND, microsecond=_CLOSED, run_at_startup=True,
                max_tries=1, timeout=_FETCH_TIMEOUT,
            ),
            cron(jobs.keep_account, second=set(range(3, 60, 5)), max_tries=1),
            cron(jobs.expire, second=set(range(0, 60, 2)), max_tries=1),
            cron(expire_changes, second=set(range(1, 60, 2)), max_tries=1),
            cron(remind_of_changes, second=40, max_tries=1),
            cron(advise, minute=23, second=0, max_tries=1, timeout=_SEARCH_TIMEOUT),
            cron(optimize, second=30, max_tries=1, timeout=_SEARCH_TIMEOUT),
            cron(jobs.execute_commands, second=set(range(1, 60, 2)), max_tries=1),
            cron(jobs.watch, second=set(range(2, 60, 5)), max_tries=1),
            cron(jobs.watch_feeds, second=set(range(9, 60, 15)), run_at_startup=True, max_tries=1),
            cron(jobs.sweep, second=set(range(0, 60, 5)), run_at_startup=True, max_tries=1),
            # By itself: a venue that hangs keeps the sweep, and that is when people are told most.
            cron(jobs.deliver, second=set(range(4, 60, 5)), run_at_startup=True, max_tries=1),
            cron(
                play_backtests, second=set(range(8, 60, 10)), max_tries=1, timeout=_PLAY_TIMEOUT
            ),
            cron(jobs.remind, second=45, max_tries=1),
            cron(
                jobs.poll_feeds, second=20, run_at_startup=True, max_tries=1, timeout=_POLL_TIMEOUT
            ),
            cron(refresh_provider, second={12, 42}, run_at_startup=True, max_tries=1),
            cron(jobs.anchor, minute=7, second=0, max_tries=1),
            cron(generate_signals, second={8, 38}, max_tries=1),
            cron(play_shards, second=set(range(6, 60, 10)), max_tries=1, timeout=_SEARCH_TIMEOUT),
            cron(retrain, minute=23, second=0, max_tries=1),
            cron(jobs.retire, hour=3, minute=17, second=0, max_tries=1, timeout=_RETIRE_TIMEOUT),
        ]),
        redis_pool=pool,
        ctx=context,
        handle_signals=False,
        poll_delay=0.05,
        job_timeout=_JOB_TIMEOUT,
        max_tries=2,
        keep_result=0,
        health_check_interval=10,
        job_completion_wait=5,
        job_serializer=encode,
        job_deserializer=json.loads,
    )  # fmt: skip
