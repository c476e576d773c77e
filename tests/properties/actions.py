"""Everything that can happen in the small world, by name; ``n`` chooses among the possible."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from engine.domain.snapshot import CalendarEvent, Impact
from engine.domain.state import Mode
from engine.flow.approvals import Choice
from tests.properties.market import SYMBOLS
from tests.properties.venue import Fate
from tests.properties.world import ANN, EVE, LUIS, SAM, SETTINGS, STRANGER, World

Action = Callable[[World, int], Awaitable[Any]]
ACTIONS: dict[str, Action] = {}

_PEOPLE = (ANN.id, LUIS.id, EVE.id, SAM.id, STRANGER)
_NO_YES = (Fate.NEVER_ARRIVED, Fate.ANSWER_LOST, Fate.LATE, Fate.TIMED_OUT, Fate.REFUSED)
_CENT = Decimal("0.01")
_SECONDS = (1.0, 9.0, 14.9, 15.1, 59.9, 60.1, 899.0, 901.0)
_PIPS = (-21, -6, -5, -4, 4, 5, 6, 21)


def action(function: Action) -> Action:
    """Enter something that can happen."""
    ACTIONS[function.__name__] = function
    return function


def _one(of: Any, n: int) -> Any:
    return of[n % len(of)]


# the product's own jobs


@action
async def cycle(world: World, n: int) -> None:
    """The hour ends and a symbol is judged."""
    world.market.end_candle()
    await world.cycle(_one(SYMBOLS, n))


@action
async def again(world: World, n: int) -> None:
    """The same candle is judged once more."""
    await world.cycle(_one(SYMBOLS, n))


@action
async def trade(world: World, n: int) -> None:
    """From the candle to the venue, with a person's yes where one is asked for."""
    await _decided(world, n)
    await world.send_all()


async def _decided(world: World, n: int) -> None:
    await cycle(world, n)
    for idea in world.ideas():
        await world.attempt(_tap(world, idea, Choice.APPROVE, LUIS.id))


@action
async def send(world: World, n: int) -> None:
    """An order is sent that was decided just now, or before."""
    if not world.orders("intent"):
        await world.undisturbed(_decided(world, n))
    orders = world.orders("intent")
    if orders:
        await world.send_order(_one(orders, n).client_id)


@action
async def sweep_late(world: World, n: int) -> None:
    """The sweeper was down for a while."""
    world.wait(_one(_SECONDS, n))
    await world.send_all()


@action
async def lose(world: World, n: int) -> None:
    """An order is sent, and no clear yes comes."""
    world.next_fate(_one(_NO_YES, n))
    await send(world, n)


@action
async def repeat(world: World, n: int) -> None:
    """A job for any order comes once more."""
    orders = world.orders()
    if orders:
        await world.send_order(_one(orders, n).client_id)


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


# people


def _tap(world: World, idea: Any, choice: Choice, person: int) -> Awaitable[Any]:
    return world.decide_idea(idea.id, choice, person_id=person, chat_id=person)


async def _tap_any(world: World, choice: Choice, n: int, person: int) -> None:
    if not world.ideas():
        await world.undisturbed(cycle(world, n))
    ideas = world.ideas() or world.store.all("idea")
    if ideas:
        await _tap(world, _one(ideas, n), choice, person)


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
        idea = _one(ideas[-2:], n)
        world.market.move(idea.proposal.symbol, Decimal(_one(_PIPS, n // 2)))
        await _tap(world, idea, Choice.APPROVE, LUIS.id)


@action
async def last_moment(world: World, n: int) -> None:
    """A person answers a moment before the card expires, when it does, or a moment after."""
    if not world.ideas():
        await world.undisturbed(cycle(world, n))
    ideas = world.ideas()
    if ideas:
        idea = _one(ideas, n)
        expiry = world.store.rows.tables["approval"][idea.id].expires_at
        world.now = max(world.now, expiry + timedelta(milliseconds=_one((-1, 0, 1), n)))
        await _tap(world, idea, _one(list(Choice), n // 3), LUIS.id)


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
        choice = _one(list(Choice), n)
        await _tap(world, _one(ideas, n), choice, _one(_PEOPLE, n))


@action
async def stop(world: World, n: int) -> None:
    await world.change_control.stop(_one((None, LUIS.id, EVE.id), n))


@action
async def pause(world: World, n: int) -> None:
    await world.change_control.pause(_one((LUIS.id, ANN.id, SAM.id), n))


@action
async def resume(world: World, n: int) -> None:
    await world.change_control.resume(_one((ANN.id, ANN.id, LUIS.id, STRANGER), n))


@action
async def mode(world: World, n: int) -> None:
    await world.change_control.mode(_one((ANN.id, LUIS.id), n // 2), _one(list(Mode), n))


@action
async def symbol(world: World, n: int) -> None:
    paused = world.control.paused_symbols
    name = _one(SYMBOLS, n)
    await world.change_control.symbol(LUIS.id, name, paused=name not in paused)


# limits


async def change(world: World, changes: dict[str, str]) -> None:
    """An admin puts other limits in force."""
    await world.change_settings(ANN.id, changes, reason="test", expected=world.settings_row.version)


@action
async def settings(world: World, n: int) -> None:
    """A limit is moved to exactly what is used, or to the next value beside it."""
    used = max(1, len(world.venue.held) + len(world.orders("intent", "sending", "unknown")))
    spread = world.market.books[SYMBOLS[0]].spread / Decimal("0.0001")
    changes: list[dict[str, str]] = [
        {"max_concurrent_trades": str(used)},
        {"max_concurrent_trades": str(used + 1)},
        {"max_spread_pips": f"{spread:f}"},
        {"max_spread_pips": f"{max(Decimal('0.1'), spread - Decimal('0.1')):f}"},
        {"min_confidence_threshold": _one(("60", "100"), n)},
        {"confidence_floor": _one(("50", "99"), n), "min_confidence_threshold": "100"},
        {"max_drift_r": _one(("0.25", "0.2"), n)},
        {"max_lot_size": _one(("1.00", "0.01", "0.10"), n)},
        {"idea_ttl_seconds": _one(("15", "60", "900"), n)},
        {"max_drawdown_amount": _one(("400.00", "0.01"), n)},
        {"max_daily_loss_percent": _one(("3", "0.5"), n)},
        {"daily_profit_target": _one(("500", "0", "0.01"), n)},
        {"risk_per_trade_percent": _one(("0.5", "0.1"), n)},
        {"watchlist": ",".join(_one((SYMBOLS, SYMBOLS[:1]), n))},
        {"max_data_age_candles": _one(("1", "3"), n)},
    ]
    await change(world, _one(changes, n))


@action
async def roomy(world: World, n: int) -> None:
    """Limits that leave room for the next trade."""
    await change(world, {"max_concurrent_trades": str(4 + n), "max_spread_pips": "2.5"})


@action
async def strategy(world: World, n: int) -> None:
    """A strategy is edited, or switched off and on."""
    async with world.store.begin() as tx:
        await tx.controls.take()
        one = _one(await tx.settings.strategies(), n)
        changed = replace(one, is_active=not one.is_active) if n % 4 > 1 else one
        await tx.settings.save_strategy(changed, by="test", reason="test")


def boundary(world: World, limit: str, day: Any) -> Decimal:
    """The equity at which a limit of the day is reached, rounded to the cent that reaches it."""
    settings = world.settings
    if limit == "daily_loss":
        loss = day.start_equity * settings.max_daily_loss_percent / 100
        return Decimal(day.start_equity - loss).quantize(_CENT, rounding="ROUND_FLOOR")
    if limit == "max_drawdown":
        return Decimal(day.peak_equity - settings.max_drawdown_amount)
    return Decimal(day.start_equity + settings.daily_profit_target)


@action
async def equity(world: World, n: int) -> None:
    """Equity a cent beside a limit of the day, or exactly at it."""
    day = world.store.rows.tables["day"]["paper-1"]
    limit = _one(("daily_loss", "max_drawdown", "daily_target_reached"), n)
    world.venue.equity = boundary(world, limit, day) + _one((-_CENT, 0, _CENT), n // 3)


@action
async def calm(world: World, _: int) -> None:
    """Equity where the day began."""
    day = world.store.rows.tables["day"]["paper-1"]
    world.venue.equity = day.start_equity


@action
async def tomorrow(world: World, n: int) -> None:
    """The broker's next day begins, with its first candle."""
    for _ in range(24):
        world.market.end_candle()
    await cycle(world, n)


# the world


@action
async def wait(world: World, n: int) -> None:
    world.wait(_one(_SECONDS, n))


@action
async def deadline(world: World, n: int) -> None:
    """The clock stands exactly at an expiry, or a moment before or after it."""
    pending = [a.expires_at for a in world.store.all("approval") if str(a.ending) == "pending"]
    until = [order.valid_until for order in world.orders("intent")]
    instants = [at for at in (*pending, *until) if at >= world.now]
    if instants:
        beside = timedelta(milliseconds=_one((0, -1, 1), n))
        world.now = max(world.now, _one(instants, n // 3) + beside)


@action
async def price(world: World, n: int) -> None:
    world.market.move(_one(SYMBOLS, n), Decimal(_one(_PIPS, n // 2)))


@action
async def spread(world: World, n: int) -> None:
    pips = _one((Decimal("0.8"), Decimal("2.5"), Decimal("2.6"), Decimal("4")), n)
    for book in world.market.books.values():
        book.spread = pips * Decimal("0.0001")


@action
async def silence(world: World, n: int) -> None:
    """No quotes come for a while, or no price at all is made."""
    world.market.now += timedelta(minutes=_one((30, 179, 180, 181), n))
    book = world.market.books[_one(SYMBOLS, n)]
    book.quoted = n % 3 > 0 or not book.quoted


@action
async def news(world: World, n: int) -> None:
    """A release comes near, or the calendar is lost and found."""
    minutes = _one((0, 60, 61, -60, -61, 90), n)
    at = world.market.now + timedelta(minutes=minutes)
    currency = _one(("USD", "EUR", "JPY"), n // 2)
    event = CalendarEvent(time=at, currency=currency, impact=Impact.HIGH, title="Payrolls")
    world.releases.events = [] if n % 5 == 4 else [event]
    world.releases.known = n % 7 != 6


@action
async def fate(world: World, n: int) -> None:
    world.next_fate(_one(list(Fate), n))


@action
async def arrive(world: World, _: int) -> None:
    world.venue.arrive()


@action
async def deaf(world: World, n: int) -> None:
    world.venue.deaf = n % 2 == 0


@action
async def ended(world: World, n: int) -> None:
    """A trade ends at the venue, with a profit or a loss."""
    if world.venue.held:
        profit = _one((Decimal("40.00"), Decimal("-50.00")), n)
        world.venue.end(_one(list(world.venue.held), n), profit)


@action
async def fresh(world: World, _: int) -> None:
    """A new day on which nothing is open, nothing is queued, and nothing stands in the way."""
    await unwritable(world, 0)
    world.venue.deaf, world.venue.margin_free = False, Decimal("10000.00")
    world.releases.events, world.releases.known = [], True
    for position_id in list(world.venue.held):
        world.venue.end(position_id, Decimal(0))
    world.wait(61)
    await world.send_all()
    await world.attempt(world.resolve_orders())
    for book in world.market.books.values():
        book.quoted, book.spread = True, Decimal("0.00008")
    for _ in range(24):
        world.market.end_candle()
    await world.attempt(world.sync_broker())
    await _open_all(world)
    if not world.control.may_open:
        await world.change_control.resume(ANN.id)


async def _open_all(world: World) -> None:
    async with world.store.begin() as tx:
        await tx.controls.take()
        await tx.settings.save_risk(SETTINGS, by="test", reason="test")
        for one in await tx.settings.strategies():
            if not one.is_active:
                on = replace(one, is_active=True)
                await tx.settings.save_strategy(on, by="test", reason="test")
    for name in world.control.paused_symbols:
        await world.attempt(world.change_control.symbol(ANN.id, name, paused=False))


@action
async def margin(world: World, n: int) -> None:
    world.venue.margin_free = _one((Decimal("10000.00"), Decimal("500.00"), Decimal(0)), n)


@action
async def unwritable(world: World, n: int) -> None:
    """The history cannot be written, or can again."""
    heads = world.store.rows.tables["head"]
    if n % 3 and 1 in heads:
        world.lost_head = heads.pop(1)
    elif 1 not in heads:
        heads[1] = world.lost_head


@action
async def tamper(world: World, n: int) -> None:
    """Somebody changed a record, or put it back."""
    records = world.store.rows.tables["decision"]
    if world.tampered is None and records:
        world.tampered = _one(list(records.values()), n)
        records[world.tampered.seq] = replace(world.tampered, hash="ab" * 32)
    elif world.tampered is not None:
        records[world.tampered.seq] = world.tampered
        world.tampered = None


@action
async def die(world: World, _: int) -> None:
    await world.die()
