"""The operator's commands: each effect once, whoever dies, with a record of every step."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from tortoise import connections

from engine.domain.decision import Action
from engine.domain.operator_command import AccountMode, CommandStatus, CommandType, OperatorCommand
from engine.domain.person import Role
from engine.domain.state import Control, HaltReason, TradingState
from engine.errors import BrokerSilent, IllegalMove, InvalidInput, NotAllowed
from engine.flow.approvals import Choice
from engine.flow.executor import ExecuteCommands
from engine.flow.latch import halt
from storage.models import OutboxRow
from tests.conftest import Database
from tests.integration.conftest import ANN, EVE, LUIS, Desk
from tests.integration.trades import Line

T, S = CommandType, CommandStatus
STEPS = ["command_queued", "command_claimed", "command_started", "command_action",
         "command_finished"]  # fmt: skip


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Mortal:
    """A store whose user dies at one place: before, in, or after its n-th transaction."""

    inner: Any
    dies: tuple[int, str] | None = None
    count: int = field(default=0)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        self.count += 1
        self._die("before")
        async with self.inner.begin() as tx:
            yield tx
            self._die("in")
        self._die("after")

    def _die(self, where: str) -> None:
        if self.dies == (self.count, where):
            raise Killed


@dataclass
class Silent:
    """The paper broker, gone."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def positions(self) -> Any:
        raise BrokerSilent("no answer")


@dataclass
class Live:
    """The paper broker, as if it moved real money."""

    inner: Any
    is_live: bool = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def worker(desk: Desk, **values: Any) -> ExecuteCommands:
    return replace(desk.work.execute_commands, **values)


async def give(desk: Desk, kind: T, who: int | None = None, **values: Any) -> OperatorCommand:
    return await desk.talk.give_command(who, kind, **values)


async def run(desk: Desk, kind: T, who: int | None = None, **values: Any) -> OperatorCommand:
    command = await give(desk, kind, who, **values)
    await desk.work.execute_commands()
    return await now(desk, command)


async def now(desk: Desk, command: OperatorCommand) -> OperatorCommand:
    return await desk.talk.read_commands.one(None, command.id)


async def control(desk: Desk) -> Control:
    async with desk.world.store.begin() as tx:
        return await tx.controls.read()


async def free() -> None:
    """The leases of everyone who died, or waits, run out."""
    await connections.get("default").execute_query(
        "UPDATE commands SET lease_until = clock_timestamp() WHERE status = 'RUNNING'"
    )


async def steps(desk: Desk) -> list[str]:
    return [step for step in await desk.actions() if step.startswith("command_")]


async def open_trade(desk: Desk) -> None:
    idea = await desk.until_idea()
    await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await desk.send_all()
    await desk.work.sync_broker()
    assert len(await desk.world.broker.positions()) == 1


async def to_its_end(desk: Desk, command: OperatorCommand) -> OperatorCommand:
    """What workers and the sweep do until a command is over."""
    for _ in range(6):
        await free()
        await desk.work.execute_commands()
        await desk.send_all()
        command = await now(desk, command)
        if command.status.is_over:
            return command
    raise AssertionError(f"not over: {command}")


async def test_a_pause_and_a_resume_are_done_and_each_step_is_in_the_history(desk: Desk) -> None:
    paused = await run(desk, T.PAUSE_ALL)
    assert (paused.status, (await control(desk)).state) == (S.SUCCEEDED, TradingState.PAUSED)
    assert paused.actions == [
        {"action": "pause_all", "outcome": "done", "before": "running", "after": "paused"}
    ]
    resumed = await run(desk, T.RESUME_ALL)
    assert (resumed.status, (await control(desk)).may_open) == (S.SUCCEEDED, True)
    assert await steps(desk) == STEPS * 2
    async with desk.world.store.begin() as tx:
        (given, *_) = await tx.history.list(actions=(Action.COMMAND_QUEUED,), limit=9)
        (halted,) = await tx.history.list(actions=(Action.AI_HALTED,), limit=9)
    assert (given.entry.actor, given.entry.detail["type"]) == ("cli", "RESUME_ALL")
    assert halted.entry.actor == "cli"


async def test_a_pair_is_paused_and_released_by_any_spelling(desk: Desk) -> None:
    paused = await run(desk, T.PAUSE_PAIR, LUIS.id, pair="eur_usd")
    assert (paused.payload.pair, paused.actor) == ("EURUSD", "person:1002")
    assert (await control(desk)).paused_symbols == ("EURUSD",)
    assert (await control(desk)).changed_by == "Luis"
    assert (await run(desk, T.PAUSE_PAIR, pair="EURUSD")).result["reason"] == "already"
    assert (await run(desk, T.RESUME_PAIR, pair="EURUSD")).status is S.SUCCEEDED
    assert (await control(desk)).paused_symbols == ()
    failed = await run(desk, T.PAUSE_PAIR, pair="USDJPY")
    assert (failed.status, failed.result["reason"]) == (S.FAILED, "not_watched")


async def test_what_is_so_already_is_skipped(desk: Desk) -> None:
    assert (await run(desk, T.RESUME_ALL)).status is S.SKIPPED
    await run(desk, T.PAUSE_ALL)
    again = await run(desk, T.PAUSE_ALL)
    assert (again.status, again.result["reason"]) == (S.SKIPPED, "already")
    await desk.talk.change_control.stop(None)
    stopped = await run(desk, T.PAUSE_ALL)
    assert (stopped.status, (await control(desk)).state) == (
        S.SKIPPED, TradingState.EMERGENCY_STOP,
    )  # fmt: skip


async def test_a_key_has_one_command_and_one_effect(desk: Desk) -> None:
    first = await run(desk, T.PAUSE_ALL, key="k1")
    await run(desk, T.RESUME_ALL)
    again = await run(desk, T.PAUSE_ALL, key="k1")
    assert again == first
    assert (await control(desk)).may_open
    with pytest.raises(IllegalMove, match="belongs to command"):
        await give(desk, T.RESUME_ALL, key="k1")
    with pytest.raises(IllegalMove):
        await give(desk, T.PAUSE_PAIR, pair="EURUSD", key="k1")


@pytest.mark.parametrize(
    ("kind", "values"),
    [(T.PAUSE_PAIR, {}), (T.PAUSE_ALL, {"pair": "EURUSD"}), (T.CLOSE_PAIR, {"pair": " "}),
     (T.PAUSE_ALL, {"key": ""}), (T.PAUSE_ALL, {"key": "k" * 101})],
)  # fmt: skip
async def test_what_makes_no_sense_is_not_queued(
    desk: Desk, kind: T, values: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput):
        await give(desk, kind, **values)
    assert await desk.talk.read_commands(None) == []


async def test_rights_are_asked_when_it_is_given_and_when_it_is_done(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        await give(desk, T.PAUSE_ALL, EVE.id)
    with pytest.raises(NotAllowed):
        await give(desk, T.RELOAD_PARAMS, LUIS.id)
    command = await give(desk, T.PAUSE_ALL, LUIS.id)
    await desk.talk.change_role(ANN.id, LUIS.id, Role.VIEWER)
    await desk.work.execute_commands()
    command = await now(desk, command)
    assert (command.status, command.result["reason"]) == (S.FAILED, "not_allowed")
    assert (await control(desk)).may_open


async def test_a_halt_is_never_lifted_by_a_command(desk: Desk) -> None:
    async with desk.world.store.begin() as tx:
        at = await tx.controls.take()
        entries = await halt(tx, at, HaltReason.DAILY_LOSS, market_time=None)
        await tx.history.extend(entries)
    failed = await run(desk, T.RESUME_ALL)
    assert (failed.status, failed.result["reason"]) == (S.FAILED, "needs_confirmation")
    await desk.talk.change_control.stop(None)
    failed = await run(desk, T.RESUME_ALL, ANN.id)
    assert (failed.status, failed.result["reason"]) == (S.FAILED, "needs_confirmation")
    assert (await control(desk)).state is TradingState.EMERGENCY_STOP


async def test_a_resume_does_not_lift_a_pause_that_came_after_it(desk: Desk) -> None:
    await desk.talk.change_control.pause(LUIS.id)
    command = await give(desk, T.RESUME_ALL)
    await desk.talk.change_control.resume(LUIS.id)
    await desk.talk.change_control.pause(ANN.id)
    await desk.work.execute_commands()
    command = await now(desk, command)
    assert (command.status, command.result["reason"]) == (S.FAILED, "overtaken")
    assert not (await control(desk)).may_open


async def test_a_resume_follows_the_pauses_that_were_given_before_it(desk: Desk) -> None:
    kinds = (T.PAUSE_ALL, T.RESUME_ALL, T.PAUSE_ALL, T.RESUME_ALL)
    given = [await give(desk, kind) for kind in kinds]
    await asyncio.gather(*(worker(desk, worker=f"w{n}")() for n in range(3)))
    await desk.work.execute_commands()
    assert [(await now(desk, one)).status for one in given] == [S.SUCCEEDED] * 4
    assert (await control(desk)).may_open
    assert (await desk.actions()).count("ai_halted") == 2


async def test_a_resume_into_a_reached_limit_fails(desk: Desk) -> None:
    await run(desk, T.PAUSE_ALL)
    async with desk.world.store.begin() as tx:
        day = await tx.settings.day("paper-1")
        assert day is not None
        await tx.settings.save_day(
            replace(day, start_equity=Decimal(90_000), peak_equity=Decimal(90_000))
        )
    failed = await run(desk, T.RESUME_ALL)
    assert (failed.status, failed.result["reason"]) == (S.FAILED, "would_halt")
    assert not (await control(desk)).may_open


async def test_an_old_resume_and_an_old_close_are_left_alone_and_an_old_pause_is_not(
    desk: Desk,
) -> None:
    await desk.talk.change_control.pause(None)
    given = [await give(desk, kind) for kind in (T.RESUME_ALL, T.CLOSE_ALL)]
    given.append(await give(desk, T.PAUSE_PAIR, pair="EURUSD"))
    await connections.get("default").execute_query(
        "UPDATE commands SET created_at = created_at - interval '11 minutes'"
    )
    await desk.work.execute_commands()
    found = [await now(desk, one) for one in given]
    assert [(one.status, one.result.get("reason")) for one in found] == [
        (S.SKIPPED, "expired"), (S.SKIPPED, "expired"), (S.SUCCEEDED, None),
    ]  # fmt: skip


async def test_trades_are_closed_by_position_orders_and_the_end_of_each_is_told(desk: Desk) -> None:
    await open_trade(desk)
    command = await run(desk, T.CLOSE_PAIR, pair="EUR/USD", mode=AccountMode.PAPER)
    assert (command.status, command.actions[0]["outcome"]) == (S.RUNNING, "asked")
    command = await to_its_end(desk, command)
    assert (command.status, command.actions[0]["outcome"]) == (S.SUCCEEDED, "closed")
    assert Decimal(command.actions[0]["price"]) > 0
    assert await desk.world.broker.positions() == ()
    assert "position_changed" in await desk.actions()
    assert await steps(desk) == [*STEPS[:4], "command_action", "command_finished"]
    async with desk.world.store.begin() as tx:
        order = await tx.position_orders.get(command.actions[0]["client_id"])
    assert (order.asked_by, order.asked_name) == (None, "cli")


async def test_a_close_that_leaves_a_rest_open_is_no_success(desk: Desk) -> None:
    await open_trade(desk)
    line = Line(desk.world.broker, fate="in part")
    send = replace(desk.work.send_position_order, broker=line)
    work = replace(desk.work, send_position_order=send)
    command = await run(replace(desk, work=work), T.CLOSE_ALL)
    command = await to_its_end(replace(desk, work=work), command)
    (action,) = command.actions
    assert (command.status, command.result["reason"]) == (S.FAILED, "not_closed")
    assert (action["outcome"], action["reason"], action["left"]) == ("failed", "short", "0.01")
    assert len(await desk.world.broker.positions()) == 1


async def test_nothing_open_and_another_pair_are_done_at_once(desk: Desk) -> None:
    assert (await run(desk, T.CLOSE_ALL)).result["reason"] == "nothing_open"
    await open_trade(desk)
    other = await run(desk, T.CLOSE_PAIR, pair="USDJPY")
    assert (other.status, other.actions) == (S.SUCCEEDED, [])
    assert len(await desk.world.broker.positions()) == 1


async def test_a_close_that_a_person_asked_for_is_joined(desk: Desk) -> None:
    await open_trade(desk)
    (trade,) = (await desk.talk.read_positions(ANN.id)).trades
    asked = await desk.talk.ask_position.close(ANN.id, trade.position.id)
    order = await desk.talk.confirm_position(ANN.id, asked.order.client_id)
    command = await run(desk, T.CLOSE_ALL)
    assert command.actions[0]["client_id"] == order.client_id
    assert command.actions[0]["outcome"] == "joined"
    command = await to_its_end(desk, command)
    assert command.actions[0]["outcome"] == "closed"


@pytest.mark.parametrize(
    ("enabled", "account", "reason"),
    [(False, None, "live_trading_disabled"), (True, AccountMode.PAPER, "other_mode"),
     (True, AccountMode.LIVE, None)],
)  # fmt: skip
async def test_a_real_account_is_closed_only_with_live_trading_on(
    desk: Desk, enabled: bool, account: AccountMode | None, reason: str | None
) -> None:
    await open_trade(desk)
    command = await give(desk, T.CLOSE_ALL, mode=account)
    live = worker(desk, broker=Live(desk.world.broker), live_enabled=enabled)
    await live()
    command = await now(desk, command)
    assert command.result.get("reason") == reason
    assert command.status is (S.RUNNING if reason is None else S.SKIPPED)
    assert bool(command.actions) is (reason is None)


async def test_a_venue_that_is_silent_for_long_fails_the_close_and_admins_are_told(
    desk: Desk,
) -> None:
    silent = worker(desk, broker=Silent(desk.world.broker))
    command = await give(desk, T.CLOSE_ALL)
    await silent()
    assert (await now(desk, command)).status is S.RUNNING
    await connections.get("default").execute_query(
        "UPDATE commands SET claimed_at = claimed_at - interval '61 seconds'"
    )
    await free()
    await silent()
    command = await now(desk, command)
    assert (command.status, command.result["reason"]) == (S.FAILED, "broker_silent")
    told = await OutboxRow.filter(kind="command_failed")
    assert [row.person_id for row in told] == [ANN.id]


async def test_a_reload_says_what_changed_since_the_last_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await run(desk, T.RELOAD_PARAMS, ANN.id)
    assert first.actions[0]["settings_version"] == 1
    assert "changed" not in first.actions[0]
    await desk.change_risk(max_daily_loss_percent=Decimal(4))
    monkeypatch.setenv("EA_API_KEY", "a-secret-of-the-test")
    second = await run(desk, T.RELOAD_PARAMS)
    assert second.actions[0]["changed"] == {
        "settings": ["max_daily_loss_percent"], "strategies": {},
    }  # fmt: skip
    assert second.actions[0]["needs_restart"] == ["EA_API_KEY"]
    assert "a-secret" not in str(second)


async def test_many_workers_do_each_command_once(desk: Desk) -> None:
    await open_trade(desk)
    kinds = (T.PAUSE_ALL, T.CLOSE_ALL, T.RESUME_ALL, T.CLOSE_ALL, T.PAUSE_PAIR)
    given = [
        await give(desk, kind, **({"pair": "EURUSD"} if kind.needs_pair else {})) for kind in kinds
    ]
    for _ in range(3):
        await asyncio.gather(*(worker(desk, worker=f"w{n}")() for n in range(4)))
    given = [await to_its_end(desk, one) for one in given]
    assert [one.status for one in given] == [S.SUCCEEDED] * 5
    actions = await desk.actions()
    assert [actions.count(name) for name in ("ai_halted", "ai_resumed", "symbol_paused")] == [1] * 3
    assert actions.count("position_changed") == 1
    assert actions.count("command_finished") == 5


@pytest.mark.parametrize("where", ["before", "in", "after"])
async def test_a_worker_that_dies_anywhere_leaves_no_effect_twice_and_none_out(
    desk: Desk, where: str
) -> None:
    """Each command is begun by workers that die at their first, second, third … transaction."""
    await open_trade(desk)
    deaths = 0
    for kind in (T.PAUSE_ALL, T.RESUME_ALL, T.PAUSE_PAIR, T.RESUME_PAIR, T.CLOSE_ALL):
        values = {"pair": "EURUSD"} if kind.needs_pair else {}
        for number in (1, 2, 3):
            await prepare(desk, kind)
            before = await control(desk)
            command = await give(desk, kind, **values)
            mortal = Mortal(desk.world.store, dies=(number, where))
            try:
                await worker(desk, store=mortal, worker="mortal")()
            except Killed:
                deaths += 1
            command = await to_its_end(desk, command)
            assert command.status is S.SUCCEEDED
            if not kind.closes:
                assert (await control(desk)).version == before.version + 1
    assert deaths >= 12
    await desk.work.sync_broker()
    actions = await desk.actions()
    assert actions.count("position_changed") == 1
    assert actions.count("command_finished") == 15
    assert actions.count("command_started") == 15


async def prepare(desk: Desk, kind: T) -> None:
    """Give a command something to do."""
    change, stands = desk.talk.change_control, await control(desk)
    if kind.needs_pair and ("EURUSD" in stands.paused_symbols) is not kind.resumes:
        await change.symbol(None, "EURUSD", paused=kind.resumes)
    if kind is T.PAUSE_ALL and not stands.may_open:
        await change.resume(None)
    if kind is T.RESUME_ALL and stands.may_open:
        await change.pause(None)


async def test_one_who_comes_back_late_finds_that_somebody_else_did_it(desk: Desk) -> None:
    command = await give(desk, T.PAUSE_ALL)
    late = worker(desk, worker="late")
    held = await late._claim()
    assert held is not None
    await free()
    await worker(desk, worker="other")()
    version = (await control(desk)).version
    assert await late._carry_out(held) is None
    assert (await control(desk)).version == version
    assert (await now(desk, command)).claimed_by == "other"


async def test_one_that_breaks_every_time_is_given_up(desk: Desk) -> None:
    command = await give(desk, T.PAUSE_ALL)
    for _ in range(5):
        with pytest.raises(Killed):
            await worker(desk, store=Mortal(desk.world.store, dies=(2, "before")))()
        await free()
    await desk.work.execute_commands()
    command = await now(desk, command)
    assert (command.status, command.result["reason"]) == (S.FAILED, "gave_up")
    assert (await control(desk)).may_open


@pytest.mark.parametrize("where", ["in", "after"])
async def test_a_process_killed_in_the_middle_leaves_one_effect(
    desk: Desk, database: Database, where: str
) -> None:
    """The kernel's own kill, in or just after the transaction that has the effect."""
    command = await give(desk, T.PAUSE_ALL)
    script = [sys.executable, "-m", "tests.integration.dying_worker", database.url, "2", where]
    process = await asyncio.create_subprocess_exec(*script)
    assert await process.wait() == -signal.SIGKILL
    assert (await now(desk, command)).status is (S.SUCCEEDED if where == "after" else S.RUNNING)
    command = await to_its_end(desk, command)
    assert command.status is S.SUCCEEDED
    assert (await control(desk)).version == 2
    assert (await desk.actions()).count("ai_halted") == 1
    assert command.claim == (1 if where == "after" else 2)


async def test_a_worker_that_is_cancelled_anywhere_leaves_no_effect_twice(desk: Desk) -> None:
    await open_trade(desk)
    for milliseconds in (1, 2, 4, 7, 11, 16):
        await prepare(desk, T.PAUSE_ALL)
        version = (await control(desk)).version
        given = [await give(desk, T.PAUSE_ALL), await give(desk, T.CLOSE_ALL)]
        task = asyncio.ensure_future(worker(desk, worker="cancelled")())
        await asyncio.sleep(milliseconds / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        given = [await to_its_end(desk, one) for one in given]
        assert [one.status for one in given] == [S.SUCCEEDED] * 2
        assert (await control(desk)).version == version + 1
    await desk.work.sync_broker()
    actions = await desk.actions()
    assert actions.count("position_changed") == 1
    assert actions.count("command_finished") == 12
