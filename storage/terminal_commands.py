"""The queue of each terminal: put, offered under a lease, finished once."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from engine.domain.terminal import Command, CommandState, CommandType, Draft, Result
from engine.errors import IllegalMove, NotFound
from engine.ports import COMMANDS_TOPIC, RESULTS_TOPIC
from engine.snapshot.canonical import plain, restore
from storage.mapping import json_text
from storage.table import Table

_COMMAND = """
SELECT id, account_id, seq, magic, type, state, client_id, fields::text AS fields, issued_at,
       expires_at, lease_until, attempt, offered_to::text AS offered_to, lookup_only,
       result::text AS result, finished_at
FROM ea_command
"""
_NUMBERS = """
UPDATE ea_terminal SET last_seq = last_seq + $2 WHERE account_id = $1
RETURNING last_seq, magic_base
"""
_PUT = """
INSERT INTO ea_command (id, account_id, seq, magic, type, rank, state, client_id, position, fields,
                        expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO NOTHING RETURNING id
"""
#: Commands that may be offered now.
WAITING = """
SELECT FROM ea_command WHERE state IN ('queued', 'leased')
AND (lease_until IS NULL OR lease_until <= statement_timestamp())
"""
# An earlier command for the position is in another answer's hands. One instant for all of them: a
# lease that ended while they were looked at would let the later command go first.
_FREE = """
WHERE account_id = $1 AND state IN ('queued', 'leased')
  AND (lease_until IS NULL OR lease_until <= statement_timestamp())
  AND (type <> 'OPEN' OR ($2 AND (attempt > 0 OR ($5 AND NOT EXISTS (
      SELECT FROM trade_order WHERE trade_order.client_id = ea_command.client_id
      AND symbol = ANY($6::text[]))))))
  AND (position IS NULL OR (NOT position = ANY($3::bigint[]) AND NOT EXISTS (
      SELECT FROM ea_command AS held WHERE held.account_id = $1 AND held.state = 'leased'
      AND held.position = ea_command.position AND held.lease_until > statement_timestamp())))
ORDER BY rank, seq LIMIT $4 FOR UPDATE SKIP LOCKED
"""
_PAUSED_OF = """
SELECT client_id FROM trade_order WHERE client_id = ANY($1::text[]) AND symbol = ANY($2::text[])
"""
_LEASE = """
UPDATE ea_command SET state = $2, attempt = $3, lease_until = $4, offered_to = $5, lookup_only = $6
WHERE id = $1
"""
_FINISH = """
UPDATE ea_command SET state = 'finished', result = $2, finished_at = clock_timestamp()
WHERE id = $1 AND state IN ('queued', 'leased', 'cancelled') AND result IS NULL RETURNING id
"""
_PAUSED = """
SELECT account_id, magic_base + last_seq + 1 AS next, (
    SELECT type FROM ea_command AS command
    WHERE command.account_id = ea_terminal.account_id AND state IN ('queued', 'leased')
      AND rank = 0 ORDER BY seq DESC LIMIT 1) AS last
FROM ea_terminal WHERE $1::text IS NULL OR account_id = $1 ORDER BY account_id FOR UPDATE
"""
_CANCEL = "UPDATE ea_command SET state = 'cancelled', finished_at = clock_timestamp()"


class CommandTable(Table):
    """The port ``Commands`` in one transaction."""

    async def put(self, drafts: Sequence[Draft]) -> tuple[Command, ...]:
        account_id = drafts[0].account_id
        if not await self._insert(account_id, drafts, CommandState.QUEUED):
            raise IllegalMove(f"{drafts[0].id} was given before")
        await self._notify(COMMANDS_TOPIC, account_id)
        ids = [draft.id for draft in drafts]
        return await self._find("WHERE id = ANY($1::text[]) ORDER BY seq", [ids])

    async def strike(self, account_id: str, id_: str) -> bool:
        draft = Draft(id=id_, account_id=account_id, type=CommandType.RESUME)
        return await self._insert(account_id, [draft], CommandState.CANCELLED)

    async def _insert(self, account_id: str, drafts: Sequence[Draft], state: CommandState) -> bool:
        numbers = await self._rows(_NUMBERS, account_id, len(drafts))
        if not numbers:
            raise NotFound(f"account {account_id} has no terminal")
        first = numbers[0]["last_seq"] - len(drafts) + 1
        for seq, draft in enumerate(drafts, first):
            values = [
                draft.id, account_id, seq, numbers[0]["magic_base"] + seq, str(draft.type),
                draft.type.rank, str(state), draft.client_id, draft.position,
                json_text(draft.fields), draft.expires_at,
            ]  # fmt: skip
            if not await self._rows(_PUT, *values):
                return False
        return True

    async def get(self, id_: str) -> Command | None:
        found = await self._find("WHERE id = $1", [id_])
        return found[0] if found else None

    async def of_order(self, client_id: str) -> tuple[Command, ...]:
        return await self._find("WHERE client_id = $1 ORDER BY seq", [client_id])

    async def of_magics(self, account_id: str, magics: Collection[int]) -> tuple[Command, ...]:
        where = "WHERE account_id = $1 AND magic = ANY($2::bigint[]) ORDER BY seq"
        return await self._find(where, [account_id, sorted(magics)])

    async def recent(self, account_id: str, limit: int) -> tuple[Command, ...]:
        where = "WHERE account_id = $1 ORDER BY seq DESC LIMIT $2"
        return await self._find(where, [account_id, limit])

    async def is_waiting(self, account_id: str) -> bool:
        rows = await self._rows(
            f"SELECT EXISTS ({WAITING} AND account_id = $1) AS waiting", account_id
        )
        return bool(rows[0]["waiting"])

    async def lease(
        self,
        account_id: str,
        instance: str,
        *,
        limit: int,
        opens: bool,
        may_open: bool,
        busy: Collection[int],
        paused: Collection[str] = (),
    ) -> tuple[Command, ...]:
        values = [account_id, opens, sorted(busy), limit, may_open, sorted(paused)]
        free = await self._find(_FREE, values)
        if not free:
            return ()
        held = await self._of_symbols(free, paused)
        rows = await self._rows("SELECT clock_timestamp() AS now")
        now = rows[0]["now"]
        offered = tuple(
            command.offer(instance, now, may_open=may_open and command.client_id not in held)
            for command in free
        )
        for command in offered:
            values = [
                command.id, str(command.state), command.attempt, command.lease_until,
                json_text(command.offered_to), command.lookup_only,
            ]  # fmt: skip
            await self._connection.execute_query(_LEASE, values)
        return offered

    async def _of_symbols(
        self, commands: Sequence[Command], symbols: Collection[str]
    ) -> frozenset[str]:
        """The orders among those of the commands that are of these symbols."""
        orders = [command.client_id for command in commands if command.client_id is not None]
        if not (orders and symbols):
            return frozenset()
        rows = await self._rows(_PAUSED_OF, orders, sorted(symbols))
        return frozenset(row["client_id"] for row in rows)

    async def finish(self, id_: str, result: Result) -> bool:
        values = [id_, json_text(plain(result))]
        if not await self._rows(_FINISH, *values):
            return False
        await self._notify(RESULTS_TOPIC, id_)
        return True

    async def withdraw(self, client_id: str) -> bool:
        await self._connection.execute_query(
            f"{_CANCEL} WHERE client_id = $1 AND state = 'queued'", [client_id]
        )
        return is_nowhere(await self.of_order(client_id))

    async def stop_opens(self) -> frozenset[str]:
        rows = await self._rows(
            f"{_CANCEL} WHERE type = 'OPEN' AND state = 'queued' RETURNING id, client_id"
        )
        await self._connection.execute_query(
            "UPDATE ea_command SET lookup_only = true WHERE type = 'OPEN' AND state = 'leased'"
        )
        for row in rows:
            await self._notify(RESULTS_TOPIC, row["id"])
        orders = {row["client_id"] for row in rows if row["client_id"] is not None}
        return frozenset([o for o in orders if is_nowhere(await self.of_order(o))])

    async def pause(self, *, paused: bool, account_id: str | None = None) -> None:
        kind = CommandType.PAUSE if paused else CommandType.RESUME
        # Locked: the number in the name of a command is nobody else's then.
        rows = await self._rows(_PAUSED, account_id)
        for row in rows:
            if row["last"] == kind:
                continue
            await self._connection.execute_query(
                f"{_CANCEL} WHERE account_id = $1 AND type IN ('PAUSE', 'RESUME')"
                " AND state = 'queued'",
                [row["account_id"]],
            )
            name = f"{kind.lower()}-{row['next']}"
            await self.put([Draft(id=name, account_id=row["account_id"], type=kind)])

    async def _find(self, where: str, values: Sequence[Any]) -> tuple[Command, ...]:
        rows = await self._rows(f"{_COMMAND} {where}", *values)
        return tuple(_command(row) for row in rows)

    async def _notify(self, channel: str, payload: str) -> None:
        await self._connection.execute_query("SELECT pg_notify($1, $2)", [channel, payload])


def is_nowhere(commands: Sequence[Command]) -> bool:
    """Whether none of an order's commands was done, or can be."""
    return bool(commands) and all(
        command.state is CommandState.CANCELLED
        or (command.result is not None and not command.result.is_dealt)
        for command in commands
    )


def _command(row: dict[str, Any]) -> Command:
    documents = {name: json.loads(row[name]) for name in ("fields", "offered_to")}
    result = None if row["result"] is None else json.loads(row["result"])
    return restore(Command, {**row, **documents, "result": result})
