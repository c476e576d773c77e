"""Deals that a terminal shows although it had said that their command was not carried out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.domain.decision import Action, Entry
from engine.domain.terminal import Command, CommandType, Terminal
from engine.errors import NotFound
from engine.flow.bridge import alert
from engine.ports import Transaction
from engine.snapshot.canonical import plain


async def corrections(
    tx: Transaction, terminal: Terminal, deals: Sequence[Mapping[str, Any]], now: datetime
) -> list[Entry]:
    """Raise an alarm for each such deal of a snapshot that nobody was told of yet, and answer its
    record, the caller's to append. ``deals`` are as the terminal tells them: ``entry`` 0 opened.
    """
    # A stop or target carries its opening's number: only a close's own deal counts.
    if not (dealt := {(deal["magic"], deal["entry"] == 0): deal for deal in deals}):
        return []
    commands = await tx.commands.of_magics(terminal.account_id, {magic for magic, _ in dealt})
    entries = []
    for command in commands:
        deal = dealt.get((command.magic, command.type is CommandType.OPEN))
        if deal is None or command.result is None or command.client_id is None:
            continue
        if command.result.is_dealt:
            continue
        idea_id, symbol = await _whose(tx, command.client_id)
        told = await tx.history.list(actions=(Action.ORDER_FILLED,), idea_id=idea_id, limit=100)
        if any(d.entry.detail.get("late", {}).get("id") == command.id for d in told):
            continue
        what = "late_deal" if command.type is CommandType.OPEN else "late_close"
        await alert(tx, terminal, f"{what}:{command.id}", {"what": what, "command": command.id})
        entries.append(_late(command, deal, idea_id, symbol, now))
    return entries


async def _whose(tx: Transaction, client_id: str) -> tuple[UUID | None, str | None]:
    """The idea and the symbol of an order, or of a close of its trade."""
    order = await tx.orders.find(client_id)
    if order is not None:
        return order.idea_id, order.symbol
    try:
        close = await tx.position_orders.get(client_id)
    except NotFound:
        return None, None
    return close.idea_id, close.symbol


def _late(
    command: Command,
    deal: Mapping[str, Any],
    idea_id: UUID | None,
    symbol: str | None,
    now: datetime,
) -> Entry:
    assert command.result is not None
    return Entry(
        action=Action.ORDER_FILLED,
        occurred_at=now,
        actor="broker",
        symbol=symbol,
        rationale=f"{command.id} was dealt at {deal['price']} although the terminal had said"
        f" {command.result.status}",
        risk_check_result="fail:late_deal",
        idea_id=idea_id,
        detail={"late": {"id": command.id, "result": plain(command.result), "deal": dict(deal)}},
    )
