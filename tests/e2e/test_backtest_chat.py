"""A backtest in the chat: chosen by buttons, played by a process, cancelled, broken off."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from bot import backtest_jobs
from bot.backtest_jobs import Player
from engine.domain.backtest import RunState
from tests.e2e.conftest import Chat


@pytest.fixture
def player(chat: Chat) -> Player:
    return Player(world=chat.desk.world)


async def _runs(chat: Chat) -> list[Any]:
    return list(await chat.desk.talk.read_backtests(1001))


async def test_a_backtest_is_chosen_started_and_reported(chat: Chat, player: Player) -> None:
    (form,) = await chat.say("/backtest")
    assert "all that are on" in form["text"]
    assert "all candles" in form["text"]
    await chat.tap(form, "🧭 Strategy")
    await chat.tap(form, "📅 Period")
    await chat.tap(form, "📅 Period")
    (form,) = [m for m in chat.sandbox.messages(1001) if m["message_id"] == form["message_id"]]
    assert "last 3 months" in form["text"]
    await chat.tap(form, "▶️ Start")
    (run,) = await _runs(chat)
    assert run.state is RunState.WAITING
    await player()
    await chat.settle()
    (run,) = await _runs(chat)
    assert run.state is RunState.DONE, run.problem
    assert run.done == run.total > 1_000
    seen = chat.sandbox.messages(1001)
    assert any("✅ Done." in m.get("text", "") for m in seen)
    assert any("photo" in m and "Profit factor" in m.get("caption", "") for m in seen)
    assert any(m.get("document", {}).get("file_name") == "backtest.html" for m in seen)


async def test_a_person_has_one_at_a_time_and_cancels_it(chat: Chat, player: Player) -> None:
    (form,) = await chat.say("/backtest")
    await chat.tap(form, "▶️ Start")
    (again,) = await chat.say("/backtest")
    assert "Waits for a worker" in again["text"]
    await chat.tap(again, "✖️ Cancel")
    await player()
    (run,) = await _runs(chat)
    assert run.state is RunState.CANCELLED
    assert run.report is None


async def test_one_that_is_played_is_cancelled_across_processes(
    chat: Chat, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    (form,) = await chat.say("/backtest")
    await chat.tap(form, "▶️ Start")
    (run,) = await _runs(chat)
    started, packed = Event(), backtest_jobs.input_of

    def input_of(given: Any) -> bytes:
        started.set()
        return packed(given)

    monkeypatch.setattr(backtest_jobs, "input_of", input_of)
    async with asyncio.TaskGroup() as group:
        group.create_task(player())
        await asyncio.to_thread(started.wait, 20)
        await chat.desk.talk.cancel_backtest(1001, run.id)
    run = await chat.desk.talk.read_backtests.one(1001, run.id)
    assert run.state is RunState.CANCELLED
    # Asked to end before its first candle, a process has nothing to tell.
    assert run.report is None or not run.report["is_whole"]


async def test_a_dead_workers_run_is_told_and_started_again(chat: Chat, player: Player) -> None:
    (form,) = await chat.say("/backtest")
    await chat.tap(form, "▶️ Start")
    async with chat.desk.world.store.begin() as tx:
        assert await tx.backtests.take(-1) is not None
    await player()
    await chat.settle()
    (shown,) = [m for m in chat.sandbox.messages(1001) if m["message_id"] == form["message_id"]]
    assert "broken off" in shown["text"]
    await chat.tap(shown, "🔁 Start again")
    assert [run.state for run in await _runs(chat)] == [RunState.WAITING, RunState.BROKEN_OFF]


def _shown(chat: Chat, message: dict[str, Any]) -> dict[str, Any]:
    return next(m for m in chat.sandbox.messages(1001) if m["message_id"] == message["message_id"])


async def test_costs_and_days_are_typed_shown_back_and_played(chat: Chat, player: Player) -> None:
    (form,) = await chat.say("/backtest")
    assert "Spread 0.8 pips" in form["text"]
    await chat.tap(form, "💸 Costs")
    await chat.tap(_shown(chat, form), "✏️ Spread, pips")
    (wrong,) = await chat.say("-1")
    assert "Write a number from 0 to 10,000." in wrong["text"]
    (typed,) = await chat.say("1.5")
    assert "Spread 1.5 pips" in typed["text"]
    # The form of before shows other values than would be played.
    assert "outdated" in (await chat.tap(_shown(chat, form), "⬅️ Back"))["text"]
    await chat.tap(typed, "💸 Costs")
    await chat.tap(_shown(chat, typed), "✏️ Starting balance")
    (typed,) = await chat.say("5000")
    await chat.tap(typed, "📆 From – to")
    (typed,) = await chat.say("2017-12-01 2017-12-31")
    assert "2017-12-01 – 2017-12-31" in typed["text"]
    assert "Starting balance 5,000" in typed["text"]
    assert not await _runs(chat)
    await chat.tap(typed, "▶️ Start")
    await player()
    (run,) = await _runs(chat)
    assert run.state is RunState.DONE, run.problem
    assert run.wish.costs.spread_pips == Decimal("1.5")
    assert run.wish.balance == 5000
    assert (run.wish.since, run.wish.until) == (
        datetime(2017, 12, 1, tzinfo=UTC), datetime(2018, 1, 1, tzinfo=UTC),
    )  # fmt: skip


async def test_a_command_ends_the_question_for_a_value(chat: Chat) -> None:
    (form,) = await chat.say("/backtest")
    await chat.tap(form, "📆 From – to")
    await chat.say("/whoami")
    answers = await chat.say("2017-12-01 2017-12-31")
    assert not any("2017-12-01 – 2017-12-31" in m.get("text", "") for m in answers)
    assert "outdated" in (await chat.tap(form, "▶️ Start"))["text"]
    assert not await _runs(chat)


async def test_a_viewer_starts_nothing(chat: Chat) -> None:
    (answer,) = await chat.say("/backtest", 1003)
    assert "text" in answer
    assert "Start" not in str(answer.get("reply_markup", ""))
