"""The decision history: appended behind one locked head row, read newest first, verified."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from tortoise.backends.base.client import BaseDBAsyncClient

from engine.domain.decision import Action, Decision, Entry
from engine.errors import HistoryBroken, NotFound
from engine.snapshot.canonical import canonical, plain
from storage import mapping
from storage.chain import link
from storage.models import DecisionRow, HistoryHeadRow


class HistoryTable:
    """The port ``History`` in one transaction."""

    def __init__(self, connection: BaseDBAsyncClient) -> None:
        self._connection = connection

    async def append(self, entry: Entry) -> Decision:
        """Write behind the head. ``FOR UPDATE`` makes writers queue up; a chain cannot fork."""
        head = await HistoryHeadRow.select_for_update().using_db(self._connection).get_or_none(id=1)
        if head is None:
            raise HistoryBroken("the history's head is gone; nothing is written behind nothing")
        body = canonical(plain(entry)).decode()
        seq = head.seq + 1
        decision = Decision(
            seq=seq, hash=link(head.hash, seq, body), previous_hash=head.hash, entry=entry
        )
        await DecisionRow.create(
            using_db=self._connection,
            id=uuid5(NAMESPACE_URL, f"ai-trader:decision:{decision.hash}"),
            **mapping.decision_columns(decision, body),
        )
        await (
            HistoryHeadRow.filter(id=1)
            .using_db(self._connection)
            .update(seq=seq, hash=decision.hash)
        )
        return decision

    async def get(self, seq: int) -> Decision:
        row = await DecisionRow.filter(seq=seq).using_db(self._connection).get_or_none()
        if row is None:
            raise NotFound(f"there is no decision {seq}")
        return mapping.decision_of(row, json.loads(row.body))

    async def list(
        self,
        *,
        symbol: str | None = None,
        actions: Sequence[Action] = (),
        idea_id: object = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Decision]:
        query = DecisionRow.all().using_db(self._connection)
        if symbol is not None:
            query = query.filter(symbol=symbol)
        if actions:
            query = query.filter(action__in=[str(action) for action in actions])
        if idea_id is not None:
            query = query.filter(trade_idea_id=idea_id)
        if before is not None:
            query = query.filter(seq__lt=before)
        rows = await query.order_by("-seq").limit(limit)
        return [mapping.decision_of(row, json.loads(row.body)) for row in rows]

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
