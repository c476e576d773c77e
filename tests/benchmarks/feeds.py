"""A calendar of a week, and a news feed of 1 MiB read by a process of its own."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

from broker.feeds.news_web import read_apart
from broker.feeds.web import LARGEST
from broker.feeds.weekly_calendar import edition_of
from storage.embedded import Servers
from tests.benchmarks.common import durations, report

_NOW = datetime(2026, 3, 11, tzinfo=UTC)
_TIMES = 20


def news(size: int) -> bytes:
    """A feed as papers write it, of nearly so many bytes."""
    text = "&lt;p&gt;" + "Some text of the article. " * 30 + "&lt;/p&gt;"
    item = (
        "<item><title>Gold rises as the dollar falls</title><guid>https://x.example/{n}</guid>"
        "<link>https://x.example/{n}</link><pubDate>Mon, 09 Mar 2026 07:00:00 -0400</pubDate>"
        f"<description>{text}</description></item>"
    )
    items = "".join(item.format(n=n) for n in range((size - 200) // len(item)))
    return f'<rss version="2.0"><channel><title>Wire</title>{items}</channel></rss>'.encode()


def week(count: int) -> bytes:
    """A weekly export of so many releases."""
    rows = [
        {"title": f"Release {n}", "country": "USD", "impact": "High", "forecast": "0.3%",
         "date": f"2026-03-{8 + n % 7:02}T08:{n % 60:02}:00-04:00", "previous": "0.2%"}
        for n in range(count)
    ]  # fmt: skip
    return json.dumps(rows).encode()


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Each against the time it may take."""
    body = week(100)
    taken = []
    for _ in range(_TIMES):
        began = perf_counter()
        edition_of(body, _NOW)
        taken.append(perf_counter() - began)
    report("calendar of 100 releases", median(taken), 0.1, "100 ms")
    small, large = news(10_000), news(LARGEST)
    for name, document in (("10 kB", small), (f"{len(large):,} bytes", large)):

        async def read(document: bytes = document) -> None:
            await read_apart(document, None)

        report(f"news feed of {name}", median(await durations(5, read)), 2.0, "2 s")
