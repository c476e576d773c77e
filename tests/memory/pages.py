"""The port ``Pages`` over what the other tables keep in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from engine.domain.account import Position, TradingDay
from engine.domain.approval import Ending
from engine.domain.decision import Action, Decision
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.order import UNPROVEN, Order, OrderState
from engine.domain.pages import Board, EquityLine, FillLine, HistoryLine, IdeaLine
from engine.domain.state import Control
from engine.ports import Clock
from storage.ideas import rationale
from storage.mapping import entry_columns
from tests.memory.rows import View
from tests.memory.rules import MemoryControls, MemorySettings

_WAIT = frozenset((IdeaStatus.WAITING, IdeaStatus.NEEDS_APPROVAL))


class MemoryPages:
    """The port ``Pages`` in one transaction."""

    def __init__(
        self, view: View, clock: Clock, controls: MemoryControls, settings: MemorySettings
    ) -> None:
        self._view, self._clock = view, clock
        self._controls, self._settings = controls, settings

    async def history(
        self,
        *,
        symbol: str | None = None,
        action: Action | None = None,
        idea_id: UUID | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[HistoryLine]:
        found = [
            _line(decision)
            for decision in self._view.all("decision")
            if symbol in (None, decision.entry.symbol)
            and action in (None, decision.entry.action)
            and idea_id in (None, decision.entry.idea_id)
            and (before is None or decision.seq < before)
        ]
        return sorted(found, key=lambda line: -line.number)[:limit]

    async def decision(self, id_: UUID) -> int | None:
        for decision in self._view.all("decision"):
            if _line(decision).id == id_:
                return int(decision.seq)
        return None

    async def ideas(
        self, *, status: IdeaStatus | None = None, before: int | None = None, limit: int
    ) -> Sequence[IdeaLine]:
        found = [idea for idea in self._view.all("idea") if status in (None, idea.status)]
        lines = [self._idea(i) for i in found if before is None or i.number < before]
        return sorted(lines, key=lambda line: -line.number)[:limit]

    async def open_ideas(self, limit: int) -> Sequence[IdeaLine]:
        trades = self._view.all("position")
        held = {trade.client_id for trade in trades if isinstance(trade, Position)}
        known = {trade.client_id for trade in trades}
        lately = self._clock() - timedelta(hours=1)
        under_way = {
            order.idea_id
            for order in self._view.all("order")
            if order.state in UNPROVEN
            or order.client_id in held
            or (
                order.state is OrderState.ACKED
                and order.created_at > lately
                and order.client_id not in known
            )
        }
        ideas = self._view.all("idea")
        lines = [self._idea(i) for i in ideas if i.status in _WAIT or i.id in under_way]
        return sorted(lines, key=lambda line: -line.number)[:limit]

    def _idea(self, idea: Idea) -> IdeaLine:
        approval, proposal = self._view.get("approval", idea.id), idea.proposal
        waits = approval is not None and approval.ending is Ending.PENDING
        return IdeaLine(
            id=idea.id,
            symbol=proposal.symbol,
            direction=str(proposal.direction),
            entry_price=proposal.entry,
            stop_loss=proposal.stop_loss,
            take_profit=proposal.take_profit,
            time_limit_min=proposal.time_limit_min,
            rationale=rationale(idea),
            confidence_score=idea.confidence.score,
            status=str(idea.status),
            number=idea.number,
            timeframe=str(proposal.timeframe),
            volume=idea.sizing.volume,
            strategy_id=idea.strategy_id,
            snapshot_ref=idea.bundle_hash,
            created_at=idea.created_at,
            expires_at=approval.expires_at if waits else None,
        )

    async def orders(
        self, *, state: OrderState | None = None, before: datetime | None = None, limit: int
    ) -> Sequence[Order]:
        found = [
            order
            for order in self._view.all("order")
            if state in (None, order.state) and (before is None or order.created_at < before)
        ]
        found.sort(key=lambda order: order.client_id)
        return sorted(found, key=lambda order: order.created_at, reverse=True)[:limit]

    async def fills(self, *, before: datetime | None = None, limit: int) -> Sequence[FillLine]:
        found = [
            FillLine(
                order_id=order.client_id,
                broker_id=order.broker_id,
                symbol=order.symbol,
                direction=str(order.direction),
                price=order.fill_price,
                volume=order.volume,
                time=order.filled_at,
            )
            for order in self._view.all("order")
            if order.state is OrderState.ACKED and (before is None or order.filled_at < before)
        ]
        found.sort(key=lambda fill: fill.order_id)
        return sorted(found, key=lambda fill: fill.time, reverse=True)[:limit]

    async def equity(
        self, account_id: str, *, before: datetime | None = None, limit: int
    ) -> Sequence[EquityLine]:
        found = [
            EquityLine(
                time=bundle.account.captured_at,
                balance=bundle.account.balance,
                equity=bundle.account.equity,
                margin_used=bundle.account.margin_used,
                margin_free=bundle.account.margin_free,
                open_profit=bundle.account.open_profit,
                open_positions=len(bundle.positions),
            )
            for bundle in self._view.all("bundle")
            if bundle.account is not None
            and bundle.account.id == account_id
            and (before is None or bundle.account.captured_at < before)
        ]
        return sorted(found, key=lambda line: line.time, reverse=True)[:limit]

    async def board(self, account_id: str, marks: Sequence[Action], person_id: int) -> Board:
        control: Control = await self._controls.read()
        _, settings = await self._settings.risk()
        day: TradingDay | None = await self._settings.day(account_id)
        pending = [a for a in self._view.all("approval") if a.ending is Ending.PENDING]
        last = await self.history(limit=1_000_000)
        return Board(
            state=str(control.state),
            reason=control.reason,
            mode=str(control.mode),
            daily_profit_target=settings.daily_profit_target,
            weekly_profit_target=settings.weekly_profit_target,
            max_drawdown_amount=settings.max_drawdown_amount,
            min_confidence_threshold=settings.min_confidence_threshold,
            max_concurrent_trades=settings.max_concurrent_trades,
            day=None if day is None else day.day,
            start_equity=None if day is None else day.start_equity,
            peak_equity=None if day is None else day.peak_equity,
            waiting=len(pending),
            role=None if (who := self._view.get("person", person_id)) is None else str(who.role),
            mark=max((line.number for line in last if line.action in marks), default=0),
        )


def _line(decision: Decision) -> HistoryLine:
    columns = entry_columns(decision.entry)
    return HistoryLine(
        id=UUID(decision.hash[:32]),
        occurred_at=columns.occurred_at,
        symbol=columns.symbol,
        action=columns.action,
        rationale=columns.rationale,
        confidence_score=columns.confidence_score,
        risk_check_result=columns.risk_check_result,
        strategy_id=columns.strategy_id,
        trade_idea_id=columns.trade_idea_id,
        snapshot_ref=columns.snapshot_ref,
        human_override=columns.human_override,
        number=decision.seq,
        actor=columns.actor,
        market_time=columns.market_time,
    )
