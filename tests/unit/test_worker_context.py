"""What a worker's jobs take out of its context is put into it."""

import asyncio
import re
from pathlib import Path
from typing import Any

from arq.worker import Worker
from pydantic import SecretStr

import bot
from bot import jobs
from bot.change_jobs import suggest
from bot.settings import Settings
from bot.worker import build_worker, telegram_bot
from bot.world import build_world

_TAKEN = re.compile(r'\bctx\["(\w+)"\]')


def worker() -> Worker:
    """A worker as it is deployed; nothing is opened for it."""
    settings = Settings(  # type: ignore[call-arg]
        _env_file=None, telegram_bot_token=SecretStr("700000002:token-of-nobody")
    )
    nothing: Any = None
    chat = telegram_bot(settings)
    return build_worker(build_world(settings), nothing, chat, nothing, asyncio.Event(), nothing)


async def test_every_name_is_there() -> None:
    folder = Path(bot.__file__).parent
    taken = {name for path in folder.glob("*.py") for name in _TAKEN.findall(path.read_text())}
    assert "work" in taken
    assert taken <= worker().ctx.keys()


async def test_the_model_is_asked_for_changes() -> None:
    """Without a model it is asked for nothing, which is no failure of the job."""
    await suggest(worker().ctx)


async def test_messages_go_out_while_a_venue_keeps_the_sweep() -> None:
    """What waits after a pause of Telegram's has no bell: only the clock sends it."""
    (cron,) = [job for job in worker().cron_jobs or () if job.coroutine is jobs.deliver]
    assert sorted(cron.second) == list(range(4, 60, 5))  # type: ignore[arg-type]
