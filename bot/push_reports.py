"""The signal queue in the terminal: its status, the connection test, one push. Each prints JSON in
the shape of source 003.
"""

import json
from typing import Any

from bot.i18n import words_for
from bot.pushing import build_push
from bot.reports import CLEAN, FAULTY, Say, open_database_of
from bot.settings import Settings
from bot.views import push as views
from engine.flow.signal_status import ReadSignalQueue


async def status(settings: Settings, *, say: Say) -> int:
    """The last 24 hours by state, counts since the beginning, and what failed last."""
    async with open_database_of(settings) as world:
        read = ReadSignalQueue(store=world.store, server=world.signal_server)
        _tell(views.status_document(await read(None)), say)
    return CLEAN


async def test(settings: Settings, *, say: Say) -> int:
    """0 when the server is there, 1 when not, with what to do."""
    async with open_database_of(settings) as world:
        push = build_push(settings, world.store)
        contact = await push.check_connection(None)
    _tell(views.test_document(words_for("en"), contact, push.server), say)
    return CLEAN if contact.connected else FAULTY


async def once(settings: Settings, *, say: Say) -> int:
    """Push what waits now: 0 when nothing failed and nothing has to be tried again."""
    async with open_database_of(settings) as world:
        push = build_push(settings, world.store)
        async with push.server.connected() as line:
            done = await push.push_signals(line)(None)
    _tell(views.push_document(words_for("en"), done), say)
    return FAULTY if done.failed or done.waiting or done.held else CLEAN


def _tell(document: dict[str, Any], say: Say) -> None:
    say(json.dumps(document, indent=2, ensure_ascii=False))
