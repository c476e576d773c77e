"""What the outbox gives its courier next."""

from collections.abc import Sequence

from tortoise import connections

from bot.limiter import Limits
from storage.budget import PostgresBudget
from storage.models import OutboxRow
from storage.outbox import Delivery, PostgresDeliveries
from tests.conftest import Database

CHAT = 1001

_QUEUE = f"""
INSERT INTO outbox (key, person_id, chat_id, priority, kind, payload, state, attempts, not_before,
                    created_at)
SELECT 'x:' || n, {CHAT}, {CHAT}, 2, 'answer', '{{}}', 'queued', 0, now(), now()
FROM generate_series(1, 10000) AS n
"""


async def test_pause_that_ends_while_rows_are_looked_at_lets_none_overtake(
    opened: Database,
) -> None:
    """The look at so many rows takes longer than is left of the pause in some of the looks."""
    await connections.get("default").execute_query(_QUEUE)
    first = await OutboxRow.all().order_by("id").first()
    assert first is not None
    deliveries, pace = PostgresDeliveries(), Limits().chat
    for _ in range(10):
        await PostgresBudget().hold(CHAT, 0.02)
        due: Sequence[Delivery] = ()
        while not due:
            due = await deliveries.due((), pace, pace, 8)
        assert [row.id for row in due] == [first.id]
