"""An old card: what changed between the card and the tap, or the tap and the send, stops the order.

The checks are computed from the world as it is when the order reaches the venue, not from what the
product recorded.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.domain.order import Order
from engine.domain.snapshot import Bundle, CalendarEvent, CalendarView, Impact, open_order
from engine.domain.state import Mode
from engine.flow.approvals import Choice
from tests.builders import PIP, window
from tests.properties.actions import ACTIONS, boundary, change
from tests.properties.oracle import ASKS, asked_again, closed
from tests.properties.venue import START, Fate
from tests.properties.world import LUIS, STRATEGIES, World

SYMBOL = "EURUSD"
_CENT = Decimal("0.01")
_BESIDE = (-_CENT, Decimal(0), _CENT)

#: In office hours only, so that an idea can outlive them.
_BY_DAY = tuple(replace(s, session_windows=(window("06:00", "20:00"),)) for s in STRATEGIES)

#: By name: what changes, and by how much.
TWEAKS: dict[str, tuple[Callable[[World, Any], None], tuple[Any, ...]]] = {}
Tweak = tuple[str, int]


def tweak(*values: Any) -> Callable[[Callable[[World, Any], None]], Callable[[World, Any], None]]:
    """Enter something that changes, with the values worth trying: each limit and both its sides."""

    def register(function: Callable[[World, Any], None]) -> Callable[[World, Any], None]:
        TWEAKS[function.__name__] = (function, values)
        return function

    return register


@tweak(1, 59.999, 60, 60.001, 899.999, 900, 900.001, 86_400)
def age(world: World, seconds: float) -> None:
    world.wait(seconds)


@tweak(*(Decimal(sign * tenths) / 10 for tenths in (1, 49, 50, 51, 200, 210) for sign in (1, -1)))
def drift(world: World, pips: Decimal) -> None:
    world.market.move(SYMBOL, pips)


@tweak(Decimal("0.1"), Decimal("2.4"), Decimal("2.5"), Decimal("2.6"), Decimal(20))
def spread(world: World, pips: Decimal) -> None:
    world.market.books[SYMBOL].spread = pips * PIP


@tweak(*((limit, by) for limit in ("daily_loss", "daily_target_reached") for by in _BESIDE))
def risk(world: World, met: tuple[str, Decimal]) -> None:
    day = world.store.rows.tables["day"]["paper-1"]
    world.venue.equity = boundary(world, met[0], day) + met[1]


@tweak(*_BESIDE)
def fall(world: World, by: Decimal) -> None:
    """A drawdown, met before the daily loss is."""
    world.run(world.attempt(change(world, {"max_drawdown_amount": "200"})))
    world.venue.equity = START - 200 + by


@tweak(Decimal(0), Decimal("500.00"), Decimal("1000.00"))
def margin(world: World, free: Decimal) -> None:
    world.venue.margin_free = free


@tweak(
    *((minutes, whose) for minutes in (0, 60, 61, -60, -61) for whose in ("USD", "EUR")), (0, "JPY")
)
def news(world: World, release: tuple[int, str]) -> None:
    at = world.market.now + timedelta(minutes=release[0])
    event = CalendarEvent(time=at, currency=release[1], impact=Impact.HIGH, title="Rates")
    world.releases.events = [event]


@tweak(1, 179, 180, 181)
def silence(world: World, minutes: int) -> None:
    world.market.now += timedelta(minutes=minutes)


@tweak(1, 9, 10)
def hours(world: World, count: int) -> None:
    for _ in range(count):
        world.market.end_candle()


@tweak("calendar", "account", "quote")
def lost(world: World, what: str) -> None:
    """A source falls silent."""
    world.releases.known = what != "calendar"
    world.venue.deaf = what == "account"
    world.market.books[SYMBOL].quoted = what != "quote"


@tweak("stop", "pause", "symbol", "mode", "resume", "sync", "expire", "resolve", "strategy")
def state(world: World, name: str) -> None:
    world.run(world.attempt(ACTIONS[name](world, 0)))


@tweak(*range(15), *range(15, 30))
def limits(world: World, n: int) -> None:
    world.run(world.attempt(ACTIONS["settings"](world, n)))


@tweak(*Fate.__members__.values())
def rival(world: World, fate: Fate) -> None:
    """The other idea of the candle is approved and sent first."""
    world.next_fate(fate)
    world.run(world.attempt(_tap(world, 1, Choice.APPROVE)))
    other = world.store.all("idea")[1].id
    for order in world.orders("intent"):
        if order.idea_id == other:
            world.run(world.attempt(world.send_order(order.client_id)))
    world.next_fate(Fate.FILLED)


async def _tap(world: World, place: int, choice: Choice) -> None:
    idea = world.store.all("idea")[place]
    await world.decide_idea(idea.id, choice, person_id=LUIS.id, chat_id=LUIS.id)


def live(world: World, recorded: Bundle) -> Bundle:
    """The bundle of this very moment."""
    tables, venue = world.store.rows.tables, world.venue
    book = world.market.books[recorded.symbol]
    assert recorded.quote is not None
    assert recorded.account is not None
    known = CalendarView(
        events=tuple(world.releases.events), known_until=world.market.now + timedelta(days=7)
    )
    unproven = world.orders("intent", "sending", "unknown")
    held = {position.client_id for position in venue.held.values()}
    return replace(
        recorded,
        instant=world.market.now,
        candles=tuple(book.played),
        quote=replace(recorded.quote, bid=book.bid, ask=book.bid + book.spread, time=book.seen)
        if book.quoted
        else None,
        calendar=known if world.releases.known else None,
        account=None
        if venue.deaf
        else replace(
            recorded.account,
            equity=venue.equity,
            margin_free=venue.margin_free,
            captured_at=world.market.now,
        ),
        day=tables["day"]["paper-1"],
        positions=tuple(venue.held.values()),
        orders=tuple(open_order(o) for o in unproven if o.client_id not in held),
        settings=world.settings,
        settings_version=world.settings_row.version,
        strategies=tuple(strategy for _, strategy in tables["strategy"].values()),
        control=world.control,
    )


def judge(world: World, order: Order) -> None:
    """Called when an order reaches the venue."""
    world.witness.submit(order)
    tables = world.store.rows.tables
    idea, approval = tables["idea"][order.idea_id], tables["approval"][order.idea_id]
    bundle = live(world, tables["bundle"][idea.bundle_hash])
    assert bundle.quote is not None, "an order left without a quote"
    found = closed(asked_again(idea, bundle, order.volume, order.client_id)) - ASKS
    assert not found, f"{sorted(found)} were closed when the order left"
    assert world.now <= order.valid_until, "the order left too late"
    assert approval.decided_at < approval.expires_at, "the card had expired"
    assert order.volume <= idea.sizing.volume, "more was bought than the card said"


_TWEAK = st.sampled_from(sorted(TWEAKS)).flatmap(
    lambda name: st.tuples(st.just(name), st.integers(0, len(TWEAKS[name][1]) - 1))
)
_TURN = st.lists(_TWEAK, max_size=3)


def property_of(tally: Counter[str]) -> Callable[[], None]:
    """The property, which counts how each idea ended."""

    @given(between=_TURN, after=_TURN, choice=st.sampled_from((Choice.APPROVE, Choice.HALF)))
    def no_check_is_closed_when_an_order_leaves(
        between: list[Tweak], after: list[Tweak], choice: Choice
    ) -> None:
        world = World(Mode.SUPERVISED, _BY_DAY)
        caught: list[BaseException] = []
        world.venue.witness = partial(_noting, caught, world)
        try:
            _play(world, between, after, choice)
            assert not caught, str(caught[0])
            assert world.witness.violations == [], world.witness.violations
            tally.update(_ends(world), examples=1)
        finally:
            world.close()

    return no_check_is_closed_when_an_order_leaves


def _noting(caught: list[BaseException], world: World, order: Order) -> None:
    """An assertion that fails inside the flow must not be lost there."""
    try:
        judge(world, order)
    except BaseException as error:
        caught.append(error)


def _play(world: World, between: list[Tweak], after: list[Tweak], choice: Choice) -> None:
    world.run(world.cycle(SYMBOL))
    assert len(world.ideas()) == 2, "there is no card to be old"
    for name, n in between:
        function, values = TWEAKS[name]
        function(world, values[n])
    world.run(world.attempt(_tap(world, 0, choice)))
    for name, n in after:
        function, values = TWEAKS[name]
        function(world, values[n])
    world.run(world.send_all())


def _ends(world: World) -> Counter[str]:
    """How the idea with the old card ended."""
    idea = world.store.all("idea")[0]
    approval = world.store.rows.tables["approval"][idea.id]
    order = next((o for o in world.orders() if o.idea_id == idea.id), None)
    ends = [f"tap {approval.ending}" + (f" {approval.detail}" if approval.detail else "")]
    if order is not None:
        reason = f" {order.reason}" if str(order.state) == "cancelled" else ""
        ends.append(f"order {order.state}{reason}")
    sent = order is not None and order.client_id in world.witness.sent
    return Counter([*ends, "sent" if sent else "not sent"])
