"""The little Telegram behind the sandbox: everything that exists, and how updates come about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.account import Account
from bot.sandbox.clock import Clock
from bot.sandbox.errors import bad_request
from bot.sandbox.flood import Flood
from bot.sandbox.hub import Hub
from bot.sandbox.schema import Schema, load_schema
from bot.sandbox.updates import UpdateQueue
from bot.sandbox.webhook import Webhook
from bot.sandbox.world import Chat, Person, Post, World

Json = dict[str, Any]


@dataclass(slots=True)
class Telegram:
    world: World
    account: Account
    clock: Clock
    queue: UpdateQueue
    flood: Flood
    hub: Hub = field(default_factory=Hub)
    webhook: Webhook = field(default_factory=Webhook)
    schema: Schema = field(default_factory=load_schema)
    violations: list[Json] = field(default_factory=list)
    answers: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def create(cls, token: str | None, people: Sequence[Person], enforce_flood: bool) -> "Telegram":
        clock = Clock()
        queue = UpdateQueue(clock)
        telegram = cls(
            World(people), Account(token), clock, queue, Flood(enforce_flood, clock.steady)
        )
        queue.on_confirm(lambda: telegram.hub.emit("pending", count=len(queue.waiting)))
        return telegram

    def push(self, kind: str, content: Json) -> Json | None:
        """Queues an update for the bot, unless it asked not to get this kind."""
        if not self.queue.wants(kind):
            return None
        update = self.queue.push(kind, content)
        self.blame(f"own update {kind}", self.schema.check("Update", update, "Update"))
        self.hub.emit("pending", count=len(self.queue.waiting))
        return update

    def blame(self, where: str, errors: list[str]) -> None:
        """Records a violation of the schema; a test run must end with none."""
        if errors:
            self.violations.append({"where": where, "errors": errors})
            self.hub.emit("violation", method=where, errors=errors)

    def post(self, chat: Chat, sender: Json, body: Json, options: Json) -> Post:
        """Adds a message to a chat and shows it.

        `sender` are the fields that say who wrote it, `options` the parameters of a send method.
        """
        reply = self._reply(chat, options.get("reply_parameters"))
        message = {
            "message_id": chat.take_message_id(),
            **sender,
            "chat": chat.info,
            "date": self.clock.unix(),
            **body,
            **reply,
        }
        if thread := options.get("message_thread_id"):
            message |= {"message_thread_id": thread, "is_topic_message": True}
        if options.get("protect_content"):
            message["has_protected_content"] = True
        markup = options.get("reply_markup") or {}
        post = Post(
            message,
            silent=bool(options.get("disable_notification")),
            force_reply=markup if "force_reply" in markup else None,
        )
        chat.posts[message["message_id"]] = post
        self.show("message", chat, post)
        return post

    def show(self, kind: str, chat: Chat, post: Post) -> None:
        self.hub.emit(kind, chat=chat.id, post=post.shown())

    def _reply(self, chat: Chat, wanted: Json | None) -> Json:
        if not wanted:
            return {}
        source = chat.posts.get(wanted.get("message_id", 0))
        if source is None:
            if wanted.get("allow_sending_without_reply"):
                return {}
            raise bad_request("message to be replied not found")
        quoted = {k: v for k, v in source.message.items() if k != "reply_to_message"}
        return {"reply_to_message": quoted}
