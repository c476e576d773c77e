"""Many orders whose answers were lost: looked up together, recorded once each, nobody held up."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.domain.order import OrderState
from engine.errors import BrokerSilent
from engine.flow import reconcile
from engine.ports import Found, NotFound
from storage.models import OutboxRow
from tests.benchmarks.lost_answers import _filled, _lost
from tests.integration.conftest import Desk


@dataclass
class _Asked:
    """The paper venue asked for many orders at once; it counts, and may say nothing."""

    inner: Any
    deaf: bool = False
    asked: int = 0

    async def look_up_many(self, client_ids: Sequence[str]) -> dict[str, Found | NotFound]:
        self.asked += 1
        if self.deaf:
            raise BrokerSilent("no answer")
        return dict(await self.inner.look_up_many(client_ids))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Mute(_Asked):
    """A venue that is asked for one order at a time, and says nothing about one of them."""

    look_up_many = None  # type: ignore[assignment]

    async def look_up(self, client_id: str) -> Found | NotFound:
        if int(client_id[3:]) == 7:
            raise BrokerSilent("no answer")
        return await self.inner.look_up(client_id)  # type: ignore[no-any-return]


async def _desk_of(desk: Desk, count: int) -> None:
    broker = desk.world.broker
    orders = await _lost(desk.world.store, broker.account_id, count)
    await _filled(broker, [order for order in orders if int(order.idea_id) % 10])


async def _states(desk: Desk) -> Counter[str]:
    async with desk.world.store.begin() as tx:
        return Counter({str(state): len(await tx.orders.in_state(state)) for state in OrderState})


async def _records(desk: Desk) -> Counter[str]:
    async with desk.world.store.begin() as tx:
        return Counter(str(found.entry.action) for found in await tx.history.list(limit=1000))


async def test_lost_answers_are_asked_for_together_and_each_is_recorded_once(desk: Desk) -> None:
    await _desk_of(desk, 150)
    broker = _Asked(desk.world.broker)
    resolve = replace(desk.work.resolve_orders, broker=broker)
    ended = await resolve()
    assert (len(ended), broker.asked) == (150, 2)
    assert +await _states(desk) == {"acked": 135, "absent": 15}
    # Half were unknown already; those of the others that never arrived become so on the way.
    assert +await _records(desk) == {
        "order_filled": 135, "order_absent": 15, "order_unknown": sum(
            1 for number in range(0, 150, 2) if number % 10 == 0
        ),
    }  # fmt: skip
    assert await OutboxRow.filter(key__startswith="unknown:").count() > 0
    assert await resolve() == ()


async def test_two_who_resolve_at_once_record_each_order_once(desk: Desk) -> None:
    await _desk_of(desk, 60)
    await asyncio.gather(desk.work.resolve_orders(), desk.work.resolve_orders())
    assert +await _states(desk) == {"acked": 54, "absent": 6}
    assert (await _records(desk))["order_filled"] == 54
    assert (await _records(desk))["order_absent"] == 6


async def test_a_silent_venue_leaves_all_unknown_and_tells_of_each(desk: Desk) -> None:
    await _desk_of(desk, 20)
    await replace(desk.work.resolve_orders, broker=_Asked(desk.world.broker, deaf=True))()
    assert +await _states(desk) == {"unknown": 20}
    told = await OutboxRow.filter(key__startswith="unknown:").values_list("key", flat=True)
    assert len(set(told)) == 10


async def test_one_that_is_not_answered_holds_up_no_other(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(reconcile, "_TOGETHER_SECONDS", 0.0)
    await _desk_of(desk, 20)
    await replace(desk.work.resolve_orders, broker=_Mute(desk.world.broker))()
    assert +await _states(desk) == {"acked": 17, "absent": 2, "unknown": 1}
