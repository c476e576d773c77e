"""The methods the sandbox knows, by the names of the Bot API: its table of contents.

A method of the API that is missing here is answered with 501, never with a made-up success.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.sandbox.methods import callbacks, chats, commands, edits, files, messages, pins, polling
from bot.sandbox.methods.call import Call

Handler = Callable[[Call], Any | Awaitable[Any]]

METHODS: dict[str, Handler] = {
    "getMe": polling.get_me,
    "getUpdates": polling.get_updates,
    "setWebhook": polling.set_webhook,
    "deleteWebhook": polling.delete_webhook,
    "getWebhookInfo": polling.get_webhook_info,
    "logOut": polling.log_out,
    "close": polling.close,
    "sendMessage": messages.send_message,
    "sendPhoto": messages.send_photo,
    "sendDocument": messages.send_document,
    "sendMediaGroup": messages.send_media_group,
    "sendChatAction": messages.send_chat_action,
    "sendMessageDraft": messages.send_message_draft,
    "sendRichMessage": messages.send_rich_message,
    "sendRichMessageDraft": messages.send_rich_message_draft,
    "editMessageText": edits.edit_message_text,
    "editMessageCaption": edits.edit_message_caption,
    "editMessageReplyMarkup": edits.edit_message_reply_markup,
    "editMessageMedia": edits.edit_message_media,
    "deleteMessage": edits.delete_message,
    "deleteMessages": edits.delete_messages,
    "answerCallbackQuery": callbacks.answer_callback_query,
    "setMessageReaction": callbacks.set_message_reaction,
    "setMyCommands": commands.set_my_commands,
    "getMyCommands": commands.get_my_commands,
    "deleteMyCommands": commands.delete_my_commands,
    "setChatMenuButton": commands.set_chat_menu_button,
    "getChatMenuButton": commands.get_chat_menu_button,
    "pinChatMessage": pins.pin_chat_message,
    "unpinChatMessage": pins.unpin_chat_message,
    "unpinAllChatMessages": pins.unpin_all_chat_messages,
    "getChat": chats.get_chat,
    "getChatMember": chats.get_chat_member,
    "createForumTopic": chats.create_forum_topic,
    "getFile": files.get_file,
}
