"""The advisor: look at the last trades and their fills, and propose what the rules would change."""

from dataclasses import dataclass
from decimal import Decimal

from engine.domain.approval import Approval, Ending
from engine.domain.change_proposal import ChangeDraft, ChangeProposal, Source
from engine.domain.idea import Idea
from engine.domain.order import ClosedTrade, Order
from engine.domain.person import Role
from engine.flow.change_proposals import ProposeChange
from engine.flow.people import person_at_least
from engine.flow.performance import in_risk, whole
from engine.ports import Bell, Store, Transaction
from engine.research.advice import Advice, Past, Situation, advise
from engine.scoring.metrics import Trade, measure

#: The last parts of trades that are looked at, and the last answers.
_PARTS, _ANSWERS = 200, 100
_BY = "advisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advise:
    """Propose what the rules say, now; for a trader, or by the clock (``person_id`` None).

    Answers the new proposals. What is proposed already, or was turned down lately, is not proposed
    again. Raises :class:`NotAllowed` below a trader. Where a person asks, a worker is rung to ask
    the language model too; what comes of that comes later.
    """

    store: Store
    propose: ProposeChange
    bell: Bell

    async def __call__(self, person_id: int | None = None) -> tuple[ChangeProposal, ...]:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.TRADER)
            found = advise(await situation(tx))
        made = [await self.propose(_draft(advice)) for advice in found]
        if person_id is not None:
            await self.bell.ring("suggest")
        return tuple(one for one in made if one is not None)


def _draft(advice: Advice) -> ChangeDraft:
    return ChangeDraft(
        subject=advice.subject,
        changes=advice.changes,
        source=Source.ADVISOR,
        by=_BY,
        grounds=advice.grounds,
    )


async def situation(tx: Transaction) -> Situation:
    """What the rules look at, from what is stored."""
    version, settings = await tx.settings.risk()
    closed = (await tx.orders.closed(since=None, limit=_PARTS))[::-1]
    ids = {trade.client_id for trade in closed if trade.client_id is not None}
    orders = {order.client_id: order for order in await tx.orders.many(sorted(ids))}
    trades = [(trade, orders.get(trade.client_id or "")) for trade in whole(closed)]
    past = [await _past(tx, trade, order) for trade, order in trades]
    measured = [
        Trade(closed_at=trade.closed_at, profit=trade.profit, r=in_risk(trade, order))
        for trade, order in trades
    ]
    answers = [one for one in await tx.ideas.asked(pending=False, limit=_ANSWERS) if _tapped(one)]
    return Situation(
        settings=settings,
        version=version,
        past=tuple(past),
        # A fall in money is the same from whatever balance it began.
        metrics=measure(measured, start=Decimal(0)),
        answered=len(answers),
        moved=sum(approval.ending is Ending.PRICE_MOVED for _, approval in answers),
        paused_symbols=(await tx.controls.read()).paused_symbols,
    )


def _tapped(asked: tuple[Idea, Approval]) -> bool:
    return asked[1].ending in (Ending.APPROVED, Ending.PRICE_MOVED)


async def _past(tx: Transaction, trade: ClosedTrade, order: Order | None) -> Past:
    idea = None if order is None else await tx.ideas.get(order.idea_id)
    return Past(
        symbol=trade.symbol,
        profit=trade.profit,
        r=in_risk(trade, order),
        score=None if idea is None else idea.confidence.score,
        slippage=slippage(idea, order),
    )


def slippage(idea: Idea | None, order: Order | None) -> Decimal | None:
    """How much worse than proposed an order was filled, in units of the idea's risk: above zero is
    a loss. None where it is not known.
    """
    if idea is None or order is None or order.fill_price is None or not idea.proposal.risk:
        return None
    worse = (order.fill_price - idea.proposal.entry) * order.direction.sign
    return worse / idea.proposal.risk
