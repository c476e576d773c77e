"""How a worker gets the oldest row of a queue, and keeps it by a lease."""


def claim_statement(
    table: str,
    facts: str,
    *,
    state: str = "state",
    waiting: str = "queued",
    running: str = "running",
    only: str = "TRUE",
    also: str = "",
) -> str:
    """The statement that gives one row of ``table`` to whoever runs it, for $1 seconds.

    A row is free while it waits, and when it runs but its lease is over: its worker is gone. What
    somebody else is just being given is passed over, so nobody waits. One instant holds for the
    whole statement; a lease that ended in its course would let a later row go first.

    ``only`` is a condition on the row, called ``mine``, and may use the values from $2 on; ``also``
    is what else is set. ``facts`` are the columns of the answer. Every text is a constant of ours.
    """
    extra = f"{also}, " if also else ""
    # Apart, because a subquery that locks may be run again for each row it is compared with.
    return f"""
WITH head AS MATERIALIZED (
    SELECT id FROM {table} AS mine
    WHERE ({state} = '{waiting}'
           OR ({state} = '{running}' AND lease_until <= statement_timestamp())) AND {only}
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE {table} SET {state} = '{running}', {extra}
    lease_until = statement_timestamp() + make_interval(secs => $1)
WHERE id IN (SELECT id FROM head) RETURNING {facts}
"""  # noqa: S608 -- of constants
