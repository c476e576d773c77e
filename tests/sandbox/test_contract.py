"""What is promised: the methods of the list, and every method that the product itself calls."""

import ast
from pathlib import Path

import pytest
from telegram.constants import ReactionEmoji

from bot.sandbox.methods import METHODS
from bot.sandbox.methods.callbacks import REACTIONS
from bot.sandbox.schema import load_schema

BOT = Path(__file__).parents[2] / "bot"
SCHEMA = load_schema()
PROMISED = """
getMe getUpdates setWebhook deleteWebhook getWebhookInfo logOut close
sendMessage sendPhoto sendDocument sendMediaGroup sendChatAction sendMessageDraft
sendRichMessage sendRichMessageDraft
editMessageText editMessageCaption editMessageReplyMarkup editMessageMedia
deleteMessage deleteMessages answerCallbackQuery
setMyCommands getMyCommands deleteMyCommands setChatMenuButton getChatMenuButton
pinChatMessage unpinChatMessage unpinAllChatMessages setMessageReaction
getChat getChatMember getFile createForumTopic
"""
# What aiogram and python-telegram-bot call by another name, on a message or a query.
SHORTCUTS = {
    "edit_text": "editMessageText",
    "edit_caption": "editMessageCaption",
    "edit_media": "editMessageMedia",
    "edit_reply_markup": "editMessageReplyMarkup",
    "answer_photo": "sendPhoto",
    "answer_document": "sendDocument",
    "answer_media_group": "sendMediaGroup",
    "reply_text": "sendMessage",
    "reply_photo": "sendPhoto",
    "download": "getFile",
    "react": "setMessageReaction",
    "pin": "pinChatMessage",
    "unpin": "unpinChatMessage",
}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def called_by_the_product() -> dict[str, str]:
    """Each method of the Bot API that is called outside the sandbox, with a place."""
    found: dict[str, str] = {}
    for path in sorted(BOT.rglob("*.py")):
        if "sandbox" in path.relative_to(BOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = node.func.attr
                method = SHORTCUTS.get(name) or (camel(name) if "_" in name else "")
                if SCHEMA.method_name(method) == method:
                    found[method] = f"{path.relative_to(BOT)}:{node.lineno}"
    return found


def test_every_promised_method_is_there_and_nothing_is_called_that_is_not():
    assert set(METHODS) == set(PROMISED.split())
    called = called_by_the_product()
    assert {"sendMessage", "sendPhoto", "editMessageText", "answerCallbackQuery"} <= set(called)
    assert {name: place for name, place in called.items() if name not in METHODS} == {}


@pytest.mark.parametrize("method", ["sendPoll", "banChatMember"])
async def test_a_method_that_is_not_there_is_501_and_red(sandbox, api, method):
    needed = {
        name: 1 if field["type"] == "Integer" else "x"
        for name, field in SCHEMA._methods[method.lower()][1]["fields"].items()
        if field.get("required")
    }
    needed |= {"chat_id": 1001}
    if method == "sendPoll":
        needed["options"] = [{"text": "a"}, {"text": "b"}]
    refusal = await api.refusal(method, **needed)
    assert refusal == f"501 Not Implemented: the sandbox has no {method}"
    assert [v["where"] for v in sandbox.violations] == [method]


def test_the_reactions_are_those_that_a_client_library_knows():
    assert {emoji.value.replace("\ufe0f", "") for emoji in ReactionEmoji} == REACTIONS
