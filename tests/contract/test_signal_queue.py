"""The queue of model signals: in order, held by one round at a time, ended once, never lost."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.domain.signal import QueuedSignal, Side, Signal, SignalState, StateCount
from tests.builders import NOW
from tests.contract.conftest import rolled_back
from tests.signals import of_source, signal

HOUR, DAY, NEVER = timedelta(hours=1), timedelta(days=1), timedelta(days=365_000)
AT_ONCE = timedelta(0)


async def put(store: Any, *signals: Signal) -> list[bool]:
    async with store.begin() as tx:
        return [await tx.signal_queue.put(one) for one in signals]


async def claim(store: Any, limit: int = 100, lease: timedelta = HOUR) -> list[QueuedSignal]:
    async with store.begin() as tx:
        return list(await tx.signal_queue.claim(limit, lease))


async def begin(store: Any, claimed: QueuedSignal, life: timedelta = DAY) -> QueuedSignal | None:
    async with store.begin() as tx:
        found: QueuedSignal | None = await tx.signal_queue.begin(claimed, lease=HOUR, life=life)
    return found


async def get(store: Any, number: int) -> QueuedSignal:
    async with store.begin() as tx:
        found = await tx.signal_queue.get(UUID(int=number))
    assert found is not None
    return found


def numbers(found: Sequence[QueuedSignal]) -> list[int]:
    return [one.signal.signal_id.int for one in found]


async def test_a_signal_comes_back_to_the_last_digit(store: Any) -> None:
    odd = signal(2, side=Side.SELL, confidence=Decimal("0.550000"), sl_pips=Decimal("12.50"),
                 price=Decimal("0.00000123"), meta={"ß": "\"é\\", "x": Decimal("0.10"), "n": None,
                                                    "yes": True}, timestamp=NOW)  # fmt: skip
    await put(store, of_source(), odd)
    first, second = await claim(store)
    assert (first.signal, second.signal) == (of_source(), odd)
    assert [str(second.signal.price), str(second.signal.sl_pips), str(second.signal.meta["x"])] == [
        "0.00000123", "12.50", "0.10",
    ]  # fmt: skip
    assert (first.state, first.attempts, first.reason) == (SignalState.PENDING, 0, None)


async def test_an_id_is_queued_once_whatever_it_says_the_second_time(store: Any) -> None:
    assert await put(store, signal(1)) == [True]
    assert await put(store, signal(1, side=Side.SELL), signal(2)) == [False, True]
    assert [one.signal.side for one in await claim(store)] == [Side.BUY, Side.BUY]


async def test_what_is_rolled_back_was_never_queued(store: Any) -> None:
    async with rolled_back(store) as tx:
        await tx.signal_queue.put(signal(1))
    assert await claim(store) == []
    assert await put(store, signal(1)) == [True]


async def test_the_oldest_are_claimed_first_and_by_one_round(store: Any) -> None:
    await put(store, *(signal(n, symbol=f"S{n}") for n in (5, 3, 4, 1)))
    first = await claim(store, limit=2)
    second = await claim(store, limit=5)
    assert (numbers(first), numbers(second)) == ([5, 3], [4, 1])
    assert first[0].claim == first[1].claim != second[0].claim
    assert await claim(store) == []


async def test_a_claim_that_ran_out_is_given_to_the_next_and_the_first_can_end_nothing(
    store: Any,
) -> None:
    await put(store, signal(1))
    (lost,) = await claim(store, lease=-HOUR)
    (mine,) = await claim(store)
    assert await begin(store, lost) is None
    async with store.begin() as tx:
        assert not await tx.signal_queue.failed(lost, "late")
        assert not await tx.signal_queue.later(lost, "late", AT_ONCE)
        await tx.signal_queue.release(lost.claim)
    assert await claim(store) == []
    begun = await begin(store, mine)
    assert begun is not None
    assert begun.attempts == 1


async def test_an_attempt_holds_the_rest_of_its_claim_too(store: Any) -> None:
    await put(store, signal(1), signal(2))
    first, _ = await claim(store, lease=-HOUR)
    assert await begin(store, first) is not None
    assert await claim(store) == []


async def test_a_later_signal_of_a_symbol_waits_for_the_earlier_one(store: Any) -> None:
    await put(store, signal(1), signal(2, symbol="XAUUSD"), signal(3), signal(4, symbol="XAUUSD"))
    (first,) = await claim(store, limit=1)
    assert numbers(await claim(store)) == [2, 4]
    async with store.begin() as tx:
        assert await tx.signal_queue.later(first, "busy", DAY)
    assert await claim(store) == []
    assert (await get(store, 1)).reason == "busy"


async def test_a_pause_that_is_over_lets_all_of_a_symbol_go_in_order(store: Any) -> None:
    await put(store, signal(1), signal(2))
    first, _ = await claim(store)
    async with store.begin() as tx:
        await tx.signal_queue.later(first, "busy", AT_ONCE)
        await tx.signal_queue.release(first.claim)
    assert numbers(await claim(store)) == [1, 2]


async def test_a_refused_one_is_kept_with_its_reason_and_lets_the_next_go(store: Any) -> None:
    await put(store, signal(1), signal(2))
    first, _ = await claim(store)
    async with store.begin() as tx:
        assert await tx.signal_queue.failed(first, "x" * 900)
        await tx.signal_queue.release(first.claim)
    assert numbers(await claim(store)) == [2]
    found = await get(store, 1)
    assert (found.state, found.reason) == (SignalState.FAILED, "x" * 500)
    async with store.begin() as tx:
        assert numbers(await tx.signal_queue.recent(SignalState.FAILED, 5)) == [1]


async def test_the_first_acknowledgement_is_kept(store: Any) -> None:
    await put(store, signal(1))
    await claim(store)
    async with store.begin() as tx:
        assert await tx.signal_queue.ack(UUID(int=1)) is None
        assert await tx.signal_queue.sent(UUID(int=1), 12345678)
        assert not await tx.signal_queue.sent(UUID(int=1), 99)
        assert not await tx.signal_queue.sent(UUID(int=2), 99)
    async with store.begin() as tx:
        ack = await tx.signal_queue.ack(UUID(int=1))
    assert (ack.signal_id, ack.ticket) == (UUID(int=1), 12345678)
    assert (await get(store, 1)).state is SignalState.SENT


@pytest.mark.parametrize("ending", ["failed", "expired"])
async def test_proof_that_it_was_taken_beats_every_other_ending(store: Any, ending: str) -> None:
    await put(store, signal(1))
    (mine,) = await claim(store, lease=-HOUR)
    async with store.begin() as tx:
        if ending == "failed":
            await tx.signal_queue.failed(mine, "no answer")
        else:
            assert await tx.signal_queue.expire(AT_ONCE, "too old") == 1
        assert await tx.signal_queue.sent(UUID(int=1), None)
        assert not await tx.signal_queue.failed(mine, "no answer")
    found = await get(store, 1)
    assert (found.state, found.reason) == (SignalState.SENT, None)


async def test_what_is_too_old_expires_and_says_what_went_wrong_before(store: Any) -> None:
    old = NOW - timedelta(days=9)
    await put(store, signal(1, timestamp=old), signal(2), signal(3, timestamp=old, symbol="X3"))
    first = (await claim(store, limit=1))[0]
    async with store.begin() as tx:
        await tx.signal_queue.later(first, "no answer", AT_ONCE)
        assert await tx.signal_queue.expire(DAY, "too old") == 2
        assert await tx.signal_queue.expire(DAY, "too old") == 0
    assert (await get(store, 1)).reason == "too old; no answer"
    assert (await get(store, 3)).reason == "too old"
    assert numbers(await claim(store)) == [2]


async def test_what_somebody_holds_does_not_expire_and_is_not_begun_when_too_old(
    store: Any,
) -> None:
    await put(store, signal(1, timestamp=NOW - timedelta(days=9)))
    (mine,) = await claim(store)
    async with store.begin() as tx:
        assert await tx.signal_queue.expire(DAY, "too old") == 0
    assert await begin(store, mine, life=DAY) is None
    assert await begin(store, mine, life=NEVER) is not None


async def test_a_timestamp_ahead_of_time_makes_no_longer_life(store: Any) -> None:
    await put(store, signal(1))
    async with store.begin() as tx:
        assert await tx.signal_queue.expire(HOUR, "too old") == 0
        assert await tx.signal_queue.expire(AT_ONCE, "too old") == 1


async def test_states_are_counted_of_the_window_and_of_all_time(store: Any) -> None:
    async with store.begin() as tx:
        assert await tx.signal_queue.states(DAY) == {}
        assert dict(await tx.signal_queue.totals()) == {}
    await put(store, signal(1), signal(2), signal(3))
    async with store.begin() as tx:
        await tx.signal_queue.sent(UUID(int=1), None)
        found = await tx.signal_queue.states(DAY)
        assert await tx.signal_queue.states(AT_ONCE) == {}
        assert dict(await tx.signal_queue.totals()) == {
            SignalState.PENDING: 2,
            SignalState.SENT: 1,
        }
    last = (await get(store, 3)).created_at
    assert found == {
        SignalState.PENDING: StateCount(2, last),
        SignalState.SENT: StateCount(1, (await get(store, 1)).created_at),
    }
