"""Trade ideas (source 004 §6.4): those that are open, all of them, and a person's answer."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bot.api.fields import Exact, Given, Instant, Number, Told
from bot.api.records import ExplanationTold, explanation_told
from bot.api.routing import Answer, Call, Routes
from bot.api.shapes import Before, Limit, Wanted, next_page
from engine.domain.account import Position
from engine.domain.approval import Approval, Ending
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.order import Order, OrderState
from engine.domain.pages import IdeaLine
from engine.domain.person import Role
from engine.flow.answering import Became
from engine.flow.overview import Story

routes = Routes("ideas")

_HOUR, _DAY = 60, 24 * 60
_SMALLEST, _LARGEST = Decimal("0.00000001"), Decimal(1_000_000)


@dataclass(slots=True)
class IdeaTold:
    """An idea, as source 004 tells it; then its number, its size, and until when it waits."""

    id: UUID
    symbol: str
    direction: Literal["buy", "sell"]
    entry_price: Number
    stop_loss: Number
    take_profit: tuple[Number, ...]
    expected_hold: str
    rationale: str
    confidence_score: Number
    status: IdeaStatus
    number: int
    timeframe: str
    volume: Number
    strategy_id: UUID
    snapshot_ref: str
    created_at: Instant
    expires_at: Instant | None


class AnswerTold(Told):
    """How people answered: ``ending`` is how it stands, ``reason`` the check that decided."""

    ending: Ending
    expires_at: Instant
    answered_by: str | None
    answered_at: Instant | None
    reason: str | None
    volume: Number | None


class OrderTold(Told):
    """An order: ``id`` is ours, ``mt5_order_id`` the venue's once it has taken it."""

    id: str
    mt5_order_id: int | str | None
    idea_id: UUID
    symbol: str
    direction: Literal["buy", "sell"]
    lot_size: Number
    stop_loss: Number
    take_profit: list[Number]
    status: OrderState
    filled_price: Number | None
    filled_at: Instant | None
    reason: str | None
    created_at: Instant


class TradeTold(Told):
    """The trade that came of it; the end is null while it is open."""

    is_open: bool
    lot_size: Number
    entry_price: Number
    exit_price: Number | None
    profit: Number
    opened_at: Instant
    closed_at: Instant | None
    reason: str | None


class StoryTold(Told):
    """An idea and what became of it; ``record`` is the number of the record that proposed it."""

    idea: IdeaTold
    answer: AnswerTold | None
    order: OrderTold | None
    trade: TradeTold | None
    record: int
    explanations: list[ExplanationTold]


class Size(Given):
    """At most so many lots, down to the symbol's step; without it the size of the card."""

    lot_size: Annotated[Exact, Field(ge=_SMALLEST, le=_LARGEST)] | None = None


class Executed(Told):
    """The venue took it."""

    status: Literal["executed"] = "executed"
    mt5_order_id: int | str | None


class UnderWay(Told):
    """It is approved. ``accepted``: on its way. ``unknown``: the venue did not say clearly; that is
    found out, and it is never sent twice. ``order_id`` is ours.
    """

    status: Literal["accepted", "unknown"]
    order_id: str


class Blocked(Told):
    """Nothing was traded; ``reason`` is the code of the check that closed, or of the venue."""

    status: Literal["blocked"] = "blocked"
    reason: str


class Rejected(Told):
    """Nobody will trade it."""

    status: Literal["rejected"] = "rejected"


@routes.get("/v1/ai/ideas/active", role=Role.VIEWER)
async def active(call: Call, limit: Limit = 100) -> list[IdeaTold]:
    """Ideas that wait for a person, and those whose order or trade is under way."""
    return [_line(line) for line in await call.uses.reads.ideas.open(call.person_id, limit)]


@routes.get("/v1/ai/ideas", role=Role.VIEWER)
async def ideas(
    call: Call, status: IdeaStatus | None = None, before: Before | None = None, limit: Limit = 100
) -> Answer[list[IdeaTold]]:
    """All ideas, newest first. ``before`` is a number; ``Link`` leads to the next page."""
    lines = await call.uses.reads.ideas(call.person_id, status=status, before=before, limit=limit)
    headers = next_page(call, len(lines) == limit, lines[-1].number if lines else None)
    return Answer([_line(line) for line in lines], headers=headers)


@routes.get("/v1/ai/ideas/{idea_id}", role=Role.VIEWER)
async def idea(call: Call, idea_id: Wanted) -> StoryTold:
    """One idea, by its id or by its number, and what became of it."""
    return _story(await call.uses.talk.read_idea(call.person_id, idea_id))


@routes.post("/v1/ai/ideas/{idea_id}/approve", role=Role.TRADER, statuses=(409,))
async def approve(call: Call, idea_id: Wanted, body: Size) -> Executed | UnderWay | Blocked:
    """Approve an idea. The risk is checked again, the order is sent, and the venue waited for.

    After some ten seconds without an answer of the venue the status is ``accepted``. Ask again to
    learn how it ended; nothing is sent twice. An idea that somebody else answered is CONFLICT.
    """
    done = await call.uses.reads.approve(
        idea_id,
        person_id=call.person_id,
        chat_id=call.caller.person.chat_id,
        at_most=body.lot_size,
    )
    if done.became is Became.BLOCKED or done.order is None:
        return Blocked(reason=done.reason or "")
    if done.became is Became.EXECUTED:
        return Executed(mt5_order_id=number_of(done.order))
    return UnderWay(status=done.became.value, order_id=done.order.client_id)  # type: ignore[arg-type]


@routes.post("/v1/ai/ideas/{idea_id}/reject", role=Role.TRADER, statuses=(409,))
async def reject(call: Call, idea_id: Wanted) -> Rejected:
    """Reject an idea. One that was answered otherwise, or too late, is CONFLICT."""
    person = call.caller.person
    await call.uses.reads.reject(idea_id, person_id=person.id, chat_id=person.chat_id)
    return Rejected()


def number_of(order: Order) -> int | str | None:
    """The venue's number of an order; venues that name orders by texts are told by their texts."""
    number = order.broker_id
    return int(number) if number is not None and number.isdecimal() else number


def order_told(order: Order) -> OrderTold:
    """An order."""
    return OrderTold(
        id=order.client_id,
        mt5_order_id=number_of(order),
        idea_id=order.idea_id,
        symbol=order.symbol,
        direction=order.direction.value,
        lot_size=order.volume,
        stop_loss=order.stop_loss,
        take_profit=list(order.take_profit),
        status=order.state,
        filled_price=order.fill_price,
        filled_at=order.filled_at,
        reason=order.reason,
        created_at=order.created_at,
    )


def _line(line: IdeaLine) -> IdeaTold:
    told = IdeaTold(*line)  # type: ignore[arg-type]
    told.expected_hold, told.status = _hold(line.time_limit_min), IdeaStatus(line.status)
    return told


def _hold(minutes: int | None) -> str:
    """How long a trade of it may last, in source 004's words."""
    if minutes is None:
        return "until_exit"
    if minutes <= _HOUR:
        return f"scalp_{minutes}m"
    return f"intraday_{-(-minutes // _HOUR)}h" if minutes < _DAY else f"swing_{minutes // _DAY}d"


def _story(story: Story) -> StoryTold:
    order, approval = story.order, story.approval
    return StoryTold(
        idea=_idea(story.idea, approval, story.decision.entry.rationale),
        answer=None if approval is None else _answer(approval),
        order=None if order is None else order_told(order),
        trade=_trade(story),
        record=story.decision.seq,
        explanations=[explanation_told(each) for each in story.explanations],
    )


def _idea(idea: Idea, approval: Approval | None, rationale: str) -> IdeaTold:
    waits = approval is not None and approval.ending is Ending.PENDING
    return IdeaTold(
        id=idea.id,
        symbol=idea.proposal.symbol,
        direction=idea.proposal.direction.value,
        entry_price=idea.proposal.entry,
        stop_loss=idea.proposal.stop_loss,
        take_profit=idea.proposal.take_profit,
        expected_hold=_hold(idea.proposal.time_limit_min),
        rationale=rationale,
        confidence_score=idea.confidence.score,
        status=idea.status,
        number=idea.number,
        timeframe=str(idea.proposal.timeframe),
        volume=idea.sizing.volume,
        strategy_id=idea.strategy_id,
        snapshot_ref=idea.bundle_hash,
        created_at=idea.created_at,
        expires_at=approval.expires_at if approval is not None and waits else None,
    )


def _answer(approval: Approval) -> AnswerTold:
    return AnswerTold(
        ending=approval.ending,
        expires_at=approval.expires_at,
        answered_by=approval.decided_name,
        answered_at=approval.decided_at,
        reason=approval.detail,
        volume=approval.volume,
    )


def _trade(story: Story) -> TradeTold | None:
    trade = story.trade
    if trade is None:
        return None
    end = None if isinstance(trade, Position) else trade
    return TradeTold(
        is_open=end is None,
        lot_size=trade.volume,
        entry_price=trade.entry_price,
        exit_price=None if end is None else end.exit_price,
        profit=trade.profit,
        opened_at=trade.opened_at,
        closed_at=None if end is None else end.closed_at,
        reason=None if end is None else end.reason,
    )
