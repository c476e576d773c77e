"""Reads of the HTTP API against the same SELECT in a bare aiohttp handler, over the loopback.

One client that keeps its connection asks both in turns, so that a neighbour's load meets them
alike. The bare handler runs the SELECT through asyncpg and writes the rows as JSON: nobody is asked
who they are, nothing is checked, and no account or market is looked at.
"""

import json
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from time import perf_counter
from typing import Any
from uuid import UUID

import asyncpg
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.api.reads import build_reads
from engine.domain.idea import IdeaStatus
from engine.flow.glance import CHANGES, LIFE
from storage import pages
from storage.embedded import Servers
from tests import histories
from tests.benchmarks.common import percentile
from tests.builders import approval, idea
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.web import Web, serve

WANTED = 0.6
_RECORDS, _IDEAS, _WARM_UP = 400, 20, 30


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """How many a second of each path, and the ratio to a bare handler in the same run."""
    parser = ArgumentParser(prog="api")
    parser.add_argument("--times", type=int, default=400)
    times = parser.parse_args(arguments).times
    async with histories.scratch(servers, "api") as (url, _):
        templates = await histories.played(150)
        chance = Random(1)
        await histories.write(histories.varied(templates, chance), _RECORDS, writers=1, most=50)
        desk = await histories.desk()
        await _fill(desk)
        served = await serve(desk, reads=build_reads(desk.world, desk.talk, life=LIFE))
        try:
            async with _bare(url, desk.world.broker.account_id) as bare:
                await _compare(served, bare, times)
        finally:
            await served.close()


async def _fill(desk: Desk) -> None:
    async with desk.world.store.begin() as tx:
        for person in (ANN, LUIS, EVE):
            await tx.people.save(person)
        for number in range(_IDEAS):
            asked = idea(id=UUID(int=number + 1), status=IdeaStatus.NEEDS_APPROVAL)
            await tx.ideas.add(asked)
            expires = await tx.now() + timedelta(hours=1)
            await tx.ideas.ask(replace(approval(idea_id=asked.id), expires_at=expires))


@asynccontextmanager
async def _bare(url: str, account_id: str) -> AsyncIterator[Any]:
    pool = await asyncpg.create_pool(url, min_size=1, max_size=4)
    marks = [str(mark) for mark in CHANGES]

    def selects(query: str, *values: Any) -> Any:
        async def handle(_: web.Request) -> web.Response:
            rows = [dict(row) for row in await pool.fetch(query, *values)]
            return web.Response(
                text=json.dumps(rows, default=_plain), content_type="application/json"
            )

        return handle

    app = web.Application()
    history = f"{pages.HISTORY} ORDER BY seq DESC LIMIT $1"
    app.router.add_get("/v1/ai/history", selects(history, 100))
    app.router.add_get("/v1/ai/ideas/active", selects(pages.IDEAS + pages.OPEN, 100))
    app.router.add_get("/v1/dashboard/summary", selects(pages.BOARD, account_id, marks, ANN.id))
    async with TestClient(TestServer(app)) as client:
        yield client
    await pool.close()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def _compare(served: Web, bare: Any, times: int) -> None:
    headers = {"X-API-Key": served.keys[ANN.id]}
    for path in ("/v1/ai/history", "/v1/ai/ideas/active", "/v1/dashboard/summary"):
        ours, theirs = [], []
        for _ in range(times + _WARM_UP):
            theirs.append(await _get(bare, path, {}))
            ours.append(await _get(served.clients[0], path, headers))
        middle, base = (percentile(taken[_WARM_UP:], 50) for taken in (ours, theirs))
        print(
            f"api {path:<24} {1 / middle:6.0f} /s  p50 {middle * 1e3:6.2f} ms"
            f"   bare {1 / base:6.0f} /s   {base / middle:5.2f} × bare (wanted {WANTED:.2f})"
        )


async def _get(client: Any, path: str, headers: dict[str, str]) -> float:
    start = perf_counter()
    async with client.get(path, headers=headers) as answer:
        await answer.read()
        assert answer.status == 200, await answer.text()
    return perf_counter() - start
