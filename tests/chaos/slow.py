"""Callers who trickle, say nothing, or read nothing, and somebody honest beside them."""

import asyncio
import socket
import time

import aiohttp
import psutil

from tests.chaos.api_site import Site

#: How long it is waited for a connection to be closed, and how long one may live.
_WATCHED, _LONGEST = 40.0, 12.0
_HEAD = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
#: What is sent first, and then each second.
_KINDS = {
    "head": (_HEAD, b"X-A: b\r\n"),
    "body": (_HEAD + b"Content-Length: 60000\r\n\r\n{", b" "),
    "idle": (b"", b""),
}
_MUCH = b"GET /v1/docs HTTP/1.1\r\nHost: x\r\n\r\n" * 40


async def slow(where: Site, wanted: int) -> tuple[dict[str, object], list[str]]:
    """So many connections that trickle a head, as many that trickle a body, five times as many
    that say nothing, a quarter that ask for much and read nothing of it, and somebody honest.
    """
    lives: dict[str, list[float]] = {name: [] for name in (*_KINDS, "reader")}
    honest: list[float] = []
    asking = asyncio.get_running_loop().create_task(_ask(where, honest))
    numbers = {"head": wanted, "body": wanted, "idle": wanted * 5}
    await asyncio.gather(
        *(_trickle(where, name, lives) for name, number in numbers.items() for _ in range(number)),
        _stare(where, wanted // 4, lives["reader"]),
    )
    asking.cancel()
    honest.sort()
    counts: dict[str, object] = {
        f"longest {name} s": round(max(lived), 1) for name, lived in lives.items() if lived
    }
    counts["honest p99 ms"] = round(1000 * honest[int(len(honest) * 0.99)], 1)
    wrong = [
        f"a slow {name} lived {max(lived):.1f} s"
        for name, lived in lives.items()
        if lived and not max(lived) <= _LONGEST
    ]
    return counts, wrong


async def _trickle(where: Site, name: str, lives: dict[str, list[float]]) -> None:
    first, more = _KINDS[name]
    host, port = where.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    began = time.monotonic()
    try:
        writer.write(first)
        while time.monotonic() - began < _WATCHED:
            try:
                if not await asyncio.wait_for(reader.read(4096), 1.0):
                    break
            except TimeoutError:
                writer.write(more)
                await writer.drain()
    except ConnectionError:
        pass
    lives[name].append(time.monotonic() - began)
    writer.close()


async def _stare(where: Site, number: int, lived: list[float]) -> None:
    """Ask, read nothing, and look in the server's own table how long it holds the connections:
    whoever reads nothing is not told.
    """
    host, port = where.url.removeprefix("http://").split(":")
    loop, process, socks = asyncio.get_running_loop(), psutil.Process(where.pid), []
    for _ in range(number):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        sock.setblocking(False)
        await loop.sock_connect(sock, (host, int(port)))
        await loop.sock_sendall(sock, _MUCH)
        socks.append(sock)
    began, ours = time.monotonic(), {sock.getsockname()[1] for sock in socks}
    left = set(ours)
    for _ in range(int(_WATCHED)):
        await asyncio.sleep(1)
        found = await asyncio.to_thread(process.net_connections, "tcp")
        held = {one.raddr.port for one in found if one.raddr} & ours
        lived += [time.monotonic() - began] * len(left - held)
        left = held
        if not left:
            break
    lived += [_WATCHED] * len(left)
    for sock in socks:
        sock.close()


async def _ask(where: Site, honest: list[float]) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            began = time.monotonic()
            headers = {"X-API-Key": where.keys["Eve"]}
            async with session.get(f"{where.url}/v1/auth/me", headers=headers) as answer:
                assert answer.status == 200
            honest.append(time.monotonic() - began)
            await asyncio.sleep(0.02)
