"""Everything that happened (sources 000 and 001): the audit's events with their filters."""

from dataclasses import dataclass
from uuid import UUID

from bot.api.fields import Instant, Symbol
from bot.api.routing import Answer, Call, Routes
from bot.api.shapes import Before, Limit, next_page
from engine.domain.decision import Action
from engine.domain.pages import HistoryLine
from engine.domain.person import Role

routes = Routes("events")


@dataclass(slots=True, kw_only=True)
class Event:
    """An event: what, when, who, and in words. ``id`` counts; ``market_time`` is the market's."""

    id: int
    type: str
    occurred_at: Instant
    actor: str
    symbol: str | None
    message: str
    result: str | None
    trade_idea_id: UUID | None
    market_time: Instant | None


@routes.get("/v1/events", role=Role.VIEWER)
async def events(
    call: Call,
    type: Action | None = None,  # noqa: A002 -- the parameter's name
    symbol: Symbol | None = None,
    trade_idea_id: UUID | None = None,
    before: Before | None = None,
    limit: Limit = 100,
) -> Answer[list[Event]]:
    """The audit's events, newest first. ``Link`` leads to the next page."""
    lines = await call.uses.reads.history(
        call.person_id,
        action=type,
        symbol=symbol,
        idea_id=trade_idea_id,
        before=before,
        limit=limit,
    )
    headers = next_page(call, len(lines) == limit, lines[-1].number if lines else None)
    return Answer([_event(line) for line in lines], headers=headers)


def _event(line: HistoryLine) -> Event:
    return Event(
        id=line.number,
        type=line.action,
        occurred_at=line.occurred_at,
        actor=line.actor,
        symbol=line.symbol,
        message=line.rationale,
        result=line.risk_check_result,
        trade_idea_id=line.trade_idea_id,
        market_time=line.market_time,
    )
