"""A newcomer on a phone: from /start to an approved idea, a changed limit, a refusal understood,
trading stopped and resumed; in English and in Arabic, with a picture of each of the moments.
"""

import asyncio
import os
import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, ViewportSize, async_playwright

from bot.i18n import _COMMAND, Words, _text
from tests.browser import find
from tests.e2e.test_demo import FLAGS, address, api_port  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

_PHONE: ViewportSize = {"width": 390, "height": 844}
#: Where pictures for the papers go; without it they are thrown away.
_PICTURES = os.environ.get("JOURNEY_PICTURES")


class Phone:
    """The chat page as one person holds it."""

    def __init__(self, page: Page, language: str) -> None:
        self.page, self.words = page, Words(language)
        self.language = language

    async def say(self, text: str, expected: str) -> Locator:
        """Write something; the answer that holds what is expected."""
        await self.page.get_by_test_id("composer").fill(text)
        await self.page.get_by_test_id("send").click()
        return await self.message(expected)

    async def message(self, expected: str) -> Locator:
        """The last message that holds a text, once it is there."""
        found = self.page.get_by_test_id("message").filter(has_text=expected).last
        await found.wait_for(timeout=60_000)
        return found

    async def tap(self, label: str) -> None:
        """Tap the last button with a label."""
        button = self.page.locator(f'[data-testid=inline-button][data-label*="{label}"]').last
        await button.wait_for(timeout=60_000)
        await button.click()

    async def picture(self, name: str, *, taller: int = 0) -> None:
        """Keep what the screen shows; a card with its chart is taller than a phone."""
        screen = ViewportSize(width=_PHONE["width"], height=_PHONE["height"] + taller)
        await self.page.set_viewport_size(screen)
        await asyncio.sleep(0.6)  # a toast fades, the list scrolls to its end
        data = await self.page.screenshot()
        await self.page.set_viewport_size(_PHONE)
        assert len(data) > 10_000
        if _PICTURES:
            path = Path(_PICTURES) / f"{name}-{self.language}.png"
            path.write_bytes(data)


def said(language: str, key: str) -> str:
    """The longest part of a text between its values, without markup: what a page must show."""
    text = _COMMAND.sub("{", _text(language, key, 2))
    parts = re.split(r"\{[^}]*\}?|<[^>]+>|\n|[\u200f\u2066-\u2069]", text)
    return max((part.strip() for part in parts), key=len)


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_newcomer_goes_the_whole_way(address: str, language: str) -> None:  # noqa: F811
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find(), args=list(FLAGS))
        page = await browser.new_page(viewport=_PHONE, device_scale_factor=2)
        await page.goto(address)
        phone = Phone(page, language)

        def text(key: str) -> str:
            return said(language, key)

        await phone.say("/start", "Ann")
        if language != "en":
            await phone.say("/language", "English")
            await phone.tap(phone.words("language.name"))
            await phone.message(text("language.changed"))
        await phone.message(phone.words("button.approve"))
        await phone.picture("0-idea", taller=290)
        await phone.tap(phone.words("button.approve"))
        await phone.message(text("stamp.filled"))
        await phone.picture("1-approved")

        await phone.say("/risk max_spread_pips 0.3 because the holidays are near", "0.3")
        await phone.tap(phone.words("drafts.button"))
        await phone.message(text("drafts.done"))
        await phone.picture("2-limit-changed")

        for _ in range(30):
            await phone.say("/history EURUSD no_trade", text("history.title"))
            refused = page.get_by_test_id("message").filter(has_text=text("failed.spread"))
            if await refused.count():
                break
            await asyncio.sleep(2)
        stream = await refused.last.inner_text()
        line = next(line for line in stream.splitlines() if text("failed.spread") in line)
        number = re.search(r"\d+", line)
        assert number is not None, line
        await phone.say(f"/replay {number[0]}", text("replay.equal"))
        await phone.picture("3-refused")

        await phone.say("/stop", text("control.emergency_stop"))
        await phone.picture("4-stopped")
        await phone.say("/resume", text("control.confirm_resume"))
        await phone.tap(phone.words("button.confirm_resume"))
        await phone.message(text("control.running"))
        await phone.picture("5-resumed")
        await browser.close()
