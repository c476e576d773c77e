"""News feeds in RSS and Atom: fetched here, read by a process of its own."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from broker.feeds.text import without_markup
from broker.feeds.web import Web
from engine.domain.feed import FeedState, FeedTrouble, NewsItem, NewsReading, Trouble

HEADLINE, SOURCE = 300, 60
_ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8"
#: Wall seconds for the reading process, which may wait for a processor; its own time is two.
_SECONDS = 20.0
_TROUBLES = {
    "page": (Trouble.PAGE, "a web page instead of a feed"),
    "unsafe": (Trouble.FORMAT, "it defines entities or a document type"),
    "other": (Trouble.FORMAT, "it is neither RSS nor Atom"),
}
_CHARSET = re.compile(r"[A-Za-z0-9._-]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RssFeed:
    """The port ``NewsFeed`` at an address."""

    name: str
    web: Web

    async def read(self, state: FeedState, now: datetime) -> NewsReading:
        page = await self.web.fetch(state, now, _ACCEPT)
        if page.body is None:
            return NewsReading(etag=state.etag, modified=state.modified)
        told = await read_apart(page.body, page.charset)
        return NewsReading(items=self._items(told), etag=page.etag, modified=page.modified)

    def _items(self, told: dict[str, Any]) -> tuple[NewsItem, ...]:
        host = urlsplit(self.name).hostname or ""
        source = without_markup(told["title"], SOURCE) or host.removeprefix("www.")[:SOURCE]
        items = []
        for each in told["items"]:
            headline = without_markup(each["title"], HEADLINE)
            if headline:
                at = each["at"]
                items.append(
                    NewsItem(
                        guid=each["guid"],
                        link=each["link"],
                        headline=headline,
                        source=source,
                        published_at=None if at is None else datetime.fromtimestamp(at, UTC),
                    )
                )
        return tuple(items)


async def read_apart(body: bytes, charset: str | None) -> dict[str, Any]:
    """What the reading process makes of a document; raises :class:`FeedTrouble`.

    It gets nothing of our environment, which holds passwords, and no longer than its time.
    """
    known = charset if charset and _CHARSET.fullmatch(charset) else ""
    # Windows starts no program without its own variables.
    bare = (
        None if sys.platform == "win32" else {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "broker.feeds.news_parse", known,
        stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL, env=bare,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_SECONDS):
            out, _ = await process.communicate(body)
    except TimeoutError:
        raise FeedTrouble(Trouble.FORMAT, "it takes too long to read") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise FeedTrouble(Trouble.FORMAT, "it takes too much time or memory to read")
    told: dict[str, Any] = json.loads(out)
    if "trouble" in told:
        raise FeedTrouble(*_TROUBLES[told["trouble"]])
    return told
