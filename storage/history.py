"""The decision history: appended behind one locked head row, read newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Decision, Entry
from engine.errors import HistoryBroken, NotFound
from engine.snapshot.canonical import canonical, plain
from storage import mapping
from storage.chain import content
from storage.models import DecisionRow
from storage.table import Table

_APPEND = "SELECT * FROM append_decisions($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)"

_PAGE = "SELECT seq, hash, previous_hash, body FROM decision_history"
#: What begins the next page, and the order: by the primary key, and by the index of a filter.
_PLAIN = ("seq < ${}", "ORDER BY seq DESC LIMIT $1")
_FILTERED = ("-seq > -${}::bigint", "ORDER BY -seq LIMIT $1")


class HistoryTable(Table):
    """The port ``History`` in one transaction."""

    async def append(self, entry: Entry) -> Decision:
        (decision,) = await self.extend((entry,))
        return decision

    async def extend(self, entries: Sequence[Entry]) -> tuple[Decision, ...]:
        """Write behind the head, which the database locks: writers queue up, no chain can fork."""
        if not entries:
            return ()
        rows = []
        for entry in entries:
            body = canonical(plain(entry)).decode()
            columns = mapping.entry_columns(entry)
            rows.append((*columns, body, content(mapping.hashed(columns), body)))
        chained = await self._rows(_APPEND, *zip(*rows, strict=True))
        if len(chained) != len(entries):
            raise HistoryBroken("the history's head is gone; nothing is written behind nothing")
        return tuple(
            Decision(entry=entry, **place) for entry, place in zip(entries, chained, strict=True)
        )

    async def get(self, seq: int) -> Decision:
        row = await DecisionRow.filter(seq=seq).using_db(self._connection).get_or_none()
        if row is None:
            raise NotFound(f"there is no decision {seq}", number=seq)
        return mapping.decision_of(row.seq, row.hash, row.previous_hash, row.body)

    async def list(
        self,
        *,
        symbol: str | None = None,
        actions: Sequence[Action] = (),
        idea_id: object = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Decision]:
        query, values = _page_query(symbol, actions, idea_id, before, limit)
        rows = await self._rows(query, *values)
        return [mapping.decision_of(**row) for row in rows]

    async def count(self, actions: Sequence[Action], since: datetime) -> dict[str, int]:
        rows = (
            await DecisionRow.filter(
                action__in=[str(action) for action in actions], market_time__gte=since
            )
            .using_db(self._connection)
            .values_list("action", "risk_check_result")
        )
        counts: dict[str, int] = {}
        for action, result in rows:
            name = result if action == Action.RISK_REJECTED and result else action
            counts[name] = counts.get(name, 0) + 1
        return counts


def _page_query(
    symbol: str | None,
    actions: Sequence[Action],
    idea_id: object,
    before: int | None,
    limit: int,
) -> tuple[str, list[Any]]:
    """One page. Several actions are a page each, merged: no sort ever sees more than those rows."""
    next_page, newest = _FILTERED if symbol is not None or actions else _PLAIN
    values: list[Any] = [limit]
    where = []
    for condition, value in (
        ("symbol = ${}", symbol),
        ("trade_idea_id = ${}", idea_id),
        (next_page, before),
    ):
        if value is not None:
            values.append(value)
            where.append(condition.format(len(values)))
    if not actions:
        return " ".join((_PAGE, _where(where), newest)), values
    values.append(list(dict.fromkeys(str(action) for action in actions)))
    one = " ".join((_PAGE, _where([*where, "action = wanted.action"]), newest))
    return (
        f"SELECT page.* FROM unnest(${len(values)}::text[]) AS wanted(action)"  # noqa: S608 -- numbers
        f" CROSS JOIN LATERAL ({one}) AS page {newest}"
    ), values


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
