"""Who is alive: each process, and each part that is watched, by name and the database's clock."""

import json
from typing import Any

from tortoise import connections

from engine.ports import Heartbeat
from storage.mapping import json_text
from storage.table import Table

_BEAT = """
INSERT INTO heartbeat (name, at, detail) VALUES ($1, clock_timestamp(), $2)
ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at, detail = EXCLUDED.detail
"""
#: A worker is named by its machine, and a container is another machine each time.
_FORGET = """
DELETE FROM heartbeat
WHERE name LIKE 'worker:%' AND at < clock_timestamp() - interval '7 days'
"""


class HeartbeatTable(Table):
    """The port ``Heartbeats`` in one transaction."""

    async def beat(self, name: str, detail: dict[str, Any] | None = None) -> None:
        await self._connection.execute_query(_BEAT, [name, json_text(detail or {})])

    async def seen(self) -> dict[str, Heartbeat]:
        rows = await self._rows("SELECT name, at, detail::text AS detail FROM heartbeat")
        return {row["name"]: Heartbeat(row["at"], json.loads(row["detail"])) for row in rows}


async def beat(name: str) -> None:
    """Say that a process is alive."""
    await HeartbeatTable(connections.get("default")).beat(name)


async def forget_gone() -> None:
    """Forget the workers that gave no sign of life for a week."""
    await connections.get("default").execute_query(_FORGET)


async def ages() -> dict[str, float]:
    """Seconds since each process was last seen."""
    rows = await connections.get("default").execute_query_dict(
        "SELECT name, extract(epoch FROM clock_timestamp() - at)::float AS age FROM heartbeat"
    )
    return {row["name"]: row["age"] for row in rows}
