"""How fast the courier sends to many chats, and whether it stays below Telegram's limit."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from bot.courier import build_courier
from bot.documents import Write
from bot.drawing import Draw
from bot.limiter import Limiter
from bot.notices import Render
from bot.sandbox import Person, Sandbox, serve
from bot.settings import Settings
from bot.wiring import build_collect, build_performance
from bot.worker import telegram_bot
from engine.domain.person import Person as Reader
from engine.domain.person import Role
from storage.embedded import Servers
from storage.locks import Lock
from storage.sole import Sole
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.common import rate
from tests.e2e.storm import TOKEN, queue_rows

_CHATS, _EACH, _LIMIT = 60, 5, 30.0


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """300 alerts to 60 chats, all due at once."""
    people = tuple(Person(7000 + n, f"Person {n}", None, "en") for n in range(_CHATS))
    sandbox = Sandbox(token=TOKEN, people=people)
    served = await serve(sandbox)
    async with histories.scratch(servers, "courier") as (url, _):
        world = (await histories.desk()).world
        async with PostgresStore().begin() as tx:
            for person in people:
                await tx.people.save(
                    Reader(
                        id=person.id, name=person.first_name, role=Role.VIEWER, chat_id=person.id
                    )
                )
        for person in people:
            await sandbox.send(person.id, "/start")
        await queue_rows([person.id for person in people], _EACH)
        ready = asyncio.Event()
        ready.set()
        settings = Settings(  # type: ignore[call-arg]
            _env_file=None, telegram_bot_token=TOKEN, telegram_api_url=served.url
        )
        sole = Sole(url, Lock.COURIER)
        async with telegram_bot(settings) as bot:
            courier = build_courier(
                bot=bot,
                store=world.store,
                render=Render(store=world.store, broker=world.broker),
                draw=Draw(
                    store=world.store,
                    collect=build_collect(world),
                    read_performance=build_performance(world),
                ),
                write=Write(store=world.store, read_performance=build_performance(world)),
                sole=sole,
                ready=ready,
                limiter=Limiter(),
            )
            while await courier.deliver():
                pass
        await sole.close()
    await served.close()
    _print([call["at"] for call in sandbox.calls if call["method"] == "sendMessage"], sandbox)


def _print(times: list[float], sandbox: Sandbox) -> None:
    rate("courier: messages sent", (len(times) - 1) / (times[-1] - times[0]), _LIMIT)
    most = max(sum(at <= other < at + 1 for other in times) for at in times)
    rate("courier: most in any one second", most, _LIMIT)
    refused = Counter(call["status"] for call in sandbox.calls)[429]
    print(f"courier: refused as too fast{refused:>26}")
