"""The HTTP API among enemies: ``api --bodies 20000 --bombs 1 --slow 200 --guesses 10000 --seed 1``.

Bodies that are no JSON, JSON of every wrong kind, and hostile numbers in every field of every
route: never a 5xx, and nothing in the database that is no number. Slow and idle connections, while
somebody honest asks; guesses at a password from a hundred addresses, while people log in.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import aiohttp
import asyncpg
import psutil

from bot.api.app import routes
from bot.api.openapi import document
from tests.chaos import alone, bombs
from tests.chaos.api_site import EMAIL, Site, site
from tests.chaos.examples import example, filled
from tests.chaos.slow import slow
from tests.web import PASSWORD

#: What the reference calls hostile: numbers, texts and instants that break a careless reader.
HOSTILE = (
    "NaN", "-Infinity", "Infinity", "1e400", "-1e400", "1e-400", "9" * 5_000, "-" + "9" * 40,
    "0x10", "1_000", "１２", '"1_000"', '"１２"', '" 1 "', '"sNaN"', '"NaN"', '"Infinity"', '"1e3"',
    "true", "false", "null", "[]", "{}", '""', '"\\ud800"', '"a\\u0000b"', '"\\u202e"', "-0", "-1",
    "1e30", "1e31", "0.1234567890123456789012345678901234567890", "999999999999999999",
    '"2026-01-01T00:00:00"', '"2026-13-01T00:00:00Z"', '"0000-00-00"', '"1' + "0" * 60_000 + '"',
    "[" * 10_000, "[" * 30_000 + "]" * 30_000, '{"a":1,"a":2}', "1 2", "'x'", "\ufeff1",
)  # fmt: skip
_SPARED = {"/v1/auth/logout"}
#: By how much the process may grow: of slow callers, and of a load that it has carried before.
_SLOW_MIB, _AGAIN_MIB = 50, 10


def spoiled(chance: Random) -> Iterator[tuple[str, str, bytes]]:
    """Method, path and body without end: every field of every route in turn, and plain noise."""
    told = document(routes())
    shapes = told["components"]["schemas"]
    targets = [
        (route, told["paths"][route.path][route.method.lower()]) for route in routes()
        if route.changes and route.path not in _SPARED
    ]  # fmt: skip
    while True:
        for route, operation in targets:
            for body in _bodies(operation, shapes, chance):
                yield route.method, filled(route.path), body


def _bodies(operation: dict[str, Any], shapes: dict[str, Any], chance: Random) -> Iterator[bytes]:
    yield bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
    yield chance.choice(HOSTILE).encode("utf-8", "surrogatepass")
    body = operation.get("requestBody")
    if body is None:
        return
    schema = body["content"]["application/json"]["schema"]
    good = example(schema, shapes)
    while "$ref" in schema:
        schema = shapes[schema["$ref"].rpartition("/")[2]]
    for name in schema.get("properties", {}):
        mark = "@@spoil@@"
        text = json.dumps({**(good if isinstance(good, dict) else {}), name: mark})
        yield text.replace(f'"{mark}"', chance.choice(HOSTILE)).encode("utf-8", "surrogatepass")
    text = json.dumps(good).encode()
    cut = chance.randrange(len(text) + 1)
    yield text[:cut] + bytes((chance.randrange(256),)) + text[cut + 1 :]


async def bodies(where: Site, wanted: int, chance: Random) -> tuple[Counter[str], list[str]]:
    """Send so many; a 5xx or a broken answer is a violation."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    left = iter(zip(range(wanted), spoiled(chance), strict=False))

    async def one(session: aiohttp.ClientSession) -> None:
        for _, (method, path, body) in left:
            headers = {"X-API-Key": where.keys["Ann"], "Content-Type": "application/json"}
            async with session.request(
                method, where.url + path, data=body, headers=headers
            ) as answer:
                counts[f"answers {answer.status // 100}xx"] += 1
                if answer.status >= 500:
                    wrong.append(f"{answer.status} {method} {path} {body[:120]!r}")

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(one(session) for _ in range(4)))
    return counts, wrong


async def no_numbers(owner: str) -> list[str]:
    """Columns with something in them that is no number."""
    database = await asyncpg.connect(owner)
    columns = await database.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type IN ('numeric', 'double precision', 'real')"
    )
    found = []
    for table, column in columns:
        bad = await database.fetchval(
            f"SELECT count(*) FROM {table} WHERE {column}::text IN ('NaN', 'Infinity', '-Infinity')"
        )
        if bad:
            found.append(f"{table}.{column} has {bad} values that are no numbers")
    await database.close()
    return found


async def guesses(where: Site, wanted: int) -> tuple[dict[str, object], list[str]]:
    """Guess a password from a hundred addresses, then twenty people log in at once."""
    counts: Counter[str] = Counter()
    left = iter(range(wanted))

    async def guess(session: aiohttp.ClientSession) -> None:
        for number in left:
            headers = {"X-Forwarded-For": f"203.0.113.{number % 100}"}
            body = {"email": EMAIL, "password": f"guess number {number}"}
            async with session.post(
                f"{where.url}/v1/auth/login", json=body, headers=headers
            ) as answer:
                counts[f"guesses answered {answer.status}"] += 1

    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        await asyncio.gather(*(guess(session) for _ in range(8)))
        login = {"email": "nobody@example.com", "password": PASSWORD}
        began = time.monotonic()

        async def enter(number: int) -> int:
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            body = {**login, "email": f"n{number}@example.com"}
            async with session.post(
                f"{where.url}/v1/auth/login", json=body, headers=headers
            ) as answer:
                return answer.status

        statuses = await asyncio.gather(*(enter(number) for number in range(20)))
    wrong = []
    if counts["guesses answered 401"] > 10:
        wrong.append(f"{counts['guesses answered 401']} guesses at one account were looked at")
    if set(counts) - {"guesses answered 401", "guesses answered 429"}:
        wrong.append(f"guesses were answered otherwise: {dict(counts)}")
    if set(statuses) != {401}:
        wrong.append(f"logins at once: {statuses}")
    took = round(time.monotonic() - began, 2)
    return {**counts, "20 logins at once s": took}, wrong


async def run(url: str, owner: str, wanted: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """All of them against one server, as often as it is wanted, and the memory after each."""
    counts: dict[str, Any] = {}
    wrong: list[str] = []
    async with site(url, owner, strong=True) as where:
        steps = {
            "bodies": lambda: bodies(where, wanted.bodies, Random(wanted.seed)),
            "bombs": lambda: bombs.throw(where, bombs.bombs()),
            "slow": lambda: slow(where, wanted.slow),
            "guesses": lambda: guesses(where, wanted.guesses),
        }
        process, rounds = psutil.Process(where.pid), Counter[int]()
        for number, name in product(range(1, wanted.rounds + 1), steps):
            if getattr(wanted, name):
                before = process.memory_info().rss
                found, bad = await steps[name]()
                grown = (process.memory_info().rss - before) / 2**20
                told = {**found, "grew memory MiB": round(grown, 1)}
                counts |= {f"{name} {number}: {what}": count for what, count in told.items()}
                wrong += bad[:40]
                rounds[number] += round(grown)
                if name == "slow" and not grown <= _SLOW_MIB:
                    wrong.append(f"slow callers made it grow by {grown:.0f} MiB")
        counts |= await where.stop()
    # What the first round needs, it keeps; the second must not need more.
    wrong += [
        f"round {number} made it grow by {grown} MiB"
        for number, grown in rounds.items()
        if number > 1 and not grown <= _AGAIN_MIB
    ]
    return counts, wrong + await no_numbers(owner)


def main(arguments: list[str]) -> int:
    """``make chaos ARGS="api --bodies 20000"``."""
    parser = argparse.ArgumentParser(prog="api", description=__doc__)
    parser.add_argument("--bodies", type=int, default=20_000)
    parser.add_argument("--bombs", type=int, choices=(0, 1), default=1)
    parser.add_argument("--slow", type=int, default=200)
    parser.add_argument("--guesses", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.both() as (url, owner):
        counts, violations = asyncio.run(run(url, owner, wanted))
    return alone.report(counts, violations)
