"""Keeps the sandbox's world in a file, so that the chat is still there after a restart."""

import asyncio
import json
import os
from collections import deque
from pathlib import Path
from typing import Any

from bot.sandbox.telegram import Telegram
from bot.sandbox.updates import Waiting
from bot.sandbox.webhook import Webhook
from bot.sandbox.world import Chat, Post, StoredFile

Json = dict[str, Any]

DEBOUNCE = 0.3
# Of each chat: the whole document is written again after every change.
MESSAGES_KEPT = 1000
# After a crash the last moments are missing: numbers that were given out must not come again.
SKIPPED_UPDATES = 1000
SKIPPED_MESSAGES = 100


class StateFile:
    """One JSON document, replaced atomically, and beside it a directory with the files."""

    def __init__(self, path: Path, telegram: Telegram) -> None:
        self._path = path
        self._folder = path.with_name(path.name + ".files")
        self._telegram = telegram
        self._timer: asyncio.TimerHandle | None = None
        if path.exists():
            self._load()
        telegram.hub.watch(self._schedule)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._save(clean=True)

    def _schedule(self) -> None:
        if self._timer is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # before the server runs there is only what was loaded
        self._timer = loop.call_later(DEBOUNCE, self._save_later)

    def _save_later(self) -> None:
        self._timer = None
        self._save(clean=False)

    def _save(self, *, clean: bool) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._save_files()
        document = {"clean": clean, **_dump(self._telegram)}
        temporary = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(document, stream, ensure_ascii=False)
        temporary.replace(self._path)

    def _save_files(self) -> None:
        """A file never changes, so each is written once."""
        self._folder.mkdir(exist_ok=True)
        for stored in self._telegram.world.files.all():
            target = self._folder / stored.id
            if not target.exists():
                target.write_bytes(stored.data)

    def _load(self) -> None:
        document: Json = json.loads(self._path.read_text(encoding="utf-8"))
        skip = not document["clean"]
        world = self._telegram.world
        for facts in document["files"]:
            source = self._folder / facts["id"]
            if source.exists():
                world.files.restore(StoredFile(data=source.read_bytes(), **facts))
        world.files.resume_numbers()
        for user in document.get("users", []):
            world.users.setdefault(user["id"], user)
        world.migrated = dict(document.get("migrated", []))
        for facts in document["chats"]:
            chat = _load_chat(facts, skip * SKIPPED_MESSAGES)
            world.chats[chat.id] = chat
        _load_bot(self._telegram, document["bot"], skip * SKIPPED_UPDATES)


def _dump(telegram: Telegram) -> Json:
    files = [
        {
            "id": stored.id,
            "unique_id": stored.unique_id,
            "path": stored.path,
            "name": stored.name,
            "mime": stored.mime,
        }
        for stored in telegram.world.files.all()
    ]
    chats = [_dump_chat(chat) for chat in telegram.world.chats.values()]
    return {
        "bot": _dump_bot(telegram),
        "users": list(telegram.world.users.values()),
        "migrated": list(telegram.world.migrated.items()),
        "chats": chats,
        "files": files,
    }


def _dump_chat(chat: Chat) -> Json:
    return {
        "info": chat.info,
        "members": sorted(chat.members),
        "admins": sorted(chat.admins),
        "bot_is_admin": chat.bot_is_admin,
        "posts": [post.shown() for post in chat.posts.values()][-MESSAGES_KEPT:],
        "next_message_id": chat.next_message_id,
        "pins": chat.pins,
        "topics": list(chat.topics.items()),
        "keyboard": chat.keyboard,
        "started": chat.started,
        "blocked": chat.blocked,
        "bot_kicked": chat.bot_kicked,
        "deactivated": chat.deactivated,
    }


def _load_chat(facts: Json, skip: int) -> Chat:
    posts = {facts["message"]["message_id"]: Post(**facts) for facts in facts["posts"]}
    return Chat(
        info=facts["info"],
        members=set(facts["members"]),
        admins=set(facts["admins"]),
        bot_is_admin=facts["bot_is_admin"],
        posts=posts,
        next_message_id=facts["next_message_id"] + skip,
        pins=facts["pins"],
        topics=dict(facts["topics"]),
        keyboard=facts["keyboard"],
        started=facts["started"],
        blocked=facts["blocked"],
        bot_kicked=facts.get("bot_kicked", False),
        deactivated=facts.get("deactivated", False),
    )


def _dump_bot(telegram: Telegram) -> Json:
    account, queue, webhook = telegram.account, telegram.queue, telegram.webhook
    return {
        "id": account.id,
        "token": account.token,
        "commands": [[list(key), commands] for key, commands in account.commands.items()],
        "menus": list(account.menus.items()),
        "next_update_id": queue.next_id,
        "allowed": sorted(queue.allowed) if queue.allowed else None,
        "waiting": [[item.update, item.expires] for item in queue.waiting],
        "webhook": [webhook.url, webhook.secret, webhook.max_connections],
    }


def _load_bot(telegram: Telegram, facts: Json, skip: int) -> None:
    account, queue = telegram.account, telegram.queue
    if account.only_token is None and facts["token"]:
        account.authorize(facts["token"])
    account.commands = {tuple(key): commands for key, commands in facts["commands"]}
    account.menus = dict(facts["menus"])
    queue.next_id = facts["next_update_id"] + skip
    queue.allowed = set(facts["allowed"]) if facts["allowed"] else None
    queue.waiting = deque(Waiting(update, expires) for update, expires in facts["waiting"])
    telegram.webhook = Webhook(*facts["webhook"])
