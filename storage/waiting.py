"""What waits in a restored copy, set aside: the world went on, and it was sent or done since."""

import asyncpg

#: What it is, and the statement that sets it aside and returns a row of each.
_STATEMENTS = {
    "messages": "UPDATE outbox SET state = 'failed', steps = NULL,"
    " error = 'it waited in a backup' WHERE state IN ('queued', 'sending') RETURNING id",
    "updates": "UPDATE telegram_inbox SET done_at = clock_timestamp(),"
    " error = 'it waited in a backup' WHERE done_at IS NULL RETURNING update_id",
    # A number typed now was not meant for what was asked then.
    "questions to people": "DELETE FROM dialogue RETURNING person_id",
    "terminal's commands": "UPDATE ea_command SET state = 'cancelled',"
    " finished_at = clock_timestamp() WHERE state = 'queued' AND type <> 'OPEN' RETURNING id",
    "operator's commands": "UPDATE commands SET status = 'SKIPPED', lease_until = NULL,"
    ' finished_at = clock_timestamp(), result = \'{"reason": "restored"}\''
    " WHERE status IN ('PENDING', 'RUNNING') RETURNING id",
    "sessions": "DELETE FROM web_session RETURNING id",
    "codes to log in": "DELETE FROM web_invite RETURNING person_id",
    # One that was used since would be good once more.
    "codes for terminals": "DELETE FROM ea_code WHERE used_at IS NULL RETURNING digest",
    # One that was revoked since the backup would open again, and nobody could tell which.
    "keys of machines": "UPDATE api_key SET revoked_at = clock_timestamp()"
    " WHERE revoked_at IS NULL RETURNING id",
    "events for webhooks": "UPDATE webhook_delivery SET state = 'cancelled',"
    " reason = 'it waited in a backup', finished_at = clock_timestamp()"
    " WHERE state = 'waiting' RETURNING id",
    # What happened up to the copy was sent by whoever it was copied from.
    "webhooks that begin anew": "UPDATE webhook_endpoint SET claim = NULL, leased_until = NULL,"
    " cursor = (SELECT seq FROM history_head) RETURNING id",
    # Whoever receives them trades by them.
    "signals": "UPDATE signals_queue SET status = 'EXPIRED', reason = 'it waited in a backup',"
    " claim = NULL, leased_until = NULL, finished_at = clock_timestamp()"
    " WHERE status = 'PENDING' RETURNING signal_id",
    "confirmations of real money": "DELETE FROM live_confirmation RETURNING account_id",
    # The terminal may have fetched and done one after the copy was made: it is only asked.
    "terminal's commands under way": "UPDATE ea_command SET lookup_only = true,"
    " state = 'leased', attempt = greatest(attempt, 1),"
    " lease_until = coalesce(lease_until, clock_timestamp())"
    " WHERE state IN ('queued', 'leased') AND type = 'OPEN' RETURNING id",
    # What is computed is told to people, who were told since; and a search or a training ends in a
    # proposal or a model that was made since. Who still wants it asks again.
    "backtests": "UPDATE backtest_run SET leased_until = NULL, changed_at = clock_timestamp(),"
    " problem = 'it waited in a backup',"
    " state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE 'broken_off' END"
    " WHERE state IN ('waiting', 'running') RETURNING id",
    "sweeps": "UPDATE sweep SET cancelled = true WHERE NOT cancelled AND EXISTS (SELECT FROM"
    " sweep_shard WHERE sweep_id = sweep.id AND state IN ('waiting', 'running')) RETURNING id",
    "searches of the optimizer": "UPDATE optimizer_run SET state = 'failed', lease_until = NULL,"
    " finished_at = clock_timestamp() WHERE state IN ('queued', 'running') RETURNING id",
    "trainings": "UPDATE training SET state = 'cancelled', reason = 'it waited in a backup',"
    " lease_until = NULL, finished_at = clock_timestamp()"
    " WHERE state IN ('queued', 'running') RETURNING id",
    # Their cards were shown, with or without; older ideas are due no more.
    "explanations": "INSERT INTO explanation_turn AS turn (idea_id, claimed_until, is_done)"
    " SELECT id, clock_timestamp(), true FROM trade_ideas"
    " WHERE created_at > clock_timestamp() - interval '1 day'"
    " ON CONFLICT (idea_id) DO UPDATE SET is_done = true WHERE NOT turn.is_done"
    " RETURNING idea_id",
}


async def set_aside(owner_url: str) -> dict[str, int]:
    """Nothing that waited in the copy may leave now: messages were sent since, commands were done.

    The answer is how many of each were set aside.
    """
    connection = await asyncpg.connect(owner_url)
    try:
        async with connection.transaction():
            return {what: len(await connection.fetch(sql)) for what, sql in _STATEMENTS.items()}
    finally:
        await connection.close()
