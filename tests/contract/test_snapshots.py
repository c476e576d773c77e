"""What is true of every store about what terminals show."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.market import Timeframe
from engine.ports import Shown, Streamed
from tests.builders import NOW
from tests.contract.conftest import rolled_back
from tests.memory import MemoryStore

ACCOUNT, OTHER = "live-1", "live-2"
STEP = timedelta(minutes=15)
M15 = Timeframe.M15


def row(number: int, close: str = "1.15", volume: int = 7) -> tuple[Any, ...]:
    prices = (Decimal("1.1"), Decimal("1.2"), 1, Decimal(close))
    return (NOW + number * STEP, *prices, volume)


def stream(*numbers: int, name: str = "GOLD", close: str = "1.15") -> Streamed:
    return Streamed(name, M15, [row(number, close) for number in numbers])


def deal(ticket: int, position: int, entry: int, at: datetime) -> dict[str, Any]:
    return {"ticket": ticket, "position": position, "entry": entry, "at": at.isoformat()}


async def stored(store: Any, name: str = "GOLD", **which: Any) -> list[tuple[Any, ...]]:
    async with store.begin() as tx:
        return list(await tx.snapshots.candles(ACCOUNT, name, M15, **(which or {"count": 99})))


async def save(store: Any, *streams: Streamed, account: str = ACCOUNT) -> None:
    async with store.begin() as tx:
        await tx.snapshots.save_candles(account, streams)


async def raw(store: Any) -> int:
    """How many snapshots are kept as they came."""
    if isinstance(store, MemoryStore):
        return sum(len(kept) for kept in store.all("ea_snapshot"))
    async with store.begin() as tx:
        found = await tx._connection.execute_query_dict("SELECT count(*) AS n FROM ea_snapshot")
        return int(found[0]["n"])


async def test_what_an_account_shows_is_replaced_whole(store: Any) -> None:
    first = Shown(NOW, 7200, {"equity": "10.00"}, [{"id": 1}, {"id": 2}], [{"ticket": 3}])
    second = Shown(NOW + STEP, 0, {"equity": "9.50"}, [], [])
    async with store.begin() as tx:
        assert await tx.snapshots.last(ACCOUNT) is None
        await tx.snapshots.save(ACCOUNT, first)
        await tx.snapshots.save(OTHER, first)
    async with store.begin() as tx:
        assert await tx.snapshots.last(ACCOUNT) == first
        await tx.snapshots.save(ACCOUNT, second)
    async with rolled_back(store) as tx:
        await tx.snapshots.save(ACCOUNT, first)
    async with store.begin() as tx:
        assert await tx.snapshots.last(ACCOUNT) == second
        assert await tx.snapshots.last(OTHER) == first


async def test_a_stream_replaces_what_is_stored_from_its_first_candle_on(store: Any) -> None:
    await save(store, stream(0, 1, 2, 3, 4), stream(1, 2, name="EURUSD"))
    await save(store, stream(0, 1, 2, 3, 4), account=OTHER)
    # The second is told otherwise, the third is gone, and what came after the newest never was; the
    # order of the rows does not matter.
    await save(store, stream(3, 1, close="1.19"), stream(name="EURUSD"))
    assert await stored(store) == [row(0), row(1, "1.19"), row(3, "1.19")]
    assert await stored(store, "EURUSD") == [row(1), row(2)]
    async with store.begin() as tx:
        assert len(await tx.snapshots.candles(OTHER, "GOLD", M15, count=9)) == 5
        assert await tx.snapshots.candles(ACCOUNT, "GOLD", Timeframe.H1, count=9) == []


async def test_a_stream_that_comes_twice_is_taken_in_its_order(store: Any) -> None:
    await save(store, stream(0, 1, 2), stream(5, name="EURUSD"), stream(1, 2, close="1.12"))
    assert await stored(store) == [row(0), row(1, "1.12"), row(2, "1.12")]
    await save(store, Streamed("GOLD", M15, [row(1), row(1, "1.17")]))
    assert (await stored(store))[1] == row(1, "1.17")


async def test_candles_keep_every_digit(store: Any) -> None:
    exact = (NOW, Decimal("1.00000001"), 10**11, Decimal("0.1"), Decimal("1E-8"), 2**62)
    await save(store, Streamed("GOLD", M15, [exact]))
    assert await stored(store) == [exact]


async def test_candles_are_asked_for_by_number_or_from_an_instant(store: Any) -> None:
    await save(store, stream(0, 1, 2, 3))
    assert await stored(store, count=2) == [row(2), row(3)]
    assert await stored(store, count=0) == []
    assert await stored(store, after=NOW + 2 * STEP) == [row(3)]
    assert await stored(store, "NONE") == []


async def test_the_latest_candle_of_each_stream_is_known(store: Any) -> None:
    await save(store, stream(0, 3), stream(5, name="EURUSD"))
    keys = [("EURUSD", M15), ("GOLD", M15), ("GOLD", Timeframe.H1), ("NONE", M15)]
    async with store.begin() as tx:
        assert await tx.snapshots.latest(ACCOUNT, keys) == {
            ("EURUSD", M15): NOW + 5 * STEP,
            ("GOLD", M15): NOW + 3 * STEP,
        }
        assert await tx.snapshots.latest(ACCOUNT, []) == {}
        assert await tx.snapshots.latest(OTHER, keys) == {}


async def test_a_deal_is_kept_once_and_found_by_the_end_of_its_position(store: Any) -> None:
    opened, closed = deal(1, 7, 0, NOW), deal(4, 7, 1, NOW + 2 * STEP)
    early, still = deal(2, 8, 1, NOW + STEP), deal(3, 9, 0, NOW + 3 * STEP)
    async with store.begin() as tx:
        await tx.snapshots.add_deals(ACCOUNT, [closed, early, still])
        await tx.snapshots.add_deals(ACCOUNT, [opened, {**early, "position": 7}])
        await tx.snapshots.add_deals(ACCOUNT, [])
        await tx.snapshots.add_deals(OTHER, [deal(4, 7, 1, NOW + 9 * STEP)])
    async with store.begin() as tx:
        assert await tx.snapshots.deals_of_closed(ACCOUNT, NOW + STEP) == [opened, closed]
        assert await tx.snapshots.deals_of_closed(ACCOUNT, NOW) == [opened, early, closed]
        assert await tx.snapshots.deals_of_closed(ACCOUNT, NOW + 2 * STEP) == []


async def test_symbols_names_and_the_calendar_are_those_told_last(store: Any) -> None:
    gold = {"name": "GOLD", "bid": "1.10", "quoted_at": NOW.isoformat()}
    euro = {"name": "EURUSD", "bid": "1.20", "quoted_at": NOW.isoformat()}
    calendar = {"known_from": "a", "known_until": "b", "events": [{"title": "é"}]}
    async with store.begin() as tx:
        assert await tx.snapshots.calendar(ACCOUNT) is None
        assert await tx.snapshots.names(ACCOUNT) == []
        await tx.snapshots.save_symbols(ACCOUNT, [gold, euro])
        await tx.snapshots.save_symbols(ACCOUNT, [{**gold, "bid": "1.11"}])
        await tx.snapshots.save_symbols(ACCOUNT, [])
        await tx.snapshots.save_names(ACCOUNT, ["A"])
        await tx.snapshots.save_names(ACCOUNT, ["GOLD", "EURUSD"])
        await tx.snapshots.save_calendar(ACCOUNT, {})
        await tx.snapshots.save_calendar(ACCOUNT, calendar)
    async with store.begin() as tx:
        found = await tx.snapshots.symbols(ACCOUNT, ["GOLD", "EURUSD", "NONE"])
        assert found == {"GOLD": {**gold, "bid": "1.11"}, "EURUSD": euro}
        assert await tx.snapshots.symbols(OTHER, ["GOLD"]) == {}
        assert await tx.snapshots.names(ACCOUNT) == ["GOLD", "EURUSD"]
        assert await tx.snapshots.calendar(ACCOUNT) == calendar


async def test_a_symbol_has_one_name_at_a_broker(store: Any) -> None:
    async with store.begin() as tx:
        assert await tx.snapshots.mapped(ACCOUNT) == {}
        await tx.snapshots.map_symbol(ACCOUNT, "XAUUSD", "GOLD")
        await tx.snapshots.map_symbol(ACCOUNT, "EURUSD", "EURUSD.x")
        await tx.snapshots.map_symbol(ACCOUNT, "XAUUSD", "GOLD.x")
    async with store.begin() as tx:
        known = {"XAUUSD": "GOLD.x", "EURUSD": "EURUSD.x"}
        assert await tx.snapshots.mapped(ACCOUNT) == known
        assert await tx.snapshots.mapped(OTHER) == {}


@pytest.mark.parametrize(("keep", "left"), [(timedelta(days=7), 3), (timedelta(seconds=-1), 0)])
async def test_a_snapshot_as_it_came_is_kept_for_so_long(
    store: Any, keep: timedelta, left: int
) -> None:
    for _ in range(3):
        async with store.begin() as tx:
            await tx.snapshots.keep_raw(ACCOUNT, b"{}", keep=keep)
    assert await raw(store) == left
