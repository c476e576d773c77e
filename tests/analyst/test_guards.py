"""Guards around a language model: a day's budget, a rest after failures, memory, a rate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.analyst import (
    Author,
    Conversation,
    Message,
    Purpose,
    Said,
    Tool,
    Trouble,
    Usage,
)
from engine.domain.explanation import Budget, Spent
from engine.errors import AnalystUnavailable
from engine.flow.analyst_budget import Budgeted, ForgetAnswers, ReadSpent, Remembering, key_of
from engine.flow.analyst_guards import Resting, Throttled
from tests.builders import NOW
from tests.memory import MemoryStore

#: 300 letters, of which three are guessed to be a token, and at most 50 tokens for the answer.
ASKED = Conversation(
    purpose=Purpose.ASK,
    messages=(Message(author=Author.USER, text="x" * 300),),
    max_tokens=50,
)
MOST = 300 // 3 + 1 + 50


@dataclass
class Model:
    """An ``Analyst`` that says what it is told to, or fails."""

    usage: Usage = field(default_factory=lambda: Usage(asked=80, said=20))
    fails: str | None = None
    times: int = 0
    is_cut: bool = False

    async def complete(self, conversation: Conversation) -> Said:
        raise AssertionError("guards listen piece by piece")

    async def stream(self, conversation: Conversation) -> AsyncIterator[str | Said]:
        self.times += 1
        await asyncio.sleep(0)
        if self.fails is not None:
            raise AnalystUnavailable(self.fails)
        yield "RSI "
        yield "62"
        yield Said(text="RSI 62", usage=self.usage, model="m", is_cut=self.is_cut)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(lambda: NOW)


async def reason(analyst: Any, conversation: Conversation = ASKED) -> str:
    with pytest.raises(AnalystUnavailable) as caught:
        await analyst.complete(conversation)
    return caught.value.reason


async def test_a_day_costs_what_its_answers_cost_and_no_more(store: MemoryStore) -> None:
    budget = Budget(tokens=300, price_asked=Decimal(10), price_said=Decimal(30))
    model = Model()
    guarded = Budgeted(inner=model, store=store, budget=budget)
    said = await guarded.complete(ASKED)
    assert said.text == "RSI 62"
    spent = await ReadSpent(store=store)()
    assert spent == Spent(day=NOW.date(), tokens=100, cost=Decimal("0.0014"), answered=1)
    await guarded.complete(ASKED)
    # 200 are used; one more could cost 151.
    assert await reason(guarded) == Trouble.BUDGET
    assert model.times == 2


async def test_a_limit_of_money_holds_too(store: MemoryStore) -> None:
    budget = Budget(cost=Decimal("0.003"), price_asked=Decimal(10), price_said=Decimal(30))
    guarded = Budgeted(inner=Model(), store=store, budget=budget)
    await guarded.complete(ASKED)
    assert await reason(guarded) == Trouble.BUDGET


async def test_many_at_once_stay_within_the_day(store: MemoryStore) -> None:
    model = Model(usage=Usage(asked=101, said=50))
    guarded = Budgeted(inner=model, store=store, budget=Budget(tokens=MOST * 7 + 10))
    answers = await asyncio.gather(
        *(guarded.complete(ASKED) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(answer, Said) for answer in answers) == 7
    assert model.times == 7
    assert (await ReadSpent(store=store)()).tokens == MOST * 7


@pytest.mark.parametrize(
    ("why", "left"), [(Trouble.UNREACHABLE, 0), (Trouble.KEY, 0), (Trouble.TIMEOUT, MOST)]
)
async def test_what_failed_costs_nothing_only_where_that_is_known(
    store: MemoryStore, why: Trouble, left: int
) -> None:
    guarded = Budgeted(inner=Model(fails=why), store=store, budget=Budget())
    assert await reason(guarded) == why
    spent = await ReadSpent(store=store)()
    assert (spent.tokens, spent.answered, spent.failed) == (left, 0, 1)


async def test_who_stops_listening_has_spent_what_was_put_aside(store: MemoryStore) -> None:
    guarded = Budgeted(inner=Model(), store=store, budget=Budget())
    async with aclosing(guarded._pieces(ASKED)) as pieces:
        async for _ in pieces:
            break
    spent = await ReadSpent(store=store)()
    assert (spent.tokens, spent.failed) == (MOST, 1)


async def test_an_equal_question_is_not_asked_twice(store: MemoryStore) -> None:
    model = Model()
    guarded = Remembering(inner=model, store=store, model="m")
    first, again = await guarded.complete(ASKED), await guarded.complete(ASKED)
    assert (first.is_cached, again.is_cached, again.usage.total) == (False, True, 0)
    assert again.text == first.text
    assert model.times == 1
    assert (await ReadSpent(store=store)()).remembered == 1
    other = replace(ASKED, messages=(Message(author=Author.USER, text="y"),))
    assert not (await guarded.complete(other)).is_cached
    assert not (await replace(guarded, model="another").complete(ASKED)).is_cached


async def test_what_was_cut_or_failed_is_not_remembered(store: MemoryStore) -> None:
    model = Model(is_cut=True)
    guarded = Remembering(inner=model, store=store, model="m")
    await guarded.complete(ASKED)
    model.fails = Trouble.TIMEOUT
    assert await reason(guarded) == Trouble.TIMEOUT


async def test_answers_are_forgotten_after_a_week() -> None:
    now = [NOW]
    store = MemoryStore(lambda: now[0])
    await Remembering(inner=Model(), store=store, model="m").complete(ASKED)
    assert await ForgetAnswers(store=store)() == 0
    now[0] += timedelta(days=8)
    assert await ForgetAnswers(store=store)() == 1


def test_the_key_is_of_everything_that_is_sent() -> None:
    tool = Tool(name="look", description="d", schema={"type": "object"})
    keys = {
        key_of(ASKED, "m"),
        key_of(ASKED, "n"),
        key_of(replace(ASKED, max_tokens=51), "m"),
        key_of(replace(ASKED, tools=(tool,)), "m"),
        key_of(replace(ASKED, messages=ASKED.messages * 2), "m"),
    }
    assert len(keys) == 5
    assert key_of(replace(ASKED, person_id=7), "m") in keys


@dataclass
class Tick:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_model_that_fails_is_left_alone_and_tried_again() -> None:
    model, tick = Model(fails=Trouble.TIMEOUT), Tick()
    guarded = Resting(inner=model, tick=tick, most=3, rest=30, longest=100)
    for _ in range(3):
        assert await reason(guarded) == Trouble.TIMEOUT
    assert await reason(guarded) == Trouble.RESTING
    assert model.times == 3
    # One try at the end of each rest, which is twice as long each time, up to the longest.
    for rest in (30, 60, 100, 100):
        tick.now += rest - 1
        assert await reason(guarded) == Trouble.RESTING
        tick.now += 1
        assert await reason(guarded) == Trouble.TIMEOUT
    tick.now += 100
    model.fails = None
    assert (await guarded.complete(ASKED)).text == "RSI 62"
    model.fails = Trouble.TIMEOUT
    assert await reason(guarded) == Trouble.TIMEOUT
    assert model.times == 9


async def test_of_many_who_come_after_a_rest_one_tries() -> None:
    model, tick = Model(fails=Trouble.FAILING), Tick()
    guarded = Resting(inner=model, tick=tick, most=1, rest=10)
    assert await reason(guarded) == Trouble.FAILING
    tick.now = 10
    reasons = await asyncio.gather(*(reason(guarded) for _ in range(5)))
    assert sorted(reasons) == sorted([Trouble.FAILING, *[Trouble.RESTING] * 4])
    assert model.times == 2


@pytest.mark.parametrize("why", [Trouble.BUDGET, Trouble.OFF, Trouble.NOT_CONNECTED, Trouble.EMPTY])
async def test_what_is_not_the_providers_fault_does_not_make_it_rest(why: Trouble) -> None:
    guarded = Resting(inner=Model(fails=why), tick=Tick(), most=1)
    assert [await reason(guarded) for _ in range(5)] == [why] * 5


async def test_each_person_may_ask_so_often() -> None:
    tick = Tick()
    guarded = Throttled(inner=Model(), tick=tick, per_minute=2)
    mine, others = replace(ASKED, person_id=1), replace(ASKED, person_id=2)
    await guarded.complete(mine)
    await guarded.complete(mine)
    assert await reason(guarded, mine) == Trouble.TOO_OFTEN
    await guarded.complete(others)
    for _ in range(5):
        await guarded.complete(ASKED)
    tick.now = 60.0
    await guarded.complete(mine)
