"""The closes of a command: each is a position order like one that a person confirmed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.domain.account import Position
from engine.domain.decision import Entry
from engine.domain.operator_command import OperatorCommand, pair_of
from engine.domain.position_orders import (
    OPEN,
    Deed,
    PositionOrder,
    PositionOrderState,
)
from engine.flow.position_records import INTENT_LIFE, SHORT, entry, position_client_id
from engine.ports import Transaction

#: Ends after which there is nothing left to close.
_GONE = ("gone", "already")


def concerned(command: OperatorCommand, positions: Sequence[Position]) -> list[Position]:
    """The open trades a command is about."""
    pair = command.payload.pair
    return [p for p in positions if pair is None or pair_of(pair, (p.symbol,)) == p.symbol]


async def ask(
    tx: Transaction,
    command: OperatorCommand,
    account_id: str,
    position: Position,
    now: datetime,
) -> tuple[dict[str, Any], Entry | None]:
    """Want a position closed; joins a close of all of it that is under way already. The answer is
    the command's action, and the record of a new order.
    """
    asked = await tx.position_orders.of_position(account_id, position.id)
    running = [order for order in asked if order.state in OPEN and order.closes_all]
    if running:
        return _action(running[0], "joined"), None
    order = await _order(tx, command, account_id, position, now)
    if not await tx.position_orders.add(order):
        return _action(await tx.position_orders.get(order.client_id), "joined"), None
    why = f"command {command.id} wants it closed"
    return _action(order, "asked"), entry(order, now, rationale=why)


async def _order(
    tx: Transaction,
    command: OperatorCommand,
    account_id: str,
    position: Position,
    now: datetime,
) -> PositionOrder:
    opening = await tx.orders.find(position.client_id) if position.client_id else None
    idea = None if opening is None else await tx.ideas.get(opening.idea_id)
    return PositionOrder(
        client_id=position_client_id(account_id, "command", command.id, position.id),
        account_id=account_id,
        position_id=position.id,
        symbol=position.symbol,
        deed=Deed.CLOSE,
        state=PositionOrderState.INTENT,
        asked_by=command.person_id,
        asked_name=command.actor_name,
        created_at=now,
        valid_until=now + INTENT_LIFE,
        seen=position,
        idea_id=None if idea is None else idea.id,
        number=None if idea is None else idea.number,
        volume_left=Decimal(0),
    )


async def ends(tx: Transaction, command: OperatorCommand) -> list[dict[str, Any]] | None:
    """What became of every close of a command; None while one of them is not over."""
    found = []
    for action in command.actions:
        order = await tx.position_orders.get(action["client_id"])
        if order.state in OPEN:
            return None
        found.append(_ended(order))
    return found


def _ended(order: PositionOrder) -> dict[str, Any]:
    if order.state is PositionOrderState.DONE:
        dealt = {"price": order.price, "volume": order.volume_closed}
        texts = {name: str(value) for name, value in dealt.items() if value is not None}
        if order.reason == SHORT:
            left = order.facts["volume"]
            return {**_action(order, "failed"), **texts, "reason": SHORT, "left": left}
        return {**_action(order, "closed"), **texts}
    reason = order.reason or str(order.state)
    return {**_action(order, "gone" if reason in _GONE else "failed"), "reason": reason}


def _action(order: PositionOrder, outcome: str) -> dict[str, Any]:
    return {
        "action": "close",
        "symbol": order.symbol,
        "position_id": order.position_id,
        "client_id": order.client_id,
        "outcome": outcome,
    }
