"""``ai-trader demo`` as a newcomer sees it: a page in a real browser, a card, a tap, a stamp."""

import asyncio
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from tests.browser import find

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip


def _folder() -> Path:
    """A folder the servers may enter, whoever they run as."""
    folder = Path(tempfile.mkdtemp(prefix="ait-"))
    folder.chmod(0o711)
    return folder


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


@pytest.fixture
def api_port() -> int:
    """Where the demo's API is."""
    return _free_port()


@pytest.fixture
async def address(api_port: int) -> AsyncIterator[str]:
    """The address a fresh demo prints. It ends by Ctrl-C, and has nothing to complain of."""
    folder = _folder()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--home", str(folder / "home"), "--port", "0",
        "--pace", "2",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "API_PORT": str(api_port), "API_HOST": "0.0.0.0"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while True:
            line = (await process.stdout.readline()).decode()
            assert line, "the demo ended before it said where the chat is"
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        yield found[0]
        process.send_signal(signal.SIGINT)
        rest = (await process.stdout.read()).decode()
        assert await process.wait() == 0
        assert "Traceback" not in rest, rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        shutil.rmtree(folder)


async def ask(page: Page, command: str, expected: str) -> str:
    """Send a command; the text of the answer that holds what is expected. The market goes on
    meanwhile, so that other messages may come in between.
    """
    await page.get_by_test_id("composer").fill(command)
    await page.get_by_test_id("send").click()
    answer = page.get_by_test_id("message").filter(has_text=expected).last
    await answer.wait_for(timeout=15_000)
    return await answer.inner_text()


async def test_newcomer_sees_an_idea_taps_approve_and_reads_one_story(
    address: str, api_port: int
) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        page = await browser.new_page(viewport={"width": 420, "height": 900})
        await page.goto(address)
        approve = page.locator('[data-testid=inline-button][data-label*="Approve"]').last
        await approve.wait_for(timeout=60_000)
        card = page.get_by_test_id("message").filter(has=approve)
        assert await card.locator("img").count() == 1
        number = re.search(r"IDEA #(\d+)", await card.inner_text())
        assert number is not None
        await approve.click()
        await page.get_by_text("Approved by Ann").first.wait_for(timeout=15_000)
        await page.get_by_text("filled at").first.wait_for(timeout=15_000)
        assert await approve.count() == 0
        history = await ask(page, "/history", "Decision history")
        assert "human approved" in history
        assert "filled" in history
        why = await ask(page, f"/why {number[1]}", "Why idea")
        assert "Approved by Ann" in why
        record = re.search(r"/replay (\d+)", why)
        assert record is not None
        assert "equal, bit for bit" in await ask(page, f"/replay {record[1]}", "Replay of")
        health = await page.goto(f"http://127.0.0.1:{api_port}/health")
        assert health is not None
        assert health.status == 200
        await browser.close()
