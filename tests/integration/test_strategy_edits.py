"""Strategies edited, added and switched: each a version and a record, with one winner."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import strategy_reports
from bot.settings import Settings
from engine.domain.decision import Action, Decision
from engine.domain.settings import RiskSettings
from engine.domain.state import Control
from engine.domain.strategy import Strategy
from engine.errors import InvalidInput, NotAllowed, NotFound, Outdated
from engine.flow.strategies import (
    AddStrategy,
    EditStrategy,
    ReadStrategies,
    ReadVersions,
    SwitchStrategy,
    named,
)
from engine.strategies.changes import Change, diff
from engine.strategies.documents import SHIPPED, document, shipped, strategy_id, text
from storage.audit import PostgresAuditor
from storage.database import open_database
from storage.seed import seed
from storage.transaction import PostgresStore
from tests.conftest import Database
from tests.integration.conftest import ANN, EVE, LUIS, START, Desk

TREND = strategy_id("ema-trend")


async def current(store: PostgresStore, name: str = "ema-trend") -> Strategy:
    return named(await ReadStrategies(store=store)(None), name)


async def edited(store: PostgresStore, **values: Any) -> str:
    """The text of the EMA trend's document with some top-level fields replaced."""
    return json.dumps({**document(await current(store)), **values})


async def records(store: PostgresStore) -> list[Decision]:
    async with store.begin() as tx:
        return list(await tx.history.list(actions=[Action.STRATEGY_CHANGED], limit=99))


async def test_an_edit_is_the_next_version_with_a_record_of_what_changed(desk: Desk):
    store = desk.world.store
    before = await current(store)
    wanted = await edited(store, rr_expectation=2.5, allowed_symbols=["EURUSD", "GBPUSD"])
    done = await EditStrategy(store=store)(
        ANN.id, TREND, wanted, reason="two  markets\n", expected=1
    )
    assert done.before == before
    assert done.after == await current(store)
    assert (done.after.version, done.after.is_active) == (2, True)
    assert done.changes == (
        Change("allowed_symbols", "EURUSD", "EURUSD, GBPUSD"),
        Change("rr_expectation", "2.0", "2.5"),
    )
    (record,) = await records(store)
    entry = record.entry
    assert (entry.actor, entry.strategy_id, entry.strategy_version) == ("person:1001", TREND, 2)
    assert entry.rationale == "EMA trend, version 2: two markets"
    assert entry.detail["reason"] == "two markets"
    assert entry.detail["changes"][1] == {
        "path": "rr_expectation", "before": "2.0", "after": "2.5",
    }  # fmt: skip
    assert entry.detail["before"] == {"is_active": True, **document(before)}
    assert entry.detail["after"] == {"is_active": True, **document(done.after)}
    versions = await ReadVersions(store=store)(EVE.id, TREND)
    assert [(v.strategy.version, v.by, v.reason) for v in versions] == [
        (2, "Ann", "two markets"),
        (1, "system", "shipped"),
    ]
    assert versions[0].strategy == done.after
    assert desk.bell.rung == []
    assert not (await PostgresAuditor().verify())[1]


async def test_a_document_that_changes_nothing_is_refused(desk: Desk):
    store = desk.world.store
    with pytest.raises(InvalidInput, match="version 1 of EMA trend as it is"):
        await EditStrategy(store=store)(
            None, TREND, text(await current(store)), reason="again", expected=1
        )
    assert await records(store) == []


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 201])
async def test_a_change_needs_a_reason(desk: Desk, reason: str):
    store = desk.world.store
    with pytest.raises(InvalidInput, match="say in 1 to 200 characters why"):
        await SwitchStrategy(store=store)(None, TREND, on=False, reason=reason)
    assert (await current(store)).version == 1


async def test_an_edit_of_an_older_version_is_refused(desk: Desk):
    store = desk.world.store
    wanted = await edited(store, rr_expectation=3)
    await SwitchStrategy(store=store)(None, TREND, on=False, reason="a pause")
    with pytest.raises(Outdated, match="version 2 by now, not 1"):
        await EditStrategy(store=store)(None, TREND, wanted, reason="late", expected=1)


async def test_of_many_who_edit_one_version_at_once_one_wins(desk: Desk):
    store = desk.world.store
    texts = [await edited(store, rr_expectation=2 + n / 10) for n in range(1, 9)]
    edit = EditStrategy(store=store)
    answers = await asyncio.gather(
        *(edit(None, TREND, wanted, reason="race", expected=1) for wanted in texts),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Outdated) for answer in answers) == 7
    assert (await current(store)).version == 2
    assert len(await records(store)) == 1


async def test_of_many_who_add_one_strategy_at_once_one_wins(desk: Desk):
    store = desk.world.store
    wanted = await edited(store, name="My trend")
    add = AddStrategy(store=store)
    answers = await asyncio.gather(
        *(add(None, wanted, reason="race") for _ in range(6)), return_exceptions=True
    )
    lost = [answer for answer in answers if isinstance(answer, InvalidInput | Outdated)]
    assert len(lost) == 5
    assert (await current(store, "my-trend")).version == 1


async def test_a_new_strategy_comes_last_is_off_and_has_the_id_of_its_name(desk: Desk):
    store = desk.world.store
    done = await AddStrategy(store=store)(
        ANN.id, await edited(store, name="My trend"), reason="mine"
    )
    assert (done.after.id, done.after.version) == (strategy_id("my-trend"), 1)
    assert not done.after.is_active
    assert done.before is None
    assert Change("name", None, "My trend") in done.changes
    everything = await ReadStrategies(store=store)(None)
    assert everything[-1] == done.after
    assert len(everything) == len(SHIPPED) + 1
    on = await AddStrategy(store=store)(
        None, await edited(store, name="Другой", is_active=True), reason="on at once"
    )
    assert on.after.is_active


async def test_a_name_leads_to_one_strategy(desk: Desk):
    store = desk.world.store
    for taken in ("EMA trend", "ema  TREND!", "Pullback buy"):
        with pytest.raises(InvalidInput, match="already"):
            await AddStrategy(store=store)(None, await edited(store, name=taken), reason="again")
    with pytest.raises(InvalidInput, match="already"):
        await EditStrategy(store=store)(
            None, TREND, await edited(store, name="pullback_buy"), reason="x", expected=1
        )
    renamed = await EditStrategy(store=store)(
        None, TREND, await edited(store, name="ema-TREND"), reason="case", expected=1
    )
    assert renamed.after.id == TREND
    assert await current(store, str(TREND)) == renamed.after
    with pytest.raises(NotFound, match="there is no strategy 'moon'; there are: ema-TREND, Pull"):
        await current(store, "moon")


Change_ = Callable[[PostgresStore, int], Coroutine[Any, Any, object]]


async def _edit(store: PostgresStore, person: int) -> object:
    wanted = await edited(store, rr_expectation=3)
    return await EditStrategy(store=store)(person, TREND, wanted, reason="x", expected=1)


async def _add(store: PostgresStore, person: int) -> object:
    return await AddStrategy(store=store)(person, await edited(store, name="My"), reason="x")


async def _off(store: PostgresStore, person: int) -> object:
    return await SwitchStrategy(store=store)(person, TREND, on=False, reason="x")


async def _on(store: PostgresStore, person: int) -> object:
    return await SwitchStrategy(store=store)(person, TREND, on=True, reason="x")


@pytest.mark.parametrize(
    ("change", "persons"), [(_edit, (LUIS, EVE)), (_add, (LUIS, EVE)), (_off, (EVE,))]
)
async def test_a_change_is_for_those_who_may(desk: Desk, change: Change_, persons: tuple[Any, ...]):
    store = desk.world.store
    for person in (*(p.id for p in persons), 4711):
        with pytest.raises(NotAllowed):
            await change(store, person)
    assert await records(store) == []
    await change(store, ANN.id)
    assert len(await records(store)) == 1


async def test_a_trader_turns_a_strategy_off_and_an_admin_on(desk: Desk):
    store = desk.world.store
    await _off(store, LUIS.id)
    assert not (await current(store)).is_active
    with pytest.raises(InvalidInput, match="EMA trend is off already"):
        await _off(store, ANN.id)
    with pytest.raises(NotAllowed):
        await _on(store, LUIS.id)
    await _on(store, ANN.id)
    assert [r.entry.detail["changes"] for r in await records(store)] == [
        [{"path": "is_active", "before": "false", "after": "true"}],
        [{"path": "is_active", "before": "true", "after": "false"}],
    ]
    with pytest.raises(InvalidInput, match="on already"):
        await _on(store, ANN.id)


async def test_a_strategy_that_is_off_makes_no_decision(desk: Desk):
    store = desk.world.store
    on = (one for one in await ReadStrategies(store=store)(None) if one.is_active)
    for strategy in on:
        await SwitchStrategy(store=store)(None, strategy.id, on=False, reason="rest")
    assert await desk.next_candle() == ()
    await _on(store, ANN.id)
    (decision,) = await desk.next_candle()
    assert (decision.entry.strategy_id, decision.entry.strategy_version) == (TREND, 3)


async def test_what_is_unknown_is_said_to_be(desk: Desk):
    store, nobody = desk.world.store, strategy_id("nobody")
    for wanted in (
        ReadVersions(store=store)(None, nobody),
        SwitchStrategy(store=store)(None, nobody, on=True, reason="x"),
        EditStrategy(store=store)(None, nobody, "{}", reason="x", expected=1),
    ):
        with pytest.raises(NotFound):
            await wanted


async def test_the_command_line_does_it_all(database: Database, tmp_path: Path):
    async with open_database(database.url):
        await seed(shipped(), RiskSettings(), Control(changed_at=START))
    settings = Settings(_env_file=None, database_url=database.url)  # type: ignore[call-arg]
    said: list[str] = []

    async def run(report: Coroutine[Any, Any, int], code: int = 0) -> str:
        said.clear()
        assert await report == code
        return "\n".join(said)

    listed = await run(strategy_reports.list_all(settings, say=said.append))
    assert len(listed.splitlines()) == len(SHIPPED)
    shown = await run(strategy_reports.show(settings, "ema-trend", say=said.append))
    file = tmp_path / "trend.json"
    file.write_text(shown.replace('"rr_expectation": 2.0', '"rr_expectation": 1.5'), "utf-8")
    told = await run(
        strategy_reports.edit(settings, "EMA trend", file, "a nearer one", say=said.append)
    )
    assert told.splitlines() == [
        "on   v2  EMA trend: H1 both EURUSD", "  rr_expectation: 2.0 -> 1.5",
    ]  # fmt: skip
    told = await run(strategy_reports.switch(settings, "ema-trend", "x", on=False, say=said.append))
    assert told.splitlines() == [
        "off  v3  EMA trend: H1 both EURUSD", "  is_active: true -> false",
    ]  # fmt: skip
    told = await run(strategy_reports.compare(settings, "ema-trend", 1, 2, say=said.append))
    assert told.splitlines() == ["EMA trend, version 1 to 2:", "  rr_expectation: 2.0 -> 1.5"]
    told = await run(strategy_reports.compare(settings, "ema-trend", None, None, say=said.append))
    assert told.splitlines()[1] == "  is_active: true -> false"
    told = await run(strategy_reports.versions(settings, "ema-trend", say=said.append))
    assert [line.split("  ")[0] for line in told.splitlines()] == ["v3", "v2", "v1"]
    with pytest.raises(NotFound, match="no version 9; the newest is 3"):
        await run(strategy_reports.compare(settings, "ema-trend", 1, 9, say=said.append))
    file.write_text(shown.replace('"EMA trend"', '"My trend"'), "utf-8")
    told = await run(strategy_reports.add(settings, file, "mine", say=said.append))
    assert told == "off  v1  My trend: H1 both EURUSD"
    told = await run(strategy_reports.compare(settings, "my-trend", None, None, say=said.append))
    assert told == "My trend has one version; there is nothing to compare it with"
    file.write_text(shown.replace('"H1"', '"H2"').replace("1.5 * atr", "far"), "utf-8")
    for report in (
        strategy_reports.add(settings, file, "wrong", say=said.append),
        strategy_reports.edit(settings, "ema-trend", file, "wrong", say=said.append),
    ):
        told = await run(report, code=2)
        assert [line.split()[0] for line in told.splitlines()] == [
            "timeframe", "exit_rules.stop_loss",
        ]  # fmt: skip
    async with open_database(database.url):
        assert len(await records(PostgresStore())) == 3


def test_a_difference_names_what_came_and_what_went():
    from tests.builders import strategy, window

    before = strategy(nice={"adx_above": "20"})
    after = strategy(
        entry={"ema_trend": "bullish"}, session_windows=(window(), window("21:00", "22:00"))
    )
    found = {change.path: (change.before, change.after) for change in diff(before, after)}
    assert found["nice_to_have.adx_above"] == ("20", None)
    assert found["entry_conditions.ema_trend"] == ("with_trade", "bullish")
    assert found["session_windows.1.start"] == (None, "21:00Z")
    assert len(found) == 5
    assert str(diff(before, replace(before, is_active=False))[0]) == "is_active: true -> false"
    assert diff(before, before) == ()
