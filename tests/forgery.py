"""The door seen from outside: raw updates of every kind of sender, and taps nobody was offered.

The real dispatcher over a real database, without a Telegram: updates are fed as they would come.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from aiogram import Bot, Dispatcher
from aiogram.client.session.base import BaseSession
from aiogram.methods.base import TelegramMethod
from tortoise import connections

from bot.commands import ACTIONS, COMMANDS
from bot.dispatcher import build_dispatcher
from bot.screen import Screen
from bot.talk import Talk
from bot.world import now
from engine.domain.person import Person, Role
from engine.ports import Store
from tests.integration.conftest import Desk

Json = dict[str, Any]

ANN, LUIS, EVE, SAM, OUT, NOBODY = 1001, 1002, 1003, 1004, 1005, 1010
GROUP, CHANNEL = -1001, -1002
_ANONYMOUS = 1087968824
_FOREVER = 4_102_444_800

#: What is written for everybody who comes: who came, and what is on its way to people.
_NO_EFFECT = ("telegram_inbox", "outbox", "knock", "heartbeat", "tortoise_migrations")


class Silence(BaseSession):
    """Aiogram's way to Telegram, which nothing may take here; the calls are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []

    async def close(self) -> None:
        """Nothing is open."""

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[Any],
        timeout: int | None = None,  # noqa: ASYNC109 -- aiogram's own signature
    ) -> Any:
        self.calls.append(method)
        raise AssertionError(f"{method!r} was called past the outbox")

    async def stream_content(self, *args: Any, **kwargs: Any) -> AsyncGenerator[bytes, None]:
        raise AssertionError("nothing is downloaded")
        yield b""


@dataclass
class Door:
    """The dispatcher with its bot, and what can be seen of the database."""

    dispatcher: Dispatcher
    bot: Bot
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def feed(self, content: Json) -> list[Screen]:
        """Hand in an update; what is to be shown for it."""
        update = {"update_id": next(self.numbers), **content}
        made = await self.dispatcher.feed_raw_update(self.bot, update)
        screens = made if isinstance(made, tuple) else (made,)
        return [screen for screen in screens if isinstance(screen, Screen)]

    async def snapshot(self, *but: str) -> dict[str, str]:
        """A hash of every table in which something would show. When people were last seen does
        not count, and nor do the tables of ``but``.
        """
        return {name: await _hash(name) for name in await _tables() if name not in but}


def door(talk: Talk) -> Door:
    """The door of these use cases."""
    bot = Bot("700000001:token-of-the-test", session=Silence())
    return Door(build_dispatcher(talk, clock=now, is_live=False), bot)


async def _tables() -> list[str]:
    rows = await connections.get("default").execute_query_dict(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    return [row["tablename"] for row in rows if row["tablename"] not in _NO_EFFECT]


async def _hash(table: str) -> str:
    rows = await connections.get("default").execute_query_dict(
        "SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) AS hash"
        f" FROM (SELECT to_jsonb(r) - 'last_seen' AS t FROM {table} r) q"
    )
    return str(rows[0]["hash"])


async def seat(store: Store) -> None:
    """Besides Ann, Luis and Eve: somebody who waits and somebody who was put out."""
    async with store.begin() as tx:
        for id_, name, role in ((SAM, "Sam", Role.PENDING), (OUT, "Otto", Role.REFUSED)):
            await tx.people.save(Person(id=id_, name=name, role=role, chat_id=id_))


# ---- senders ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sender:
    """A kind of sender, the role that counts for it, and how it writes and taps."""

    name: str
    role: Role
    writes: Callable[[str], Json]
    taps: Callable[[str], Json]


def person(id_: int, **values: Any) -> Json:
    """A user as Telegram tells of one."""
    return {"id": id_, "is_bot": False, "first_name": f"P{id_}", "language_code": "en", **values}


def private(id_: int) -> Json:
    """A private chat."""
    return {"id": id_, "type": "private", "first_name": f"P{id_}"}


_GROUP: Json = {"id": GROUP, "type": "supergroup", "title": "Desk"}
_CHANNEL: Json = {"id": CHANNEL, "type": "channel", "title": "Signals"}


def message(who: Json | None, chat: Json, text: str, **values: Any) -> Json:
    """A message of now."""
    sent: Json = {"message_id": 7, "date": int(now().timestamp()), "chat": chat, "text": text}
    return {**sent, **({"from": who} if who else {}), **values}


def tap(who: Json, chat: Json | None, data: str, **values: Any) -> Json:
    """A tap on a message in a chat; without a chat, on one that was sent inline."""
    query: Json = {"id": "1", "from": who, "chat_instance": "1", "data": data}
    if chat is None:
        return {"callback_query": {**query, "inline_message_id": "x"}}
    under = message(person(700000001, is_bot=True), chat, "buttons", **values)
    return {"callback_query": {**query, "message": under}}


def _own(name: str, id_: int, role: Role) -> Sender:
    """Somebody in their own private chat."""
    return Sender(
        name,
        role,
        lambda text: {"message": message(person(id_), private(id_), text)},
        lambda data: tap(person(id_), private(id_), data),
    )


def _as(name: str, who: Json, chat: Json, *, kind: str = "message", **values: Any) -> Sender:
    """Whoever must reach nothing, by the kind of update, the chat or a mark of the message."""
    return Sender(
        name,
        Role.REFUSED,
        lambda text: {kind: message(who, chat, text, **values)},
        lambda data: tap(who, chat, data, **values),
    )


_ADMIN = person(ANN)
_BOT = person(4711, is_bot=True, username="other_bot")
_OTHERS: Json = {"type": "user", "date": 1, "sender_user": _ADMIN}

SENDERS = (
    _own("stranger", NOBODY, Role.REFUSED),
    _own("pending", SAM, Role.PENDING),
    _own("removed person", OUT, Role.REFUSED),
    _own("viewer", EVE, Role.VIEWER),
    _own("trader", LUIS, Role.TRADER),
    _own("admin", ANN, Role.ADMIN),
    _as("another bot", _BOT, private(4711)),
    _as("bot with an admin's id", person(ANN, is_bot=True), private(ANN)),
    _as("anonymous group admin", person(_ANONYMOUS, is_bot=True), _GROUP, sender_chat=_GROUP),
    _as("admin in the name of a channel", _ADMIN, private(ANN), sender_chat=_CHANNEL),
    _as("admin in a group", _ADMIN, _GROUP),
    _as("admin in a foreign private chat", _ADMIN, private(EVE)),
    _as("stranger with an admin's chat", person(NOBODY), private(ANN)),
    _as("stranger who forwards an admin", person(NOBODY), private(NOBODY), forward_origin=_OTHERS),
    Sender(
        "channel post",
        Role.REFUSED,
        lambda text: {"channel_post": message(None, _CHANNEL, text, sender_chat=_CHANNEL)},
        lambda data: tap(_ADMIN, _CHANNEL, data),
    ),
    Sender(
        "admin through an inline bot",
        Role.REFUSED,
        lambda text: {"message": message(_ADMIN, private(ANN), text, via_bot=_BOT)},
        lambda data: tap(_ADMIN, None, data),
    ),
    Sender(
        "admin's inline query",
        Role.REFUSED,
        lambda text: {"inline_query": {"id": "1", "from": _ADMIN, "query": text, "offset": ""}},
        lambda data: tap(_ADMIN, None, data),
    ),
    *(
        Sender(
            name,
            Role.REFUSED,
            lambda text, kind=kind, values=values: {  # type: ignore[misc]
                kind: message(_ADMIN, private(ANN), text, **values)
            },
            lambda data: tap(_ADMIN, None, data),
        )
        for name, kind, values in (
            ("admin who edits", "edited_message", {"edit_date": 2}),
            ("admin who forwards", "message", {"forward_origin": _OTHERS}),
            ("admin's business", "business_message", {"business_connection_id": "b"}),
            ("admin's business bot", "message", {"sender_business_bot": _BOT}),
            ("admin as a guest", "guest_message", {"guest_query_id": "g"}),
            ("guest of an admin", "message", {"guest_bot_caller_user": _ADMIN}),
        )
    ),
)

#: What is typed behind a command, so that one that takes something has something to take.
ARGUMENTS = ("", "1", "EURUSD x")


def texts() -> Iterable[str]:
    """Every command of the table, with several things behind it."""
    for command in COMMANDS:
        for argument in ARGUMENTS:
            yield f"/{command.name} {argument}".rstrip()


def taps(idea: str, version: int) -> dict[str, list[str]]:
    """For every action of the table data that would take effect, as far as it is known here, and
    data of the usual shapes for the others.
    """
    usual = [
        "",
        idea,
        "1",
        f"{EVE}:trader",
        f"{version}:{_FOREVER}",
        f"{idea}:{version}:{_FOREVER}",
    ]
    known = {
        "go": [f"{version}:{_FOREVER}"],
        "mode": [f"autonomous:{version}:{_FOREVER}"],
        "lang": ["de"],
        "zone": ["Europe/Madrid"],
        "join": [f"{SAM}:trader", f"{SAM}:refused"],
        "role": [f"{EVE}:admin"],
        "give": [f"{EVE}:admin:1:{_FOREVER}", f"{LUIS}:refused:1:{_FOREVER}"],
    }
    return {
        action: [f"v1:{action}:{rest}".rstrip(":") for rest in (*known.get(action, ()), *usual)]
        for action in ACTIONS
    }


# ---- forged taps -----------------------------------------------------------------------------


@dataclass
class Forger:
    """Taps nobody was offered: ``used`` is data that took effect once and may not again."""

    chance: Random
    idea: str
    version: int
    used: list[str]

    def tap(self) -> Json:
        """A forged tap of a stranger, a viewer, a trader, or of an admin with what was used up."""
        who = self.chance.choice((NOBODY, SAM, OUT, EVE, LUIS, ANN))
        data = self._data(who)
        return tap(person(who), private(who), data)

    def _data(self, who: int) -> str:
        makers = [self._garbage, self._expired, self._reused]
        if who in (NOBODY, SAM, OUT):
            makers.append(self._true)
        if who in (EVE, LUIS):
            makers.append(self._above)
        return self.chance.choice(makers)(who)

    def _reused(self, who: int) -> str:
        return self.chance.choice(self.used)

    def _true(self, who: int) -> str:
        """What would work for somebody else."""
        return self.chance.choice(self.chance.choice(list(taps(self.idea, self.version).values())))

    def _above(self, who: int) -> str:
        """What would work for somebody of a higher role."""
        mine = Role.VIEWER if who == EVE else Role.TRADER
        above = [action for action, role in ACTIONS.items() if role.rank > mine.rank]
        return self.chance.choice(taps(self.idea, self.version)[self.chance.choice(above)])

    def _expired(self, who: int) -> str:
        """A confirmation of the right thing that came too late."""
        late = int(now().timestamp()) - self.chance.randint(1, 10**6)
        return self.chance.choice(
            (
                f"v1:go:{self.version}:{late}",
                f"v1:mode:autonomous:{self.version}:{late}",
                f"v1:give:{EVE}:admin:1:{late}",
            )
        )

    def _garbage(self, who: int) -> str:
        """A real or made-up action with ids, versions, letters and lengths that mean nothing."""
        action = self.chance.choice((*ACTIONS, "x", "", "OK", "ok ", "ОК"))
        version = self.chance.choice(("v1", "v1", "v1", "v0", "v2", "", "V1"))
        parts = [self._part() for _ in range(self.chance.randint(0, 4))]
        data = ":".join((version, action, *parts))
        return data.encode()[:64].decode(errors="ignore") or "x"

    def _part(self) -> str:
        chance = self.chance
        return chance.choice(
            (
                "",
                f"{chance.getrandbits(128):032x}",
                str(chance.choice((-1, 0, 1, 2**31, 2**63, 10**18, SAM, EVE, ANN))),
                chance.choice(("viewer", "trader", "admin", "refused", "autonomous", "pending")),
                "".join(chr(chance.choice((0x0, 0x20, 0x202E, 0x661, 0x1F600))) for _ in range(4)),
                "' OR 1=1 --",
            )
        )


async def ready(desk: Desk) -> tuple[str, int]:
    """The idea that waits, as a button names it, and the version of the trading state."""
    idea = await desk.until_idea()
    control = (await desk.talk.read_status(None)).control
    return idea.id.hex, control.version


async def forge(desk: Desk, at: Door, *, taps_: int, seed: int) -> list[str]:
    """Use some data up, then tap what nobody was offered; the tables that changed."""
    idea, version = await ready(desk)
    used = [f"v1:no:{idea}", f"v1:mode:autonomous:{version}:4102444800"]
    used += [f"v1:mode:supervised:{version + 1}:4102444800"]
    used += ["v1:give:1003:trader:1:4102444800", "v1:give:1003:viewer:2:4102444800"]
    for data in used:
        before = await at.snapshot()
        await at.feed(tap(person(ANN), private(ANN), data))
        assert await at.snapshot() != before, data
    idea, version = await ready(desk)
    forger = Forger(Random(seed), idea, version, used)
    before, changed = await at.snapshot(), []
    for start in range(0, taps_, 100):
        made = [forger.tap() for _ in range(min(100, taps_ - start))]
        for update in made:
            await at.feed(update)
        after = await at.snapshot()
        changed += [f"{start}: {table}" for table in before if after[table] != before[table]]
        before = after
    return changed
