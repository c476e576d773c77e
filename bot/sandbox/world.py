"""Who and what exists: people, chats, messages, files."""

import itertools
import mimetypes
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple

Json = dict[str, Any]

GROUP_ID = -1001000000001
GROUP_TITLE = "Trading desk"


class Person(NamedTuple):
    id: int
    first_name: str
    username: str | None = None
    language_code: str = "en"

    def as_user(self) -> Json:
        user = {"id": self.id, "is_bot": False, "first_name": self.first_name}
        if self.username:
            user["username"] = self.username
        return {**user, "language_code": self.language_code}


DEFAULT_PEOPLE = (
    Person(1001, "Ann", "ann", "en"),
    Person(1002, "Luis", "luis", "es"),
    Person(1003, "Eve", "eve", "en"),
)


@dataclass(slots=True)
class Post:
    """A message and what a person sees of it that its API form does not say."""

    message: Json
    silent: bool = False
    # The bot's own, and those of people by their number.
    reactions: list[Json] = field(default_factory=list)
    people: dict[str, list[Json]] = field(default_factory=dict)
    # The ForceReply it came with: the reader's client opens a reply to it.
    force_reply: Json | None = None

    def shown(self) -> Json:
        return {
            "message": self.message,
            "silent": self.silent,
            "reactions": self.reactions,
            "people": self.people,
            "force_reply": self.force_reply,
        }


@dataclass(slots=True)
class Chat:
    info: Json
    members: set[int]
    admins: set[int] = field(default_factory=set)
    bot_is_admin: bool = False
    posts: dict[int, Post] = field(default_factory=dict)
    next_message_id: int = 1
    pins: list[int] = field(default_factory=list)
    topics: dict[int, str] = field(default_factory=dict)
    keyboard: Json | None = None
    drafts: dict[int, Json] = field(default_factory=dict)
    # A bot may write to a person only after the person has written to it.
    started: bool = False
    blocked: bool = False
    # The bot was thrown out of the group, or the person's account is deleted.
    bot_kicked: bool = False
    deactivated: bool = False

    @property
    def id(self) -> int:
        return int(self.info["id"])

    @property
    def is_private(self) -> bool:
        return bool(self.info["type"] == "private")

    def take_message_id(self) -> int:
        self.next_message_id += 1
        return self.next_message_id - 1


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in a request."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StoredFile:
    id: str
    unique_id: str
    path: str
    name: str
    mime: str
    data: bytes


class Files:
    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._numbers = itertools.count(1)

    def add(self, upload: Upload, folder: str) -> StoredFile:
        number = next(self._numbers)
        suffix = PurePath(upload.name).suffix or mimetypes.guess_extension(upload.mime) or ""
        stored = StoredFile(
            id=f"SBX{number:06d}{secrets.token_hex(8)}",
            unique_id=f"AQAD{number:06d}{secrets.token_hex(3)}",
            path=f"{folder}/file_{number}{suffix}",
            name=upload.name,
            mime=upload.mime,
            data=upload.data,
        )
        self.restore(stored)
        return stored

    def restore(self, stored: StoredFile) -> None:
        self._by_id[stored.id] = stored

    def resume_numbers(self) -> None:
        """After a restart: no path is given twice."""
        self._numbers = itertools.count(len(self._by_id) + 1)

    def get(self, file_id: object) -> StoredFile | None:
        return self._by_id.get(file_id) if isinstance(file_id, str) else None

    def at(self, path: str) -> StoredFile | None:
        return next((stored for stored in self._by_id.values() if stored.path == path), None)

    def all(self) -> list[StoredFile]:
        return list(self._by_id.values())


class World:
    def __init__(self, people: Sequence[Person]) -> None:
        self.users: dict[int, Json] = {}
        # The number a group got when it became a supergroup, by the one it had.
        self.migrated: dict[int, int] = {}
        self.chats: dict[int, Chat] = {}
        self.files = Files()
        for person in people:
            self.add_person(person)
        group = {"id": GROUP_ID, "type": "supergroup", "title": GROUP_TITLE, "is_forum": True}
        first = {people[0].id} if people else set()
        self.chats[GROUP_ID] = Chat(group, set(self.users), admins=first, started=True)

    def add_person(self, person: Person) -> None:
        """They have a chat with the bot, and are in no group."""
        self.users[person.id] = person.as_user()
        info: Json = {"id": person.id, "type": "private", "first_name": person.first_name}
        if person.username:
            info["username"] = person.username
        self.chats.setdefault(person.id, Chat(info, {person.id}))

    def chat_of(self, user_id: int, chat_id: int | None = None) -> Chat:
        """The person's own chat with the bot, or a group they are in; LookupError otherwise."""
        chat = self.chats.get(user_id if chat_id is None else chat_id)
        if chat is None or user_id not in chat.members:
            raise LookupError(f"user {user_id} is in no chat {chat_id or user_id}")
        return chat

    def add_group(self, chat_id: int, title: str, *, is_super: bool) -> Chat:
        """Everybody is in it; the first person is its owner."""
        info = {"id": chat_id, "type": "supergroup" if is_super else "group", "title": title}
        people = set(self.users)
        self.chats[chat_id] = Chat(info, people, {min(people)} if people else set(), started=True)
        return self.chats[chat_id]

    def find_chat(self, chat_id: object) -> Chat | None:
        """By number, or by @username as the API also allows for public chats."""
        if isinstance(chat_id, int):
            return self.chats.get(chat_id)
        for chat in self.chats.values():
            if not chat.is_private and f"@{chat.info.get('username')}" == chat_id:
                return chat
        return None
