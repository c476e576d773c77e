"""Counts of what the database holds, for whoever watches the product from outside."""

from dataclasses import dataclass, field
from typing import Any

from tortoise import connections

# One statement, so that all counts are of one moment. Ideas and orders are counted by their state's
# index; the history by its head.
_COUNTS = """
SELECT 'idea' AS what, status AS label, count(*)::float8 AS value FROM trade_ideas GROUP BY status
UNION ALL SELECT 'approval', ending, count(*) FROM approval GROUP BY ending
UNION ALL SELECT 'order', state, count(*) FROM trade_order GROUP BY state
UNION ALL SELECT 'position_order', state, count(*) FROM position_order GROUP BY state
UNION ALL SELECT 'signal', status, count(*) FROM signals_queue GROUP BY status
UNION ALL SELECT 'outbox', state, count(*) FROM outbox
    WHERE state IN ('queued', 'sending', 'failed') GROUP BY state
UNION ALL SELECT 'outbox_age', 'queued', extract(epoch FROM statement_timestamp() - min(not_before))
    FROM outbox WHERE state IN ('queued', 'sending') AND not_before <= statement_timestamp()
    HAVING count(*) > 0
UNION ALL SELECT 'webhook', state, count(*) FROM webhook_delivery GROUP BY state
UNION ALL SELECT 'webhook_age', 'waiting',
    extract(epoch FROM statement_timestamp() - min(created_at))
    FROM webhook_delivery WHERE state = 'waiting' HAVING count(*) > 0
UNION ALL SELECT 'inbox', 'waiting', count(*) FROM telegram_inbox WHERE done_at IS NULL
UNION ALL SELECT 'inbox_age', 'waiting',
    extract(epoch FROM statement_timestamp() - min(received_at))
    FROM telegram_inbox WHERE done_at IS NULL HAVING count(*) > 0
UNION ALL SELECT 'position', 'open', count(*) FROM trade_position WHERE is_open
UNION ALL SELECT 'command', state, count(*) FROM ea_command WHERE state IN ('queued', 'leased')
    GROUP BY state
UNION ALL SELECT 'heartbeat', name, extract(epoch FROM statement_timestamp() - at) FROM heartbeat
UNION ALL SELECT 'connection', 'signal_server', ((detail ->> 'connected')::boolean)::int
    FROM heartbeat WHERE name = 'signal-server'
UNION ALL SELECT 'model', each.label, each.value FROM analyst_day, LATERAL (VALUES
    ('tokens', tokens::float8), ('cost', cost::float8), ('answered', answered), ('failed', failed),
    ('remembered', remembered), ('unsupported', unsupported)) AS each (label, value)
    WHERE day = (statement_timestamp() AT TIME ZONE 'UTC')::date
UNION ALL SELECT 'history', 'records', seq FROM history_head
UNION ALL SELECT 'state', state, 1 FROM control
UNION ALL SELECT 'mode', mode, 1 FROM control
UNION ALL SELECT 'halt', reason, 1 FROM control WHERE state IN ('halted', 'emergency_stop')
"""


@dataclass(slots=True)
class Measures:
    """Values by what they are of and by label: counts, and ages in seconds."""

    values: dict[str, dict[str, float]] = field(default_factory=dict)

    def of(self, what: str) -> dict[str, float]:
        """The values of one kind by label; empty when there is none."""
        return self.values.get(what, {})


async def measures() -> Measures:
    """What the database holds now."""
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(_COUNTS)
    found = Measures()
    for row in rows:
        found.values.setdefault(row["what"], {})[row["label"]] = float(row["value"])
    return found
