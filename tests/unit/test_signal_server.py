"""Signals over HTTP: what is sent to the letter, what each answer means, what a test finds."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from broker.signal_push.answers import meaning
from broker.signal_push.server import HttpSignalServer
from engine.domain.exact import read
from engine.domain.signal import Answer, AnswerKind, Contact, Reach
from tests.signal_server import KEY, TAKEN, UNTAKEN, EaServer, answer, ea_server
from tests.signals import BODY, of_source, signal

PATIENCE = timedelta(seconds=0.3)


@pytest.fixture
async def ea() -> AsyncIterator[EaServer]:
    async with ea_server() as found:
        yield found


def server(ea: EaServer, *, key: str = KEY, url: str | None = None) -> HttpSignalServer:
    return HttpSignalServer(url or ea.url, key, PATIENCE)


async def send(ea: EaServer, fate: str = "", *, key: str = KEY) -> Answer:
    ea.fate = lambda _: fate
    async with server(ea, key=key).connected() as line:
        return await line.send(of_source())


async def test_the_body_is_that_of_the_source_and_the_key_goes_along(ea: EaServer) -> None:
    assert await send(ea) == Answer(AnswerKind.TAKEN, ticket=12345678)
    (body,) = ea.bodies
    assert read(body) == read(BODY.encode())
    assert b'"confidence":0.78,"sl_pips":20,"tp_pips":40,"price":1.0950' in body
    (headers,) = ea.headers
    assert (headers["x-api-key"], headers["content-type"]) == (KEY, "application/json")
    assert ea.refused == []


async def test_a_hundred_signals_go_over_one_connection_in_their_order(ea: EaServer) -> None:
    async with server(ea).connected() as line:
        kinds = {(await line.send(signal(n))).kind for n in range(1, 101)}
    assert kinds == {AnswerKind.TAKEN}
    assert ea.ids() == list(range(1, 101))
    assert ea.connections == 1


async def test_a_repeat_is_known_by_its_id_and_traded_once(ea: EaServer) -> None:
    first, again = await send(ea), await send(ea)
    assert (first, len(ea.received), len(ea.trades)) == (again, 2, 1)


@pytest.mark.parametrize("fate", UNTAKEN)
async def test_nothing_but_success_true_is_a_yes(ea: EaServer, fate: str) -> None:
    found = await send(ea, fate)
    final = ("no", "400", "403", "302", "307")
    assert (found.kind is AnswerKind.REFUSED) is (fate in final)
    assert found.kind is not AnswerKind.TAKEN
    assert found.reason
    assert len(found.reason) < 300
    assert ea.received == []
    assert KEY not in found.reason
    assert found.reason.isprintable()


@pytest.mark.parametrize("fate", TAKEN)
async def test_a_yes_is_a_yes_whatever_the_ticket_looks_like(ea: EaServer, fate: str) -> None:
    found = await send(ea, fate)
    assert (found.kind, found.ticket) == (AnswerKind.TAKEN, 7 if fate == "201" else None)


@pytest.mark.parametrize("fate", ["lost", "hang", "reset"])
async def test_a_lost_answer_is_silence_and_the_next_call_goes_through(
    ea: EaServer, fate: str
) -> None:
    fates = iter([fate, ""])
    ea.fate = lambda _: next(fates)
    async with server(ea).connected() as line:
        assert (await line.send(signal(1))).kind is AnswerKind.SILENT
        assert (await line.send(signal(2))).kind is AnswerKind.TAKEN
    assert len(ea.received) == (1 if fate == "reset" else 2)


async def test_what_the_server_says_is_kept_short_printable_and_without_the_key(
    ea: EaServer,
) -> None:
    assert (await send(ea, "no")).reason == "success is false: market is closed"
    assert (await send(ea, "403")).reason == "HTTP 403: key *** is not known [31m"
    assert (await send(ea, key="another")).reason == "HTTP 401: wrong key"
    long = meaning(400, b'{"message": "' + b"x" * 5000 + b'"}', secret="k")
    assert len(long.reason) < 250


async def test_nobody_there_is_silence(ea: EaServer) -> None:
    gone = server(ea, url=f"http://127.0.0.1:{free_port()}/signals")
    async with gone.connected() as line:
        found = await line.send(signal(1))
    assert found.kind is AnswerKind.SILENT


async def test_the_key_is_in_no_log_at_any_level(
    ea: EaServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for fate in ("", "no", "403", "500", "garbage", "reset", "302", "huge"):
        await send(ea, fate)
    await server(ea).test()
    assert KEY not in caplog.text
    assert KEY not in repr(server(ea))


# ---- the connection test ---------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("health", "signals", "contact"),
    [
        (answer(200, '{"status": "ok"}'), None, Contact(Reach.CONNECTED, 200)),
        (answer(204, ""), None, Contact(Reach.CONNECTED, 204)),
        (None, None, Contact(Reach.NO_HEALTH, 405)),
        (None, answer(404, ""), Contact(Reach.NO_HEALTH, 404)),
        (answer(200, ""), answer(401, ""), Contact(Reach.KEY, 401)),
        (answer(403, ""), None, Contact(Reach.KEY, 403)),
        (answer(500, ""), answer(502, ""), Contact(Reach.ERROR, 502)),
        (answer(500, ""), None, Contact(Reach.NO_HEALTH, 405)),
        (answer(301, "", "Location: /"), answer(308, "", "Location: /"),
         Contact(Reach.REDIRECT, 308)),
        (b"", None, Contact(Reach.NO_HEALTH, 405)),
        (b"", b"", Contact(Reach.MUTE)),
        (b"SSH-2.0-OpenSSH\r\n", b"SSH-2.0-OpenSSH\r\n", Contact(Reach.MUTE)),
    ],
)  # fmt: skip
async def test_a_test_asks_for_health_and_then_for_the_place_of_signals(
    ea: EaServer, health: bytes | None, signals: bytes | None, contact: Contact
) -> None:
    given = {"/health": health, "/signals": signals}
    ea.other = {path: raw for path, raw in given.items() if raw is not None}
    assert await server(ea).test() == contact
    assert ea.bodies == []


async def test_a_test_finds_why_nobody_answers(ea: EaServer) -> None:
    nobody = server(ea, url=f"http://127.0.0.1:{free_port()}/signals")
    assert await nobody.test() == Contact(Reach.REFUSED)
    unknown = server(ea, url="http://no-such-host.invalid/signals")
    assert (await unknown.test()).reach in (Reach.NAME, Reach.TIMEOUT)

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    for serve, scheme, reach in ((plain, "https", Reach.TLS), (silent, "http", Reach.TIMEOUT)):
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as other:
            port = other.sockets[0].getsockname()[1]
            found = await server(ea, url=f"{scheme}://127.0.0.1:{port}/signals").test()
        assert found == Contact(reach)


async def test_health_stands_beside_the_place_of_signals(ea: EaServer) -> None:
    ea.other = {"/bridge/health": answer(200, "{}"), "/bridge/in": answer(405, "")}
    url = f"http://127.0.0.1:{ea.port}/bridge/in"
    assert await server(ea, url=url).test() == Contact(Reach.CONNECTED, 200)
