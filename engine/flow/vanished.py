"""Trades that a venue neither holds nor ever reports as ended: given up, and told to people."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from engine.domain.account import Position
from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.flow.ideas import card_notice
from engine.ports import Transaction
from engine.snapshot.canonical import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many answered looks in a row must have missed a trade, and over how many seconds, before
    it is given up: a terminal that is starting shows an account without trades for a while.
    """

    looks: int = 20
    seconds: float = 600.0

    async def over(self, tx: Transaction, account_id: str) -> tuple[Position, ...]:
        """Trades that were missed for so long."""
        found = await tx.missed.vanished(account_id, looks=self.looks, seconds=self.seconds)
        return tuple(found)


USUAL = Patience()


async def give_up(
    tx: Transaction, overdue: Collection[Position], shown: Collection[str], market_time: datetime
) -> list[Entry]:
    """Records of the overdue trades that this look did not show either, nor their end: each is
    taken for ended with an unknown result, and people are told. It counts as no profit and no loss.
    """
    entries = []
    for held in overdue:
        if held.id in shown or not await tx.missed.give_up(held.id):
            continue
        order = await tx.orders.find(held.client_id) if held.client_id else None
        idea_id = order.idea_id if order else None
        detail = {"position_id": held.id, "symbol": held.symbol, "idea_id": str(idea_id)}
        await tx.outbox.tell(
            Notice(
                kind=Kind.TRADE_LOST, key=f"lost:{held.id}", priority=Priority.SAFETY, detail=detail
            ),
            Audience(at_least=Role.VIEWER),
        )
        if idea_id is not None:
            await tx.outbox.tell(card_notice(idea_id, f"lost:{held.id}"), Audience())
        entries.append(
            Entry(
                action=Action.POSITION_LOST,
                occurred_at=await tx.now(),
                actor="broker",
                symbol=held.symbol,
                market_time=market_time,
                rationale="the venue shows neither the trade nor its end; its result is not known",
                idea_id=idea_id,
                detail={"position": plain(held)},
            )
        )
    return entries
