"""aiogram against the sandbox: long polling, a webhook, and every kind of message and refusal."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramRetryAfter,
)
from aiogram.filters import CommandStart
from aiogram.filters.callback_data import CallbackData
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    BufferedInputFile,
    CopyTextButton,
    DisabledButton,
    InputMediaPhoto,
    KeyboardButton,
    MenuButtonCommands,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
    ReplyParameters,
    WebAppInfo,
)
from aiogram.types import InlineKeyboardButton as Button
from aiogram.types import InlineKeyboardMarkup as Keyboard
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

from bot.sandbox import GROUP_ID, Upload

TOKEN = "700001:AIOgram-token"
ANN, LUIS = 1001, 1002


class Idea(CallbackData, prefix="i"):
    act: str
    id: str
    version: int


def bot_at(url: str) -> Bot:
    return Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))


def dispatcher(heard: list) -> Dispatcher:
    dp = Dispatcher()

    @dp.message(CommandStart(deep_link=True))
    async def linked(message, command):
        heard.append(("link", command.args))

    @dp.message(CommandStart())
    async def start(message):
        keys = [
            [
                Button(
                    text="Approve",
                    callback_data=Idea(act="ok", id="42", version=1).pack(),
                    style="success",
                ),
                Button(
                    text="Reject",
                    callback_data=Idea(act="no", id="42", version=1).pack(),
                    style="danger",
                ),
            ],
            [Button(text="Copy id", copy_text=CopyTextButton(text="42"))],
        ]
        markup = Keyboard(inline_keyboard=keys)
        await message.answer("<b>Idea</b> BTC &lt;long&gt;", parse_mode="HTML", reply_markup=markup)

    @dp.callback_query(Idea.filter(F.act == "ok"))
    async def approve(query, callback_data):
        heard.append(("tap", callback_data.id, query.from_user.id))
        await query.answer("Approved")
        done = Keyboard(inline_keyboard=[[Button(text="Approved", disabled=DisabledButton())]])
        text = f"{query.message.html_text}\n✅ by {query.from_user.first_name}"
        await query.message.edit_text(text, parse_mode="HTML", reply_markup=done)

    @dp.message_reaction()
    async def reacted(event):
        heard.append(("reaction", event.new_reaction[0].emoji))

    @dp.stopped_message_generation()
    async def stopped(event):
        heard.append(("stop", event.draft_id))

    @dp.my_chat_member()
    async def member(event):
        heard.append(("member", event.new_chat_member.status))

    @dp.edited_message()
    async def edited(message):
        heard.append(("edited", message.text))

    @dp.message(F.photo)
    async def photo(message, bot):
        file = await bot.download(message.photo[-1])
        heard.append(("photo", file.read()))

    @dp.message(F.text)
    async def echo(message):
        heard.append(("text", message.text))
        await message.reply(message.text)

    return dp


@pytest.fixture
async def bot(url) -> AsyncIterator[Bot]:
    bot = bot_at(url)
    yield bot
    await bot.session.close()


@pytest.fixture
async def heard(bot, sandbox) -> AsyncIterator[list]:
    """What the handlers got; the dispatcher polls meanwhile and Ann has pressed START."""
    heard: list = []
    dp = dispatcher(heard)
    polling = asyncio.ensure_future(
        dp.start_polling(bot, handle_signals=False, polling_timeout=5, close_bot_session=False)
    )
    await sandbox.send(ANN, "/start")
    await sandbox.wait_for(lambda: sandbox.messages(ANN)[-1].get("reply_markup"))
    yield heard
    await dp.stop_polling()
    await polling


async def heard_of(sandbox, heard, what):
    return await sandbox.wait_for(lambda: what in heard)


async def test_a_tap_is_handled_answered_and_the_card_edited(sandbox, heard, bot):
    card = sandbox.messages(ANN)[-1]
    assert card["text"] == "Idea BTC <long>"
    assert card["entities"] == [{"type": "bold", "offset": 0, "length": 4}]
    query = await sandbox.tap(ANN, card["message_id"], label="Approve")
    await sandbox.wait_for(lambda: "edit_date" in sandbox.messages(ANN)[-1])
    card = sandbox.messages(ANN)[-1]
    assert heard == [("tap", "42", ANN)]
    assert sandbox.answers[query]["text"] == "Approved"
    assert card["text"].endswith("✅ by Ann")
    assert card["reply_markup"]["inline_keyboard"][0][0]["disabled"] == {}
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(query)
    with pytest.raises(LookupError):
        await sandbox.tap(ANN, card["message_id"], label="Approved")
    assert sandbox.violations == []


async def test_everything_a_person_does_reaches_its_handler(sandbox, heard, bot, picture):
    await sandbox.send(ANN, "/start abc_1")
    await heard_of(sandbox, heard, ("link", "abc_1"))
    await sandbox.upload(ANN, Upload("c.png", "image/png", picture))
    await heard_of(sandbox, heard, ("photo", picture))
    sent = await sandbox.send(ANN, "one")
    await sandbox.edit(ANN, sent["message_id"], "uno")
    await heard_of(sandbox, heard, ("edited", "uno"))
    await sandbox.react(ANN, 1, "👎")
    await heard_of(sandbox, heard, ("reaction", "👎"))
    await bot.send_message_draft(ANN, draft_id=7, text="thinking", can_stop=True)
    await sandbox.stop_draft(ANN, 7)
    await heard_of(sandbox, heard, ("stop", 7))
    await sandbox.block(ANN)
    await heard_of(sandbox, heard, ("member", "kicked"))
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(ANN, "x")
    await sandbox.send(LUIS, "plain chatter", chat_id=GROUP_ID)
    username = (await bot.me()).username
    await sandbox.send(LUIS, f"hey @{username}", chat_id=GROUP_ID)
    await heard_of(sandbox, heard, ("text", f"hey @{username}"))
    assert ("text", "plain chatter") not in heard
    assert sandbox.violations == []


async def test_pictures_and_files_are_sent_edited_and_downloaded(sandbox, heard, bot, picture):
    chart = BufferedInputFile(picture, "c.png")
    photo = await bot.send_photo(ANN, chart, caption="chart", disable_notification=True)
    assert (photo.photo[0].width, photo.photo[0].height, photo.caption) == (4, 3, "chart")
    assert (await bot.send_photo(ANN, photo.photo[0].file_id)).photo
    document = await bot.send_document(ANN, BufferedInputFile(b"a,b\n1,2", "t.csv"))
    assert (await bot.download(document.document)).read() == b"a,b\n1,2"
    media = InputMediaPhoto(media=BufferedInputFile(picture, "d.png"), caption="new")
    where = {"chat_id": ANN, "message_id": photo.message_id}
    assert (await bot.edit_message_media(media, **where)).caption == "new"
    assert (await bot.edit_message_caption(caption="newer", **where)).caption == "newer"
    assert await bot.delete_message(**where)
    assert sandbox.violations == []


async def test_commands_menu_pins_reactions_keyboards_and_topics(sandbox, heard, bot):
    halt = [BotCommand(command="halt", description="stop all")]
    await bot.set_my_commands(halt, scope=BotCommandScopeChat(chat_id=ANN))
    assert sandbox.commands(ANN) == [{"command": "halt", "description": "stop all"}]
    assert sandbox.commands(LUIS) == []
    assert await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
    said = await bot.send_message(ANN, "x")
    assert await bot.pin_chat_message(ANN, said.message_id)
    assert sandbox.pins(ANN) == [said.message_id]
    await bot.set_message_reaction(ANN, said.message_id, [ReactionTypeEmoji(emoji="👍")])
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="/status")]], is_persistent=True)
    await bot.send_message(ANN, "keyboard", reply_markup=keyboard)
    assert sandbox.telegram.world.chats[ANN].keyboard
    app = Keyboard(inline_keyboard=[[Button(text="a", web_app=WebAppInfo(url="https://x.y/"))]])
    assert (await bot.send_message(ANN, "x", reply_markup=app)).reply_markup
    assert await bot.send_chat_action(ANN, "typing")
    sandbox.promote(GROUP_ID)
    topic = await bot.create_forum_topic(GROUP_ID, "Alerts")
    thread = topic.message_thread_id
    assert (await bot.send_message(GROUP_ID, "x", message_thread_id=thread)).is_topic_message
    assert sandbox.violations == []


async def test_refusals_become_aiograms_exceptions(sandbox, heard, bot, picture):
    with pytest.raises(TelegramForbiddenError, match="can't initiate conversation"):
        await bot.send_message(LUIS, "x")
    same = await bot.send_message(ANN, "same")
    with pytest.raises(TelegramBadRequest, match="message is not modified: specified new"):
        await bot.edit_message_text("same", chat_id=ANN, message_id=same.message_id)
    with pytest.raises(TelegramBadRequest, match="message is too long"):
        await bot.send_message(ANN, "x" * 4097)
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_photo(ANN, BufferedInputFile(picture, "c.png"), caption="x" * 1025)
    with pytest.raises(TelegramBadRequest, match="can't parse entities: Can't find end tag"):
        await bot.send_message(ANN, "<b>x", parse_mode="HTML")
    with pytest.raises(TelegramBadRequest, match=r"Character '\.' is reserved"):
        await bot.send_message(ANN, "1.5", parse_mode="MarkdownV2")
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(ANN, "x", reply_parameters=ReplyParameters(message_id=99999))
    sandbox.fault("sendMessage", code=429, description="Too Many Requests", retry_after=3)
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(ANN, "x")
    assert sandbox.violations == []
    long = Keyboard(inline_keyboard=[[Button(text="a", callback_data="y" * 65)]])
    with pytest.raises(TelegramBadRequest, match="callback_data: 65 bytes"):
        await bot.send_message(ANN, "x", reply_markup=long)
    assert len(sandbox.violations) == 1


@pytest.fixture
async def hook(bot) -> AsyncIterator[tuple[str, list]]:
    """aiogram's own webhook server, with a handler that answers in the response body."""
    texts: list = []
    dp = Dispatcher()

    @dp.message(F.text)
    async def hear(message):
        texts.append(message.text)
        return message.answer(f"hook {message.text}")

    app = web.Application()
    handler = SimpleRequestHandler(dp, bot, secret_token="sec-1", handle_in_background=False)
    handler.register(app, "/tg")
    setup_application(app, dp, bot=bot)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/tg", texts
    await runner.cleanup()


async def test_updates_are_pushed_to_a_webhook_and_its_answer_is_carried_out(sandbox, bot, hook):
    address, texts = hook
    await bot.set_webhook(address, secret_token="sec-1", allowed_updates=["message"])
    await sandbox.send(ANN, "one")
    await sandbox.wait_for(lambda: sandbox.messages(ANN)[-1]["text"] == "hook one")
    assert texts == ["one"]
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, json={"update_id": 1}) as response,
    ):
        assert response.status == 401
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert sandbox.violations == []


async def test_a_webhook_that_refuses_gets_the_update_again(sandbox, bot, hook):
    address, texts = hook
    await bot.set_webhook(address, secret_token="other")
    await sandbox.send(ANN, "one")
    await sandbox.wait_for(lambda: sandbox.telegram.webhook.error)
    info = await bot.get_webhook_info()
    assert info.pending_update_count == 1
    assert info.last_error_message == "Wrong response from the webhook: 401 Unauthorized"
    await bot.set_webhook(address, secret_token="sec-1")
    await sandbox.wait_for(lambda: texts == ["one"])
    await sandbox.wait_for(lambda: sandbox.pending == 0)
    await bot.delete_webhook()


async def test_a_webhook_survives_a_restart(open_sandbox, hook, tmp_path, api_of):
    address, texts = hook
    file = tmp_path / "chat.json"
    before, served = await open_sandbox(state_file=file)
    await api_of(served).result("setWebhook", url=address, secret_token="sec-1")
    await served.close()
    after, _ = await open_sandbox(state_file=file)
    await after.send(ANN, "again")
    await after.wait_for(lambda: texts == ["again"])
    assert before.violations == after.violations == []
