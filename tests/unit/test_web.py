"""Fetching: what a server does wrong is named, bounded, and leads nowhere it should not."""

import asyncio
import gzip
import zlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import pytest
from yarl import URL

from broker.feeds.addresses import PermittedResolver, own_network_too, public_only
from broker.feeds.web import LARGEST, Web
from engine.domain.feed import FeedState, FeedTrouble, Trouble
from tests.feed_server import HOST, Site, answer, only_here, served, twins
from tests.ways_home import WAYS_HOME

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
WEB = Web(permit=only_here, patience=timedelta(seconds=5))


async def fetch(site: Site, web: Web = WEB, path: str = "/", **state: Any) -> Any:
    return await web.fetch(FeedState(name=site.url(path), **state), NOW, "*/*")


async def trouble(site: Site, web: Web = WEB, path: str = "/") -> FeedTrouble:
    with pytest.raises(FeedTrouble) as caught:
        await fetch(site, web, path)
    return caught.value


async def test_a_page_comes_with_what_to_ask_with_the_next_time() -> None:
    async with served() as site:
        said = answer(
            b"[]", ETag='"v1"', Last_Modified="Mon", Content_Type="text/xml; charset=latin-1"
        )
        site.pages["/"] = lambda asked: (
            answer(status="304 Not Modified") if 'If-None-Match: "v1"' in asked else said
        )
        page = await fetch(site)
        assert (page.body, page.etag, page.modified, page.charset) == (
            b"[]", '"v1"', "Mon", "latin-1"
        )  # fmt: skip
        assert (await fetch(site, etag='"v1"', modified="Mon")).body is None
        assert "User-Agent: ai-trader" in site.asked[0]
        assert "If-Modified-Since: Mon" in site.asked[1]


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress, "raw"])
async def test_compressed_pages_are_read(packed: Any) -> None:
    if packed == "raw":
        machine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body, kind = machine.compress(b"hello" * 99) + machine.flush(), "deflate"
    else:
        body, kind = packed(b"hello" * 99), "gzip" if packed is gzip.compress else "deflate"
    async with served() as site:
        site.pages["/"] = answer(body, Content_Encoding=kind)
        assert (await fetch(site)).body == b"hello" * 99


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (answer(status="404 Not Found"), Trouble.STATUS, "404"),
        (answer(status="500 Oops"), Trouble.STATUS, "500"),
        (answer(status="206 Partial Content"), Trouble.STATUS, "206"),
        (answer(b"x" * (LARGEST + 1)), Trouble.FORMAT, "too large"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LARGEST + 1), Trouble.FORMAT, "too large"),
        (answer(gzip.compress(bytes(200 * LARGEST), 9), Content_Encoding="gzip"), Trouble.FORMAT,
         "too large"),
        (answer(gzip.compress(b"hello" * 99)[:-9], Content_Encoding="gzip"), Trouble.FORMAT,
         "cut off"),
        (answer(b"hello", Content_Encoding="gzip"), Trouble.FORMAT, "broken"),
        (answer(b"hello", Content_Encoding="br"), Trouble.FORMAT, "compressed as br"),
        (answer(b"half", Content_Length="999"), Trouble.UNREACHABLE, "no answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Trouble.UNREACHABLE, "no answer"),
        (b"", Trouble.UNREACHABLE, "no answer"),
        (answer(status="302 Found", Location="/"), Trouble.FORBIDDEN, "redirects"),
        (answer(status="302 Found"), Trouble.FORBIDDEN, "redirects"),
        (answer(status="302 Found", Location="file:///etc/passwd"), Trouble.FORBIDDEN,
         "no address"),
        (answer(status="302 Found", Location="gopher://x/"), Trouble.FORBIDDEN, "no address"),
        (answer(status="302 Found", Location="http://me:pass@127.0.0.2/"), Trouble.FORBIDDEN,
         "no address"),
        (answer(status="301 Moved", Location="http://169.254.169.254/latest/meta-data/"),
         Trouble.FORBIDDEN, "not public"),
        (answer(status="308 Moved", Location="http://[::ffff:169.254.169.254]/"), Trouble.FORBIDDEN,
         "not public"),
        (answer(status="302 Found", Location="http://10.0.0.1:22/"), Trouble.FORBIDDEN, "port 22"),
    ],
)  # fmt: skip
async def test_what_a_server_does_wrong_is_named(said: bytes, kind: Trouble, words: str) -> None:
    async with served() as site:
        site.pages["/"] = said
        found = await trouble(site)
        assert found.trouble is kind
        assert words in str(found)


@pytest.mark.parametrize(
    ("after", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Mon, 09 Mar 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Mon, 09 Mar 2026 11:00:00 GMT", timedelta(0)),
        ("99999999", timedelta(days=1)),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
async def test_a_server_that_is_busy_says_how_long_to_wait(
    after: str, wait: timedelta | None
) -> None:
    async with served() as site:
        site.pages["/"] = answer(status="429 Too Many Requests", Retry_After=after)
        found = await trouble(site)
        assert (found.trouble, found.wait) == (Trouble.BUSY, wait)


async def test_a_slow_drip_ends_with_the_patience() -> None:
    async with served() as site:
        site.pages["/"] = [answer(Content_Length="9999"), *[b"x"] * 9999]
        async with asyncio.timeout(3):
            found = await trouble(site, Web(permit=only_here, patience=timedelta(seconds=0.3)))
        assert found.trouble is Trouble.UNREACHABLE
        assert "within 0.3 seconds" in str(found)


async def test_no_way_to_write_a_redirect_leads_into_our_own_machine() -> None:
    async with twins() as (site, canary):
        ways = WAYS_HOME.replace("PORT", str(site.port)).replace("HERE", HOST).split()
        assert len(ways) >= 60
        refused = (Trouble.FORBIDDEN, Trouble.STATUS, Trouble.UNREACHABLE)
        for way in ways:
            site.pages["/"] = answer(status="302 Found", Location=way)
            # What names no host at all is a page of the same server, which has it not.
            assert (await trouble(site)).trouble in refused, way
            assert canary.connections == 0, way


@pytest.mark.parametrize("host", ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "0", "localhost"])
async def test_an_address_of_our_own_is_forbidden_and_not_merely_out_of_reach(host: str) -> None:
    with pytest.raises(FeedTrouble) as caught:
        await WEB.fetch(FeedState(name=f"http://{host}/"), NOW, "*/*")
    assert caught.value.trouble is Trouble.FORBIDDEN


async def test_redirects_to_a_permitted_place_are_followed() -> None:
    async with served() as site:
        site.pages["/"] = answer(status="301 Moved", Location="/new")
        site.pages["/new"] = answer(b"here")
        assert (await fetch(site)).body == b"here"


async def test_from_https_nothing_leads_to_http() -> None:
    async with served() as site:
        with pytest.raises(FeedTrouble, match="https to http"):
            WEB._check(URL(site.url()), URL("https://feeds.example/"))


async def test_a_server_that_speaks_no_tls_and_one_that_is_not_there() -> None:
    quick = Web(permit=only_here, patience=timedelta(seconds=0.3))
    async with served() as site:
        for url in (site.url().replace("http:", "https:"), f"http://{HOST}:1/"):
            with pytest.raises(FeedTrouble) as caught:
                await quick.fetch(FeedState(name=url), NOW, "*/*")
            assert caught.value.trouble is Trouble.UNREACHABLE


async def test_without_leave_nothing_of_this_machine_is_fetched() -> None:
    async with served() as site:
        found = await trouble(site, Web())
        assert (found.trouble, site.connections) == (Trouble.FORBIDDEN, 0)


async def test_a_name_is_judged_at_each_connection_by_what_it_means_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meanings = iter([HOST, *["127.0.0.1"] * 100])
    async with twins() as (site, canary):

        async def resolve(self: Any, host: str, port: int = 0, family: Any = 0) -> list[Any]:
            return [{"hostname": host, "host": next(meanings), "port": port, "family": 2,
                     "proto": 6, "flags": 0}]  # fmt: skip

        monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", resolve)
        site.pages["/"] = answer(b"good")
        url = FeedState(name=f"http://rebound.example:{site.port}/")
        assert (await WEB.fetch(url, NOW, "*/*")).body == b"good"
        for _ in range(100):
            with pytest.raises(FeedTrouble) as caught:
                await WEB.fetch(url, NOW, "*/*")
            assert caught.value.trouble is Trouble.FORBIDDEN
        assert canary.connections == 0


_NOT_PUBLIC = """
0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 172.31.255.254
192.0.0.1 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1
255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254
fc00::1 fd00:ec2::254 fe80::1 ff02::1 fec0::1 2001:db8::1 2001::1 2002:7f00:1::
2002:a9fe:a9fe:: 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1
"""


@pytest.mark.parametrize("address", _NOT_PUBLIC.split())
def test_addresses_that_are_not_public(address: str) -> None:
    assert not public_only(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"]
)
def test_addresses_that_are(address: str) -> None:
    assert public_only(ip_address(address))


def test_ones_own_network_is_permitted_and_a_clouds_keys_never() -> None:
    for address in ("127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd12::1", "8.8.8.8"):
        assert own_network_too(ip_address(address)), address
    for address in ("169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254",
                    "100.100.100.200", "0.0.0.0", "224.0.0.1", "2002:a9fe:a9fe::"):  # fmt: skip
        assert not own_network_too(ip_address(address)), address


async def test_of_many_meanings_of_a_name_only_the_permitted_ones_are_used() -> None:
    resolver = PermittedResolver(lambda address: address.version == 6)
    try:
        found = await resolver.resolve("localhost", 80, 0)  # type: ignore[arg-type]
    except OSError:
        return  # a machine without IPv6 has no other meaning of it
    assert {each["host"] for each in found} == {"::1"}
