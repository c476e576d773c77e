"""The chat's process put together: one way in, one inbox, one that answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from aiogram import Bot, Dispatcher
from arq.connections import ArqRedis

from bot.answerer import Answerer
from bot.bell import ArqBell
from bot.callers import Callers, serving
from bot.dispatcher import build_dispatcher, telegram
from bot.inquiries import AnswerInquiries
from bot.intake import Intake, Refuser
from bot.live_text import Drafts
from bot.menus import Menus
from bot.quarrel import Quarrel
from bot.receiver import Receiver
from bot.running import steadily, together
from bot.settings import Settings
from bot.talk import Talk
from bot.webhook import Webhook, build_app
from bot.webhook_settings import Plan
from bot.world import World, now
from engine.flow.ask.inquiries import Inquiries, Wording
from storage.inbox import PostgresInbox
from storage.locks import Lock
from storage.outbox import PostgresDeliveries
from storage.sole import Sole

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0

Run = Callable[[], Awaitable[None]]


async def run_chat(
    settings: Settings,
    world: World,
    pool: ArqRedis,
    talk: Talk,
    plan: Plan | None,
    *,
    api_at: str | None,
) -> None:
    """Updates in, answers out, until it is cancelled. ``api_at`` is where the HTTP API is.

    Any number of these processes may run. One holds the lock and answers, and fetches unless
    Telegram calls; the others wait for its place, and with a webhook they too take updates in.
    """
    assert settings.database_url is not None
    async with AsyncExitStack() as stack:
        sole = Sole(settings.database_url, Lock.CHAT)
        stack.push_async_callback(sole.close)
        bot = await stack.enter_async_context(telegram(settings))
        intake = Intake(inbox=PostgresInbox(), arrived=asyncio.Event())
        dispatcher = build_dispatcher(talk, clock=now, is_live=world.broker.is_live, api_at=api_at)
        parts = _answering(bot, dispatcher, intake, world, pool, talk)
        if plan is None:
            parts.append(_fetching(bot, intake, world, pool))
        mine = steadily(partial(alone, sole, parts), "chat")
        await (mine if plan is None else together(mine, _called(bot, intake, plan)))


def _fetching(bot: Bot, intake: Intake, world: World, pool: ArqRedis) -> Run:
    quarrel = Quarrel(
        store=world.store, deliveries=PostgresDeliveries(), bell=ArqBell(pool), since=now()
    )
    receiver = Receiver(bot=bot, intake=intake, quarrel=quarrel)
    return partial(steadily, receiver.run, "receiver")


def _answering(
    bot: Bot, dispatcher: Dispatcher, intake: Intake, world: World, pool: ArqRedis, talk: Talk
) -> list[Run]:
    """What the one that answers does."""
    deliveries, bell = PostgresDeliveries(), ArqBell(pool)
    answerer = Answerer(
        bot=bot,
        dispatcher=dispatcher,
        inbox=intake.inbox,
        deliveries=deliveries,
        bell=bell,
        arrived=intake.arrived,
    )
    refuser = Refuser(
        bot=bot, find_person=talk.find_person, deliveries=deliveries, bell=bell, intake=intake
    )
    wording = [] if talk.wording is None else [_wording(bot, world, talk, talk.wording, bell)]
    return [
        *wording,
        partial(steadily, answerer.run, "answerer"),
        partial(steadily, refuser.run, "refuser"),
        partial(steadily, Menus(bot=bot, store=world.store).run, "menus"),
    ]


def _wording(bot: Bot, world: World, talk: Talk, wording: Wording, bell: ArqBell) -> Run:
    """Who answers by the language model."""
    answerer = AnswerInquiries(
        wording=wording,
        inquiries=Inquiries(store=world.store, ask=talk.ask),
        find_person=talk.find_person,
        deliveries=PostgresDeliveries(),
        bell=bell,
        drafts=Drafts(bot=bot),
    )
    return partial(steadily, answerer.run, "wording")


async def _called(bot: Bot, intake: Intake, plan: Plan) -> None:
    """Take in what Telegram brings."""
    app = build_app(Webhook(intake=intake, secret=plan.secret))
    async with serving(app, plan):
        await Callers(bot=bot, plan=plan).run()


async def alone(sole: Sole, parts: list[Run]) -> None:
    """Run the parts while this process holds the lock, and again when it gets it back."""
    waiting = False
    while True:
        async with sole.try_enter() as mine:
            if mine:
                await _until_lost(sole, parts)
                log.warning("the lock of the chat was lost with its connection")
        if not mine and not waiting:
            log.warning("another process answers the chat; this one waits for its place")
        waiting = not mine
        await asyncio.sleep(_LOOK_SECONDS)


async def _until_lost(sole: Sole, parts: list[Run]) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_awaited(part)) for part in parts]
        await sole.lost()
        for task in tasks:
            task.cancel()


async def _awaited(part: Run) -> None:
    await part()
