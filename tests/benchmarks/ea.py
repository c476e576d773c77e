"""The Expert Advisor's endpoint on a real socket: how long a terminal and an order wait."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from time import perf_counter, time
from typing import Any

import asyncpg
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from ea.answers import Pace
from ea.app import Endpoint, create_app
from engine.domain.market import Timeframe
from engine.domain.terminal import CommandType, Draft
from engine.flow.admission import Admit
from engine.flow.bridge import HearTerminal, OfferCommands, TakeResult
from engine.flow.terminal_sync import TakeSnapshot
from engine.flow.terminal_wishes import Watched
from engine.flow.terminals import IssueCode, RegisterTerminal
from storage.embedded import Servers
from storage.polls import PostgresPolls
from storage.signals import Listener
from storage.transaction import PostgresStore
from tests import histories
from tests.benchmarks.common import percentile
from tests.integration.conftest import ANN, RecordingBell
from tests.terminals import Ea, request

SYMBOLS, CANDLES, TIMES = 20, 300, 300
BARE, COPIES = 1 / 0.6, 3
PRICES = tuple(map(Decimal, ("1.10011", "1.10052", "1.09873", "1.10004")))


async def run(servers: Servers, arguments: Sequence[str]) -> None:
    """Waits of a terminal and of an order; a bare handler with one SELECT in the same run."""
    async with histories.scratch(servers, "ea") as (url, _):
        await histories.desk()
        store, bell, signals = PostgresStore(), RecordingBell(), Listener(url)
        watched = Watched(streams=tuple((f"SYM{i:03}", Timeframe.M15) for i in range(SYMBOLS)))
        polls = PostgresPolls()
        tokens = (f"{number:04}".ljust(43, "t") for number in count(1))
        endpoint = Endpoint(
            register=RegisterTerminal(store=store, new_token=lambda: next(tokens)),
            hear=HearTerminal(store=store, polls=polls, bell=bell),
            offer=OfferCommands(store=store, polls=polls, signals=signals),
            take_result=TakeResult(store=store, bell=bell),
            take_snapshot=TakeSnapshot(store=store, bell=bell, watched=watched),
            pace=Pace(),
        )
        # Each heartbeat there is as if it were the first for a while.
        at_once = replace(endpoint.hear, admit=Admit(note_after=timedelta(0)))
        forgetful = replace(endpoint, hear=at_once)
        async with (
            TestClient(TestServer(create_app(endpoint))) as client,
            TestClient(TestServer(create_app(forgetful))) as noting,
        ):
            issue = IssueCode(store=store, account_id="live-1", new_code=lambda: "CODE-0001")
            code, _ = await issue(ANN.id, await issue.mark())
            ea = Ea(client)
            await ea.register(code)
            await ea.beat(paused=False, last_seq=0)
            await _short(ea, client, url, noting)
            await _approval(ea, store)
            await _sync(ea, client, url)
        await signals.close()


@asynccontextmanager
async def _bare(url: str) -> AsyncIterator[Any]:
    """An aiohttp handler that reads JSON and makes one SELECT."""
    pool = await asyncpg.create_pool(url, min_size=1, max_size=4)

    async def handle(asked: web.Request) -> web.Response:
        await asked.json()
        return web.json_response({"one": await pool.fetchval("SELECT 1")})

    app = web.Application()
    app.router.add_post("/", handle)
    async with TestClient(TestServer(app)) as client:
        yield client
    await pool.close()


async def _post(client: Any, path: str, data: bytes, token: str) -> float:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    start = perf_counter()
    async with client.post(path, data=data, headers=headers) as answer:
        await answer.read()
        assert answer.status == 200, await answer.text()
    return perf_counter() - start


async def _short(ea: Ea, client: Any, url: str, forgetful: Any) -> None:
    """In turns, so that a neighbour's load meets every kind of request alike."""
    whose = {"instance": ea.instance, "run": ea.run}
    beat = {**request("/ea/heartbeat"), **whose, "paused": False, "last_seq": 0}
    poll = json.dumps({**request("/ea/execute"), **whose, "hold_ms": 0}).encode()
    taken: dict[str, list[float]] = {}
    async with _bare(url) as bare:
        for number in range(TIMES + 20):
            told = {**beat, "gmt": int(time())}
            same = json.dumps(told).encode()
            other = json.dumps({**told, "open_positions": number % 2}).encode()
            for name, whom, path, body in (
                ("bare + SELECT", bare, "/", same),
                ("heartbeat that changes something", client, "/ea/heartbeat", other),
                ("heartbeat", client, "/ea/heartbeat", other),
                ("heartbeat that is noted", forgetful, "/ea/heartbeat", other),
                ("execute, empty", client, "/ea/execute", poll),
            ):
                taken.setdefault(name, []).append(await _post(whom, path, body, ea.token))
    base = taken["bare + SELECT"][20:]
    for name, values in taken.items():
        counted = values[20:]
        ratio = percentile(counted, 50) / percentile(base, 50)
        print(
            f"ea {name:<33} p50 {percentile(counted, 50) * 1e3:7.2f} ms"
            f"  p99 {percentile(counted, 99) * 1e3:7.2f} ms  {ratio:5.2f} × bare"
            f"  (wanted {BARE:.2f})"
        )


async def _approval(ea: Ea, store: PostgresStore) -> None:
    """From an order's commit into the queue to the terminal that holds a poll, or pauses."""
    held, paused = [], []
    for number in range(100):
        poll = asyncio.ensure_future(ea.fetch(hold_ms=2000))
        await asyncio.sleep(0.03)
        held.append(await _wait(store, f"h-{number}", poll))
    for number in range(40):
        # The terminal pauses for 250 ms between two polls; the order comes at any of its instants.
        wait = 0.25 * (number + 0.5) / 40

        async def later(pause: float = wait) -> Any:
            await asyncio.sleep(pause)
            return await ea.fetch(hold_ms=2000)

        paused.append(await _wait(store, f"p-{number}", asyncio.ensure_future(later())))
    for name, taken in (("poll is held", held), ("in the pause of 250 ms", paused)):
        print(
            f"ea put to fetched, {name:<22} p50 {percentile(taken, 50) * 1e3:6.1f} ms"
            f"  p99 {percentile(taken, 99) * 1e3:6.1f} ms"
        )


async def _wait(store: PostgresStore, name: str, poll: asyncio.Future[Any]) -> float:
    fields = {
        "symbol": "GOLD", "side": "buy", "volume": "0.10", "price": "1", "max_deviation": "1",
        "sl": "1", "tp": "2", "leg": 1, "legs": 1,
    }  # fmt: skip
    draft = Draft(
        id=name, account_id="live-1", type=CommandType.OPEN, fields=fields,
        expires_at=datetime.now(UTC) + timedelta(minutes=1),
    )  # fmt: skip
    start = perf_counter()
    async with store.begin() as tx:
        await tx.commands.put([draft])
    found = await poll
    assert [command["id"] for command in found] == [name], found
    return perf_counter() - start


def _snapshot(ea: Ea, number: int, first: int, rows: int) -> bytes:
    example = request("/ea/sync")
    symbols = [{**example["symbols"][0], "name": f"SYM{i:03}"} for i in range(SYMBOLS)]
    streams = [
        {
            "symbol": f"SYM{i:03}", "timeframe": "M15",
            "rows": [[first + 900 * k, *map(float, PRICES), k] for k in range(rows)],
        }
        for i in range(SYMBOLS)
    ]  # fmt: skip
    whose = {"instance": ea.instance, "run": ea.run, "sync_no": number}
    document = {**example, **whose, "symbols": symbols, "candles": streams, "names": None}
    return json.dumps(document).encode()


async def _sync(ea: Ea, client: ClientSession, url: str) -> None:
    """Twenty symbols: all 300 candles new, then the 3 that are asked for later; COPY of as many."""
    headers = {"Authorization": f"Bearer {ea.token}"}
    start = 1_795_271_400 - 900 * 10_000
    first, later, copied = [], [], []
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TEMP TABLE plain AS SELECT * FROM ea_candle LIMIT 0")
    for number in range(1, 13):
        for rows, taken in ((CANDLES, first), (3, later)):
            begin = start + 900 * CANDLES * (number + 1) - (900 if rows == 3 else 0)
            body = _snapshot(ea, 2 * number + (rows == 3), begin, rows)
            began = perf_counter()
            async with client.post("/ea/sync", data=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
            taken.append(perf_counter() - began)
        records = [
            ("live-1", f"SYM{i:03}", "M15", datetime.fromtimestamp(start + 900 * k, UTC),
             *PRICES, k)
            for i in range(SYMBOLS)
            for k in range(CANDLES)
        ]  # fmt: skip
        began = perf_counter()
        await connection.copy_records_to_table("plain", records=records)
        copied.append(perf_counter() - began)
    await connection.close()
    base = percentile(copied, 50)
    for name, taken in (
        (f"COPY of {SYMBOLS} × {CANDLES} rows", copied),
        (f"sync, {SYMBOLS} × {CANDLES} new candles", first),
        (f"sync, {SYMBOLS} × 3 candles", later),
    ):
        p50 = percentile(taken, 50)
        print(f"ea {name:<32} p50 {p50 * 1e3:8.1f} ms   {p50 / base:6.1f} × COPY (wanted {COPIES})")
