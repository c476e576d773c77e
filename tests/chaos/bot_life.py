"""Lives of the real bot by fork, because importing aiogram takes seconds; see the zygote.

{"url": ..., "redis": ..., "chat": ..., "home": ..., "place": "handled", "nth": 2, "settle": false}
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.answerer import Answerer  # noqa: F401 -- imported before the fork, with all of aiogram
from bot.chat import run_chat  # noqa: F401
from bot.handling import Handling
from bot.processes import open_world, run_bot
from bot.settings import Settings
from bot.taps import Taps
from storage.inbox import PostgresInbox
from storage.outbox import PostgresDeliveries
from tests.chaos import zygote
from tests.chaos.traps import Trap

TOKEN = "700000004:token-of-the-updates"
#: Where a life may end: what has just happened. "fetched" and "handled" are the two windows in
#: which an update could be lost, or be answered twice.
PLACES = ("fetched", "stored", "begun", "handled", "tap_answered", "queued", "done")
#: A life that is to bring everything to an end has done so when nothing came for so long.
_QUIET_SECONDS = 1.0


async def live(order: dict[str, Any], ready: Callable[[], None]) -> None:
    """The bot's process until it is killed; with ``settle`` until nothing waits."""
    _set(Trap(order.get("place"), order.get("nth", 1)))
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None,
        database_url=order["url"],
        redis_url=order["redis"],
        telegram_bot_token=SecretStr(TOKEN),
        telegram_api_url=order["chat"],
        ai_trader_home=Path(order["home"]),
    )
    async with open_world(settings) as (world, pool):
        ready()
        running = asyncio.ensure_future(run_bot(settings, world, pool))
        if order.get("settle"):
            await _quiet()
        else:
            await running


async def _quiet() -> None:
    """Nothing waits, and nothing more comes."""
    quiet, inbox = 0.0, PostgresInbox()
    while quiet < _QUIET_SECONDS:
        await asyncio.sleep(0.1)
        quiet = 0.0 if await inbox.waiting() else quiet + 0.1
    # What a halted process would do on its way out must not be needed.
    os._exit(0)


def _set(trap: Trap) -> None:
    """Set the trap at the places of the way an update takes."""
    _after(PostgresInbox, "put_all", trap, "stored", before="fetched")
    _after(PostgresInbox, "begin", trap, "begun")
    _after(PostgresInbox, "done", trap, "done")
    _after(Handling, "_answer", trap, None, before="handled")
    _after(Taps, "answer", trap, "tap_answered")
    _after(PostgresDeliveries, "answer", trap, "queued")


def _after(of: type, name: str, trap: Trap, after: str | None, before: str | None = None) -> None:
    inner = getattr(of, name)

    async def trapped(*arguments: Any, **named: Any) -> Any:
        if before is not None:
            trap.at(before)
        found = await inner(*arguments, **named)
        if after is not None:
            trap.at(after)
        return found

    setattr(of, name, trapped)


if __name__ == "__main__":
    zygote.main(live)
