"""What only this side of the ports can see: processes, queues, and what our role may do."""

from collections.abc import Sequence

from tortoise import connections

from engine.domain.diagnosis import Finding, Level
from storage.heartbeats import ages
from storage.inbox import ATTEMPTS

#: A process says that it is alive every five seconds.
_ALIVE_SECONDS = 30.0

_COUNTS = f"""
SELECT (SELECT count(*) FROM outbox WHERE state = 'failed'
            AND created_at > clock_timestamp() - interval '1 day') AS given_up,
       (SELECT count(*) FROM outbox WHERE state = 'queued'
            AND created_at < clock_timestamp() - interval '5 minutes') AS stuck,
       (SELECT count(*) FROM telegram_inbox WHERE done_at IS NULL AND attempts >= {ATTEMPTS}
            AND error IS NOT NULL) AS set_aside,
       has_table_privilege('decision_history', 'UPDATE, DELETE, TRUNCATE') AS may_rewrite
"""  # noqa: S608


async def surroundings(*, local_chat: bool) -> Sequence[Finding]:
    """Silent processes, messages and updates that got stuck, and a role with too many rights."""
    alive = await ages()
    found = []
    for name in ("worker", "bot"):
        seen = [age for known, age in alive.items() if known.split(":")[0] == name]
        if not seen or min(seen) > _ALIVE_SECONDS:
            found.append(Finding(code=f"no_{name}", level=Level.FAULT))
    (row,) = await connections.get("default").execute_query_dict(_COUNTS)
    for code, level in (
        ("given_up", Level.WARNING),
        ("stuck", Level.FAULT),
        ("set_aside", Level.WARNING),
    ):
        if row[code]:
            found.append(Finding(code=code, level=level, facts={"count": row[code]}))
    if row["may_rewrite"]:
        found.append(Finding(code="may_rewrite", level=Level.WARNING))
    if local_chat:
        found.append(Finding(code="local_chat", level=Level.NOTE))
    return found
