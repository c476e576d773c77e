"""The page on a phone, as a reader uses it: menus of messages, keyboards, files, languages."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.sandbox import GROUP_ID, As, Person, Upload
from tests.sandbox.conftest import PHONE, png

pytestmark = pytest.mark.browser

ANN, LUIS, LAYLA = 1001, 1002, 1004


async def said(api, text="hello", chat=ANN, **more):
    return (await api.result("sendMessage", chat_id=chat, text=text, **more))["message_id"]


def message(page, message_id):
    return page.locator(f'[data-mid="{message_id}"]')


async def test_a_message_is_replied_to_reacted_to_and_ones_own_is_changed(sandbox, api, open_page):
    await sandbox.send(ANN, "teh status")
    asked = await said(api, "What?")
    await api.result("getUpdates", allowed_updates=["message_reaction", "edited_message"])
    page = await open_page(PHONE)
    await message(page, asked).locator(".content").click(button="right")
    await page.locator('[data-react="👍"]').click()
    own = message(page, asked).locator('[data-reaction="👍"]')
    await expect(own).to_have_class("reaction own")
    await own.click()
    await expect(own).to_have_count(0)
    await message(page, asked).locator(".content").click(button="right")
    await page.locator('[data-action="reply"]').click()
    await page.get_by_test_id("composer").fill("the status")
    await page.get_by_test_id("send").click()
    await expect(page.get_by_test_id("message").last.locator(".quote")).to_contain_text("What?")
    await message(page, 1).locator(".content").click(button="right")
    await page.locator('[data-action="edit"]').click()
    await expect(page.get_by_test_id("composer")).to_have_value("teh status")
    await page.get_by_test_id("composer").fill("the status!")
    await page.get_by_test_id("send").click()
    await expect(message(page, 1).locator(".content")).to_have_text("the status!")
    await expect(page.get_by_test_id("composer")).to_have_value("")
    kinds = [next(k for k in u if k != "update_id") for u in await api.result("getUpdates")]
    assert kinds == ["message", "message_reaction", "message_reaction", "edited_message"]
    assert sandbox.messages(ANN)[-1]["reply_to_message"]["message_id"] == asked
    assert sandbox.violations == []


async def test_a_long_press_opens_the_menu_and_escape_closes_it(sandbox, api, open_page):
    await sandbox.send(ANN, "hi")
    asked = await said(api)
    page = await open_page(PHONE, has_touch=True)
    press = """node => {
        const touch = new Touch({ identifier: 1, target: node, clientX: 40, clientY: 300 });
        node.dispatchEvent(new TouchEvent("touchstart", { touches: [touch], bubbles: true }));
    }"""
    await message(page, asked).locator(".content").evaluate(press)
    menu = page.get_by_test_id("message-menu")
    await expect(menu).to_be_in_viewport(ratio=1)
    await expect(menu.locator('[data-action="edit"]')).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(menu).to_be_hidden()


async def test_a_keyboard_for_one_use_folds_away_and_can_be_unfolded(sandbox, api, open_page):
    await sandbox.send(ANN, "hi")
    rows = [[{"text": "Yes", "style": "success"}, {"text": "No"}]]
    markup = {
        "keyboard": rows, "one_time_keyboard": True, "input_field_placeholder": "Yes or no?"
    }  # fmt: skip
    await said(api, "Sure?", reply_markup=markup)
    page = await open_page(PHONE)
    keys = page.get_by_test_id("reply-button")
    await expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Yes or no?")
    assert "success" in (await keys.first.get_attribute("class"))
    await keys.filter(has_text="Yes").click()
    await expect(page.get_by_test_id("message").last).to_contain_text("Yes")
    await expect(keys.first).to_be_hidden()
    await page.get_by_test_id("keys").click()
    await expect(keys.first).to_be_visible()
    await said(api, "Gone", reply_markup={"remove_keyboard": True})
    await expect(page.get_by_test_id("keys")).to_be_hidden()


async def test_a_forced_reply_opens_by_itself_and_is_a_reply(sandbox, api, open_page):
    await sandbox.send(ANN, "hi")
    page = await open_page(PHONE)
    wish = {"force_reply": True, "input_field_placeholder": "0.50"}
    asked = await said(api, "How many lots?", reply_markup=wish)
    await expect(page.locator("#replying")).to_contain_text("How many lots?")
    await expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "0.50")
    await page.get_by_test_id("composer").fill("0.35")
    await page.get_by_test_id("composer").press("Enter")
    await expect(page.get_by_test_id("message").last).to_contain_text("0.35")
    await expect(page.locator("#replying")).to_be_hidden()
    await expect(page.get_by_test_id("composer")).to_have_attribute("placeholder", "Message")
    assert sandbox.messages(ANN)[-1]["reply_to_message"]["message_id"] == asked


async def test_files_go_up_and_a_table_comes_down(sandbox, api, open_page, tmp_path: Path):
    await sandbox.send(ANN, "hi")
    page = await open_page(PHONE)
    (tmp_path / "own.png").write_bytes(png(40, 30))
    await page.locator("#file").set_input_files(tmp_path / "own.png")
    await expect(page.get_by_test_id("message").last.locator(".photo img")).to_be_visible()
    table = await sandbox.upload(LUIS, Upload("t.csv", "text/csv", b"a,b\n1,2\n"))
    file_id = table["document"]["file_id"]
    await api.result("sendDocument", chat_id=ANN, document=file_id, caption="Trades")
    async with page.expect_download() as waiting:
        await page.locator(".file").click()
    download = await waiting.value
    assert download.suggested_filename == "t.csv"
    await download.save_as(tmp_path / "down.csv")
    assert (tmp_path / "down.csv").read_bytes() == b"a,b\n1,2\n"
    assert sandbox.violations == []


async def test_a_photo_opens_comes_near_and_closes(sandbox, open_page):
    await sandbox.upload(ANN, Upload("c.png", "image/png", png(400, 300)))
    page = await open_page(PHONE)
    await page.locator(".photo").click()
    image = page.locator("#viewer-image")
    await expect(image).to_be_in_viewport()
    width = await image.evaluate("node => node.offsetWidth")
    await image.click()
    assert await image.evaluate("node => node.offsetWidth") > 2 * width
    await page.get_by_label("Close the photo").click()
    await expect(image).to_be_hidden()


SIDES = """node => {
    const range = document.createRange();
    const text = node.querySelector(".content").firstChild;
    const box = node.querySelector(".text").getBoundingClientRect();
    const lines = text.data.split("\\n");
    let at = 0;
    return lines.map((line) => {
        range.setStart(text, at);
        range.setEnd(text, at + line.length);
        at += line.length + 1;
        const mine = [...range.getClientRects()].sort((a, b) => b.width - a.width)[0];
        return mine.left - box.left < box.right - mine.right ? "left" : "right";
    });
}"""


async def test_each_line_goes_its_own_way(sandbox, api, open_page):
    await sandbox.send(ANN, "hi")
    page = await open_page(PHONE)
    long = "a rather long line that makes the bubble wide"
    arabic = "شراء EURUSD بسعر 1.0842"
    first = await said(api, f"{arabic}\n{long}\nRisk 0.5%\n{arabic}")
    other = await said(api, f"Risk 0.5%\n{arabic}\n{long}")
    await expect(message(page, other)).to_be_in_viewport()
    assert (await message(page, first).evaluate(SIDES))[2:] == ["left", "right"]
    assert (await message(page, first).evaluate(SIDES))[0] == "right"
    assert (await message(page, other).evaluate(SIDES))[:2] == ["left", "right"]


@pytest.fixture
async def served(open_sandbox):
    people = [
        Person(ANN, "Ann", "ann", "en"), Person(LUIS, "Luis", "luis", "es"),
        Person(LAYLA, "ليلى", "layla", "ar"),
    ]  # fmt: skip
    return await open_sandbox(people=people)


async def test_times_and_commands_are_in_the_language_of_the_reader(sandbox, api, open_page):
    listed = [{"command": "halt", "description": "أوقف كل شيء"}]
    await api.result("setMyCommands", commands=listed, language_code="ar")
    await sandbox.send(LAYLA, "/start")
    page = await open_page(PHONE)
    await page.get_by_test_id("side-open").click()
    await page.get_by_test_id("user-switch").click()
    await page.locator(f'[data-user="{LAYLA}"]').click()
    await expect(page.locator(".day")).to_have_text("اليوم")
    await page.get_by_test_id("menu").click()
    await expect(page.locator('[data-command="halt"]')).to_contain_text("أوقف")


async def test_a_group_shows_who_speaks_and_its_topics(sandbox, api, open_page):
    thread = sandbox.create_topic(GROUP_ID, "Alerts")
    await sandbox.send(LUIS, "hello", chat_id=GROUP_ID)
    await sandbox.send(ANN, "as admin", chat_id=GROUP_ID, sender=As.ANONYMOUS)
    await sandbox.send(LUIS, "look", chat_id=GROUP_ID, forwarded_from="channel")
    await said(api, "halted", chat=GROUP_ID, message_thread_id=thread)
    page = await open_page(PHONE)
    await page.get_by_test_id("side-open").click()
    await page.locator(f'[data-chat="{GROUP_ID}"]').click()
    rows = page.get_by_test_id("message")
    await expect(rows.nth(1).locator(".sender")).to_have_text("Trading deskadmin")
    await expect(rows.nth(2).locator(".forwarded")).to_have_text("Forwarded from Market news")
    await page.locator(f'[data-topic="{thread}"]').click()
    await expect(rows).to_have_count(1)
    await page.get_by_test_id("composer").fill("/status")
    await page.get_by_test_id("composer").press("Enter")
    await expect(rows).to_have_count(2)
    assert sandbox.messages(GROUP_ID)[-1]["message_thread_id"] == thread
    assert sandbox.violations == []


async def test_the_log_says_what_was_sent_too_fast_and_what_is_lacking(sandbox, api, open_page):
    await sandbox.send(ANN, "hi")
    page = await open_page(PHONE)
    await page.get_by_test_id("log-open").click()
    for _ in range(7):
        await said(api)
    await api.refusal("banChatMember", chat_id=GROUP_ID, user_id=LUIS)
    await expect(page.locator('.call[data-method="sendMessage"] .flood')).to_have_count(2)
    lacking = page.locator('.call[data-method="banChatMember"] .broken')
    await expect(lacking).to_have_text("Not Implemented: the sandbox has no banChatMember")


async def test_a_link_to_the_bot_itself_starts_it_with_the_word(sandbox, api, open_page):
    await sandbox.send(ANN, "hi")
    link = f"https://t.me/{(await api.result('getMe'))['username']}?start=idea_42"
    keys = {"inline_keyboard": [[{"text": "Open", "url": link}]]}
    await said(api, f"See {link}", reply_markup=keys)
    page = await open_page(PHONE)
    await page.get_by_test_id("inline-button").click()
    await expect(page.get_by_test_id("message").last).to_contain_text("/start idea_42")
    await page.locator(".content a").click()
    await expect(page.get_by_test_id("message")).to_have_count(4)
    assert [m["text"] for m in sandbox.messages(ANN)[-2:]] == ["/start idea_42"] * 2


async def test_the_bot_is_blocked_and_started_again(sandbox, api, open_page):
    await sandbox.send(ANN, "hi")
    page = await open_page(PHONE)
    await page.get_by_test_id("who").click()
    await page.locator('[data-action="block"]').click()
    await expect(page.get_by_test_id("start")).to_have_text("RESTART")
    refusal = await api.refusal("sendMessage", chat_id=ANN, text="x")
    assert refusal == "403 Forbidden: bot was blocked by the user"
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("composer")).to_be_visible()
    assert (await api("sendMessage", chat_id=ANN, text="x"))["ok"]
    assert sandbox.violations == []


async def test_a_rich_message_is_shown_with_its_blocks(sandbox, api, open_page):
    await sandbox.send(ANN, "/start")
    cells = [
        [{"text": name, "is_header": True, "align": "left", "valign": "top"} for name in "AB"],
        [
            {"text": "EURUSD", "align": "left", "valign": "top"},
            {"text": {"type": "bold", "text": "+0.4 R"}, "align": "right", "valign": "top"},
        ],
    ]
    blocks = [
        {"type": "heading", "text": "Positions <b>", "size": 1},
        {"type": "table", "cells": cells, "is_striped": True},
        {"type": "list", "items": [{"blocks": [{"type": "paragraph", "text": "one open"}]}]},
        {
            "type": "details",
            "summary": "Why",
            "blocks": [{"type": "paragraph", "text": ["see ", {"type": "code", "text": "/why"}]}],
        },
    ]
    sent = await api.result("sendRichMessage", chat_id=ANN, rich_message={"blocks": blocks})
    page = await open_page(PHONE)
    shown = message(page, sent["message_id"])
    await expect(shown.locator("h1")).to_have_text("Positions <b>")
    await expect(shown.locator("td b")).to_have_text("+0.4 R")
    await expect(shown.locator("li")).to_contain_text("one open")
    await expect(shown.locator("details code")).not_to_be_visible()
    await shown.locator("summary").click()
    await expect(shown.locator("details code")).to_have_text("/why")
    await shown.click(button="right")
    await page.locator('[data-action="reply"]').click()
    await expect(page.locator("body")).to_contain_text("Positions <b> A B EURUSD +0.4 R")
