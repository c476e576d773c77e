"""Small requests that are meant to cost a server much: packed, nested, huge, and of another kind.

Each is asked alone, so that what it cost the server's process is known.
"""

import asyncio
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import psutil

from bot.api.app import routes
from bot.api.openapi import document
from bot.api.reading import LARGEST
from bot.api.routing import Route
from tests.chaos.api_site import Site
from tests.chaos.examples import example, filled

#: The reference's figures for one bomb, and for all of them together.
CPU_SECONDS, GROWTH_MIB = 2.0, 64.0
#: So long somebody may wait for an answer to one.
_PATIENCE = 5.0
_JSON = "application/json"
_LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "lol">' for n in range(12)
)
_XML = {
    "laughs": f"<!DOCTYPE x [{_LAUGHS}]><x>&l11;</x>",
    "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"a" * 30_000}">]><x>{"&a;" * 9_000}</x>',
    "outside": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
}


@dataclass(frozen=True)
class Bomb:
    """A request. ``pieces`` are sent as chunks where there is more than one."""

    name: str
    method: str
    path: str
    body: bytes = b""
    kind: str = _JSON
    headers: dict[str, str] = field(default_factory=dict)
    chunked: bool = False


def bombs() -> Iterator[Bomb]:
    """Every one of them."""
    told = document(routes())
    targets = [route for route in routes() if route.changes and route.path != "/v1/auth/logout"]
    with_body = [
        (route, told["paths"][route.path][route.method.lower()]["requestBody"])
        for route in targets
        if "requestBody" in told["paths"][route.path][route.method.lower()]
    ]
    for route, _ in with_body:
        yield from _packed(route)
        yield from _other(route)
    for route, body in with_body:
        schema = body["content"][_JSON]["schema"]
        yield from _huge(route, schema, told["components"]["schemas"])
    yield from _heads()


@cache
def _zeros() -> dict[str, bytes]:
    """60 MiB of spaces in a list, packed so that they fit into a body, by the name of how."""
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = b"[" + b" " * (60 * 2**20) + b"]"
    whole, raw = gzip.compress(zeros, 9), machine.compress(zeros) + machine.flush()
    once = whole[: LARGEST - 1]
    return {
        "gzip": once, "gzip, gzip": gzip.compress(whole, 9), "x-gzip": once, "GZIP": once,
        "deflate": zlib.compress(zeros, 9)[: LARGEST - 1], "br": raw[:LARGEST],
        "zstd": b"\x28\xb5\x2f\xfd" + raw[: LARGEST - 4], "identity": once,
    }  # fmt: skip


def _packed(route: Route) -> Iterator[Bomb]:
    for encoding, body in _zeros().items():
        for chunked in (False, True):
            headers = {"Content-Encoding": encoding}
            yield Bomb(
                f"packed as {encoding}", route.method, filled(route.path), body,
                headers=headers, chunked=chunked,
            )  # fmt: skip


@cache
def _archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * (16 * 2**20))
    return packed.getvalue()[:LARGEST]


def _other(route: Route) -> Iterator[Bomb]:
    path = filled(route.path)
    for name, text in _XML.items():
        for kind in ("application/xml", "text/xml", _JSON):
            yield Bomb(f"XML {name}", route.method, path, text.encode()[:LARGEST], kind)
    yield Bomb("zip", route.method, path, _archive(), "application/zip")
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    parts = part * (LARGEST // len(part) - 1) + b"--b--"
    yield Bomb("parts", route.method, path, parts, "multipart/form-data; boundary=b")
    form = b"&".join(b"a%d=" % number for number in range(8_000))[:LARGEST]
    yield Bomb("form", route.method, path, form, "application/x-www-form-urlencoded")
    yield Bomb("too large", route.method, path, b" " * (LARGEST + 1))
    yield Bomb("too large, no length", route.method, path, b" " * (LARGEST * 4), chunked=True)


#: Values of JSON that are as costly as 64 KB can be.
_VALUES = {
    **{f"lists {n} deep": "[" * n + "]" * n for n in (33, 200, 900, 990, 5_000, 30_000)},
    **{f"objects {n} deep": '{"a":' * n + "1" + "}" * n for n in (33, 200, 900, 990, 9_000)},
    "digits": "9" * 60_000, "fraction": "0." + "1" * 60_000, "exponent": "1e999999999",
    "tiny": "1e-999999999", "small exponents": "[" + ",".join(["1e30"] * 10_000) + "]",
    "text": '"' + "a" * 60_000 + '"', "escapes": '"' + "\\u0041" * 10_000 + '"',
    "wide": '"' + "\U0001f600" * 15_000 + '"', "brackets": '"' + "(" * 60_000 + '"',
    "sum": '"' + "1+" * 30_000 + '1"', "minus": '"' + "-" * 60_000 + '1"',
    "lines": '"' + "\\n" * 30_000 + '"', "digits in a text": '"' + "9" * 60_000 + '"',
    "spaces": " " * 60_000 + "1", "list of nothing": "[" + ",".join(["{}"] * 20_000) + "]",
    "list of null": "[" + ",".join(["null"] * 12_000) + "]",
    "list of texts": "[" + ",".join(['"a"'] * 15_000) + "]",
    "keys": "{" + ",".join(f'"{n}":0' for n in range(7_000)) + "}",
    "same key": "{" + ",".join(['"a":0'] * 10_000) + "}",
    "long key": '{"' + "k" * 60_000 + '":1}', "pairs": "[" + ",".join(["[[],{}]"] * 8_000) + "]",
}  # fmt: skip


def _huge(route: Route, schema: dict[str, Any], shapes: dict[str, Any]) -> Iterator[Bomb]:
    path, good = filled(route.path), example(schema, shapes)
    while "$ref" in schema:
        schema = shapes[schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        schema = shapes[schema["oneOf"][0]["$ref"].rpartition("/")[2]]
    for name, text in _VALUES.items():
        yield Bomb(name, route.method, path, text.encode())
        for place in schema.get("properties", {}):
            spoiled = json.dumps({**(good if isinstance(good, dict) else {}), place: "@@"})
            body = spoiled.replace('"@@"', text).encode()
            yield Bomb(f"{place}: {name}", route.method, path, body)


def _heads() -> Iterator[Bomb]:
    """Before any body: long and many headers, cookies, parameters and parts of a path."""
    for path in ("/v1/auth/me", "/v1/openapi.json", "/health", "/no/such/path"):
        for name, headers in {
            "many headers": {f"X-{number}": "a" for number in range(500)},
            "a long header": {"X-A": "a" * 60_000},
            "cookies": {"Cookie": "; ".join(f"a{n}=b" for n in range(1_000))[:8_000]},
            "quoted cookie": {"Cookie": 'a="' + "\\" * 7_000},
            "key": {"X-API-Key": "k" * 8_000},
            "bearer": {"Authorization": "Bearer " + "k." * 4_000},
            "session": {"Cookie": "auth_token=" + "e30." * 1_900},
            "addresses": {"X-Forwarded-For": "1," * 4_000},
            "accepted": {"Accept": ",".join(["a/b;q=0.1"] * 800)},
            "upgrade": {"Connection": "Upgrade", "Upgrade": "websocket, " * 500},
            "expected": {"Expect": "200-ok"},
            "ranges": {"Range": "bytes=" + ",".join(f"{n}-" for n in range(900))},
        }.items():
            yield Bomb(name, "GET", path, headers=headers)
    query = "&".join(f"a{number}=1" for number in range(1_000))
    for path in ("/v1/ai/history", "/v1/analysis", "/v1/no/such"):
        yield Bomb("parameters", "GET", f"{path}?{query}")
        yield Bomb("a long parameter", "GET", f"{path}?limit={'9' * 7_000}")
        yield Bomb("percents", "GET", f"{path}?symbol={'%25' * 2_500}")
        yield Bomb("parts of a path", "GET", path + "/a" * 3_500)
        yield Bomb("dots", "GET", path + "/.." * 2_500)
        yield Bomb("a line that never ends", "GET", path + "/" + "a" * 60_000)


async def _ask(where: Site, bomb: Bomb) -> int:
    """The status of the answer; 0 where the connection is closed without one."""
    host, port = where.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    headers = {"Host": "x", "Connection": "close", "Content-Type": bomb.kind}
    if not {"X-API-Key", "Authorization", "Cookie"} & set(bomb.headers):
        headers["X-API-Key"] = where.keys["Ann"]
    framed = {"Transfer-Encoding": "chunked"} if bomb.chunked else {
        "Content-Length": str(len(bomb.body))
    }  # fmt: skip
    head = "".join(f"{n}: {v}\r\n" for n, v in {**headers, **framed, **bomb.headers}.items())
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb.body), bomb.body) if bomb.chunked else bomb.body
    try:
        writer.write(f"{bomb.method} {bomb.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        async with asyncio.timeout(_PATIENCE):
            line = await reader.readline()
            # Who asks for another protocol has not asked for an end.
            if "Connection" not in bomb.headers:
                await reader.read()
    except ConnectionError:
        return 0
    finally:
        writer.close()
    return int(line.split(b" ")[1]) if line else 0


async def throw(where: Site, chosen: Iterable[Bomb]) -> tuple[dict[str, object], list[str]]:
    """Ask them one after the other; what they cost, and what must not be."""
    process, wrong = psutil.Process(where.pid), list[str]()
    first = largest = process.memory_info().rss
    costs: list[tuple[float, str]] = []
    count = 0
    for bomb in chosen:
        named = f"{bomb.name} at {bomb.method} {bomb.path[:60]}"
        before = process.cpu_times()
        try:
            status = await _ask(where, bomb)
        except TimeoutError:
            wrong.append(f"no answer within {_PATIENCE} s: {named}")
            continue
        after = process.cpu_times()
        costs.append((after.user + after.system - before.user - before.system, named))
        largest = max(largest, process.memory_info().rss)
        count += 1
        if status >= 500:
            wrong.append(f"{status}: {named}")
    costs.sort(reverse=True)
    grown = (largest - first) / 2**20
    wrong += [f"{cost:.1f} s CPU: {named}" for cost, named in costs if not cost <= CPU_SECONDS]
    if not grown <= GROWTH_MIB:
        wrong.append(f"memory grew by {grown:.0f} MiB")
    told: dict[str, object] = {
        "bombs": count, "dearest bomb CPU s": round(costs[0][0], 2), "it was": costs[0][1],
        "bombs grew memory MiB": round(grown, 1),
    }  # fmt: skip
    return told, wrong
