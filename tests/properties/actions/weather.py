"""What the market, the venue, the clock and bad luck do."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from engine.domain.snapshot import CalendarEvent, Impact
from tests.properties.actions.jobs import SECONDS, cycle
from tests.properties.actions.table import action, one
from tests.properties.market import SYMBOLS
from tests.properties.venue import Fate
from tests.properties.world import ANN, SETTINGS, World

#: A quarter of the risk of twenty pips is what a price may drift.
PIPS = (-21, -6, -5, -4, 4, 5, 6, 21)


@action
async def wait(world: World, n: int) -> None:
    world.wait(one(SECONDS, n))


@action
async def deadline(world: World, n: int) -> None:
    """The clock stands exactly at an expiry, or a moment before or after it."""
    pending = [a.expires_at for a in world.store.all("approval") if str(a.ending) == "pending"]
    until = [order.valid_until for order in world.orders("intent")]
    instants = [at for at in (*pending, *until) if at >= world.now]
    if instants:
        beside = timedelta(milliseconds=one((0, -1, 1), n))
        world.now = max(world.now, one(instants, n // 3) + beside)


@action
async def price(world: World, n: int) -> None:
    world.market.move(one(SYMBOLS, n), Decimal(one(PIPS, n // 2)))


@action
async def spread(world: World, n: int) -> None:
    pips = one((Decimal("0.8"), Decimal("2.5"), Decimal("2.6"), Decimal("4")), n)
    for book in world.market.books.values():
        book.spread = pips * Decimal("0.0001")


@action
async def silence(world: World, n: int) -> None:
    """No quotes come for a while, or no price at all is made."""
    world.market.now += timedelta(minutes=one((30, 179, 180, 181), n))
    book = world.market.books[one(SYMBOLS, n)]
    book.quoted = n % 3 > 0 or not book.quoted


@action
async def news(world: World, n: int) -> None:
    """A release comes near, or the calendar is lost and found."""
    minutes = one((0, 60, 61, -60, -61, 90), n)
    at = world.market.now + timedelta(minutes=minutes)
    currency = one(("USD", "EUR", "JPY"), n // 2)
    event = CalendarEvent(time=at, currency=currency, impact=Impact.HIGH, title="Payrolls")
    world.releases.events = [] if n % 5 == 4 else [event]
    world.releases.known = n % 7 != 6


@action
async def fate(world: World, n: int) -> None:
    world.next_fate(one(list(Fate), n))


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
        profit = one((Decimal("40.00"), Decimal("-50.00")), n)
        world.venue.end(one(list(world.venue.held), n), profit)


@action
async def margin(world: World, n: int) -> None:
    world.venue.margin_free = one((Decimal("10000.00"), Decimal("500.00"), Decimal(0)), n)


@action
async def tomorrow(world: World, n: int) -> None:
    """The broker's next day begins, with its first candle."""
    for _ in range(24):
        world.market.end_candle()
    await cycle(world, n)


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
        for strategy in await tx.settings.strategies():
            if not strategy.is_active:
                on = replace(strategy, is_active=True)
                await tx.settings.save_strategy(on, by="test", reason="test")
    for name in world.control.paused_symbols:
        await world.attempt(world.change_control.symbol(ANN.id, name, paused=False))


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
        world.tampered = one(list(records.values()), n)
        records[world.tampered.seq] = replace(world.tampered, hash="ab" * 32)
    elif world.tampered is not None:
        records[world.tampered.seq] = world.tampered
        world.tampered = None


@action
async def die(world: World, _: int) -> None:
    await world.die()
