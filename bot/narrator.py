"""One line per event for the terminal that runs the product."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from re import sub

from bot.i18n import words_for
from bot.views.history import line
from engine.domain.decision import Decision
from engine.ports import Store

_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrator:
    """Say each new record of the history, as it is written."""

    store: Store
    say: Callable[[str], None]

    async def run(self) -> None:
        """Follow the history for ever."""
        async with self.store.begin() as tx:
            last = max((d.seq for d in await tx.history.list(limit=1)), default=0)
        while True:
            async with self.store.begin() as tx:
                found = await tx.history.list(limit=50)
            for decision in reversed(found):
                if decision.seq > last:
                    self.say(plain_line(decision))
                    last = decision.seq
            await asyncio.sleep(_PAUSE_SECONDS)


def plain_line(decision: Decision) -> str:
    """A record in one line without formatting."""
    return unescape(sub(r"<[^>]+>", "", line(words_for("en"), decision))).strip()
