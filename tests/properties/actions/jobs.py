"""The product's own jobs: cycles, sends, sweeps, recovery."""

from collections.abc import Awaitable
from typing import Any

from engine.flow.approvals import Choice
from tests.properties.actions.table import action, one
from tests.properties.market import SYMBOLS
from tests.properties.venue import Fate
from tests.properties.world import LUIS, World

#: Seconds on both sides of what the product waits for.
SECONDS = (1.0, 9.0, 14.9, 15.1, 59.9, 60.1, 899.0, 901.0)
_NO_YES = (Fate.NEVER_ARRIVED, Fate.ANSWER_LOST, Fate.LATE, Fate.TIMED_OUT, Fate.REFUSED)


@action
async def cycle(world: World, n: int) -> None:
    """The hour ends and a symbol is judged."""
    world.market.end_candle()
    await world.cycle(one(SYMBOLS, n))


@action
async def again(world: World, n: int) -> None:
    """The same candle is judged once more."""
    await world.cycle(one(SYMBOLS, n))


def tap(world: World, idea: Any, choice: Choice, person: int) -> Awaitable[Any]:
    return world.decide_idea(idea.id, choice, person_id=person, chat_id=person)


async def decided(world: World, n: int) -> None:
    await cycle(world, n)
    for idea in world.ideas():
        await world.attempt(tap(world, idea, Choice.APPROVE, LUIS.id))


@action
async def trade(world: World, n: int) -> None:
    """From the candle to the venue, with a person's yes where one is asked for."""
    await decided(world, n)
    await world.send_all()


@action
async def send(world: World, n: int) -> None:
    """An order is sent that was decided just now, or before."""
    if not world.orders("intent"):
        await world.undisturbed(decided(world, n))
    orders = world.orders("intent")
    if orders:
        await world.send_order(one(orders, n).client_id)


@action
async def sweep_late(world: World, n: int) -> None:
    """The sweeper was down for a while."""
    world.wait(one(SECONDS, n))
    await world.send_all()


@action
async def lose(world: World, n: int) -> None:
    """An order is sent, and no clear yes comes."""
    world.next_fate(one(_NO_YES, n))
    await send(world, n)


@action
async def repeat(world: World, n: int) -> None:
    """A job for any order comes once more."""
    orders = world.orders()
    if orders:
        await world.send_order(one(orders, n).client_id)


@action
async def expire(world: World, _: int) -> None:
    await world.expire_ideas()


@action
async def resolve(world: World, n: int) -> None:
    world.venue.proves = n % 2 == 0
    await world.resolve_orders()


@action
async def sync(world: World, _: int) -> None:
    await world.sync_broker()


@action
async def recover(world: World, _: int) -> None:
    await world.recover()
