"""What the person of the driver wants of open trades: closes, parts of them, other levels."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

from engine.errors import NotFound, Outdated, PositionRefused
from engine.flow.position_sending import ResolvePositionOrders
from engine.flow.trades import OpenTrade

WORD = "do"
SETTLE_SECONDS = 0.15
#: Nothing arrives later than this at any venue of the harness.
PROOF_SECONDS = 2.0
_FIRST_UPDATE = 10_000_000


def exits_of(plan: Any, work: Any) -> ResolvePositionOrders:
    """What looks up closes and levels whose answer was lost, with the harness's times."""
    resolve: ResolvePositionOrders = replace(
        work.resolve_position_orders, settle_seconds=SETTLE_SECONDS, proof_seconds=PROOF_SECONDS
    )
    return resolve


async def manage(life: Any, person: int, tap: Any) -> None:
    """Ask for something of each trade and confirm it by a tap that goes through the inbox."""
    for trade in (await life.talk.read_positions(person)).trades:
        if trade.number is None or trade.under_way is not None:
            continue
        try:
            asked = await _ask(life.talk.ask_position, person, trade)
        except (PositionRefused, NotFound):
            continue
        if asked is not None:
            await tap(life.inbox, update_of(asked.order.client_id), data(asked.order.client_id))


def data(client_id: str) -> str:
    """The button that confirms."""
    return f"v1:{WORD}:{client_id}"


def update_of(client_id: str) -> int:
    """The update's number of that tap: a repeat is the same update."""
    return _FIRST_UPDATE + int(sha256(client_id.encode()).hexdigest()[:9], 16)


async def _ask(ask: Any, person: int, trade: OpenTrade) -> Any:
    """By the number of the idea: leave it, close it, close half, move its stop, its target."""
    position = trade.position
    kind = (trade.number or 0) % 8
    if kind in (0, 1):
        return await ask.close(person, position.id)
    if kind in (2, 3):
        return await ask.part(person, position.id)
    if trade.quote is None:
        return None
    price = trade.quote.bid if position.direction.sign > 0 else trade.quote.ask
    if kind in (4, 5) and position.stop_loss is not None:
        nearer = position.stop_loss + (price - position.stop_loss) / 4
        return await ask.stop(person, position.id, nearer)
    if kind == 6 and position.take_profit is not None:
        farther = position.take_profit + (position.take_profit - price) / 4
        return await ask.targets(person, position.id, [farther])
    return None


async def confirm(life: Any, person: int, client_id: str) -> None:
    """The tap is handled; what cannot be any more is told and done with."""
    try:
        await life.talk.confirm_position(person, client_id)
    except (PositionRefused, Outdated):
        return


async def send(life: Any) -> None:
    """Do what was rung for."""
    while life.bell.exits:
        await life.work.send_position_order(life.bell.exits.pop(0))
