"""The page in a real Chromium: what a person sees and taps, at desktop and at phone width."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.ext import ApplicationBuilder, CallbackQueryHandler, CommandHandler, ExtBot

from bot.sandbox import GROUP_ID, Sandbox, serve
from tests.sandbox.conftest import DESKTOP, PHONE

pytestmark = pytest.mark.browser

TOKEN = "700003:page-token"
ANN, LUIS = 1001, 1002
CAPTION = "<b>BUY USDJPY</b> entry <code>150.94</code>"


def keys(*rows: list[tuple[str, str, str | None]]) -> InlineKeyboardMarkup:
    def button(label: str, data: str, style: str | None) -> InlineKeyboardButton:
        extra = {"style": style} if style else None
        return InlineKeyboardButton(label, callback_data=data, api_kwargs=extra)

    return InlineKeyboardMarkup([[button(*key) for key in row] for row in rows])


CARD = keys(
    [("Approve", "approve", "success"), ("Reject", "reject", "danger")], [("Why", "why", None)]
)


@pytest.fixture
async def bot(url, picture) -> AsyncIterator[ExtBot]:
    """Posts a card on /start; Approve edits it, Reject alerts, Why says nothing at all."""

    async def start(update: Any, context: Any) -> None:
        await update.message.reply_photo(
            picture, caption=CAPTION, parse_mode="HTML", reply_markup=CARD
        )

    async def tapped(update: Any, context: Any) -> None:
        query = update.callback_query
        if query.data == "approve":
            await query.answer("Approved: 0.35 lot")
            await query.edit_message_caption("Approved by Ann", reply_markup=None)
        elif query.data == "reject":
            await query.answer("Only traders may reject.", show_alert=True)

    app = ApplicationBuilder().token(TOKEN).base_url(f"{url}/bot").build()
    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(tapped))
    await app.initialize()
    await app.updater.start_polling(timeout=5, poll_interval=0)
    await app.start()
    yield app.bot
    await app.updater.stop()
    await app.stop()
    await app.shutdown()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_a_newcomer_starts_sees_a_card_and_approves_it(sandbox, bot, open_page, size):
    page = await open_page(size)
    await page.get_by_test_id("start").click()
    card = page.locator('[data-testid="message"][data-from="bot"]')
    await expect(card.locator(".photo img")).to_be_in_viewport()
    assert await card.locator(".photo img").evaluate("image => image.naturalWidth") == 4
    await expect(card.locator("b")).to_have_text("BUY USDJPY")
    await expect(card.locator("code")).to_have_text("150.94")
    approve = page.locator('[data-testid="inline-button"][data-label="Approve"]')
    assert "success" in (await approve.get_attribute("class"))
    await approve.click()
    await expect(page.get_by_test_id("toast")).to_have_text("Approved: 0.35 lot")
    await expect(card.locator(".content")).to_have_text("Approved by Ann")
    await expect(card.locator(".edited")).to_be_visible()
    await expect(page.get_by_test_id("inline-button")).to_have_count(0)
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width == size["width"]
    assert sandbox.violations == []


async def test_an_alert_is_a_window_of_the_page_and_a_tap_spins_until_answered(bot, open_page):
    page = await open_page(PHONE)
    await page.clock.install()
    await expect(page.get_by_test_id("composer")).to_be_hidden()
    await page.get_by_test_id("start").click()
    why = page.locator('[data-label="Why"]')
    await why.click()
    await expect(why).to_have_class("key waiting")
    await page.locator('[data-label="Reject"]').click()
    alert = page.get_by_test_id("alert")
    await expect(alert).to_contain_text("Only traders may reject.")
    await page.get_by_test_id("alert-ok").click()
    await expect(alert).to_be_hidden()
    await page.clock.fast_forward(10_000)
    await expect(why).to_have_class("key")


async def test_what_is_typed_arrives_and_markup_in_it_stays_text(sandbox, bot, open_page):
    await sandbox.send(ANN, "hi")
    page = await open_page()
    evil = '<img src=x onerror="document.title=1"> & <b>bold</b>'
    await page.get_by_test_id("composer").fill(evil)
    await page.get_by_test_id("send").click()
    last = page.get_by_test_id("message").last.locator(".content")
    await expect(last).to_have_text(evil)
    assert await last.locator("img, b").count() == 0
    assert sandbox.messages(ANN)[-1]["text"] == evil
    await bot.send_message(ANN, "مرحبا بك")
    await expect(page.get_by_test_id("message").last.locator(".content")).to_have_text("مرحبا بك")
    direction = "node => getComputedStyle(node).direction"
    assert (
        await page.get_by_test_id("message").last.locator(".content").evaluate(direction) == "rtl"
    )


async def test_entities_are_shown_and_open_when_tapped(sandbox, bot, open_page):
    await sandbox.send(ANN, "hi")
    page = await open_page()
    html = (
        "<tg-spoiler>secret</tg-spoiler> <i>i</i> <pre>x = 1</pre>\n"
        '<a href="https://example.com/a">docs</a> <a href="javascript:alert(1)">bad</a> /help\n'
        f"<blockquote expandable>{'long ' * 200}</blockquote>"
    )
    await bot.send_message(ANN, html, parse_mode="HTML")
    said = page.get_by_test_id("message").last
    spoiler = said.locator(".spoiler")
    await spoiler.click()
    await expect(spoiler).to_have_class("spoiler open")
    quote = said.locator("blockquote")
    folded = (await quote.bounding_box())["height"]
    await quote.click()
    assert (await quote.bounding_box())["height"] > folded * 2
    assert await said.locator("a").count() == 1
    assert await said.locator("a").get_attribute("rel") == "noopener noreferrer"
    await said.locator(".command").click()
    await expect(page.get_by_test_id("message").last).to_contain_text("/help")
    assert sandbox.messages(ANN)[-1]["text"] == "/help"


async def test_the_pin_scrolls_to_its_message_and_the_menu_lists_commands(sandbox, bot, open_page):
    await sandbox.send(ANN, "hi")
    halt = await bot.send_message(ANN, "HALTED", disable_notification=True)
    for number in range(30):
        await bot.send_message(ANN, f"line {number}")
    await bot.pin_chat_message(ANN, halt.message_id)
    await bot.set_my_commands([("status", "how it stands")])
    await bot.set_my_commands([("estado", "cómo va")], language_code="es")
    page = await open_page(PHONE)
    message = page.locator(f'[data-mid="{halt.message_id}"]')
    await expect(message).not_to_be_in_viewport()
    await page.get_by_test_id("pinned").click()
    await expect(message).to_be_in_viewport()
    await expect(message.locator(".silent")).to_be_visible()
    await bot.send_message(ANN, "news")
    await expect(message).to_be_in_viewport()
    await page.get_by_label("To the newest message").click()
    await expect(page.get_by_test_id("message").last).to_be_in_viewport()
    await page.get_by_test_id("menu").click()
    await page.locator('[data-command="status"]').click()
    await expect(page.get_by_test_id("message").last).to_contain_text("/status")
    await page.get_by_test_id("side-open").click()
    await page.get_by_test_id("user-switch").click()
    await page.locator(f'[data-user="{LUIS}"]').click()
    await page.get_by_test_id("start").click()
    await page.get_by_test_id("menu").click()
    await expect(page.locator('[data-command="estado"]')).to_be_visible()
    assert sandbox.messages(LUIS)[0]["text"] == "/start"


async def test_other_chats_show_how_much_is_unread(sandbox, bot, open_page):
    page = await open_page()
    row = page.locator(f'[data-chat="{GROUP_ID}"]')
    await bot.send_message(GROUP_ID, "one")
    await bot.send_message(GROUP_ID, "two")
    await expect(row.get_by_test_id("unread")).to_have_text("2")
    await row.click()
    await expect(page.locator("#title")).to_have_text("Trading desk")
    await expect(row.get_by_test_id("unread")).to_have_count(0)


async def test_typing_and_a_growing_answer_with_stop(sandbox, bot, open_page):
    await sandbox.send(ANN, "why?")
    page = await open_page()
    await bot.send_chat_action(ANN, "typing")
    await expect(page.locator("#subtitle")).to_have_text("typing…")
    await bot.send_message_draft(ANN, 7, "Because", api_kwargs={"can_stop": True})
    await expect(page.get_by_test_id("draft")).to_contain_text("Because")
    await page.get_by_test_id("stop").click()
    await expect(page.get_by_test_id("draft")).to_have_count(0)
    await expect(page.locator("#subtitle")).to_have_text("bot", timeout=6000)


async def test_violations_are_red_in_the_log_of_calls(sandbox, bot, open_page, api):
    page = await open_page()
    await page.get_by_test_id("log-open").click()
    await sandbox.send(ANN, "hi")
    await api.refusal("sendMessage", chat_id=ANN, text="x", nonsense=1)
    broken = page.locator(".call.violation .broken").first
    await expect(broken).to_have_text("sendMessage.nonsense: unknown parameter")


async def test_the_page_comes_back_by_itself_after_a_restart(browser, tmp_path):
    file = tmp_path / "chat.json"
    before = await serve(Sandbox(state_file=file))
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(before.url)
    await page.get_by_test_id("start").click()
    await expect(page.get_by_test_id("message")).to_have_count(1)
    await before.close()
    await expect(page.get_by_test_id("offline")).to_be_visible()
    sandbox = Sandbox(state_file=file)
    after = await serve(sandbox, port=before.port)
    await expect(page.get_by_test_id("offline")).to_be_hidden(timeout=10000)
    await sandbox.send(ANN, "still here")
    await expect(page.get_by_test_id("message")).to_have_count(2)
    await context.close()
    await after.close()
