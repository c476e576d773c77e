"""Every evaluation is kept: a no as well as an idea, and a repeated no without a second record."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from tortoise import connections

from bot import jobs
from engine.domain.decision import Action
from engine.domain.gate import BEFORE_SIGNAL
from engine.domain.market import Timeframe
from engine.domain.state import TradingState
from engine.errors import FeedError, NotFound
from storage.bundles import BundleTable
from storage.evaluations import EvaluationTable
from tests.conftest import Database
from tests.integration.conftest import START, Desk


async def rows(query: str) -> list[dict[str, object]]:
    return await connections.get("default").execute_query_dict(query)


async def test_every_strategy_and_candle_has_its_row_as_source_002_reads_it(desk: Desk) -> None:
    for _ in range(30):
        await desk.next_candle()
    found = await rows(
        "SELECT ts_utc, pair, strategy, final_signal, reason FROM gate_snapshots ORDER BY id DESC"
    )
    assert len(found) == 30 * 2
    assert {row["pair"] for row in found} == {"EURUSD"}
    assert {row["strategy"] for row in found} == {"EMA trend", "Pullback buy"}
    assert len({row["ts_utc"] for row in found}) == 30
    assert all(row["reason"] for row in found)


async def test_a_no_that_repeats_itself_is_one_record_that_is_counted(desk: Desk) -> None:
    for _ in range(48):
        await desk.next_candle()
    kept = await rows("SELECT *, ts_utc::date AS day FROM gate_snapshots ORDER BY id")
    async with desk.world.store.begin() as tx:
        records = [d.entry for d in await tx.history.list(actions=(Action.NO_TRADE,), limit=10_000)]
    assert 0 < len(records) < len(kept)
    for strategy_id in {row["strategy_id"] for row in kept}:
        mine = [row for row in kept if row["strategy_id"] == strategy_id]
        told = {e.market_time: e for e in records if e.strategy_id == strategy_id}
        run = 0
        for before, row in zip([None, *mine], mine, strict=False):
            folds = (
                before is not None
                and row["final_signal"] == "none"
                and (row["signature"], row["day"]) == (before["signature"], before["day"])
            )
            run = run + 1 if folds else 0
            assert row["repeats"] == run
            if row["final_signal"] == "none":
                assert (row["ts_utc"] in told) is not folds
            if row["ts_utc"] in told and before is not None:
                assert told[row["ts_utc"]].detail["folded"] == before["repeats"]


async def test_a_folded_no_keeps_its_bundle(desk: Desk) -> None:
    for _ in range(12):
        await desk.next_candle()
    (folded, *_) = await rows("SELECT snapshot_ref, ts_utc FROM gate_snapshots WHERE repeats > 0")
    async with desk.world.store.begin() as tx:
        bundle = await tx.bundles.get(str(folded["snapshot_ref"]))
    assert bundle.instant == folded["ts_utc"]


async def test_every_check_that_needs_no_idea_is_on_a_no(desk: Desk) -> None:
    (entry, *_) = [d.entry for d in await desk.next_candle()]
    assert entry.action is Action.NO_TRADE
    codes = [check["code"] for check in entry.detail["outcome"]["before"]]
    assert tuple(codes[: len(BEFORE_SIGNAL)]) == BEFORE_SIGNAL
    assert {"state", "stale_data", "account", "max_drawdown", "unknown_order"} <= set(codes)


async def test_what_was_evaluated_cannot_be_changed(desk: Desk, opened: Database) -> None:
    await desk.next_candle()
    connection = await asyncpg.connect(opened.url)
    for statement in ("UPDATE gate_snapshots SET reason = 'x'", "DELETE FROM gate_snapshots"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()
    owner = await asyncpg.connect(opened.owner_url)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await owner.execute("UPDATE gate_snapshots SET reason = 'x'")
    await owner.close()


async def test_candle_is_judged_once_however_often_it_is_asked(desk: Desk) -> None:
    await desk.next_candle()
    again = await desk.work.run_cycle.over([("EURUSD", Timeframe.H1)] * 3)
    assert again == ((), ())
    assert len(await rows("SELECT id FROM gate_snapshots")) == 2


async def test_every_candle_is_claimed_before_the_first_bundle_is_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    for table, name in ((EvaluationTable, "claim"), (BundleTable, "put_all")):

        def told(method: Any, name: str) -> Any:
            async def call(*args: object) -> object:
                done.append(name)
                return await method(*args)

            return call

        monkeypatch.setattr(table, name, told(getattr(table, name), name))
    assert await desk.world.market.advance(lambda: START, timedelta(0)) is not None
    await desk.work.sync_broker()
    await desk.work.run_cycle.over([("EURUSD", Timeframe.H1)] * 2)
    assert done == ["claim", "put_all"]


async def test_symbol_without_data_does_not_keep_the_others_waiting(desk: Desk) -> None:
    assert await desk.world.market.advance(lambda: START, timedelta(0)) is not None
    await desk.work.sync_broker()

    class Patchy:
        """A market that has candles of one symbol only."""

        def __getattr__(self, name: str) -> object:
            return getattr(desk.world.market, name)

        async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> object:
            if symbol != "EURUSD":
                raise FeedError(f"no candles of {symbol}")
            return await desk.world.market.candles(symbol, timeframe, count)

    object.__setattr__(desk.work.run_cycle.collect, "market", Patchy())
    watched = [("GBPUSD", Timeframe.H1), ("EURUSD", Timeframe.H1), ("USDJPY", Timeframe.H1)]
    decisions, missing = await desk.work.run_cycle.over(watched)
    assert {d.entry.symbol for d in decisions} == {"EURUSD"}
    assert [str(error) for error in missing] == ["no candles of GBPUSD", "no candles of USDJPY"]
    with pytest.raises(FeedError, match="GBPUSD"):
        await desk.work.run_cycle("GBPUSD", Timeframe.H1)


async def test_tape_goes_on_and_others_are_judged_while_a_symbol_has_no_data(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    market = desk.world.market
    gaps = {
        "GBPUSD": NotFound("no such symbol"),
        "USDJPY": FeedError("no candles"),
        "USDCHF": None,
        "AUDUSD": None,
    }

    class Patchy:
        """One symbol is whole; the others lack candles, each in its way, or the specification."""

        def __getattr__(self, name: str) -> object:
            return getattr(market, name)

        async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> object:
            error = gaps.get(symbol)
            if error is not None:
                raise error
            return () if symbol == "USDCHF" else await market.candles("EURUSD", timeframe, count)

        async def instrument(self, symbol: str) -> object:
            if symbol == "AUDUSD":
                raise NotFound("no specification")
            return await market.instrument(symbol)

    object.__setattr__(desk.work.run_cycle.collect, "market", Patchy())
    symbols = tuple((symbol, Timeframe.H1) for symbol in (*gaps, "EURUSD"))
    world = SimpleNamespace(
        store=desk.world.store, market=Patchy(), tape=Patchy(), symbols=symbols,
        pace=timedelta(0), waits=False,
    )  # fmt: skip
    played = await market.played()
    await jobs.ingest({"world": world, "work": desk.work})
    assert await market.played() == played + 1
    assert {row["pair"] for row in await rows("SELECT pair FROM gate_snapshots")} == {"EURUSD"}
    assert len(await rows("SELECT DISTINCT ts_utc FROM gate_snapshots")) == 2
    for symbol in ("GBPUSD", "USDJPY", "USDCHF"):
        told = [r for r in caplog.records if f"{symbol} H1 was not judged" in r.getMessage()]
        assert len(told) == 2  # once before the candle and once after it
    assert "not judged: no specification" in caplog.text


async def test_who_was_overtaken_does_not_play_the_candle_after_an_unjudged_one(
    desk: Desk,
) -> None:
    market = desk.world.market

    class Overtaken:
        """Somebody else moves the tape on as soon as this one has looked where it stands."""

        def __getattr__(self, name: str) -> object:
            return getattr(market, name)

        async def rest(self, clock: Any) -> None:
            await market.rest(clock)

        async def advance(self, *arguments: Any, **named: Any) -> object:
            await market.advance(lambda: START, timedelta(0))
            return await market.advance(*arguments, **named)

    world = SimpleNamespace(
        store=desk.world.store, market=market, tape=Overtaken(),
        symbols=(("EURUSD", Timeframe.H1),), pace=timedelta(0), waits=False,
    )  # fmt: skip
    played = await market.played()
    context = {"world": world, "work": desk.work}
    await jobs.ingest(context)
    assert await market.played() == played + 1
    await jobs.ingest(context)
    judged = {row["candle_time"] for row in await rows("SELECT candle_time FROM evaluation")}
    assert set(market.recording.times[played - 1 : played + 1]) <= judged


async def test_in_emergency_stop_nothing_is_evaluated(desk: Desk) -> None:
    await desk.talk.change_control.stop(None)
    assert await desk.next_candle() == ()
    assert await rows("SELECT id FROM gate_snapshots") == []
    async with desk.world.store.begin() as tx:
        assert (await tx.controls.read()).state is TradingState.EMERGENCY_STOP
