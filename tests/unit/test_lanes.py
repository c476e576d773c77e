"""Lanes: each person's order, side by side, a bounded number at once, and a clean end."""

import asyncio
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.lanes import Lanes
from storage.inbox import Waiting


def waiting(number: int, who: int) -> Waiting:
    return Waiting(number, {"update_id": number}, who, False)


class Recorder:
    """Remembers what began and ended; each update takes its own number of turns of the loop."""

    def __init__(self, turns: dict[int, int]) -> None:
        self.turns = turns
        self.ended: dict[int, list[int]] = defaultdict(list)
        self.at_once: Counter[int] = Counter()
        self.most = 0

    async def __call__(self, update: Waiting) -> None:
        who = update.person_id
        assert who is not None
        self.at_once[who] += 1
        assert self.at_once[who] == 1, "two updates of one person are handled at once"
        self.most = max(self.most, sum(self.at_once.values()))
        for _ in range(self.turns.get(update.update_id, 0)):
            await asyncio.sleep(0)
        self.at_once[who] -= 1
        self.ended[who].append(update.update_id)


async def run(lanes: Lanes, offers: list[Waiting]) -> None:
    async with asyncio.TaskGroup() as group:
        workers = lanes.start(group)
        for update in offers:
            lanes.offer(update)
            await asyncio.sleep(0)
        await lanes.idle()
        for worker in workers:
            worker.cancel()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 7)), max_size=40),
    st.integers(1, 4),
)
def test_everybody_keeps_their_order_whatever_takes_long(
    people: list[tuple[int, int]], width: int
) -> None:
    recorder = Recorder({number: turns for number, (_, turns) in enumerate(people)})
    offers = [waiting(number, who) for number, (who, _) in enumerate(people)]
    # Looking twice finds the same updates again.
    asyncio.run(run(Lanes(recorder, width=width), [one for one in offers for _ in range(2)]))
    for who in {who for who, _ in people}:
        wanted = [number for number, (sender, _) in enumerate(people) if sender == who]
        seen = list(dict.fromkeys(recorder.ended[who]))
        assert seen == wanted
    assert recorder.most <= width


async def test_slow_update_of_one_person_does_not_hold_up_another() -> None:
    slow, order = asyncio.Event(), []

    async def handle(update: Waiting) -> None:
        if update.update_id == 1:
            await slow.wait()
        order.append(update.update_id)

    lanes = Lanes(handle, width=2)
    async with asyncio.TaskGroup() as group:
        workers = lanes.start(group)
        for number, who in ((1, 1), (2, 1), (3, 2), (4, 2)):
            lanes.offer(waiting(number, who))
        await asyncio.sleep(0.01)
        assert order == [3, 4]
        slow.set()
        await lanes.idle()
        for worker in workers:
            worker.cancel()
    assert order == [3, 4, 1, 2]


async def test_close_ends_what_is_begun_and_begins_nothing_more() -> None:
    begun, release, ended = [], asyncio.Event(), []

    async def handle(update: Waiting) -> None:
        begun.append(update.update_id)
        await release.wait()
        ended.append(update.update_id)

    lanes = Lanes(handle, width=2)
    async with asyncio.TaskGroup() as group:
        workers = lanes.start(group)
        for number, who in ((1, 1), (2, 1), (3, 2), (4, 3)):
            lanes.offer(waiting(number, who))
        await asyncio.sleep(0.01)
        closing = group.create_task(lanes.close())
        await asyncio.sleep(0.01)
        assert not closing.done()
        assert not lanes.offer(waiting(9, 9))
        release.set()
        await closing
        for worker in workers:
            worker.cancel()
    assert (begun, ended) == ([1, 3], [1, 3])


async def test_close_of_lanes_at_rest_returns_at_once() -> None:
    lanes = Lanes(Recorder({}), width=1)
    async with asyncio.timeout(1):
        await lanes.close()


async def test_update_may_be_offered_again_after_it_left() -> None:
    recorder = Recorder({})
    lanes = Lanes(recorder, width=1)
    await run(lanes, [waiting(1, 1)])
    await run(lanes, [waiting(1, 1)])
    assert recorder.ended[1] == [1, 1]


@pytest.mark.parametrize("width", [1, 3])
async def test_pile_of_one_person_shares_the_workers(width: int) -> None:
    order: list[int] = []

    async def handle(update: Waiting) -> None:
        order.append(update.update_id)

    offers = [waiting(number, 1) for number in range(10)] + [waiting(100, 2)]
    lanes = Lanes(handle, width=width)
    for update in offers:
        lanes.offer(update)
    await run(lanes, [])
    assert order.index(100) <= 2
