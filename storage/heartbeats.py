"""Who is alive: each process writes its name and the time, by the database's clock."""

from typing import Any

from tortoise import connections

from storage.mapping import json_text

_BEAT = """
INSERT INTO heartbeat (name, at, detail) VALUES ($1, clock_timestamp(), $2)
ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at, detail = EXCLUDED.detail
"""


async def beat(name: str, detail: dict[str, Any] | None = None) -> None:
    """Say that a process is alive."""
    await connections.get("default").execute_query(_BEAT, [name, json_text(detail or {})])


async def ages() -> dict[str, float]:
    """Seconds since each process was last seen."""
    rows = await connections.get("default").execute_query_dict(
        "SELECT name, extract(epoch FROM clock_timestamp() - at)::float AS age FROM heartbeat"
    )
    return {row["name"]: row["age"] for row in rows}
