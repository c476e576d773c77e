"""python-telegram-bot against the sandbox: a polling Application, and ExtBot alone as a courier."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from telegram import (
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    ReplyKeyboardMarkup,
)
from telegram.error import BadRequest, NetworkError, RetryAfter
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ExtBot,
    MessageHandler,
    filters,
)

from bot.sandbox import Upload

TOKEN = "700002:PTB-token"
ANN, LUIS = 1001, 1002


def application(url: str, heard: list) -> Application:
    async def start(update, context):
        keys = [[InlineKeyboardButton("Approve", callback_data="a:1")]]
        markup = InlineKeyboardMarkup(keys)
        await update.message.reply_html("<b>Idea</b>", reply_markup=markup)

    async def tapped(update, context):
        heard.append(("tap", update.callback_query.data))
        await update.callback_query.answer("ok")
        await update.callback_query.edit_message_text("decided")

    async def photo(update, context):
        file = await update.message.photo[-1].get_file()
        heard.append(("photo", bytes(await file.download_as_bytearray())))

    async def echo(update, context):
        heard.append(("text", update.message.text))
        await update.message.reply_text(update.message.text)

    builder = ApplicationBuilder().token(TOKEN).base_url(f"{url}/bot")
    app = builder.base_file_url(f"{url}/file/bot").build()
    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(tapped))
    app.add_handler(MessageHandler(filters.PHOTO, photo))
    app.add_handler(MessageHandler(filters.TEXT, echo))
    return app


@pytest.fixture(autouse=True)
def _timedelta(monkeypatch):
    """Without it RetryAfter warns that its type will change, and a warning is an error here."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
async def heard() -> list:
    return []


@pytest.fixture
async def bot(url, sandbox, heard) -> AsyncIterator[ExtBot]:
    app = application(url, heard)
    await app.initialize()
    await app.updater.start_polling(timeout=5, poll_interval=0)
    await app.start()
    await sandbox.send(LUIS, "/start")
    await sandbox.wait_for(lambda: sandbox.messages(LUIS)[-1].get("reply_markup"))
    yield app.bot
    await app.updater.stop()
    await app.stop()
    await app.shutdown()


async def test_a_tap_is_answered_and_the_message_edited(sandbox, bot, heard):
    card = sandbox.messages(LUIS)[-1]["message_id"]
    query = await sandbox.tap(LUIS, card, label="Approve")
    await sandbox.wait_for(lambda: sandbox.messages(LUIS)[-1]["text"] == "decided")
    assert heard == [("tap", "a:1")]
    assert sandbox.answers[query]["text"] == "ok"
    assert "reply_markup" not in sandbox.messages(LUIS)[-1]
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text("decided", chat_id=LUIS, message_id=card)
    assert sandbox.violations == []


async def test_pictures_and_files_go_both_ways(sandbox, bot, heard, picture):
    assert (await bot.send_photo(LUIS, picture, caption="c")).photo[0].width == 4
    document = await bot.send_document(LUIS, b"hello", filename="a.txt")
    file = await bot.get_file(document.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"hello"
    await sandbox.upload(LUIS, Upload("c.png", "image/png", picture))
    await sandbox.wait_for(lambda: ("photo", picture) in heard)
    assert sandbox.violations == []


async def test_commands_pins_reactions_and_keyboards(sandbox, bot):
    assert await bot.set_my_commands([("start", "go")], scope=BotCommandScopeChat(LUIS))
    assert await bot.send_chat_action(LUIS, "typing")
    assert await bot.pin_chat_message(LUIS, 1)
    assert await bot.set_message_reaction(LUIS, 1, "👍")
    assert await bot.send_message(LUIS, "k", reply_markup=ReplyKeyboardMarkup([["/status"]]))
    with pytest.raises(BadRequest, match="too long"):
        await bot.send_message(LUIS, "x" * 4097)
    assert sandbox.violations == []


async def test_a_wait_is_told_to_the_client(sandbox, bot):
    words = "Too Many Requests: retry after 7"
    sandbox.fault("sendMessage", code=429, description=words, retry_after=7)
    with pytest.raises(RetryAfter) as caught:
        await bot.send_message(LUIS, "x")
    assert caught.value.retry_after == timedelta(seconds=7)


async def test_extbot_alone_sends_from_another_process_token(open_sandbox):
    sandbox, served = await open_sandbox(enforce_flood=True)
    await sandbox.send(LUIS, "hi")
    async with ExtBot(TOKEN, base_url=f"{served.url}/bot") as courier:
        sends = [courier.send_message(LUIS, str(number)) for number in range(8)]
        results = await asyncio.gather(*sends, return_exceptions=True)
        assert sum(isinstance(result, RetryAfter) for result in results) == 3
        sandbox.fault("getMe", code=500)
        with pytest.raises(NetworkError, match="Internal Server Error"):
            await courier.get_me()
    assert sandbox.violations == []
