"""Orders by hand (source 001): through the same gate and the same life as every other order."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from bot.api.commands import Account, Key
from bot.api.fields import Exact, Given, Number, Symbol, Text, Told
from bot.api.ideas import OrderTold, number_of, order_told
from bot.api.judging import CheckTold
from bot.api.routing import Call, Routes
from bot.api.shapes import Price
from engine.domain.account import Direction
from engine.domain.operator_command import AccountMode
from engine.domain.person import Role
from engine.flow.by_hand import HandOrder, Placed
from engine.flow.judgement import ByHand

routes = Routes("by_hand")

Lots = Annotated[Exact, Field(ge=Decimal("1e-9"), le=1_000_000)]


class OrderWanted(Given):
    """A market order. ``lot_size`` is the most it may be, down to the symbol's step; without it, as
    large as the limits allow. ``entry_price`` is the price you looked at: when the market has moved
    too far from it, nothing is traded. ``mode`` is the kind of account you mean.
    """

    symbol: Symbol
    direction: Literal["buy", "sell"]
    entry_type: Literal["market"] = "market"
    stop_loss: Price
    take_profit: Annotated[list[Price], Field(min_length=1, max_length=5)]
    lot_size: Lots | None = None
    entry_price: Price | None = None
    reason: Annotated[Text, Field(max_length=200)] = ""
    mode: Account | None = None
    idempotency_key: Key


class PlacedTold(Told):
    """How it stands. ``executed``: the venue took it. ``accepted``: on its way. ``unknown``: the
    venue did not say clearly; that is found out, and it is never sent twice. ``blocked``: nothing
    is traded, ``reason`` is the code of the check that closed, or the venue's; ``closed`` are the
    checks that were closed at first, with what they saw.
    """

    status: Literal["executed", "accepted", "unknown", "blocked"]
    mt5_order_id: int | str | None
    reason: str | None
    mode: AccountMode
    idea_id: UUID
    idea: int
    entry_price: Number
    lot_size: Number
    risk_money: Number
    risk_percent: Number
    confidence_score: Number
    closed: list[CheckTold]
    order: OrderTold | None


@routes.post("/v1/trading/live/order", role=Role.TRADER, statuses=(404, 409))
async def live_order(call: Call, body: OrderWanted) -> PlacedTold:
    """Order by hand: sized, judged by every check, written down, sent once, and waited for.

    Real money moves only where ``LIVE_TRADING_ENABLED`` is set and everything of
    ``/v1/system/live`` holds; otherwise the check ``live_checklist`` is closed. Asked again with
    the same ``idempotency_key``, it answers how the first order stands; another order under it is
    CONFLICT.
    """
    order = HandOrder(
        symbol=body.symbol,
        wanted=ByHand(
            direction=Direction(body.direction),
            stop_loss=body.stop_loss,
            take_profit=tuple(body.take_profit),
            by="",
            reason=body.reason,
            at_most=body.lot_size,
            entry=body.entry_price,
        ),
        key=body.idempotency_key,
        mode=None if body.mode is None else AccountMode(body.mode),
    )
    placed = await call.uses.acts.order_by_hand(
        order, person_id=call.person_id, chat_id=call.caller.person.chat_id
    )
    return _told(placed)


def _told(placed: Placed) -> PlacedTold:
    idea, order = placed.idea, placed.approved.order
    return PlacedTold(
        status=placed.approved.became.value,
        mt5_order_id=None if order is None else number_of(order),
        reason=placed.approved.reason,
        mode=placed.mode,
        idea_id=idea.id,
        idea=idea.number,
        entry_price=idea.proposal.entry,
        lot_size=idea.sizing.volume,
        risk_money=idea.sizing.risk_money,
        risk_percent=idea.sizing.risk_percent,
        confidence_score=idea.confidence.score,
        closed=[
            CheckTold(code=one.code, passed=one.passed, observed=one.observed, limit=one.limit)
            for one in placed.outcome.checks
            if not one.passed
        ],
        order=None if order is None else order_told(order),
    )
