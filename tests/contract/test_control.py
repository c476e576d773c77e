"""The ports ``Controls``, ``SettingsStore``, ``Evaluations``: locked, versioned, claimed once."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.domain.decision import GateSnapshot
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.state import TradingState
from engine.errors import NotFound, Outdated
from tests.builders import HOUR, NOW, STRATEGY_ID, control, day, strategy
from tests.contract.conftest import rolled_back


async def save(store: Any, **values: Any) -> None:
    async with store.begin() as tx:
        await tx.controls.save(control(**values))


async def test_an_empty_store_has_no_control_and_no_settings(store: Any):
    async with store.begin() as tx:
        for asked in (tx.controls.read, tx.controls.hold, tx.controls.take, tx.settings.risk):
            with pytest.raises(NotFound):
                await asked()


async def test_the_control_is_read_as_it_was_saved(store: Any):
    await save(store, paused_symbols=("EURUSD",))
    async with store.begin() as tx:
        assert await tx.controls.read() == control(paused_symbols=("EURUSD",))
        assert await tx.controls.hold() == await tx.controls.take() == await tx.controls.read()


async def test_who_takes_the_control_waits_for_whoever_has_it_and_loses_no_change(store: Any):
    await save(store, version=1)

    async def raise_version() -> None:
        async with store.begin() as tx:
            taken = await tx.controls.take()
            await asyncio.sleep(0.01)
            await tx.controls.save(replace(taken, version=taken.version + 1))

    await asyncio.gather(*(raise_version() for _ in range(5)))
    async with store.begin() as tx:
        assert (await tx.controls.read()).version == 6


async def test_many_hold_the_control_together(store: Any):
    await save(store)
    everyone = asyncio.Barrier(3)

    async def hold() -> None:
        async with store.begin() as tx:
            await tx.controls.hold()
            await everyone.wait()

    async with asyncio.timeout(20):
        await asyncio.gather(*(hold() for _ in range(3)))


@pytest.mark.parametrize("held", ["hold", "take"])
async def test_a_change_waits_for_whoever_holds_the_control(store: Any, held: str):
    await save(store)
    holding = asyncio.Event()
    order: list[str] = []

    async def holder() -> None:
        async with store.begin() as tx:
            await getattr(tx.controls, held)()
            holding.set()
            await asyncio.sleep(0.05)
            order.append("held")

    async def stop() -> None:
        await holding.wait()
        async with store.begin() as tx:
            taken = await tx.controls.take()
            order.append("stopped")
            await tx.controls.save(replace(taken, state=TradingState.EMERGENCY_STOP))

    await asyncio.gather(holder(), stop())
    assert order == ["held", "stopped"]


async def test_who_holds_after_a_change_sees_it(store: Any):
    await save(store)
    taken = asyncio.Event()

    async def stop() -> None:
        async with store.begin() as tx:
            now = await tx.controls.take()
            taken.set()
            await asyncio.sleep(0.05)
            await tx.controls.save(replace(now, state=TradingState.EMERGENCY_STOP))

    async def send() -> bool:
        await taken.wait()
        async with store.begin() as tx:
            return bool((await tx.controls.hold()).may_open)

    assert await asyncio.gather(stop(), send()) == [None, False]


async def test_a_change_that_is_rolled_back_did_not_happen(store: Any):
    await save(store)
    async with rolled_back(store) as tx:
        await tx.controls.take()
        await tx.controls.save(control(state=TradingState.HALTED))
    async with store.begin() as tx:
        assert await tx.controls.take() == control()


async def test_settings_are_versioned_and_the_last_version_is_in_force(store: Any):
    loose = RiskSettings(max_lot_size=Decimal("2.50"), watchlist=("EURUSD", "XAUUSD"))
    for version, settings in enumerate((RiskSettings(), loose), start=1):
        async with store.begin() as tx:
            assert await tx.settings.save_risk(settings, by="test", reason="test") == version
    async with store.begin() as tx:
        assert await tx.settings.risk() == (2, loose)
        assert await tx.settings.save_risk(RiskSettings(), by="test", reason="test") == 3
        assert (await tx.settings.risk())[0] == 3
    async with rolled_back(store) as tx:
        await tx.settings.save_risk(loose, by="test", reason="test")
    async with store.begin() as tx:
        assert await tx.settings.risk() == (3, RiskSettings())
        kept = await tx.settings.risk_versions(2)
        assert [(v.version, v.settings, v.changed_by, v.reason) for v in kept] == [
            (3, RiskSettings(), "test", "test"),
            (2, loose, "test", "test"),
        ]


async def test_two_who_write_the_next_settings_at_once_do_not_overwrite_each_other(store: Any):
    async def write() -> int:
        async with store.begin() as tx:
            version = await tx.settings.save_risk(RiskSettings(), by="test", reason="test")
            await asyncio.sleep(0.05)
            return int(version)

    ended = await asyncio.gather(write(), write(), return_exceptions=True)
    versions = [end for end in ended if isinstance(end, int)]
    async with store.begin() as tx:
        assert (await tx.settings.risk())[0] == len(versions) == len(set(versions))


async def test_a_strategy_is_edited_by_its_next_version(store: Any):
    async with store.begin() as tx:
        first = await tx.settings.save_strategy(strategy(version=7), by="test", reason="test")
        assert first == strategy(version=1)
        second = await tx.settings.save_strategy(
            replace(first, is_active=False), by="test", reason="test"
        )
        assert second.version == 2
        with pytest.raises(Outdated):
            await tx.settings.save_strategy(first, by="test", reason="test", expected=1)
        third = await tx.settings.save_strategy(first, by="Ann", reason="back", expected=2)
    async with store.begin() as tx:
        assert await tx.settings.strategies() == (third,)
        versions = await tx.settings.strategy_versions(first.id)
        assert [version.strategy for version in versions] == [third, second, first]
        assert (versions[0].by, versions[0].reason) == ("Ann", "back")


async def test_strategies_keep_the_order_in_which_they_came(store: Any):
    names = {"zebra": 1, "ant": 2, "mole": 3}
    for name, number in names.items():
        async with store.begin() as tx:
            new = strategy(id=UUID(int=number), name=name)
            await tx.settings.save_strategy(new, by="test", reason="test")
    async with store.begin() as tx:
        assert [s.name for s in await tx.settings.strategies()] == ["zebra", "ant", "mole"]


async def test_the_day_of_an_account_is_kept(store: Any):
    async with store.begin() as tx:
        assert await tx.settings.day("paper-1") is None
        await tx.settings.save_day(day())
        await tx.settings.save_day(day(peak="10500.00"))
    async with store.begin() as tx:
        assert await tx.settings.day("paper-1") == day(peak="10500.00")
        assert await tx.settings.day("paper-2") is None


WATCHED = ("EURUSD", Timeframe.H1)
CANDLE = (*WATCHED, NOW)


async def test_a_candle_is_claimed_once(store: Any):
    async def claim() -> bool:
        async with store.begin() as tx:
            return bool(await tx.evaluations.claim([CANDLE]))

    assert sum(await asyncio.gather(*(claim() for _ in range(5)))) == 1
    others = {
        ("GBPUSD", Timeframe.H1, NOW),
        ("EURUSD", Timeframe.H4, NOW),
        ("EURUSD", Timeframe.H1, NOW + HOUR),
    }
    async with store.begin() as tx:
        assert not await tx.evaluations.claim([CANDLE])
        assert await tx.evaluations.claim([CANDLE, *others]) == others
        assert not await tx.evaluations.claim([])


async def test_two_that_claim_the_same_candles_share_them_out(store: Any):
    candles = [(f"S{number:02}USD", Timeframe.H1, NOW) for number in range(20)]

    async def claim(asked: Any) -> Any:
        async with store.begin() as tx:
            return await tx.evaluations.claim(asked)

    one, other = await asyncio.gather(claim(candles), claim(candles[::-1]))
    assert one | other == set(candles)
    assert not one & other


async def test_a_claim_that_is_rolled_back_is_free_again(store: Any):
    async with rolled_back(store) as tx:
        assert await tx.evaluations.claim([CANDLE]) == {CANDLE}
    async with store.begin() as tx:
        assert await tx.evaluations.claim([CANDLE]) == {CANDLE}


async def test_a_claimed_candle_needs_no_judging_and_in_an_emergency_none_does(store: Any):
    await save(store)
    async with store.begin() as tx:
        assert not await tx.evaluations.known(*CANDLE)
        await tx.evaluations.claim([CANDLE])
        assert await tx.evaluations.known(*CANDLE)
        assert not await tx.evaluations.known("EURUSD", Timeframe.H1, NOW + HOUR)
    await save(store, state=TradingState.HALTED)
    async with store.begin() as tx:
        assert not await tx.evaluations.known("EURUSD", Timeframe.H1, NOW + HOUR)
    await save(store, state=TradingState.EMERGENCY_STOP)
    async with store.begin() as tx:
        assert await tx.evaluations.known("EURUSD", Timeframe.H1, NOW + HOUR)


def evaluated(number: int, **values: Any) -> GateSnapshot:
    fields: dict[str, Any] = {
        "market_time": NOW + number * HOUR,
        "symbol": "EURUSD",
        "timeframe": Timeframe.H1,
        "strategy_id": STRATEGY_ID,
        "strategy_version": 1,
        "strategy_name": "EMA trend",
        "final_signal": "none",
        "reason": "none:session",
        "closed": ("session", "spread"),
        "signature": "ab" * 8,
        "repeats": number,
        "bundle_hash": "cd" * 32,
    }
    return GateSnapshot(**(fields | values))


async def test_the_last_evaluation_of_each_strategy_on_a_symbol_is_known(store: Any):
    other = UUID(int=7)
    async with store.begin() as tx:
        for new in (strategy(), strategy(id=other)):
            await tx.settings.save_strategy(new, by="test", reason="test")
        assert dict(await tx.evaluations.latest([WATCHED])) == {}
        await tx.evaluations.record([])
        await tx.evaluations.record([evaluated(2), evaluated(1)])
        await tx.evaluations.record(
            [
                evaluated(3, symbol="GBPUSD"),
                evaluated(4, timeframe=Timeframe.H4),
                evaluated(0, strategy_id=other, closed=()),
            ]
        )
    async with rolled_back(store) as tx:
        await tx.evaluations.record([evaluated(9)])
    async with store.begin() as tx:
        asked = [WATCHED, ("GBPUSD", Timeframe.H1), ("GBPUSD", Timeframe.H4)]
        assert dict(await tx.evaluations.latest(asked)) == {
            WATCHED: {
                STRATEGY_ID: evaluated(1),
                other: evaluated(0, strategy_id=other, closed=()),
            },
            ("GBPUSD", Timeframe.H1): {STRATEGY_ID: evaluated(3, symbol="GBPUSD")},
        }
