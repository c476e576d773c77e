"""Look-ups over one idea or one record: why it was made, and who answered it."""

from uuid import UUID

from engine.domain.ask import Asked, Evidence, Figure, Row
from engine.domain.decision import Action, Decision
from engine.errors import NotFound
from engine.flow.ask.scene import (
    MOST_RECORDS,
    Scene,
    found_in,
    lacks,
    names_of,
    too_many,
)
from engine.flow.overview import JUDGED, story
from engine.ports import Transaction

#: How far back the last trade or idea that fits is looked for.
BACK = 50
_MADE = (Action.AI_PROPOSED, Action.AI_AUTO_EXECUTED, Action.RISK_REJECTED)
#: What "last" means, by the code of a question.
LASTS = {
    "decision": JUDGED,
    "idea": _MADE,
    "trade": (Action.ORDER_FILLED,),
    "refuse": (Action.RISK_REJECTED,),
    "approve": (Action.HUMAN_APPROVED,),
    "reject": (Action.HUMAN_REJECTED,),
    "expire": (Action.IDEA_EXPIRED,),
    "halt": (Action.AI_HALTED,),
    "resume": (Action.AI_RESUMED,),
}
_ANSWERS = {
    "approve": (Action.HUMAN_APPROVED,),
    "reject": (Action.HUMAN_REJECTED,),
    None: (Action.HUMAN_APPROVED, Action.HUMAN_REJECTED),
}


async def why(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """Why an idea was made and what became of it; of a record, what it rests on."""
    if asked.decision is not None:
        return await _why_record(scene, tx, asked, asked.decision)
    if asked.idea is not None:
        return await _idea(scene, tx, asked, asked.idea)
    last = await last_idea(tx, asked)
    return lacks(asked, "last", most=BACK) if last is None else await _idea(scene, tx, asked, last)


async def _idea(scene: Scene, tx: Transaction, asked: Asked, wanted: int | UUID) -> Evidence:
    try:
        found = await story(tx, wanted)
    except NotFound:
        return lacks(asked, "idea", number=wanted if isinstance(wanted, int) else None)
    idea = found.idea
    figures: dict[str, Figure] = {
        "number": idea.number,
        "symbol": idea.proposal.symbol,
        "direction": str(idea.proposal.direction),
        "strategy": idea.strategy_name,
        "score": idea.confidence.score,
        "entry": idea.proposal.entry,
        "stop_loss": idea.proposal.stop_loss,
        "volume": idea.sizing.volume,
        "risk_money": idea.sizing.risk_money,
        "status": str(idea.status),
        "result": found.decision.entry.risk_check_result,
        "at": idea.market_time,
    }
    return Evidence(
        asked=asked,
        figures=figures,
        records=(found.decision.seq,),
        ideas=((idea.number, idea.id),),
        currency=scene.currency,
        subject=found,
    )


async def _why_record(scene: Scene, tx: Transaction, asked: Asked, number: int) -> Evidence:
    try:
        decision = await tx.history.get(number)
    except NotFound:
        return lacks(asked, "decision", number=number)
    if decision.entry.idea_id is not None and decision.entry.action in JUDGED:
        return await _idea(scene, tx, asked, decision.entry.idea_id)
    return record(asked, decision)


def record(asked: Asked, decision: Decision) -> Evidence:
    """One record as it stands."""
    entry = decision.entry
    figures: dict[str, Figure] = {
        "number": decision.seq,
        "action": str(entry.action),
        "symbol": entry.symbol,
        "at": entry.market_time or entry.occurred_at,
        "by": entry.actor,
        "result": entry.risk_check_result,
        "score": entry.confidence_score,
    }
    return Evidence(asked=asked, figures=figures, records=(decision.seq,), subject=decision)


async def last_idea(tx: Transaction, asked: Asked) -> UUID | None:
    """The newest idea that fits; with "trade" only those whose order was filled."""
    actions = LASTS["trade"] if asked.what == "trade" else _MADE
    for one in await tx.history.list(symbol=asked.symbol, actions=actions, limit=BACK):
        if one.entry.idea_id is None or one.entry.human_override:
            continue
        if asked.direction is None:
            return one.entry.idea_id
        idea = await tx.ideas.get(one.entry.idea_id)
        if idea.proposal.direction is asked.direction:
            return idea.id
    return None


async def who(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """Who answered an idea; or how many answers each person gave in a time."""
    if asked.idea is not None:
        return await _who_one(tx, asked, asked.idea)
    period = scene.period(asked)
    actions = _ANSWERS[asked.what]
    if asked.what != "reject" and asked.person is None:
        actions = (*actions, Action.AI_AUTO_EXECUTED)
    found = await tx.recorded.answers(
        actions, period.since, period.until, symbol=asked.symbol, most=MOST_RECORDS
    )
    if found is None:
        return too_many(scene, asked)
    names = await names_of(tx)
    wanted = None if asked.person is None else f"person:{asked.person}"
    rows: list[Row] = [
        {
            "action": one.action,
            "by": names.get(one.actor, one.actor),
            "records": one.records,
            "last": one.last,
        }
        for one in found
        if wanted in (None, one.actor)
    ]
    figures: dict[str, Figure] = {
        "answers": sum(one.records for one in found if wanted in (None, one.actor)),
        "person": None if wanted is None else names.get(wanted),
    }
    return await found_in(
        scene, tx, asked,
        figures=figures,
        rows=rows,
        records=[one.last for one in found if wanted in (None, one.actor)][:4],
        is_empty=not rows,
    )  # fmt: skip


async def _who_one(tx: Transaction, asked: Asked, number: int) -> Evidence:
    try:
        found = await story(tx, number)
    except NotFound:
        return lacks(asked, "idea", number=number)
    idea, approval = found.idea, found.approval
    figures: dict[str, Figure] = {
        "number": number,
        "symbol": idea.proposal.symbol,
        "direction": str(idea.proposal.direction),
        "status": str(idea.status),
        "result": found.decision.entry.risk_check_result,
    }
    if approval is not None:
        figures |= {
            "ending": str(approval.ending),
            "by": approval.decided_name,
            "at": approval.decided_at,
            "code": approval.detail,
        }
    answers = await tx.history.list(idea_id=idea.id, limit=20)
    ended = (*_ANSWERS[None], Action.IDEA_EXPIRED)
    records = [one.seq for one in answers if one.entry.action in ended or one.entry.human_override]
    return Evidence(
        asked=asked,
        figures=figures,
        records=(*records, found.decision.seq),
        ideas=((number, idea.id),),
    )
