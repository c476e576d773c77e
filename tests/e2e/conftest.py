"""The real bot against the local Telegram in one process: receiver, dispatcher, courier, worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from bot.answerer import Answerer
from bot.courier import Courier, build_courier
from bot.dispatcher import UPDATES, build_dispatcher, telegram
from bot.documents import Write
from bot.drawing import Draw
from bot.intake import Intake
from bot.limiter import Limiter, Limits
from bot.notices import Render
from bot.processes import API_AT
from bot.receiver import FetchUpdates
from bot.sandbox import DEFAULT_PEOPLE, Person, Sandbox, serve
from bot.settings import Settings
from bot.talk import build_talk
from bot.wiring import build_collect, build_performance
from bot.worker import telegram_bot
from bot.world import now
from storage.budget import Pace
from storage.inbox import PostgresInbox
from storage.locks import Lock
from storage.outbox import PostgresDeliveries
from storage.sole import Sole
from tests.conftest import Database
from tests.integration.conftest import (  # noqa: F401
    Desk,
    RecordingBell,
    desk,
    mode,
    template,
)

#: The local chat does not count here: a test must not wait for real limits.
UNLIMITED = Limits(overall=Pace(1e4, 1000), chat=Pace(1e4, 1000), group=Pace(1e4, 1000))
TOKEN = "700000001:token-of-the-test"


@dataclass
class Chat:
    """The desk with its chat. Each step of the machinery is made by the test, so that nothing
    has to be waited for.
    """

    desk: Desk
    sandbox: Sandbox
    answerer: Answerer
    courier: Courier
    intake: Intake
    offset: int = 0

    async def settle(self) -> None:
        """Everything that is under way comes to its end: updates, orders, messages."""
        for step in range(6):
            rung = self.desk.is_rung
            fetched = await self._fetch()
            await self.answerer.drain()
            sends = self.desk.is_rung
            await self.desk.send_all()
            # The venue is another one than it was when the test changed it, or what was just sent.
            closed = await self.desk.work.sync_broker() if step == 0 or sends else ()
            if not (await self.courier.deliver() or fetched or rung or closed):
                return

    async def _fetch(self) -> int:
        """How many updates there were; those of the fetch before are acknowledged by it."""
        poll = FetchUpdates(timeout=0, allowed_updates=UPDATES, offset=self.offset)
        updates = await self.answerer.bot(poll)
        await self.intake.take(updates)
        self.offset = max((update["update_id"] + 1 for update in updates), default=self.offset)
        return len(updates)

    async def say(self, text: str, who: int = 1001) -> list[dict]:
        """A person writes; the answers that came."""
        before = len(self.sandbox.messages(who))
        await self.sandbox.send(who, text)
        await self.settle()
        return self.sandbox.messages(who)[before + 1 :]

    async def tap(self, message: dict, label: str, who: int = 1001) -> dict:
        """A person taps a button; what the bot answered to the tap."""
        query = await self.sandbox.tap(who, message["message_id"], label=label)
        await self.settle()
        return self.sandbox.answers[query]

    async def card(self, who: int = 1001) -> dict:
        """The last idea card of a person."""
        await self.settle()
        return [m for m in self.sandbox.messages(who) if m.get("photo")][-1]


def label_of(message: dict, part: str) -> str:
    """The label of the button that holds a text."""
    keyboard = message["reply_markup"]["inline_keyboard"]
    return next(b["text"] for row in keyboard for b in row if part in b["text"])


@pytest.fixture
async def chat(desk: Desk, database: Database) -> AsyncIterator[Chat]:  # noqa: F811
    """The chat, with everyone seated."""
    async with AsyncExitStack() as stack:
        people = [*DEFAULT_PEOPLE, Person(1004, "Mallory", "mallory", "en")]
        sandbox = Sandbox(token=TOKEN, people=people, enforce_flood=False)
        served = await serve(sandbox)
        stack.push_async_callback(served.close)
        settings = Settings(  # type: ignore[call-arg]
            _env_file=None, telegram_bot_token=SecretStr(TOKEN), telegram_api_url=served.url
        )
        bot = await stack.enter_async_context(telegram(settings))
        sender = telegram_bot(settings)
        await stack.enter_async_context(sender)
        sole = Sole(database.url, Lock.COURIER)
        stack.push_async_callback(sole.close)
        deliveries = PostgresDeliveries()
        bell = RecordingBell()
        talk = build_talk(desk.world, desk.bell, claim_code="code-of-the-test")
        answerer = Answerer(
            bot=bot,
            dispatcher=build_dispatcher(talk, clock=now, is_live=False, api_at=API_AT),
            inbox=PostgresInbox(),
            deliveries=deliveries,
            bell=bell,
            arrived=asyncio.Event(),
            # What two people do is handled in the order in which the test does it.
            people=1,
        )
        ready = asyncio.Event()
        ready.set()
        courier = build_courier(
            bot=sender,
            store=desk.world.store,
            render=Render(store=desk.world.store, broker=desk.world.broker),
            draw=Draw(
                store=desk.world.store,
                collect=build_collect(desk.world),
                read_performance=build_performance(desk.world),
            ),
            write=Write(store=desk.world.store, read_performance=build_performance(desk.world)),
            sole=sole,
            ready=ready,
            limiter=Limiter(limits=UNLIMITED),
        )
        intake = Intake(inbox=answerer.inbox, arrived=answerer.arrived)
        made = Chat(desk, sandbox, answerer, courier, intake)
        for who in (1001, 1002, 1003):
            await sandbox.send(who, "/start")
        await made.settle()
        yield made
        assert sandbox.violations == []
