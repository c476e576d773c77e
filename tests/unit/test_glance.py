"""Views share one answer of the venue for a moment, and never one from before our own change."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.i18n import words_for
from bot.views.facts import age
from engine.domain.decision import Action
from engine.errors import BrokerSilent
from engine.flow.glance import Glance
from tests.builders import account, decision, position
from tests.contract.conftest import TickingClock
from tests.memory import MemoryStore


class Venue:
    """Counts how often it is asked; answers when it is let."""

    account_id, is_live = "a", False

    def __init__(self) -> None:
        self.asked = 0
        self.silent = False
        self.gate: asyncio.Event | None = None
        self.held: tuple[Any, ...] = ()

    async def account(self) -> Any:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.silent:
            raise BrokerSilent("no answer")
        return account()

    async def positions(self) -> Any:
        return self.held


class Desk:
    """A venue, a clock that is moved by hand, and the store."""

    def __init__(self, **values: Any) -> None:
        self.venue, self.seconds = Venue(), 100.0
        self.store = MemoryStore(TickingClock())
        self.glance = Glance(
            books=self.venue, store=self.store, timer=lambda: self.seconds, **values
        )

    async def record(self, action: Action) -> None:
        async with self.store.begin() as tx:
            await tx.history.append(decision(action=action).entry)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_it_is_asked_once_in_five_seconds_and_says_how_old_it_is(desk: Desk) -> None:
    assert (await desk.glance.look()).age == timedelta(0)
    desk.seconds += 5
    assert (await desk.glance.look()).age == timedelta(seconds=5)
    assert (await desk.glance.account(), await desk.glance.positions()) == (account(), ())
    assert desk.venue.asked == 1
    desk.seconds += 0.1
    assert (await desk.glance.look()).age == timedelta(0)
    assert desk.venue.asked == 2


async def test_many_who_ask_together_wait_for_one_answer(desk: Desk) -> None:
    desk.venue.gate = asyncio.Event()
    asking = [asyncio.ensure_future(desk.glance.look()) for _ in range(20)]
    for _ in range(50):
        await asyncio.sleep(0)
    asking[0].cancel()
    desk.venue.gate.set()
    seen = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(seen[0], asyncio.CancelledError)
    assert all(one.account == account() for one in seen[1:])  # type: ignore[union-attr]
    assert desk.venue.asked == 1


@pytest.mark.parametrize(
    "action", [Action.ORDER_FILLED, Action.POSITION_CHANGED, Action.POSITION_CLOSED]
)
async def test_what_we_did_is_seen_at_once(desk: Desk, action: Action) -> None:
    await desk.glance.look()
    desk.venue.held = (position(),)
    await desk.record(Action.NO_TRADE)
    assert await desk.glance.positions() == ()
    await desk.record(action)
    assert await desk.glance.positions() == (position(),)
    assert desk.venue.asked == 2


async def test_nobody_joins_a_question_from_before_our_change(desk: Desk) -> None:
    desk.venue.gate = asyncio.Event()
    before = asyncio.ensure_future(desk.glance.look())
    for _ in range(20):
        await asyncio.sleep(0)
    await desk.record(Action.ORDER_FILLED)
    after = asyncio.ensure_future(desk.glance.look())
    for _ in range(20):
        await asyncio.sleep(0)
    assert desk.venue.asked == 2
    desk.venue.gate.set()
    first, second = await asyncio.gather(before, after)
    assert (first.mark, second.mark) == (0, 1)
    await desk.glance.look()
    assert desk.venue.asked == 2


async def test_silence_is_not_remembered(desk: Desk) -> None:
    desk.venue.silent = True
    assert (await desk.glance.look()).account is None
    with pytest.raises(BrokerSilent):
        await desk.glance.account()
    with pytest.raises(BrokerSilent):
        await desk.glance.positions()
    desk.venue.silent = False
    assert (await desk.glance.look()).account == account()


async def test_without_a_life_the_venue_is_asked_each_time() -> None:
    desk = Desk(life=timedelta(0))
    await asyncio.gather(*(desk.glance.look() for _ in range(3)))
    assert desk.venue.asked == 3


def test_the_age_is_said_from_one_second_on() -> None:
    words = words_for("en")
    assert age(words, timedelta(seconds=0.9)) == []
    assert age(words, timedelta(seconds=3.9)) == ["🕒 The account's figures are 3 s old."]
