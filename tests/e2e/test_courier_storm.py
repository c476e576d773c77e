"""A burst of alerts, a Telegram that refuses and forgets to answer, a courier that is killed."""

import asyncio
from random import Random

from tests.conftest import Database
from tests.e2e.storm import queue, storm, weather

ALERTS, CHATS, KILLS = 60, 12, 3


async def test_everything_arrives_once_in_order_and_halts_first(opened: Database) -> None:
    chance = Random(7)
    async with storm(opened.url, chats=CHATS) as found:
        await queue(found, ALERTS)
        for _ in range(KILLS):
            weather(found.sandbox, chance, found.chats)
            weather(found.sandbox, chance, found.chats)
            before = await found.waiting()
            found.start()
            async with asyncio.timeout(20):
                while await found.waiting() > before - 6:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            await asyncio.sleep(chance.uniform(0, 0.2))
            found.kill()
        come = max(len(found.texts(chat)) for chat in found.chats)
        for chat in found.chats:
            await found.alert(chat, f"halt {chat}", halt=True)
        found.start()
        await found.settled(40)
        assert found.faults() == []
        assert found.late_halts(come) == []
        assert found.flood() == 0
        assert found.sandbox.violations == []
