"""/webhooks: where events are posted to, how each stands, and a try, for admins."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import callbacks
from bot.i18n import Words
from bot.screen import Screen
from bot.views import hooks as views
from engine.domain.person import Person
from engine.errors import InvalidInput
from engine.flow.webhook_log import TestWebhook
from engine.flow.webhooks import ReadWebhooks


def build() -> Router:
    """The router."""
    router = Router(name="webhooks")
    router.message.register(webhooks, Command("webhooks"))
    router.callback_query.register(again, F.data == callbacks.pack("hooks"))
    router.callback_query.register(test, F.data.startswith(callbacks.pack("hooktest", "")))
    return router


async def webhooks(
    message: Message,
    person: Person,
    words: Words,
    read_webhooks: ReadWebhooks,
    test_webhook: TestWebhook | None,
) -> Screen:
    """The endpoints."""
    found = await read_webhooks(person.id)
    return views.endpoints(words, found, may_test=test_webhook is not None)


async def again(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_webhooks: ReadWebhooks,
    test_webhook: TestWebhook | None,
) -> Screen:
    """The same, looked at again, in place."""
    found = await read_webhooks(person.id)
    return views.endpoints(words, found, may_test=test_webhook is not None, edit=True)


async def test(
    query: CallbackQuery,
    person: Person,
    words: Words,
    read_webhooks: ReadWebhooks,
    test_webhook: TestWebhook | None,
) -> Screen:
    """Post a message that says nothing to one of them, and what became of it."""
    (text,) = callbacks.parts(query.data or "", "hooktest", 1)
    which = callbacks.whole(text)
    if which is None or test_webhook is None:
        raise InvalidInput("this button names no webhook")
    _, reply = await test_webhook(person.id, which)
    found = await read_webhooks(person.id)
    return views.endpoints(words, found, may_test=True, tried=(which, reply), edit=True)
