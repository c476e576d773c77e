"""Webhooks in the store: nothing is lost or queued twice, one sends at a time, in order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.domain.decision import Action
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import (
    Attempt,
    Delivery,
    DeliveryState,
    Draft,
    Endpoint,
    Event,
    Off,
    Reply,
    Why,
)
from engine.errors import NotFound
from tests.builders import decision
from tests.contract.conftest import rolled_back

HOUR, AT_ONCE = timedelta(hours=1), timedelta(0)


async def add(store: Any, url: str = "https://a.example/hook", *types: EventType) -> Endpoint:
    async with store.begin() as tx:
        draft = Draft(url=url, description="ours", types=types)
        made: Endpoint = await tx.webhooks.add(draft, by="cli")
    return made


async def happen(store: Any, *actions: Action) -> None:
    entries = [decision(action=action, bundle_hash=None).entry for action in actions]
    async with store.begin() as tx:
        await tx.history.extend(entries)


async def queue(store: Any, endpoint: Endpoint, *names: str) -> list[Delivery | None]:
    async with store.begin() as tx:
        return [
            await tx.webhooks.queue(endpoint.id, Event(id=name, type=EventType.ORDER_FILLED,
                                                       body=f'{{"ß": "{name}"}}'))
            for name in names
        ]  # fmt: skip


async def claim(store: Any, limit: int = 10, lease: timedelta = HOUR) -> Sequence[Endpoint]:
    async with store.begin() as tx:
        found: Sequence[Endpoint] = await tx.webhooks.claim(limit, lease)
    return found


async def begin(store: Any, held: Endpoint) -> tuple[Delivery, Attempt] | None:
    async with store.begin() as tx:
        found: tuple[Delivery, Attempt] | None = await tx.webhooks.begin(held, HOUR)
    return found


async def end(store: Any, delivery: Delivery, state: DeliveryState, reason: str = "") -> None:
    async with store.begin() as tx:
        await tx.webhooks.end(delivery.id, state, reason)


async def test_an_endpoint_comes_back_as_it_was_added_and_changed(store: Any) -> None:
    made = await add(
        store, "https://a.example/x?y=1", EventType.ORDER_FILLED, EventType.IDEA_EXPIRED
    )
    assert (made.url, made.description, made.is_on, made.created_by) == (
        "https://a.example/x?y=1", "ours", True, "cli",
    )  # fmt: skip
    assert made.types == (EventType.ORDER_FILLED, EventType.IDEA_EXPIRED)
    other = await add(store)
    assert other.key != made.key
    async with store.begin() as tx:
        taken = await tx.webhooks.take(made.id)
        assert taken == made
        changed = replace(
            taken, url="https://b.example/", types=(), off=Off.GONE, failures=3,
            failing_since=made.created_at, not_before=made.created_at + HOUR, description="",
        )  # fmt: skip
        await tx.webhooks.save(changed)
    async with store.begin() as tx:
        assert await tx.webhooks.get(made.id) == changed
        assert [one.id for one in await tx.webhooks.list()] == [made.id, other.id]
        await tx.webhooks.remove(made.id)
    async with store.begin() as tx:
        for ask in (tx.webhooks.get, tx.webhooks.take):
            with pytest.raises(NotFound):
                await ask(made.id)
        assert [one.id for one in await tx.webhooks.list()] == [other.id]


async def test_a_new_key_is_another_one_and_the_one_before_is_remembered(store: Any) -> None:
    made = await add(store)
    until = made.created_at + HOUR
    async with store.begin() as tx:
        rotated = await tx.webhooks.new_key(await tx.webhooks.take(made.id), until)
    assert rotated.key not in (made.key, None)
    assert (rotated.old_key, rotated.old_until) == (made.key, until)
    assert rotated.keys(until - AT_ONCE - timedelta(microseconds=1)) == (rotated.key, made.key)
    assert rotated.keys(until) == (rotated.key,)
    async with store.begin() as tx:
        assert await tx.webhooks.get(made.id) == rotated


async def test_an_endpoint_looks_at_what_happens_after_it_was_added(store: Any) -> None:
    await happen(store, Action.AI_HALTED)
    made = await add(store)
    async with store.begin() as tx:
        assert await tx.webhooks.behind() == []
    await happen(
        store, Action.ORDER_FILLED, Action.NO_TRADE, Action.PERSON_JOINED, Action.AI_RESUMED
    )
    async with store.begin() as tx:
        (one,) = await tx.webhooks.behind()
        assert one.cursor == made.cursor
        found, cursor = await tx.webhooks.since(one.cursor, 10)
        assert [each.entry.action for each in found] == [Action.ORDER_FILLED, Action.AI_RESUMED]
        assert cursor == found[-1].seq
        first, place = await tx.webhooks.since(one.cursor, 1)
        assert (len(first), place) == (1, first[0].seq)
        await tx.webhooks.move(one.id, cursor)
    async with store.begin() as tx:
        assert await tx.webhooks.behind() == []
        assert await tx.webhooks.since(cursor, 10) == ([], cursor)


async def test_what_does_not_leave_the_house_is_passed_over_once(store: Any) -> None:
    made = await add(store)
    await happen(store, Action.NO_TRADE, Action.NO_TRADE)
    async with store.begin() as tx:
        found, cursor = await tx.webhooks.since(made.cursor, 10)
        assert (found, cursor) == ([], made.cursor + 2)


async def test_one_that_is_off_looks_at_nothing_and_may_be_put_at_the_end(store: Any) -> None:
    made = await add(store)
    async with store.begin() as tx:
        await tx.webhooks.save(replace(await tx.webhooks.take(made.id), off=Off.PERSON))
    await happen(store, Action.ORDER_FILLED)
    async with store.begin() as tx:
        assert await tx.webhooks.behind() == []
        await tx.webhooks.move(made.id, None)
        await tx.webhooks.save(replace(await tx.webhooks.take(made.id), off=None))
    async with store.begin() as tx:
        assert await tx.webhooks.behind() == []


async def test_who_looks_for_an_endpoint_holds_it_and_others_leave_it_out(store: Any) -> None:
    first, second = await add(store), await add(store)
    await happen(store, Action.ORDER_FILLED)
    async with store.begin() as tx:
        assert await tx.webhooks.take(first.id)
        # A transaction of its own, beside the first.
        assert await _behind_of_another(store) == [second.id]


async def _behind_of_another(store: Any) -> list[int]:
    import asyncio
    from contextvars import Context

    async def look() -> list[int]:
        async with store.begin() as tx:
            return [one.id for one in await tx.webhooks.behind()]

    return await asyncio.get_running_loop().create_task(look(), context=Context())


async def test_what_is_rolled_back_was_never_looked_at_nor_queued(store: Any) -> None:
    made = await add(store)
    await happen(store, Action.ORDER_FILLED)
    async with rolled_back(store) as tx:
        await tx.webhooks.queue(made.id, Event(id="1", type=EventType.ORDER_FILLED, body="{}"))
        await tx.webhooks.move(made.id, None)
    async with store.begin() as tx:
        assert [one.id for one in await tx.webhooks.behind()] == [made.id]
        assert await tx.webhooks.waiting(made.id) == 0


async def test_an_event_is_queued_once_for_each_endpoint(store: Any) -> None:
    one, other = await add(store), await add(store)
    assert [bool(each) for each in await queue(store, one, "a", "a", "b")] == [True, False, True]
    assert all(await queue(store, other, "a"))
    async with store.begin() as tx:
        assert await tx.webhooks.waiting(one.id) == 2


async def test_it_is_known_since_when_the_oldest_waits(store: Any) -> None:
    one, other = await add(store), await add(store)
    async with store.begin() as tx:
        assert await tx.webhooks.oldest(one.id) is None
    first, _ = await queue(store, one, "a", "b")
    async with store.begin() as tx:
        assert await tx.webhooks.oldest(one.id) == first.created_at
        assert await tx.webhooks.oldest(other.id) is None
        await tx.webhooks.cancel(one.id, "enough")
        assert await tx.webhooks.oldest(one.id) is None


async def test_an_endpoint_is_claimed_when_something_waits_and_by_one_alone(store: Any) -> None:
    made, idle = await add(store), await add(store)
    assert await claim(store) == []
    await queue(store, made, "a")
    (held,) = await claim(store)
    assert (held.id, held.claim is not None) == (made.id, True)
    assert await claim(store) == []
    async with store.begin() as tx:
        await tx.webhooks.release(replace(held, claim=idle.key))
    assert await claim(store) == []
    async with store.begin() as tx:
        await tx.webhooks.release(held)
    assert [one.id for one in await claim(store)] == [made.id]


async def test_as_many_are_claimed_as_wanted_and_none_that_is_off_or_must_rest(store: Any) -> None:
    made = [await add(store) for _ in range(4)]
    for one in made:
        await queue(store, one, "a")
    async with store.begin() as tx:
        await tx.webhooks.save(replace(made[0], off=Off.PERSON))
        await tx.webhooks.save(replace(made[1], not_before=made[1].created_at + 9 * HOUR))
    assert [one.id for one in await claim(store, limit=1)] == [made[2].id]
    assert [one.id for one in await claim(store)] == [made[3].id]


async def test_a_claim_that_ran_out_is_given_to_the_next_and_begins_nothing(store: Any) -> None:
    made = await add(store)
    await queue(store, made, "a")
    (lost,) = await claim(store, lease=-HOUR)
    (mine,) = await claim(store)
    assert await begin(store, lost) is None
    begun = await begin(store, mine)
    assert begun is not None
    assert (begun[0].attempts, begun[1].number) == (1, 1)


async def test_the_first_that_waits_is_tried_and_each_attempt_is_counted(store: Any) -> None:
    made = await add(store)
    await queue(store, made, "a", "b")
    (held,) = await claim(store)
    for number in (1, 2):
        delivery, attempt = await begin(store, held) or (None, None)
        assert delivery is not None
        assert attempt is not None
        assert (delivery.event.id, attempt.number) == ("a", number)
        assert delivery.event.body == '{"ß": "a"}'
        await end(store, delivery, DeliveryState.WAITING, "timeout")
    await end(store, delivery, DeliveryState.DELIVERED)
    following = await begin(store, held)
    assert following is not None
    assert following[0].event.id == "b"
    assert following[0].tries == 1


async def test_nothing_is_begun_where_it_was_switched_off_or_nothing_waits(store: Any) -> None:
    made = await add(store)
    await queue(store, made, "a")
    (held,) = await claim(store)
    async with store.begin() as tx:
        await tx.webhooks.save(replace(held, off=Off.PERSON))
    assert await begin(store, held) is None
    async with store.begin() as tx:
        await tx.webhooks.save(replace(held, off=None))
        assert await tx.webhooks.cancel(made.id, "off") == 1
    assert await begin(store, held) is None


async def test_attempts_are_told_in_their_order_with_what_became_of_each(store: Any) -> None:
    made = await add(store)
    await queue(store, made, "a")
    (held,) = await claim(store)
    begun = await begin(store, held)
    assert begun is not None
    took = timedelta(milliseconds=17)
    async with store.begin() as tx:
        await tx.webhooks.note(
            begun[0].id, 1, Reply(status=500, why=Why.STATUS, took=took, said="no")
        )
    await begin(store, held)
    async with store.begin() as tx:
        first, second = await tx.webhooks.attempts(begun[0].id)
        await tx.webhooks.note(begun[0].id, 2, Reply(status=204, why=None, took=took))
    assert (first.status, first.outcome, first.took, first.said) == (500, "status 500", took, "no")
    assert (second.number, second.status, second.outcome) == (2, None, None)
    async with store.begin() as tx:
        assert (await tx.webhooks.attempts(begun[0].id))[1].outcome == "delivered"


async def test_what_is_sent_again_goes_behind_the_others_and_begins_to_count_anew(
    store: Any,
) -> None:
    made = await add(store)
    await queue(store, made, "a", "b")
    (held,) = await claim(store)
    begun = await begin(store, held)
    assert begun is not None
    await end(store, begun[0], DeliveryState.FAILED, "status 500")
    async with store.begin() as tx:
        failed = await tx.webhooks.delivery(begun[0].id)
        assert (failed.state, failed.reason, failed.finished_at is None) == (
            DeliveryState.FAILED, "status 500", False,
        )  # fmt: skip
        await tx.webhooks.again(failed.id)
    order = []
    while (begun := await begin(store, held)) is not None:
        order.append((begun[0].event.id, begun[0].attempts, begun[0].tries))
        await end(store, begun[0], DeliveryState.DELIVERED)
    assert order == [("b", 1, 1), ("a", 2, 1)]


async def test_deliveries_are_listed_newest_first_by_pages_and_state(store: Any) -> None:
    made, other = await add(store), await add(store)
    await queue(store, made, "a", "b", "c")
    await queue(store, other, "x")
    async with store.begin() as tx:
        found = await tx.webhooks.deliveries(made.id, limit=2)
        assert [each.event.id for each in found] == ["c", "b"]
        rest = await tx.webhooks.deliveries(made.id, before=found[-1].id, limit=2)
        assert [each.event.id for each in rest] == ["a"]
        await tx.webhooks.end(rest[0].id, DeliveryState.FAILED, "timeout")
    async with store.begin() as tx:
        failed = await tx.webhooks.deliveries(made.id, state=DeliveryState.FAILED, limit=9)
        assert [each.event.id for each in failed] == ["a"]
        with pytest.raises(NotFound):
            await tx.webhooks.delivery(10**9)


async def test_only_what_ended_long_ago_is_removed(store: Any) -> None:
    made = await add(store)
    await queue(store, made, "a", "b", "c")
    async with store.begin() as tx:
        for each in (await tx.webhooks.deliveries(made.id, limit=9))[:2]:
            await tx.webhooks.end(each.id, DeliveryState.DELIVERED, "")
    async with store.begin() as tx:
        assert await tx.webhooks.retire(HOUR, 9) == 0
        assert await tx.webhooks.retire(-HOUR, 1) == 1
        assert await tx.webhooks.retire(-HOUR, 9) == 1
    async with store.begin() as tx:
        left = await tx.webhooks.deliveries(made.id, limit=9)
        assert [each.event.id for each in left] == ["a"]


async def test_with_an_endpoint_goes_all_that_was_sent_to_it(store: Any) -> None:
    made = await add(store)
    await queue(store, made, "a")
    (held,) = await claim(store)
    begun = await begin(store, held)
    assert begun is not None
    async with store.begin() as tx:
        await tx.webhooks.remove(made.id)
    async with store.begin() as tx:
        with pytest.raises(NotFound):
            await tx.webhooks.delivery(begun[0].id)
    assert await begin(store, held) is None
