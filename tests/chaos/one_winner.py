"""One question, many answers at once from two processes: exactly one of them takes effect."""

import argparse
import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from engine.domain.order import OrderState
from engine.domain.person import Person, Role
from engine.flow.ideas import card_notice
from engine.flow.orders import cancel
from storage.database import open_database
from storage.models import OrderRow, OutboxRow
from tests.chaos import alone
from tests.chaos.driver import PERSON, Life, Plan, build, prepare
from tests.chaos.kill_switch import next_candle
from tests.chaos.players import Player, players

PEOPLE = (PERSON, 1002, 1003)
_CHOICES = ("approve", "reject", "half")
_ENDINGS = {"human_approved", "human_rejected", "risk_rejected", "idea_expired"}


@dataclass
class Found:
    """What the taps came to."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


async def run(url: str, *, ideas: int, taps: int, seed: int) -> Found:
    """Tap on an empty, migrated database."""
    await prepare(url)
    chance, found = Random(seed), Found()
    async with open_database(url, pool=4), players(url) as people:
        life = build(Plan(url=url))
        async with life.world.store.begin() as tx:
            for id_ in PEOPLE[1:]:
                await tx.people.save(
                    Person(id=id_, name=f"Trader {id_}", role=Role.TRADER, chat_id=id_)
                )
        while found.counts["ideas"] < ideas:
            waiting = await next_candle(life)
            await _tap_all(waiting[: ideas - found.counts["ideas"]], people, taps, chance, found)
            for idea_id in waiting:
                await _check(life, idea_id, found)
            await _clear(life)
    return found


async def _tap_all(
    ideas: list[UUID], people: "list[Player]", taps: int, chance: Random, found: Found
) -> None:
    """Every idea is tapped by every process at once; the choices are mixed."""
    wanted = [
        [idea.hex, choice, chance.choice(PEOPLE), _delay(choice, chance)]
        for idea in ideas
        for choice in chance.choices(_CHOICES, k=taps)
    ]
    chance.shuffle(wanted)
    for number, person in enumerate(people):
        person.tell({"taps": wanted[number :: len(people)]})
    answers = [answer for person in people for answer in (await person.answer())["answers"]]
    for idea in ideas:
        found.counts["ideas"] += 1
        mine = [answer for answer in answers if answer[0] == idea.hex]
        found.counts["taps"] += len(mine)
        winners = [answer for answer in mine if answer[3]]
        if len(winners) != 1:
            found.violations.append(f"{idea}: {len(winners)} taps took effect")
        told = {(ending, name) for _, ending, name, _ in mine}
        if len(told) != 1:
            found.violations.append(f"{idea}: people were told different endings: {told}")
        found.counts[f"ended {mine[0][1]}"] += 1


def _delay(choice: str, chance: Random) -> float:
    """A no needs no look at the market; without a delay it would win nearly always."""
    return chance.uniform(0, 0.3) if choice == "reject" else 0.0


async def _check(life: Life, idea_id: UUID, found: Found) -> None:
    """The tables: one ending, at most one order, one record, and everybody's card is due."""
    async with life.world.store.begin() as tx:
        approval = await tx.ideas.approval(idea_id)
        records = [d.entry.action for d in await tx.history.list(idea_id=idea_id, limit=50)]
    assert approval is not None
    if approval.ending == "pending":
        return
    ended = [action for action in records if action in _ENDINGS]
    if len(ended) != 1:
        found.violations.append(f"{idea_id}: its endings on record are {ended}")
    orders = await OrderRow.filter(idea_id=idea_id).count()
    if orders != int(approval.ending == "approved"):
        found.violations.append(f"{idea_id}: {approval.ending} with {orders} orders")
    key = card_notice(idea_id, str(approval.ending)).key
    told = {row.person_id for row in await OutboxRow.filter(key=key)}
    if told != set(PEOPLE):
        found.violations.append(f"{idea_id}: its ending is due to {told} only")
    found.counts["orders"] += orders


async def _clear(life: Life) -> None:
    """What was decided is cancelled, so that it does not stand in the next ideas' way."""
    async with life.world.store.begin() as tx:
        entries: list[Any] = []
        for order in await tx.orders.in_state(OrderState.INTENT):
            cancelled = await cancel(tx, order, "order_expired", await tx.now())
            assert cancelled is not None
            entries.append(cancelled[1])
        for entry in entries:
            await tx.history.append(entry)


def main(arguments: list[str]) -> int:
    """``make chaos ARGS="one-winner --ideas 1000 --taps 8"``."""
    parser = argparse.ArgumentParser(prog="one-winner", description=__doc__)
    parser.add_argument("--ideas", type=int, default=1000)
    parser.add_argument("--taps", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(arguments)
    with alone.database() as url:
        found = asyncio.run(run(url, ideas=wanted.ideas, taps=wanted.taps, seed=wanted.seed))
    return alone.report(found.counts, found.violations)
