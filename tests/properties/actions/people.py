"""What people do, each in their role."""

from datetime import timedelta
from decimal import Decimal

from engine.domain.state import Mode
from engine.flow.approvals import Choice
from tests.properties.actions.jobs import cycle, tap
from tests.properties.actions.table import action, one
from tests.properties.actions.weather import PIPS, fresh
from tests.properties.market import SYMBOLS
from tests.properties.world import ANN, EVE, LUIS, SAM, STRANGER, World

_PEOPLE = (ANN.id, LUIS.id, EVE.id, SAM.id, STRANGER)


async def _tap_any(world: World, choice: Choice, n: int, person: int) -> None:
    if not world.ideas():
        await world.undisturbed(cycle(world, n))
    ideas = world.ideas() or world.store.all("idea")
    if ideas:
        await tap(world, one(ideas, n), choice, person)


@action
async def approve(world: World, n: int) -> None:
    await _tap_any(world, Choice.APPROVE, n, LUIS.id)


@action
async def hesitate(world: World, n: int) -> None:
    """All is well but for the price, which moves before a person says yes."""
    await world.undisturbed(fresh(world, 0))
    await world.undisturbed(cycle(world, n))
    ideas = world.ideas()
    if ideas:
        idea = one(ideas[-2:], n)
        world.market.move(idea.proposal.symbol, Decimal(one(PIPS, n // 2)))
        await tap(world, idea, Choice.APPROVE, LUIS.id)


@action
async def last_moment(world: World, n: int) -> None:
    """A person answers a moment before the card expires, when it does, or a moment after."""
    if not world.ideas():
        await world.undisturbed(cycle(world, n))
    ideas = world.ideas()
    if ideas:
        idea = one(ideas, n)
        expiry = world.store.rows.tables["approval"][idea.id].expires_at
        world.now = max(world.now, expiry + timedelta(milliseconds=one((-1, 0, 1), n)))
        await tap(world, idea, one(list(Choice), n // 3), LUIS.id)


@action
async def half(world: World, n: int) -> None:
    await _tap_any(world, Choice.HALF, n, ANN.id)


@action
async def reject(world: World, n: int) -> None:
    await _tap_any(world, Choice.REJECT, n, LUIS.id)


@action
async def anybody(world: World, n: int) -> None:
    """Whoever it is, on an open idea or on any other, however that ended."""
    if n % 4 and not world.ideas():
        await world.undisturbed(cycle(world, n))
    ideas = (world.ideas() if n % 4 else []) or world.store.all("idea")
    if ideas:
        choice = one(list(Choice), n)
        await tap(world, one(ideas, n), choice, one(_PEOPLE, n))


@action
async def stop(world: World, n: int) -> None:
    await world.change_control.stop(one((None, LUIS.id, EVE.id), n))


@action
async def pause(world: World, n: int) -> None:
    await world.change_control.pause(one((LUIS.id, ANN.id, SAM.id), n))


@action
async def resume(world: World, n: int) -> None:
    await world.change_control.resume(one((ANN.id, ANN.id, LUIS.id, STRANGER), n))


@action
async def mode(world: World, n: int) -> None:
    await world.change_control.mode(one((ANN.id, LUIS.id), n // 2), one(list(Mode), n))


@action
async def symbol(world: World, n: int) -> None:
    paused = world.control.paused_symbols
    name = one(SYMBOLS, n)
    await world.change_control.symbol(LUIS.id, name, paused=name not in paused)
