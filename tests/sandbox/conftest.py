"""A served sandbox, a bare client of its Bot API, and a browser to look at its page."""

import asyncio
import shutil
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from bot.sandbox import Sandbox, ServedSandbox, serve

TOKEN = "700001:AAtest-token_1"
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


class Api:
    """Calls methods with a JSON body and gives back the whole answer, errors too."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        address = f"{self.url}/bot{TOKEN}/{method}"
        async with self.session.post(address, json=parameters) as response:
            answer: dict[str, Any] = await response.json()
        assert response.status == answer.get("error_code", 200)
        return answer

    async def result(self, method: str, **parameters: Any) -> Any:
        answer = await self(method, **parameters)
        assert answer["ok"], answer
        return answer["result"]

    async def refusal(self, method: str, **parameters: Any) -> str:
        answer = await self(method, **parameters)
        assert not answer["ok"], answer
        return f"{answer['error_code']} {answer['description']}"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def open_sandbox() -> AsyncIterator[Callable[..., Awaitable[tuple[Sandbox, ServedSandbox]]]]:
    """Serves as many sandboxes as a test wants; whatever they recorded must be right."""
    opened: list[ServedSandbox] = []

    async def start(**options: Any) -> tuple[Sandbox, ServedSandbox]:
        sandbox = Sandbox(**{"enforce_flood": False, **options})
        served = await serve(sandbox)
        opened.append(served)
        return sandbox, served

    yield start
    for served in opened:
        await served.close()


@pytest.fixture
async def served(open_sandbox) -> tuple[Sandbox, ServedSandbox]:
    return await open_sandbox()


@pytest.fixture
def sandbox(served) -> Sandbox:
    return served[0]


@pytest.fixture
def url(served) -> str:
    return served[1].url


@pytest.fixture
def api_of(http) -> Callable[[ServedSandbox], Api]:
    return lambda served: Api(served.url, http)


@pytest.fixture
def api(served, api_of) -> Api:
    return api_of(served[1])


@pytest.fixture
def picture() -> bytes:
    return png(4, 3)


def png(width: int, height: int) -> bytes:
    """A whole PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\x00" + b"\x33\x99\x66" * width for _ in range(height))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("no chromium on PATH; make test leaves these tests out by name")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield chromium
        await chromium.close()
    # Playwright closes its pipes one turn of the loop after it says it has.
    await asyncio.sleep(0.05)


@pytest.fixture
async def open_page(browser, url) -> AsyncIterator[Any]:
    """Opens pages; none may complain in its console or ask anything of another host."""
    from playwright.async_api import expect

    complaints: list[str] = []
    contexts = []

    def watch(page: Any) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
        page.on("request", lambda r: r.url.startswith(url) or complaints.append(r.url))

    async def start(size: dict[str, int] = DESKTOP, **options: Any) -> Any:
        context = await browser.new_context(viewport=size, **options)
        context.set_default_timeout(5000)
        contexts.append(context)
        page = await context.new_page()
        watch(page)
        await page.goto(url)
        await expect(page.locator("#title")).to_have_text("AI Trader")
        return page

    yield start
    for context in contexts:
        await context.close()
    assert complaints == []
