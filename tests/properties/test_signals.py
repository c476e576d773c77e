"""Signals under deaths, lost answers and two pushers: none lost, none late, each in its order."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.signal import Answer, AnswerKind, QueuedSignal, Signal, SignalState
from engine.domain.state import Control, TradingState
from engine.flow.signals import ATTEMPTS, BATCH, Pushed, PushSignals
from tests.builders import NOW
from tests.memory import MemoryStore
from tests.memory.rows import Change
from tests.signals import signal

LIFE, PATIENCE, SLACK = timedelta(minutes=5), timedelta(seconds=10), timedelta(seconds=20)
FOREVER = timedelta(days=9000)

_ANSWERS = {
    "taken": Answer(AnswerKind.TAKEN, ticket=7),
    "refused": Answer(AnswerKind.REFUSED, "no"),
    "busy": Answer(AnswerKind.BUSY, "HTTP 503"),
    "lost": Answer(AnswerKind.SILENT, "lost"),
    "away": Answer(AnswerKind.SILENT, "away"),
    "slow": Answer(AnswerKind.SILENT, "slow"),
}  # fmt: skip


class Death(BaseException):
    """A pusher that is gone in mid-work."""


@dataclass
class World:
    """A store, a server that does what it is told, and a clock moved by hand."""

    life: timedelta = LIFE
    fates: list[str] = field(default_factory=list)
    dies_at: int | None = None
    now: Any = NOW
    store: MemoryStore = field(init=False)
    came: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    ages: list[timedelta] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    acked: set[int] = field(default_factory=set)
    put: list[int] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))
    state: TradingState = TradingState.RUNNING
    sent_while: list[TradingState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemoryStore(lambda: self.now)
        self.store.pause = self.step
        self.store.watchers.append(self.see)

    def see(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.table == "control":
                self.state = change.after.state

    async def step(self, _: str) -> None:
        await asyncio.sleep(0)
        if self.dies_at is not None:
            self.dies_at -= 1
            if self.dies_at <= 0:
                self.dies_at = None
                raise Death

    async def send(self, sent: Signal) -> Answer:
        """The port ``SignalLine``."""
        fate = self.fates.pop(0) if self.fates else "taken"
        number = sent.signal_id.int
        self.sent_while.append(self.state)
        self.calls.append(number)
        self.ages.append(self.now - sent.timestamp)
        if fate not in ("away", "refused", "busy"):
            self.came[sent.symbol].append(number)
        if fate == "slow":
            self.now += PATIENCE
        await asyncio.sleep(0)
        return _ANSWERS[fate]

    async def control(self, state: TradingState) -> None:
        async with self.store.begin() as tx:
            await tx.controls.save(Control(state=state, changed_at=self.now))

    async def queue(self, symbol: str) -> None:
        number = next(self.numbers)
        async with self.store.begin() as tx:
            await tx.signal_queue.put(signal(number, symbol=symbol, timestamp=self.now))
        self.put.append(number)

    async def push(self) -> Pushed | None:
        use_case = PushSignals(
            store=self.store, line=self, life=self.life, patience=PATIENCE, slack=SLACK
        )
        try:
            return await use_case()
        except Death:
            return None
        finally:
            await asyncio.sleep(0)

    async def all(self) -> dict[int, QueuedSignal]:
        async with self.store.begin() as tx:
            found = [await tx.signal_queue.get(UUID(int=number)) for number in self.put]
        return {one.signal.signal_id.int: one for one in found if one is not None}


_SYMBOLS = st.sampled_from(["EURUSD", "XAUUSD", "GBPUSD"])
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("queue"), _SYMBOLS),
        st.tuples(st.just("queue"), _SYMBOLS),
        st.tuples(st.just("push"), st.none()),
        st.tuples(st.just("both"), st.none()),
        st.tuples(st.just("die"), st.integers(1, 40)),
        st.tuples(st.just("wait"), st.sampled_from([1, 6, 31, 250])),
        st.tuples(st.just("control"), st.sampled_from(["paused", "running"])),
    ),
    min_size=8,
    max_size=30,
)
_FATES = st.lists(
    st.sampled_from(["taken", "taken", "refused", "busy", "lost", "away", "slow"]), max_size=30
)


async def play(world: World, steps: list[tuple[str, Any]]) -> None:
    await world.control(TradingState.RUNNING)
    for what, value in steps:
        if what == "queue":
            await world.queue(value)
        elif what == "push":
            await world.push()
        elif what == "both":
            await asyncio.gather(world.push(), world.push())
        elif what == "die":
            world.dies_at = value
            await world.push()
            world.dies_at = None
        elif what == "wait":
            world.now += timedelta(seconds=value)
        else:
            await world.control(TradingState(value))


async def settle(world: World) -> dict[int, QueuedSignal]:
    world.fates = []
    await world.control(TradingState.RUNNING)
    for _ in range(4):
        world.now += timedelta(minutes=3)
        await world.push()
    return await world.all()


def ascending(numbers: list[int]) -> bool:
    return numbers == sorted(numbers)


@settings(max_examples=120, deadline=None)
@given(_STEPS, _FATES)
def test_no_signal_is_lost_and_each_symbols_arrive_in_their_order(
    steps: list[tuple[str, Any]], fates: list[str]
) -> None:
    async def run() -> None:
        world = World(life=FOREVER, fates=fates)
        await play(world, steps)
        ends = await settle(world)
        assert list(ends) == world.put
        assert all(ascending(numbers) for numbers in world.came.values()), world.came
        came = {number for numbers in world.came.values() for number in numbers}
        for number, end in ends.items():
            assert end.state in (SignalState.SENT, SignalState.FAILED)
            assert (end.state is SignalState.FAILED) <= bool(end.reason)
            assert (end.state is SignalState.SENT) <= (number in came)
            assert world.calls.count(number) <= end.attempts
            assert end.claim is None
        assert set(world.sent_while) <= {TradingState.RUNNING}

    asyncio.run(run())


@settings(max_examples=80, deadline=None)
@given(_STEPS, _FATES)
def test_no_signal_leaves_later_than_its_life(
    steps: list[tuple[str, Any]], fates: list[str]
) -> None:
    async def run() -> None:
        world = World(fates=fates)
        await play(world, steps)
        ends = await settle(world)
        assert all(age < LIFE for age in world.ages)
        assert all(ascending(numbers) for numbers in world.came.values())
        for number, end in ends.items():
            assert end.state is not SignalState.PENDING
            assert (end.state is SignalState.EXPIRED) <= ("too old" in (end.reason or ""))
            assert (end.state is SignalState.SENT) <= (number in world.calls)

    asyncio.run(run())


async def test_a_round_sends_a_hundred_and_the_next_the_rest() -> None:
    world = World()
    await world.control(TradingState.RUNNING)
    for number in range(BATCH + 7):
        await world.queue(f"S{number % 5}")
    assert [await world.push(), await world.push(), await world.push()] == [
        Pushed(sent=BATCH), Pushed(sent=7), Pushed(),
    ]  # fmt: skip


async def test_two_silences_in_a_row_end_a_round_and_one_does_not() -> None:
    world = World(fates=["away", "taken", "away", "away"])
    await world.control(TradingState.RUNNING)
    for symbol in ("AA", "BB", "CC", "DD", "EE", "AA"):
        await world.queue(symbol)
    assert await world.push() == Pushed(sent=1, waiting=3)
    assert world.calls == [1, 2, 3, 4]
    world.now += timedelta(seconds=6)
    assert await world.push() == Pushed(sent=5)
    assert world.calls[4:] == [1, 3, 4, 5, 6]


async def test_a_signal_that_nobody_decides_on_is_given_up_in_the_end() -> None:
    world = World(life=FOREVER, fates=["busy"] * 20)
    await world.control(TradingState.RUNNING)
    await world.queue("EURUSD")
    for _ in range(12):
        await world.push()
        world.now += timedelta(minutes=3)
    (end,) = (await world.all()).values()
    assert (end.state, end.reason) == (SignalState.FAILED, "HTTP 503")
    assert len(world.calls) == end.attempts == ATTEMPTS


async def test_a_stop_takes_back_what_waits_and_a_pause_only_holds_it() -> None:
    world = World()
    await world.control(TradingState.PAUSED)
    await world.queue("EURUSD")
    assert await world.push() == Pushed(held=TradingState.PAUSED)
    await world.control(TradingState.EMERGENCY_STOP)
    assert await world.push() == Pushed(held=TradingState.EMERGENCY_STOP, expired=1)
    await world.control(TradingState.RUNNING)
    assert await world.push() == Pushed()
    (end,) = (await world.all()).values()
    assert end.reason == "trading is emergency_stop"
    assert world.calls == []


async def test_a_signal_is_sent_to_the_last_moment_of_its_life_and_not_after() -> None:
    world = World()
    await world.control(TradingState.RUNNING)
    await world.queue("EURUSD")
    world.now += LIFE - timedelta(microseconds=1)
    assert await world.push() == Pushed(sent=1)
    await world.queue("EURUSD")
    world.now += LIFE
    assert await world.push() == Pushed(expired=1)
    assert world.calls == [1]


async def test_what_grows_too_old_in_mid_round_is_not_sent() -> None:
    world = World()
    await world.control(TradingState.RUNNING)
    for symbol in ("EURUSD", "XAUUSD"):
        await world.queue(symbol)
    world.now += LIFE - PATIENCE
    world.fates = ["slow"]
    assert await world.push() == Pushed(waiting=1, expired=2)
    assert world.calls == [1]
    first, second = (await world.all()).values()
    assert (first.reason, second.reason) == ("too old; slow", "too old")


async def test_what_was_put_off_waits_twice_as_long_each_time() -> None:
    world = World(fates=["busy"] * 3)
    await world.control(TradingState.RUNNING)
    await world.queue("EURUSD")
    begun, tried = world.now, []
    for _ in range(40):
        if (await world.push()) != Pushed():
            tried.append((world.now - begun).total_seconds())
        world.now += timedelta(seconds=1)
    assert tried == [0, 5, 15, 35]


@pytest.mark.parametrize("moment", range(1, 12))
async def test_a_stop_at_any_moment_of_a_round_is_the_end_of_sending(moment: int) -> None:
    world = World()
    await world.control(TradingState.RUNNING)
    for number in range(3):
        await world.queue(f"S{number}")
    left, step, stops = moment, world.store.pause, []

    async def stop(name: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            stopping = world.control(TradingState.EMERGENCY_STOP)
            stops.append(asyncio.get_running_loop().create_task(stopping))
            for _ in range(20):
                await asyncio.sleep(0)
        await step(name)

    world.store.pause = stop
    await world.push()
    await asyncio.gather(*stops)
    assert len(stops) == 1
    assert len(world.calls) < 3 or moment > 10
    assert set(world.sent_while) <= {TradingState.RUNNING}


async def test_a_paused_symbol_waits_and_the_others_go() -> None:
    world = World()
    async with world.store.begin() as tx:
        await tx.controls.save(
            Control(state=TradingState.RUNNING, paused_symbols=("EURUSD",), changed_at=NOW)
        )
    for symbol in ("EURUSD", "XAUUSD", "EURUSD"):
        await world.queue(symbol)
    assert await world.push() == Pushed(sent=1)
    assert world.calls == [2]
    assert [one.attempts for one in (await world.all()).values()] == [0, 1, 0]


async def test_a_stop_in_the_middle_of_a_round_lets_nothing_more_leave() -> None:
    world = World()
    await world.control(TradingState.RUNNING)
    for number in range(20):
        await world.queue(f"S{number}")
    pushing = asyncio.get_running_loop().create_task(world.push())
    while len(world.calls) < 5:  # noqa: ASYNC110
        await asyncio.sleep(0)
    await world.control(TradingState.EMERGENCY_STOP)
    done = len(world.calls)
    pushed = await pushing
    assert len(world.calls) == done < 20
    assert pushed is not None
    assert (pushed.sent, pushed.expired) == (done, 20 - done)
