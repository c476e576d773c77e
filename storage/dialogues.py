"""Questions the bot has asked people and that wait for a typed answer."""

from dataclasses import dataclass
from json import loads
from typing import Any

from tortoise import connections

from storage.mapping import json_text

#: A value typed an hour later was not meant for the question.
VALID_MINUTES = 10

# What is too old is not there: neither its values nor its age may pass to what comes after it.
_ASK = """
INSERT INTO dialogue (person_id, state, data, asked_at)
VALUES ($1, $2, '{}', clock_timestamp())
ON CONFLICT (person_id) DO UPDATE SET state = $2, asked_at = clock_timestamp(),
    data = CASE WHEN dialogue.asked_at > clock_timestamp() - make_interval(mins => $3)
                THEN dialogue.data ELSE '{}' END
"""

_KEEP = """
INSERT INTO dialogue (person_id, state, data, asked_at)
VALUES ($1, '', $2, clock_timestamp())
ON CONFLICT (person_id) DO UPDATE SET data = $2,
    state = CASE WHEN dialogue.asked_at > clock_timestamp() - make_interval(mins => $3)
                 THEN dialogue.state ELSE '' END,
    asked_at = CASE WHEN dialogue.asked_at > clock_timestamp() - make_interval(mins => $3)
                    THEN dialogue.asked_at ELSE clock_timestamp() END
"""

_GET = """
SELECT state, data FROM dialogue
WHERE person_id = $1 AND asked_at > clock_timestamp() - make_interval(mins => $2)
"""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A question and what its answer will need; ``state`` is None when only values are kept."""

    state: str | None
    data: dict[str, Any]


class PostgresDialogues:
    """One open question per person; the database must be open."""

    async def ask(self, person_id: int, state: str) -> None:
        """A question waits from now on, in place of an older one."""
        await connections.get("default").execute_query(_ASK, [person_id, state, VALID_MINUTES])

    async def keep(self, person_id: int, data: dict[str, Any]) -> None:
        """Values for the answer; no values make no question."""
        if not data:
            await connections.get("default").execute_query(
                "UPDATE dialogue SET data = '{}' WHERE person_id = $1", [person_id]
            )
            return
        await connections.get("default").execute_query(
            _KEEP, [person_id, json_text(data), VALID_MINUTES]
        )

    async def get(self, person_id: int) -> Dialogue | None:
        """The question that waits, unless it is too old."""
        rows = await connections.get("default").execute_query_dict(_GET, [person_id, VALID_MINUTES])
        if not rows:
            return None
        data = rows[0]["data"]
        return Dialogue(rows[0]["state"] or None, loads(data) if isinstance(data, str) else data)

    async def end(self, person_id: int) -> None:
        """No question waits."""
        await connections.get("default").execute_query(
            "DELETE FROM dialogue WHERE person_id = $1", [person_id]
        )
