"""Which ids a message may have that Telegram perhaps took without our hearing of it."""

from datetime import datetime
from typing import NamedTuple

from tortoise import connections

#: How many ids are looked at. In one moment only a few messages are under way, and people write
#: a few more.
CANDIDATES = 12
_LOOKED_BACK = 2000

_SENT = """
SELECT chat_id, message_id, noted_at AS at FROM sent_message ORDER BY noted_at DESC LIMIT $1
"""

_CAME = """
SELECT (payload #>> '{message,chat,id}')::bigint AS chat_id,
       (payload #>> '{message,message_id}')::bigint AS message_id, received_at AS at
FROM telegram_inbox WHERE payload ? 'message' ORDER BY update_id DESC LIMIT $1
"""


class Known(NamedTuple):
    """A message that is known to exist since an instant."""

    chat_id: int
    message_id: int
    at: datetime


async def candidates(id_: int) -> tuple[int, ...]:
    """Ids that the message of a row under way may have, the likeliest first."""
    database = connections.get("default")
    row = (
        await database.execute_query_dict(
            "SELECT chat_id, sending_at FROM outbox WHERE id = $1", [id_]
        )
    )[0]
    known = [
        Known(**found)
        for query in (_SENT, _CAME)
        for found in await database.execute_query_dict(query, [_LOOKED_BACK])
    ]
    return possible(row["chat_id"], row["sending_at"], known)


def possible(chat_id: int, since: datetime, known: list[Known]) -> tuple[int, ...]:
    """The first ids after everything that was known before the call, less those that are taken.

    Telegram counts the messages of all private chats of a bot together and those of each supergroup
    alone. Where two private chats have the same id, as in the local chat, each counts alone.
    """
    scope = [message for message in known if message.chat_id == chat_id]
    private = [message for message in known if message.chat_id > 0]
    if chat_id > 0 and len({m.message_id for m in private}) == len({m[:2] for m in private}):
        scope = private
    first = max((m.message_id for m in scope if m.at <= since), default=0) + 1
    taken = {message.message_id for message in scope}
    free = (id_ for id_ in range(first, first + CANDIDATES + len(taken)) if id_ not in taken)
    return tuple(id_ for id_, _ in zip(free, range(CANDIDATES), strict=False))
