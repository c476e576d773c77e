"""How much may be sent to Telegram, as the database knows it: it holds for every process, and after
a restart.

Each scope has one instant, ``due``: when everything sent so far would have been sent at an even
pace. A burst may run ahead of the clock by its slack and no further (the generic cell rate
algorithm, ITU-T I.371).
"""

from dataclasses import dataclass

from tortoise import connections

#: The scope of everything that is sent.
OVERALL = 0

_OPEN = """
INSERT INTO flood_budget (scope, due)
SELECT scope, clock_timestamp() FROM unnest($1::bigint[]) AS scope ON CONFLICT DO NOTHING
"""

_TAKE = """
WITH seen AS MATERIALIZED (
    SELECT scope, due, held_until FROM flood_budget WHERE scope IN (0, $1)
    ORDER BY scope FOR UPDATE
), asked AS MATERIALIZED (
    SELECT count(*) AS found, max(greatest(0, extract(epoch FROM held_until - clock_timestamp()),
        extract(epoch FROM due - clock_timestamp())
            - CASE scope WHEN 0 THEN $2::float8 ELSE $4::float8 END))::float8 AS wait FROM seen
), taken AS (
    UPDATE flood_budget b SET due = greatest(b.due, clock_timestamp()) + make_interval(
        secs => CASE b.scope WHEN 0 THEN $3::float8 ELSE $5::float8 END)
    FROM asked WHERE b.scope IN (0, $1) AND asked.found = 2 AND asked.wait <= 0
)
SELECT found, wait FROM asked
"""

_HOLD = """
INSERT INTO flood_budget (scope, due, held_until, held_at)
VALUES ($1, clock_timestamp(), clock_timestamp() + make_interval(secs => $2), clock_timestamp())
ON CONFLICT (scope) DO UPDATE SET held_at = EXCLUDED.held_at,
    held_until = greatest(flood_budget.held_until, EXCLUDED.held_until)
"""

# Nothing came through anywhere since the first of several chats was refused.
_EVERYWHERE = """
SELECT first IS NOT NULL
       AND NOT EXISTS (SELECT FROM sent_message WHERE noted_at > first) AS everywhere
FROM (SELECT min(held_at) AS first FROM flood_budget
      WHERE scope NOT IN (0, $1) AND held_at > clock_timestamp() - make_interval(secs => $2)) AS f
"""

_REFUSED_TOGETHER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Pace:
    """So many a second, and so many at once after a rest."""

    per_second: float
    burst: int

    @property
    def interval(self) -> float:
        """Seconds between two at an even pace."""
        return 1 / self.per_second

    @property
    def slack(self) -> float:
        """How far ahead of the even pace a burst may run, in seconds."""
        return (self.burst - 1) * self.interval


class PostgresBudget:
    """The budgets of all chats; the database must be open."""

    async def take(self, chat_id: int, overall: Pace, chat: Pace) -> float:
        """Take room for one message, in all and in its chat, or take nothing; the answer is how
        many seconds to wait before asking again, 0 when it was taken.
        """
        values = [chat_id, overall.slack, overall.interval, chat.slack, chat.interval]
        database = connections.get("default")
        (row,) = await database.execute_query_dict(_TAKE, values)
        if row["found"] < 2:
            await database.execute_query(_OPEN, [[OVERALL, chat_id]])
            (row,) = await database.execute_query_dict(_TAKE, values)
        return float(row["wait"])

    async def hold(self, scope: int, seconds: float) -> None:
        """Send nothing in a chat, or anywhere (:data:`OVERALL`), for so long."""
        await connections.get("default").execute_query(_HOLD, [scope, float(seconds)])

    async def refused(self, chat_id: int, seconds: float) -> None:
        """Telegram asked for a pause in a chat. It never says whether it means that chat or all;
        when another was refused a moment ago and nothing came through since, it means all.
        """
        await self.hold(chat_id, seconds)
        (row,) = await connections.get("default").execute_query_dict(
            _EVERYWHERE, [chat_id, _REFUSED_TOGETHER_SECONDS]
        )
        if row["everywhere"]:
            await self.hold(OVERALL, seconds)
