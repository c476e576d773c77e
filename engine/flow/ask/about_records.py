"""Look-ups over what stands in one record: how sure, what news there were, what came last."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from engine.domain.ask import Asked, Evidence, Figure, Row
from engine.domain.decision import Decision
from engine.domain.snapshot import Bundle
from engine.errors import NotFound, SnapshotNotFound
from engine.flow.ask.about_ideas import BACK, LASTS, last_idea, record
from engine.flow.ask.scene import Scene, found_in, lacks, names_of
from engine.flow.overview import JUDGED, Story, story
from engine.flow.replay import bundle_of
from engine.ports import Transaction

#: News this far from an idea are near it.
_NEAR = timedelta(hours=12)
_MOST_NEWS = 6


async def confidence(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """How far an idea's score was from the threshold that held when it was made."""
    wanted: int | UUID | None = asked.idea
    if wanted is None:
        wanted = await last_idea(tx, asked)
    if wanted is None:
        return lacks(asked, "last", most=BACK)
    try:
        found = await story(tx, wanted)
    except NotFound:
        return lacks(asked, "idea", number=asked.idea)
    score = found.idea.confidence.score
    needed = found.bundle.settings.min_confidence_threshold
    figures: dict[str, Figure] = {
        "number": found.idea.number,
        "symbol": found.idea.proposal.symbol,
        "score": score,
        "threshold": needed,
        "distance": score - needed,
        "floor": found.bundle.settings.confidence_floor,
    }
    return Evidence(
        asked=asked,
        figures=figures,
        records=(found.decision.seq,),
        ideas=((found.idea.number, found.idea.id),),
    )


async def news(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """What was known of the calendar and the news when something was decided."""
    try:
        decision, bundle = await _seen(tx, asked)
    except SnapshotNotFound:
        return lacks(asked, "snapshot", number=asked.decision or asked.idea)
    except NotFound:
        what = "decision" if asked.decision is not None else "idea"
        return lacks(asked, what, number=asked.decision or asked.idea)
    if decision is None or bundle is None:
        return lacks(asked, "last", most=BACK)
    rows: list[Row] = []
    events = () if bundle.calendar is None else bundle.calendar.events
    for event in sorted(events, key=lambda event: abs(event.time - bundle.instant)):
        near = abs(event.time - bundle.instant) <= _NEAR
        if near and event.concerns(bundle.instrument.currencies):
            rows.append({
                "kind": "event", "at": event.time, "currency": event.currency,
                "impact": str(event.impact), "text": event.title,
            })  # fmt: skip
    headlines: list[Row] = [
        {"kind": "news", "at": one.time, "currency": one.source, "impact": "", "text": one.text}
        for one in bundle.news
        if abs(one.time - bundle.instant) <= _NEAR
        and (not one.symbols or bundle.symbol in one.symbols)
    ]
    figures: dict[str, Figure] = {
        "number": decision.seq,
        "symbol": bundle.symbol,
        "at": bundle.instant,
        "calendar": "known" if bundle.calendar is not None else "unknown",
        "events": len(rows),
        "news": len(headlines),
        "hours": Decimal(int(_NEAR.total_seconds()) // 3600),
    }
    return Evidence(
        asked=asked,
        figures=figures,
        rows=(*rows[:_MOST_NEWS], *headlines[:_MOST_NEWS]),
        records=(decision.seq,),
    )


async def _seen(tx: Transaction, asked: Asked) -> tuple[Decision | None, Bundle | None]:
    if asked.decision is not None:
        decision = await tx.history.get(asked.decision)
        return decision, await bundle_of(tx, decision)
    if asked.idea is not None:
        found = await story(tx, asked.idea)
        return found.decision, found.bundle
    if asked.what == "decision":
        last = await tx.history.list(symbol=asked.symbol, actions=JUDGED, limit=1)
        return (last[0], await bundle_of(tx, last[0])) if last else (None, None)
    idea_id = await last_idea(tx, asked)
    if idea_id is None:
        return None, None
    made: Story = await story(tx, idea_id)
    return made.decision, made.bundle


async def last(scene: Scene, tx: Transaction, asked: Asked) -> Evidence:
    """The newest record of a kind."""
    actions = LASTS[asked.what or "decision"]
    for one in await tx.history.list(symbol=asked.symbol, actions=actions, limit=BACK):
        # An idea is made by the machine; a person's yes that a check refused is none.
        if asked.what == "idea" and one.entry.human_override:
            continue
        evidence = record(asked, one)
        if one.entry.idea_id is None:
            return evidence
        idea = await tx.ideas.get(one.entry.idea_id)
        names = await names_of(tx)
        return Evidence(
            asked=asked,
            figures={
                **evidence.figures,
                "idea": idea.number,
                "direction": str(idea.proposal.direction),
                "name": names.get(one.entry.actor),
            },
            records=evidence.records,
            ideas=((idea.number, idea.id),),
            subject=one,
        )
    return await found_in(scene, tx, asked.but(period="all"), figures={}, is_empty=True)
