"""The way to webhooks: what an endpoint does wrong is named and bounded, and leads nowhere."""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest

from broker.feeds.addresses import Address
from broker.webhooks import HttpWebhooks, without
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import Event, Reply, Why, headers
from engine.errors import InvalidInput
from tests.feed_server import served
from tests.hook_server import ANSWERS, HOST, HookServer, hook_server
from tests.ways_home import WAYS_HOME

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
EVENT = Event(
    id="0d6c7a70", type=EventType.ORDER_FILLED, body='{"type":"order.filled","ß":"مرحبا"}'
)


def only_here(address: Address) -> bool:
    return address == ip_address(HOST)


def line(**values: Any) -> HttpWebhooks:
    how = {"patience": timedelta(seconds=5), "permit": only_here, "tls_only": False, **values}
    return HttpWebhooks(how.pop("patience"), lambda: NOW, **how)


async def post(server: HookServer, fate: str, **values: Any) -> Reply:
    server.fate = lambda _: fate
    return await line(**values).post(server.url(), b"{}", {"webhook-id": "1"})


async def test_a_message_arrives_as_it_was_signed() -> None:
    key = bytes(range(32))
    async with hook_server() as server:
        carried = headers(EVENT, datetime.now(UTC), [key])
        reply = await line().post(server.url("/a?token=b"), EVENT.body.encode(), carried)
        (came,) = server.came
    assert (reply.status, reply.why, reply.reason) == (204, None, "")
    assert came.path == "/a?token=b"
    assert came.body == EVENT.body.encode()
    assert came.headers["content-type"] == "application/json"
    assert came.headers["x-idempotency-key"] == came.id == EVENT.id
    assert came.is_signed_by("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    assert not came.is_signed_by("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHhA=")


async def test_the_signature_is_the_one_of_the_specifications_example() -> None:
    """The vector of the specification's reference libraries."""
    from base64 import b64decode

    event = Event(
        id="msg_p5jXN8AQM9LWM0D4loKWxJek", type=EventType.TEST, body='{"test": 2432232314}'
    )
    key = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    carried = headers(event, datetime.fromtimestamp(1614265330, UTC), [key])
    assert carried["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert carried["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize("fate", ["", "200", "202", "half", "huge", "gzip"])
async def test_every_2xx_is_a_yes_whatever_its_body(fate: str) -> None:
    async with hook_server() as server:
        reply = await post(server, fate)
    assert reply.is_taken
    assert reply.why is None
    assert len(reply.said) <= 300
    assert reply.said.isprintable()


def test_of_an_answer_that_repeats_an_address_no_token_is_kept() -> None:
    paths = {"/in", "/hook/CANARY-0123456789?key=CANARY", "/hook/CANARY-0123456789"}
    for said, kept in {
        "nothing is at /hook/CANARY-0123456789?key=CANARY\r\n": "nothing is at ***",
        "/hook/CANARY-0123456789 nor at /in": "*** nor at /in",
        "it breaks off: /hook/CANARY-0123": "it breaks off: ***",
        "/hook/CANARY-0123456789?key=CAN": "***",
        "a short one stays: /hook/C": "a short one stays: /hook/C",
    }.items():
        assert without(said, paths) == kept


async def test_a_yes_is_not_lost_because_its_body_drips() -> None:
    async with hook_server() as server:
        reply = await post(server, "drip", patience=timedelta(seconds=0.5))
    assert reply.is_taken


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        ("400", "status 400"),
        ("404", "status 404"),
        ("410", "status 410"),
        ("500", "status 500"),
        ("301", "redirect 301"),
        ("307", "redirect 307"),
        ("reset", "broken"),
        ("nothing", "broken"),
        ("garbage", "broken"),
        ("long_head", "broken"),
    ],
)
async def test_what_an_endpoint_does_wrong_is_named(fate: str, reason: str) -> None:
    async with hook_server() as server:
        reply = await post(server, fate)
        assert (reply.reason, reply.is_taken) == (reason, False)
        assert reply.is_gone is (fate == "410")
        assert len(server.came) == 1


async def test_one_that_hangs_ends_with_the_patience() -> None:
    async with hook_server() as server:
        reply = await post(server, "hang", patience=timedelta(seconds=0.2))
    assert (reply.why, reply.status) == (Why.TIMEOUT, None)


@pytest.mark.parametrize(
    ("fate", "wait"),
    [("429", 90), ("503", 120), ("429 long", 86_400), ("429 odd", None), ("500", None)],
)
async def test_how_long_to_wait_is_heard(fate: str, wait: int | None) -> None:
    async with hook_server() as server:
        reply = await post(server, fate)
    assert reply.wait == (None if wait is None else timedelta(seconds=wait))


async def test_what_is_not_there_speaks_no_tls_or_has_no_name_is_told_apart() -> None:
    async def plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWERS["400"])
        writer.close()

    server = await asyncio.start_server(plainly, HOST, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        tls = await line().post(f"https://{HOST}:{port}/", b"", {})
    nobody = await line().post(f"http://{HOST}:1/", b"", {})
    name = await line().post("http://name.invalid/", b"", {})
    assert (tls.why, nobody.why, name.why) == (Why.CERTIFICATE, Why.REFUSED, Why.NAME)


async def test_no_way_to_write_an_address_leads_into_our_own_machine() -> None:
    async with hook_server() as server, served("127.0.0.1", server.port) as canary:
        ways = WAYS_HOME.replace("PORT", str(server.port)).replace("HERE", HOST).split()
        assert len(ways) >= 60
        for way in ways:
            reply = await line().post(way, b"{}", {})
            assert not reply.is_taken or server.came, way
            assert canary.connections == 0, way


async def test_no_way_to_write_a_redirect_is_followed() -> None:
    async with hook_server() as server:
        for fate in ("301", "307"):
            assert (await post(server, fate)).why is Why.REDIRECT
        assert len(server.came) == 2


async def test_a_name_is_judged_at_each_connection_by_what_it_means_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meanings = iter([HOST, HOST, *["127.0.0.1"] * 100])
    async with hook_server() as server, served("127.0.0.1", server.port) as canary:
        monkeypatch.setattr(
            "broker.webhooks.socket.getaddrinfo",
            lambda host, port, **_: [(2, 1, 6, "", (next(meanings), port))],
        )
        url, ours = f"http://rebound.example:{server.port}/", line()
        await ours.check(url)
        assert (await ours.post(url, b"{}", {})).is_taken
        for _ in range(100):
            assert (await ours.post(url, b"{}", {})).why is Why.FORBIDDEN
        assert canary.connections == 0


async def test_of_the_meanings_of_a_name_only_permitted_ones_are_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with hook_server() as server, served("127.0.0.1", server.port) as canary:
        monkeypatch.setattr(
            "broker.webhooks.socket.getaddrinfo",
            lambda host, port, **_: [
                (2, 1, 6, "", (each, port)) for each in ("127.0.0.1", "169.254.169.254", HOST)
            ],
        )
        assert (await line().post(f"http://both.example:{server.port}/", b"", {})).is_taken
        assert canary.connections == 0


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hook_server() as server, served("127.0.0.1") as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await post(server, "")).is_taken
        assert proxy.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "", "hook", "https://", "ftp://example.org/", "https://me:pass@example.org/",
        "https://example.org/#x", "https://example.org:0/", "https://example.org:99999/",
        "https://exämple.org/", "https://example.org/a b", "https://example.org\\@x/",
        "https://example.org/" + "x" * 500, "http://127.0.0.1/", "http://[::1]/",
        "http://0x7f.1/", "http://2130706433/", "http://169.254.169.254/", "http://localhost/",
    ],
)  # fmt: skip
async def test_what_may_not_be_posted_to_is_refused_beforehand(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await line().check(url)
    assert "pass" not in str(caught.value)


async def test_where_it_counts_an_address_is_https() -> None:
    strict = line(tls_only=True)
    with pytest.raises(InvalidInput, match="https"):
        await strict.check(f"http://{HOST}/")
    await strict.check(f"https://{HOST}:8443/hook?token=x")
    assert (await strict.post(f"http://{HOST}/", b"", {})).why is Why.FORBIDDEN


async def test_a_name_nobody_knows_yet_may_be_added() -> None:
    await line().check("https://name.invalid/hook")


async def test_names_are_looked_up_in_threads_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of names that hangs takes none of the threads that others wait for."""
    seen = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        import threading

        seen.append(threading.current_thread().name)
        return [(2, 1, 6, "", (HOST, port))]

    monkeypatch.setattr("broker.webhooks.socket.getaddrinfo", look_up)
    await line().check("https://example.org/")
    assert [name.startswith("webhooks") for name in seen] == [True]


async def test_each_call_has_a_connection_of_its_own() -> None:
    async with hook_server() as server:
        ours = line()
        await asyncio.gather(*(ours.post(server.url(), b"{}", {}) for _ in range(5)))
        assert server.connections == 5
