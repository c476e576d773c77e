"""Figures of the record, in memory: by going through all of it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.domain.approval import Ending
from engine.domain.decision import Action, Decision
from engine.domain.idea import IdeaStatus
from engine.domain.order import ClosedTrade
from engine.domain.outcome import Outcome
from engine.domain.recorded import AnsweredBy, Became, Counted, Extent, TradeLine
from engine.ports import Clock
from tests.memory.rows import View

_MADE = (Action.AI_PROPOSED, Action.AI_AUTO_EXECUTED, Action.RISK_REJECTED)
_UNSENT = (Ending.PRICE_MOVED, Ending.GATE_CLOSED, Ending.HALTED)


class MemoryRecorded:
    """The port ``Recorded`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def counts(
        self,
        actions: Sequence[Action],
        since: datetime,
        until: datetime,
        *,
        symbol: str | None = None,
        most: int,
    ) -> Sequence[Counted] | None:
        return self._grouped(
            self._in(actions, since, until, symbol),
            lambda d: (str(d.entry.action), d.entry.risk_check_result),
            Counted,
            most,
        )

    async def answers(
        self,
        actions: Sequence[Action],
        since: datetime,
        until: datetime,
        *,
        symbol: str | None = None,
        most: int,
    ) -> Sequence[AnsweredBy] | None:
        return self._grouped(
            self._in(actions, since, until, symbol),
            lambda d: (str(d.entry.action), d.entry.actor),
            AnsweredBy,
            most,
        )

    async def proposed(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[Decision] | None:
        found = [d for d in self._in(_MADE, since, until, symbol) if not d.entry.human_override]
        return None if len(found) > most else found

    async def trades(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[TradeLine] | None:
        orders = {order.client_id: order for order in self._view.all("order")}
        lines = []
        for trade in self._view.all("position"):
            if not isinstance(trade, ClosedTrade) or not since <= trade.closed_at < until:
                continue
            if symbol is not None and trade.symbol != symbol:
                continue
            order = orders.get(trade.client_id)
            idea = None if order is None else self._view.get("idea", order.idea_id)
            lines.append(
                TradeLine(
                    position_id=trade.position_id,
                    client_id=trade.client_id,
                    symbol=trade.symbol,
                    direction=str(trade.direction),
                    profit=trade.profit,
                    closed_at=trade.closed_at,
                    number=None if idea is None else idea.number,
                    idea_id=None if idea is None else idea.id,
                    strategy=None if idea is None else idea.strategy_name,
                )
            )
        lines.sort(key=lambda line: (line.closed_at, line.position_id))
        return None if len(lines) > most else lines

    async def became(
        self, since: datetime, until: datetime, *, symbol: str | None = None, most: int
    ) -> Sequence[Became] | None:
        groups: defaultdict[tuple[str, str | None], list[tuple[int, Decimal]]] = defaultdict(list)
        ideas = [
            idea
            for idea in self._view.all("idea")
            if since <= idea.market_time < until and symbol in (None, idea.proposal.symbol)
        ]
        for idea in ideas:
            step = self._view.get("outcome", idea.id)
            ended = step if isinstance(step, Outcome) else None
            result = None if ended is None else str(ended.result)
            r = Decimal(0) if ended is None or ended.r is None else ended.r
            groups[(self._group(idea), result)].append((idea.number, r))
        if len(ideas) > most:
            return None
        return [
            Became(group, result, len(some), sum((r for _, r in some), Decimal(0)), max(some)[0])
            for (group, result), some in sorted(
                groups.items(), key=lambda item: (item[0][0], item[0][1] is None, item[0][1])
            )
        ]

    def _group(self, idea: Any) -> str:
        approval = self._view.get("approval", idea.id)
        if approval is not None and approval.ending in (Ending.REJECTED, Ending.EXPIRED):
            return str(approval.ending)
        if approval is not None and approval.ending is Ending.PENDING:
            return "waiting"
        if approval is not None and approval.ending in _UNSENT:
            return "unsent"
        held = idea.status in (IdeaStatus.REJECTED, IdeaStatus.HALTED_BY_RISK)
        return "refused" if held else "traded"

    async def extent(self) -> Extent:
        judged = (Action.NO_TRADE, *_MADE)
        decisions = self._view.all("decision")
        times = [
            d.entry.market_time
            for d in decisions
            if d.entry.market_time is not None and d.entry.action in judged
        ]
        symbols = sorted({d.entry.symbol for d in decisions if d.entry.symbol is not None})
        return Extent(min(times, default=None), max(times, default=None), tuple(symbols[:50]))

    async def idea_of_message(self, chat_id: int, message_id: int) -> int | None:
        return None  # This store sends no messages.

    async def ask(self, person_id: int, seconds: int) -> tuple[int, datetime]:
        now = self._clock()
        asked, since = self._view.get("question", person_id) or (0, now)
        if since <= now - timedelta(seconds=seconds):
            asked, since = 0, now
        await self._view.put("question", person_id, (asked + 1, since))
        return asked + 1, since + timedelta(seconds=seconds)

    def _in(
        self, actions: Sequence[Action], since: datetime, until: datetime, symbol: str | None
    ) -> list[Decision]:
        found = [
            d
            for d in self._view.all("decision")
            if d.entry.action in actions
            and d.entry.market_time is not None
            and since <= d.entry.market_time < until
            and symbol in (None, d.entry.symbol)
        ]
        return sorted(found, key=lambda d: d.seq)

    def _grouped(
        self, found: list[Decision], key: Callable[[Decision], Any], line: Any, most: int
    ) -> Any:
        if len(found) > most:
            return None
        groups: defaultdict[Any, list[int]] = defaultdict(list)
        for decision in found:
            groups[key(decision)].append(decision.seq)
        lines = [line(*name, len(seqs), max(seqs)) for name, seqs in groups.items()]
        return sorted(lines, key=lambda one: (-one[2], one[0], one[1] is None, one[1]))
