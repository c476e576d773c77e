"""What a test or a script makes the people of the chat do."""

import copy
from typing import Any

from bot.sandbox import membership, person, web_app
from bot.sandbox.person import Manner
from bot.sandbox.senders import As, From
from bot.sandbox.telegram import Telegram
from bot.sandbox.world import Person, Upload

Json = dict[str, Any]


class People:
    """The person's side of the sandbox; `chat_id` is their own chat with the bot if left out."""

    def __init__(self, telegram: Telegram) -> None:
        self.telegram = telegram

    async def send(
        self,
        user_id: int,
        text: str,
        *,
        chat_id: int | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        sender: As | str = As.PERSON,
        forwarded_from: int | From | str | None = None,
        ago: float = 0.0,
    ) -> Json:
        """A person writes; returns the message.

        In a group they may write as somebody else (`sender`), in one of its topics (`thread`).
        `forwarded_from` is a person's number or one of From; `ago` is the message's age in seconds.
        """
        chat = self.telegram.world.chat_of(user_id, chat_id)
        source = From(forwarded_from) if isinstance(forwarded_from, str) else forwarded_from
        manner = Manner(As(sender), source, reply_to, thread, ago)
        return copy.deepcopy(person.write(self.telegram, user_id, chat, text, manner).message)

    async def tap(
        self,
        user_id: int,
        message_id: int,
        *,
        chat_id: int | None = None,
        label: str | None = None,
        data: str | None = None,
        inaccessible: bool = False,
    ) -> str:
        """A person taps the button with this label; `data` alone may also forge one.

        Returns the query id, by which the bot's answer is found in `answers`. The message may not
        exist; with `inaccessible` the bot is told no more of it than if it did not.
        """
        chat = self.telegram.world.chat_of(user_id, chat_id)
        found = person.find_button(chat, message_id, label, data)
        if found is None and (data is None or label is not None):
            raise LookupError(f"message {message_id} has no button {label or 'to tap'!r}")
        return person.tap(
            self.telegram, user_id, chat, message_id, found or data or "", inaccessible=inaccessible
        )

    async def upload(
        self,
        user_id: int,
        file: Upload,
        *,
        chat_id: int | None = None,
        caption: str = "",
        sender: As | str = As.PERSON,
    ) -> Json:
        """A person sends a picture or a file; returns the message."""
        chat = self.telegram.world.chat_of(user_id, chat_id)
        manner = Manner(As(sender))
        post = person.upload(self.telegram, user_id, chat, file, caption, manner)
        return copy.deepcopy(post.message)

    async def edit(
        self, user_id: int, message_id: int, text: str, *, chat_id: int | None = None
    ) -> None:
        """A person changes what they wrote."""
        chat = self.telegram.world.chat_of(user_id, chat_id)
        person.rewrite(self.telegram, user_id, chat, message_id, text)

    async def react(
        self, user_id: int, message_id: int, emoji: str, *, chat_id: int | None = None
    ) -> None:
        """An empty emoji takes the reaction away. In a group only an administrator hears of it."""
        chat = self.telegram.world.chat_of(user_id, chat_id)
        person.react(self.telegram, user_id, chat, message_id, emoji)

    async def stop_draft(self, user_id: int, draft_id: int) -> None:
        person.stop_draft(self.telegram, user_id, draft_id)

    async def block(self, user_id: int, *, blocked: bool = True) -> None:
        """A person blocks the bot, or lets it write again."""
        membership.block(self.telegram, user_id, blocked=blocked)

    async def press_web_app(
        self, user_id: int, button_text: str, data: str, *, chat_id: int | None = None
    ) -> Json:
        """The mini app behind a key of the reply keyboard sends `data`; returns the message."""
        chat = self.telegram.world.chat_of(user_id, chat_id)
        post = person.press_web_app(self.telegram, user_id, chat, button_text, data)
        return copy.deepcopy(post.message)

    def web_app_data(self, user_id: int, *, ago: float = 0.0, start: str = "") -> str:
        """The signed initData a mini app gets, signed `ago` seconds ago."""
        return web_app.init_data(self.telegram, user_id, ago=ago, start=start)

    def add_person(self, someone: Person) -> None:
        """A stranger comes by: they may write to the bot, and are in no group."""
        self.telegram.world.add_person(someone)
        self.telegram.hub.emit("chats")

    def deactivate(self, user_id: int) -> None:
        """The person deletes their account."""
        self.telegram.world.chat_of(user_id).deactivated = True

    def join(self, user_id: int, chat_id: int) -> None:
        self.telegram.world.chats[chat_id].members.add(user_id)
        self.telegram.hub.emit("chats")

    def add_group(self, chat_id: int, title: str, *, is_super: bool = True) -> None:
        """A group with everybody and the bot in it."""
        self.telegram.world.add_group(chat_id, title, is_super=is_super)
        self.telegram.hub.emit("chats")

    def promote(self, chat_id: int, user_id: int | None = None) -> None:
        """Makes somebody (without a number: the bot) an administrator of a group."""
        chat = self.telegram.world.chats[chat_id]
        if user_id is None:
            membership.promote_bot(self.telegram, chat, promoted=True)
        else:
            chat.admins.add(user_id)

    def kick(self, chat_id: int, *, by: int, kicked: bool = True) -> None:
        """A member throws the bot out of a group, or takes it in again."""
        chat = self.telegram.world.chat_of(by, chat_id)
        membership.throw_out(self.telegram, by, chat, kicked=kicked)

    def upgrade(self, chat_id: int, new_id: int) -> None:
        """A plain group becomes a supergroup with another number."""
        membership.upgrade(self.telegram, self.telegram.world.chats[chat_id], new_id)

    def create_topic(self, chat_id: int, name: str) -> int:
        """A person opens a topic in a forum; returns its message_thread_id."""
        chat = self.telegram.world.chats[chat_id]
        if not chat.info.get("is_forum"):
            raise LookupError(f"chat {chat_id} is no forum")
        thread = chat.take_message_id()
        chat.topics[thread] = name
        self.telegram.hub.emit("topics", chat=chat.id, topics=chat.topics)
        return thread
