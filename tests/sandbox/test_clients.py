"""Both client libraries over everything the sandbox offers: they read our answers on their own."""

import asyncio

import pytest
import telegram
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    InputRichBlockParagraph,
    InputRichMessage,
    LinkPreviewOptions,
    MenuButtonWebApp,
    ReactionTypeEmoji,
    RichTextBold,
    WebAppInfo,
)
from telegram.ext import ExtBot

from bot.sandbox import GROUP_ID, Upload
from bot.sandbox.methods import METHODS

TOKEN = "700004:tour"
ANN, LUIS = 1001, 1002
KINDS = [
    "message", "edited_message", "callback_query", "message_reaction", "my_chat_member",
    "stopped_message_generation",
]  # fmt: skip


@pytest.fixture
async def aio(url):
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))
    yield bot
    await bot.session.close()


@pytest.fixture
async def ptb(url, monkeypatch):
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    base = {"base_url": f"{url}/bot", "base_file_url": f"{url}/file/bot"}
    async with ExtBot(TOKEN, **base) as bot:
        yield bot


async def live(sandbox, picture) -> list[str]:
    """People do everything they can; what each update that came of it should be."""
    await sandbox.send(ANN, "/start now")
    await sandbox.send(ANN, "late", ago=3600, reply_to=1)
    await sandbox.upload(ANN, Upload("c.png", "image/png", picture), caption="#chart")
    await sandbox.upload(ANN, Upload("t.csv", "text/csv", b"a,b"))
    await sandbox.press_web_app(ANN, "Open", "{}")
    for source in (LUIS, "hidden", "channel", "group"):
        await sandbox.send(ANN, "look", forwarded_from=source)
    sandbox.promote(GROUP_ID)
    thread = sandbox.create_topic(GROUP_ID, "Alerts")
    for sender in ("person", "anonymous", "channel", "linked_channel", "bot"):
        await sandbox.send(ANN, "/halt", chat_id=GROUP_ID, sender=sender, thread=thread)
    await sandbox.edit(ANN, 1, "/start later")
    await sandbox.tap(ANN, 1, data="forged")
    await sandbox.tap(ANN, 1, data="forged", inaccessible=True)
    await sandbox.react(ANN, 1, "👍")
    await sandbox.react(ANN, 1, "")
    await sandbox.stop_draft(ANN, 7)
    await sandbox.block(ANN)
    await sandbox.send(ANN, "back")
    sandbox.kick(GROUP_ID, by=ANN)
    sandbox.kick(GROUP_ID, by=ANN, kicked=False)
    return [
        *["message"] * 9, "my_chat_member", *["message"] * 5, "edited_message",
        *["callback_query"] * 2, *["message_reaction"] * 2, "stopped_message_generation",
        *["my_chat_member"] * 2, "message", *["my_chat_member"] * 2,
    ]  # fmt: skip


async def test_aiogram_reads_every_update(sandbox, aio, picture):
    await aio.get_updates(allowed_updates=KINDS)
    wanted = await live(sandbox, picture)
    updates = await aio.get_updates()
    assert [update.event_type for update in updates] == wanted
    assert updates[0].message.text == "/start now"
    assert updates[1].message.reply_to_message.message_id == 1
    assert updates[4].message.web_app_data.data == "{}"
    assert [u.message.forward_origin.type for u in updates[5:9]] == [
        "user", "hidden_user", "channel", "chat"
    ]  # fmt: skip
    assert [bool(u.message.sender_chat) for u in updates[10:15]] == [False, True, True, True, False]
    assert type(updates[17].callback_query.message).__name__ == "InaccessibleMessage"
    assert updates[20].stopped_message_generation.draft_id == 7
    assert sandbox.violations == []


async def test_python_telegram_bot_reads_every_update(sandbox, ptb, picture):
    await ptb.get_updates(allowed_updates=KINDS)
    wanted = await live(sandbox, picture)
    updates = await ptb.get_updates()
    # PTB 22.8 knows no stopped_message_generation; it is kept as it came.
    seen = [
        next((kind for kind in KINDS if getattr(u, kind, None)), None)
        or next(iter(u.api_kwargs), "")
        for u in updates
    ]
    assert seen == wanted
    assert updates[7].message.forward_origin.chat.title == "Market news"
    assert updates[13].message.is_automatic_forward
    assert [u.callback_query.message.is_accessible for u in updates[16:18]] == [True, False]
    assert sandbox.violations == []


async def test_aiogram_calls_every_method(sandbox, aio, picture):
    await sandbox.send(ANN, "/start")
    sandbox.promote(GROUP_ID)
    await aio.get_updates(timeout=0)
    assert (await aio.get_me()).username == "ai_trader_sandbox_bot"
    keys = InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text="a", callback_data="b")]]
    )
    said = await aio.send_message(
        ANN, "x https://example.com", reply_markup=keys, protect_content=True,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )  # fmt: skip
    assert said.has_protected_content
    assert said.link_preview_options.is_disabled
    where = {"chat_id": ANN, "message_id": said.message_id}
    await aio.edit_message_text("y", **where)
    assert (await aio.edit_message_reply_markup(**where, reply_markup=keys)).reply_markup
    photo = await aio.send_photo(ANN, BufferedInputFile(picture, "c.png"), has_spoiler=True)
    file_id = photo.photo[0].file_id
    assert photo.has_media_spoiler
    await aio.send_document(ANN, BufferedInputFile(b"a,b", "t.csv"), caption="t")
    album = await aio.send_media_group(
        ANN, [InputMediaPhoto(media=file_id), InputMediaPhoto(media=file_id, caption="two")]
    )
    assert len(album) == 2
    shown = {"chat_id": ANN, "message_id": photo.message_id}
    await aio.edit_message_caption(caption="c", **shown)
    document = InputMediaDocument(media=BufferedInputFile(b"1", "d.csv"))
    assert (await aio.edit_message_media(document, **shown)).document
    await aio.send_message(ANN, "?", reply_markup=ForceReply(input_field_placeholder="0.5"))
    await aio.send_chat_action(ANN, "upload_document")
    await aio.send_message_draft(ANN, 7, text="<b>so</b>", parse_mode="HTML", can_stop=True)
    sheet = InputRichMessage(
        blocks=[InputRichBlockParagraph(text=["so ", RichTextBold(text="far")])]
    )
    await aio.send_rich_message_draft(ANN, 8, sheet)
    (block,) = (await aio.send_rich_message(ANN, sheet)).rich_message.blocks
    assert block.text[1].text == "far"
    query = await sandbox.tap(ANN, said.message_id, label="a")
    await aio.answer_callback_query(query, "ok", show_alert=True)
    await aio.set_message_reaction(ANN, said.message_id, [ReactionTypeEmoji(emoji="👍")])
    await aio.pin_chat_message(ANN, said.message_id)
    assert (await aio.get_chat(ANN)).pinned_message.message_id == said.message_id
    await aio.unpin_chat_message(ANN)
    await aio.unpin_all_chat_messages(ANN)
    await aio.set_my_commands([BotCommand(command="a", description="b")], language_code="de")
    assert (await aio.get_my_commands(language_code="de"))[0].command == "a"
    await aio.delete_my_commands(language_code="de")
    button = MenuButtonWebApp(text="App", web_app=WebAppInfo(url="https://x.y"))
    await aio.set_chat_menu_button(ANN, button)
    assert (await aio.get_chat_menu_button(ANN)).text == "App"
    assert (await aio.get_chat_member(GROUP_ID, aio.id)).status == "administrator"
    assert (await aio.create_forum_topic(GROUP_ID, "Fills")).name == "Fills"
    assert (await aio.get_file(file_id)).file_path
    await aio.delete_message(**where)
    await aio.delete_messages(ANN, [message.message_id for message in album])
    await aio.set_webhook("http://127.0.0.1:9/x", secret_token="s", max_connections=3)
    assert (await aio.get_webhook_info()).max_connections == 3
    await aio.delete_webhook()
    assert await aio.log_out()
    assert await aio.close()
    await sandbox.send(ANN, "end")
    await aio.get_updates(offset=-1)
    assert {call["method"] for call in sandbox.calls} == set(METHODS)
    assert sandbox.violations == []


async def test_python_telegram_bot_calls_every_method(sandbox, ptb, picture):
    await sandbox.send(ANN, "/start")
    sandbox.promote(GROUP_ID)
    keys = telegram.InlineKeyboardMarkup.from_button(
        telegram.InlineKeyboardButton("a", callback_data="b", api_kwargs={"style": "success"})
    )
    said = await ptb.send_message(ANN, "x", reply_markup=keys)
    where = {"chat_id": ANN, "message_id": said.message_id}
    await ptb.edit_message_text("y", **where)
    await ptb.edit_message_reply_markup(**where, reply_markup=keys)
    photo = await ptb.send_photo(ANN, picture)
    file_id = photo.photo[0].file_id
    await ptb.send_document(ANN, b"a,b", filename="t.csv", caption="t")
    media = [telegram.InputMediaPhoto(file_id), telegram.InputMediaPhoto(picture)]
    album = await ptb.send_media_group(ANN, media)
    shown = {"chat_id": ANN, "message_id": photo.message_id}
    await ptb.edit_message_caption(caption="c", **shown)
    await ptb.edit_message_media(telegram.InputMediaDocument(b"1", filename="d.csv"), **shown)
    await ptb.send_chat_action(ANN, "typing")
    await ptb.send_message_draft(ANN, 7, "so", api_kwargs={"can_stop": True})
    sheet = {"chat_id": ANN, "rich_message": {"blocks": [{"type": "paragraph", "text": "so"}]}}
    await ptb.do_api_request("sendRichMessageDraft", api_kwargs={**sheet, "draft_id": 8})
    assert (await ptb.do_api_request("sendRichMessage", api_kwargs=sheet))["rich_message"]
    query = await sandbox.tap(ANN, said.message_id, label="a")
    await ptb.answer_callback_query(query, "ok")
    await ptb.set_message_reaction(ANN, said.message_id, "👍")
    await ptb.pin_chat_message(ANN, said.message_id)
    assert (await ptb.get_chat(ANN)).pinned_message.message_id == said.message_id
    await ptb.unpin_chat_message(ANN)
    await ptb.unpin_all_chat_messages(ANN)
    await ptb.set_my_commands([("a", "b")], language_code="de")
    assert (await ptb.get_my_commands(language_code="de"))[0].command == "a"
    await ptb.delete_my_commands(language_code="de")
    await ptb.set_chat_menu_button(ANN, telegram.MenuButtonCommands())
    assert isinstance(await ptb.get_chat_menu_button(ANN), telegram.MenuButtonCommands)
    member = await ptb.get_chat_member(GROUP_ID, ptb.id)
    assert isinstance(member, telegram.ChatMemberAdministrator)
    assert (await ptb.create_forum_topic(GROUP_ID, "Fills")).name == "Fills"
    assert bytes(await (await ptb.get_file(file_id)).download_as_bytearray()) == picture
    await ptb.delete_message(**where)
    await ptb.delete_messages(ANN, [message.message_id for message in album])
    await ptb.set_webhook("http://127.0.0.1:9/x", secret_token="s")
    assert (await ptb.get_webhook_info()).pending_update_count
    await ptb.delete_webhook()
    assert await ptb.log_out()
    assert await ptb.close()
    await sandbox.send(ANN, "end")
    await ptb.get_updates(offset=-1)
    assert {call["method"] for call in sandbox.calls} == set(METHODS)
    assert sandbox.violations == []


async def test_both_may_send_with_one_token_while_one_polls(sandbox, aio, ptb):
    await sandbox.send(ANN, "hi")
    polling = asyncio.ensure_future(aio.get_updates(offset=-1, timeout=5))
    await ptb.send_message(ANN, "from elsewhere")
    await polling
    assert sandbox.messages(ANN)[-1]["text"] == "from elsewhere"
