"""Webhooks over a store in memory: retries and their end, secrets, who may do what."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from bot.hooks import Hooks, assemble
from engine.domain.decision import Action, Entry
from engine.domain.webhook_events import EventType
from engine.domain.webhooks import (
    GIVEN_UP,
    MOST,
    Endpoint,
    Off,
    Reply,
    Retry,
    Why,
)
from engine.errors import IllegalMove, InvalidInput, NotAllowed, NotFound
from storage.webhook_keys import _SALT, DerivedSecrets
from tests.builders import NOW, decision
from tests.contract.conftest import ANN, LUIS
from tests.memory import MemoryStore

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
RETRY = Retry(most=3, base=2 * SECOND, longest=timedelta(minutes=1))
URL = "https://hooks.example/in?token=s3cret"
NO = Reply(status=500, why=Why.STATUS, took=SECOND, said="oops")
YES = Reply(status=204, why=None, took=SECOND)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


@dataclass
class FakeLine:
    """The port ``WebhookLine``: answers what it is told, and remembers what it was given."""

    patience: timedelta = 10 * SECOND
    replies: list[Reply] = field(default_factory=list)
    usual: Reply = YES
    sent: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    async def check(self, url: str) -> None:
        if not url.startswith("https://"):
            raise InvalidInput("the address has to begin with https://")

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        self.sent.append((url, body, headers))
        return self.replies.pop(0) if self.replies else self.usual

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body, _ in self.sent]

    def types(self) -> list[str]:
        return [document["type"] for document in self.documents()]


@dataclass
class House:
    """Everything about webhooks over a store in memory."""

    clock: Clock
    store: MemoryStore
    line: FakeLine
    hooks: Hooks

    async def happen(self, *actions: Action, **values: Any) -> None:
        entries = [decision(action=a, bundle_hash=None, **values).entry for a in actions]
        async with self.store.begin() as tx:
            await tx.history.extend(entries)

    async def round(self) -> int:
        """Gather, and send where it is due; how many were taken."""
        await self.hooks.gather()
        return sum([await self.hooks.send(each) for each in await self.hooks.send.claim()])

    async def until_over(self, rounds: int = 50) -> None:
        """Rounds with time between them, until nothing waits."""
        for _ in range(rounds):
            await self.round()
            self.clock.now += timedelta(minutes=2)

    async def states(self, endpoint_id: int) -> list[str]:
        async with self.store.begin() as tx:
            found = await tx.webhooks.deliveries(endpoint_id, limit=99)
        return [f"{each.event.type} {each.state}" for each in reversed(found)]

    async def get(self, endpoint_id: int) -> Endpoint:
        async with self.store.begin() as tx:
            return await tx.webhooks.get(endpoint_id)

    async def records(self, action: Action) -> list[Entry]:
        async with self.store.begin() as tx:
            found = await tx.history.list(actions=(action,), limit=99)
        return [each.entry for each in reversed(found)]

    def notices(self) -> list[tuple[int, dict[str, Any]]]:
        return [(row.person_id, row.notice.detail) for row in self.store.all("outbox")]


@pytest.fixture
async def house() -> House:
    clock, line = Clock(), FakeLine()
    store = MemoryStore(clock)
    async with store.begin() as tx:
        for person in (ANN, LUIS):
            await tx.people.save(person)
    hooks = assemble(
        store, line, DerivedSecrets("master of the test"), RETRY, chance=lambda: 1.0, url=None
    )
    return House(clock, store, line, hooks)


async def test_what_happens_is_posted_in_order_to_whoever_wants_it(house: House) -> None:
    await house.happen(Action.AI_HALTED)
    everything, _ = await house.hooks.add(ANN.id, URL, description="all")
    only, _ = await house.hooks.add(None, "https://b.example/", types=[EventType.ORDER_FILLED])
    await house.happen(Action.ORDER_SENDING, Action.NO_TRADE, Action.ORDER_FILLED)
    assert await house.round() == 3
    sent = [(url, json.loads(body)["type"]) for url, body, _ in house.line.sent]
    assert sent == [
        (URL, "order.sending"), (URL, "order.filled"), ("https://b.example/", "order.filled"),
    ]  # fmt: skip
    assert await house.round() == 0
    assert await house.states(everything.id) == [
        "order.sending delivered",
        "order.filled delivered",
    ]
    assert await house.states(only.id) == ["order.filled delivered"]
    ids = [carried["webhook-id"] for _, _, carried in house.line.sent]
    assert ids[1] == ids[2] != ids[0]


async def test_a_message_is_tried_again_with_its_id_a_new_timestamp_and_what_follows_waits(
    house: House,
) -> None:
    added, secret = await house.hooks.add(None, URL)
    house.line.replies = [NO, NO]
    await house.happen(Action.ORDER_SENDING, Action.ORDER_FILLED)
    for _ in range(3):
        await house.round()
        assert await house.round() == 0
        house.clock.now += 10 * SECOND
    assert house.line.types() == ["order.sending"] * 3 + ["order.filled"]
    carried = [sent[2] for sent in house.line.sent[:3]]
    assert len({one["webhook-id"] for one in carried}) == 1
    assert len({one["webhook-timestamp"] for one in carried}) == 3
    assert len({one["webhook-signature"] for one in carried}) == 3
    for _, body, one in house.line.sent:
        assert _is_signed(body, one, secret)
        assert one["X-Idempotency-Key"] == one["webhook-id"]
    async with house.store.begin() as tx:
        delivery = (await tx.webhooks.deliveries(added.id, limit=9))[-1]
        attempts = await tx.webhooks.attempts(delivery.id)
    assert [one.outcome for one in attempts] == ["status 500", "status 500", "delivered"]
    assert [one.said for one in attempts] == ["oops", "oops", ""]
    assert (await house.get(added.id)).failures == 0


async def test_after_the_last_attempt_it_is_recorded_told_and_the_next_ones_turn(
    house: House,
) -> None:
    added, _ = await house.hooks.add(None, URL, types=[EventType.ORDER_FILLED])
    house.line.replies = [NO] * 4
    await house.happen(Action.ORDER_FILLED, Action.ORDER_FILLED)
    await house.until_over()
    assert await house.states(added.id) == ["order.filled failed", "order.filled delivered"]
    (record,) = await house.records(Action.WEBHOOK_DELIVERY_FAILED)
    assert record.detail["attempts"] == 4
    assert record.detail["reason"] == "status 500"
    assert "hooks.example" in record.rationale
    assert "s3cret" not in repr(record)
    ((who, detail),) = house.notices()
    assert who == ANN.id
    assert (detail["what"], detail["why"], detail["status"]) == ("failed", "status", 500)
    assert "s3cret" not in repr(detail)


async def test_a_failure_is_an_event_for_others_and_its_own_failure_is_none(house: House) -> None:
    await house.hooks.add(None, URL)
    await house.hooks.add(None, "https://b.example/")
    house.line.usual = NO
    await house.happen(Action.ORDER_FILLED)
    await house.until_over()
    assert len(await house.records(Action.WEBHOOK_DELIVERY_FAILED)) == 2
    house.line.usual = YES
    await house.until_over(3)
    assert len(await house.records(Action.WEBHOOK_DELIVERY_FAILED)) == 2
    told_of = [d["data"]["delivery"] for d in house.line.documents()
               if d["type"] == "webhook.delivery_failed"]  # fmt: skip
    assert {one["type"] for one in told_of} == {"order.filled"}


async def test_gone_switches_it_off_and_takes_back_what_waits(house: House) -> None:
    added, _ = await house.hooks.add(None, URL)
    house.line.replies = [Reply(status=410, why=Why.STATUS, took=SECOND)]
    await house.happen(Action.ORDER_SENDING, Action.ORDER_FILLED)
    await house.round()
    assert await house.states(added.id) == ["order.sending failed", "order.filled cancelled"]
    assert (await house.get(added.id)).off is Off.GONE
    ((_, detail),) = house.notices()
    assert (detail["what"], detail["cancelled"]) == ("gone", 1)
    await house.happen(Action.ORDER_FILLED)
    assert await house.round() == 0
    changes = await house.records(Action.WEBHOOK_CHANGED)
    assert [one.detail["change"] for one in changes] == ["added", "off: gone"]


async def test_one_that_takes_nothing_for_days_is_switched_off(house: House) -> None:
    added, _ = await house.hooks.add(None, URL, types=[EventType.ORDER_FILLED])
    house.line.usual = NO
    await house.happen(Action.ORDER_FILLED)
    await house.until_over(6)
    assert (await house.get(added.id)).is_on
    house.clock.now += GIVEN_UP
    await house.happen(Action.ORDER_FILLED)
    await house.until_over(6)
    assert (await house.get(added.id)).off is Off.FAILING
    assert [detail["what"] for _, detail in house.notices()].count("failing") == 1


async def test_an_endpoint_that_fails_holds_up_no_other(house: House) -> None:
    bad, _ = await house.hooks.add(None, URL)
    good, _ = await house.hooks.add(None, "https://b.example/")
    await house.happen(Action.ORDER_FILLED)
    await house.hooks.gather()
    first, second = await house.hooks.send.claim()
    assert [first.id, second.id] == [bad.id, good.id]
    house.line.replies = [NO]
    assert await house.hooks.send(first) == 0
    assert await house.hooks.send(second) == 1


async def test_off_gathers_nothing_and_on_begins_with_what_happens_then(house: House) -> None:
    added, _ = await house.hooks.add(None, URL)
    await house.happen(Action.ORDER_SENDING)
    await house.hooks.gather()
    off = await house.hooks.change(None, added.id, is_on=False)
    assert off.off is Off.PERSON
    await house.happen(Action.ORDER_UNKNOWN)
    assert await house.round() == 0
    await house.hooks.change(None, added.id, is_on=True)
    await house.happen(Action.ORDER_FILLED)
    assert await house.round() == 1
    assert house.line.types() == ["order.filled"]
    assert await house.states(added.id) == ["order.sending cancelled", "order.filled delivered"]


async def test_a_new_secret_signs_beside_the_old_one_for_as_long_as_wanted(house: House) -> None:
    added, old = await house.hooks.add(None, URL)
    _, new = await house.hooks.rotate(None, added.id, HOUR)
    assert new != old
    await house.happen(Action.ORDER_FILLED)
    await house.round()
    house.clock.now += HOUR
    await house.happen(Action.ORDER_FILLED)
    await house.round()
    accepted = [
        [_is_signed(body, carried, secret) for secret in (old, new)]
        for _, body, carried in house.line.sent
    ]
    assert accepted == [[True, True], [False, True]]


def _is_signed(body: bytes, carried: dict[str, str], secret: str) -> bool:
    """By the independent package, at whatever instant it was."""
    at = datetime.fromtimestamp(int(carried["webhook-timestamp"]), UTC)
    mark = Webhook(secret).sign(carried["webhook-id"], at, body.decode())
    return mark in carried["webhook-signature"].split(" ")


async def test_another_master_signs_beside_the_one_before(house: House) -> None:
    added, old = await house.hooks.add(None, URL)
    hooks = assemble(
        house.store, house.line, DerivedSecrets("another master", "master of the test"), RETRY,
        chance=lambda: 1.0, url=None,
    )  # fmt: skip
    house.hooks = hooks
    _, new = await hooks.rotate(None, added.id, HOUR)
    await house.happen(Action.ORDER_FILLED)
    await house.round()
    ((_, body, carried),) = house.line.sent
    assert _is_signed(body, carried, old)
    assert _is_signed(body, carried, new)


async def test_a_test_is_sent_at_once_even_where_it_is_off(house: House) -> None:
    added, secret = await house.hooks.add(None, URL)
    await house.hooks.change(None, added.id, is_on=False)
    delivery, reply = await house.hooks.test(ANN.id, added.id)
    assert reply.is_taken
    assert house.line.types() == ["webhook.test"]
    assert _is_signed(house.line.sent[0][1], house.line.sent[0][2], secret)
    house.line.usual = NO
    again, _ = await house.hooks.test(ANN.id, added.id)
    assert again.event.id != delivery.event.id
    assert await house.states(added.id) == ["webhook.test delivered", "webhook.test failed"]
    assert house.notices() == []
    with pytest.raises(IllegalMove, match="another one"):
        await house.hooks.redeliver(None, again.id)


async def test_what_failed_is_sent_again_with_the_same_id(house: House) -> None:
    added, _ = await house.hooks.add(None, URL, types=[EventType.ORDER_FILLED])
    house.line.usual = NO
    await house.happen(Action.ORDER_FILLED, Action.ORDER_FILLED)
    await house.until_over()
    house.line.usual = YES
    before = {carried["webhook-id"] for _, _, carried in house.line.sent}
    house.line.sent.clear()
    assert await house.hooks.redeliver.failed(None, added.id) == 2
    await house.until_over(3)
    after = [carried["webhook-id"] for _, _, carried in house.line.sent]
    assert (set(after), len(after)) == (before, 2)
    (one, *_) = (await house.hooks.deliveries(None, added.id))[:1]
    await house.hooks.redeliver(ANN.id, one.id)
    with pytest.raises(IllegalMove, match="waits already"):
        await house.hooks.redeliver(ANN.id, one.id)
    await house.hooks.change(None, added.id, is_on=False)
    with pytest.raises(IllegalMove, match="is off"):
        await house.hooks.redeliver(ANN.id, one.id)


async def test_only_admins_may_and_what_cannot_be_is_refused(house: House) -> None:
    added, _ = await house.hooks.add(ANN.id, URL)
    hooks = house.hooks
    for work in (
        hooks.add(LUIS.id, URL), hooks.read(LUIS.id), hooks.change(LUIS.id, added.id, is_on=False),
        hooks.remove(LUIS.id, added.id), hooks.rotate(LUIS.id, added.id, HOUR),
        hooks.test(LUIS.id, added.id), hooks.deliveries(LUIS.id, added.id),
        hooks.redeliver(LUIS.id, 1), hooks.redeliver.failed(LUIS.id, added.id),
        hooks.read.one(LUIS.id, added.id), hooks.deliveries.one(LUIS.id, 1),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            await work
    for problem, work in (
        (InvalidInput, hooks.add(None, "http://x.example")),
        (InvalidInput, hooks.add(None, URL, description="x" * 201)),
        (InvalidInput, hooks.add(None, URL, description="a\nb")),
        (InvalidInput, hooks.add(None, URL, types=[EventType.TEST])),
        (InvalidInput, hooks.add(None, URL, types=[EventType.ORDER_FILLED] * 2)),
        (InvalidInput, hooks.change(None, added.id, url="http://x.example")),
        (InvalidInput, hooks.rotate(None, added.id, timedelta(days=8))),
        (InvalidInput, hooks.rotate(None, added.id, -SECOND)),
        (NotFound, hooks.change(None, 99, is_on=True)),
        (NotFound, hooks.remove(None, 99)),
        (NotFound, hooks.test(None, 99)),
        (NotFound, hooks.deliveries(None, 99)),
        (NotFound, hooks.redeliver(None, 99)),
    ):
        with pytest.raises(problem):
            await work
    for _ in range(MOST - 1):
        await hooks.add(None, URL)
    with pytest.raises(InvalidInput, match="the most"):
        await hooks.add(None, URL)
    await hooks.remove(ANN.id, added.id)
    assert len(await hooks.read(None)) == MOST - 1
    assert house.line.sent == []


async def test_every_change_is_in_the_history_without_the_address(house: House) -> None:
    added, secret = await house.hooks.add(ANN.id, URL, types=[EventType.ORDER_FILLED])
    await house.hooks.change(
        ANN.id, added.id, url="https://c.example/?token=other", description="x", types=[]
    )
    await house.hooks.change(ANN.id, added.id, description="x")
    _, rotated = await house.hooks.rotate(None, added.id, HOUR)
    await house.hooks.remove(None, added.id)
    found = await house.records(Action.WEBHOOK_CHANGED)
    assert [(one.actor, one.detail["change"]) for one in found] == [
        (f"person:{ANN.id}", "added"), (f"person:{ANN.id}", "url, description, types"),
        ("cli", "new secret"), ("cli", "removed"),
    ]  # fmt: skip
    assert not any(word in repr(found) for word in ("token", secret, rotated))


async def test_the_endpoint_of_the_settings_comes_moves_and_goes_with_them(house: House) -> None:
    keep = house.hooks.keep_settings
    await keep(None)
    assert await house.hooks.read(None) == []
    await keep(URL)
    await keep(URL)
    ((one, _),) = await house.hooks.read(None)
    assert (one.url, one.description, one.from_settings, one.types) == (URL, "OpenClaw", True, ())
    for work in (
        house.hooks.change(None, one.id, url="https://b.example"),
        house.hooks.remove(None, one.id),
    ):
        with pytest.raises(IllegalMove, match="OPENCLAW_WEBHOOK_URL"):
            await work
    await house.hooks.change(None, one.id, is_on=False)
    await keep(URL)
    assert not (await house.get(one.id)).is_on
    await keep("https://b.example/")
    moved = await house.get(one.id)
    assert (moved.url, moved.is_on, moved.key) == ("https://b.example/", True, one.key)
    await house.happen(Action.ORDER_FILLED)
    await house.hooks.gather()
    await keep(None)
    assert (await house.get(one.id)).off is Off.SETTINGS
    assert await house.states(one.id) == ["order.filled cancelled"]
    await keep("https://b.example/")
    assert (await house.get(one.id)).is_on
    await keep(None)
    await house.hooks.remove(None, one.id)
    with pytest.raises(InvalidInput):
        await keep("http://b.example/")


async def test_what_ended_a_month_ago_is_forgotten(house: House) -> None:
    added, _ = await house.hooks.add(None, URL)
    await house.happen(Action.ORDER_FILLED)
    await house.round()
    assert await house.hooks.retire() == 0
    house.clock.now += timedelta(days=31)
    assert await house.hooks.retire() == 1
    assert await house.states(added.id) == []


@given(
    failures=st.integers(1, 200),
    chance=st.floats(0, 1),
    asked=st.none() | st.integers(0, 10**6),
)
def test_a_pause_is_never_below_half_and_asking_cannot_hold_us_up(
    failures: int, chance: float, asked: int | None
) -> None:
    wanted = None if asked is None else timedelta(seconds=asked)
    found = RETRY.pause(failures, chance, wanted)
    full = min(RETRY.base * 2 ** min(failures - 1, 20), RETRY.longest)
    assert full / 2 <= found <= max(full, HOUR)
    if asked is None:
        assert found <= full
    elif asked <= 3600:
        assert found >= timedelta(seconds=asked)


async def test_a_secret_is_what_hkdf_makes_of_the_master() -> None:
    """Against another implementation of RFC 5869."""
    key = UUID(int=5)
    (found,) = await DerivedSecrets("m" * 40).keys(7, key)
    kdf = HKDF(algorithm=SHA256(), length=32, salt=_SALT, info=f"7:{key}".encode())
    assert found == kdf.derive(b"m" * 40)
