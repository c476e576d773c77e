"""The market's feeds are watched: remembered, told once, healed by themselves."""

from dataclasses import replace
from typing import Any

import pytest

from bot.i18n import LANGUAGES, Words
from bot.views import notify
from bot.views.doctor import lines_of
from bot.views.facts import check_line
from broker.instruments import instrument
from engine.domain.diagnosis import Finding, Level
from engine.domain.feed_fault import Fault, FeedRecord, facts_of
from engine.domain.gate import Check
from engine.domain.market import Timeframe
from engine.domain.notice import Kind
from engine.domain.person import Person, Role
from engine.domain.settings import RiskSettings
from engine.errors import FeedError
from engine.flow.feed_watch import WatchFeeds
from engine.gate.case import run
from tests.builders import NOW, bundle, candles, case, strategy, window
from tests.fakes import HandMarket
from tests.memory import MemoryStore
from tests.situations import SITUATIONS

EURO = instrument("EURUSD")


class Bell:
    async def ring(self, job: str, *ids: str) -> None:
        return None


async def rig(**hours: Any) -> tuple[MemoryStore, HandMarket, WatchFeeds]:
    """A euro in good order, a trader and a strategy."""
    store, market = MemoryStore(lambda: NOW), HandMarket(EURO, candles())
    async with store.begin() as tx:
        await tx.settings.save_risk(RiskSettings(), by="test", reason="test")
        await tx.settings.save_strategy(strategy(**hours), by="test", reason="test")
        for number, role in enumerate((Role.VIEWER, Role.TRADER)):
            await tx.people.save(Person(id=number, name="A", role=role, chat_id=number))
    watch: Any = WatchFeeds(
        store=store, market=market, bell=Bell(), symbols=(("EURUSD", Timeframe.H1),)
    )
    return store, market, watch


def told(store: MemoryStore) -> list[tuple[int, bool]]:
    rows = store.rows.tables["outbox"].values()
    return [(t.person_id, t.notice.is_resolved) for t in rows if t.notice.kind is Kind.FEED]


async def record(store: MemoryStore) -> FeedRecord:
    async with store.begin() as tx:
        found: FeedRecord = (await tx.feed_memory.all())[("EURUSD", Timeframe.H1)]
    return found


async def test_trouble_is_told_to_traders_once_and_once_that_it_is_over() -> None:
    store, market, watch = await rig()
    assert list((await watch()).values()) == [()]
    market.quoted = False
    await watch()
    assert told(store) == []  # one odd look is nobody's news
    for _ in range(5):
        await watch()
    assert told(store) == [(1, False)]
    market.quoted = True
    for _ in range(3):
        await watch()
    assert told(store) == [(1, False), (1, True)]
    assert (await record(store)).episode is None


async def test_a_candle_that_closes_while_one_looks_is_not_from_the_future() -> None:
    store, market, watch = await rig()
    read = market.candles

    async def moving(*args: Any) -> Any:
        market.close(replace(candles()[-1], time=NOW, volume=7))
        return await read(*args)

    market.candles = moving  # type: ignore[method-assign]
    assert list((await watch()).values()) == [()]
    assert (await record(store)).episode is None


async def test_outside_all_hours_nobody_is_told_before_they_begin() -> None:
    store, market, watch = await rig(session_windows=(window("11:00", "12:00"),))
    market.quoted = False
    for _ in range(3):
        await watch()
    assert told(store) == []
    market.close(replace(candles()[-1], time=NOW, volume=7))
    await watch()
    assert told(store) == [(1, False)]


async def test_facts_of_the_venue_are_remembered_and_believed_a_candle_later() -> None:
    store, market, watch = await rig()
    await watch()
    market.specification = replace(EURO, digits=4)
    for _ in range(2):
        ((fault,),) = (await watch()).values()
        assert fault.code is Fault.RESCALED
    assert (await record(store)).memory.believed == facts_of(EURO)  # type: ignore[union-attr]
    market.close(replace(candles()[-1], time=NOW, volume=7))
    assert list((await watch()).values()) == [()]
    assert (await record(store)).memory.believed.digits == 4  # type: ignore[union-attr]


async def test_a_feed_that_cannot_be_read_is_a_fault_and_forgets_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, market, watch = await rig()
    await watch()
    before = (await record(store)).memory

    async def broken(*_: Any) -> Any:
        raise FeedError("a candle makes no sense")

    monkeypatch.setattr(market, "candles", broken)
    ((fault,),) = (await watch()).values()
    assert (fault.code, fault.seen) == (Fault.UNREADABLE, "a candle makes no sense")
    assert (await record(store)).memory == before


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", list(Fault))
def test_a_fault_is_said_in_words(language: str, code: Fault) -> None:
    words = Words(language)
    facts = {"symbol": "EURUSD", "timeframe": "H1", "fault": str(code), "seen": "SEEN",
             "limit": "LIMIT"}  # fmt: skip
    found: Any = Finding(code="data", level=Level.FAULT, facts=facts)
    first, fix = lines_of(words, found)
    assert "EURUSD" in first
    assert "<code>" not in first
    assert fix
    text = notify.feed(words, facts | {"since": NOW.isoformat()})
    assert "EURUSD" in text
    assert "/doctor" in text


def test_the_gate_says_what_is_wrong_with_the_data() -> None:
    _, failing = SITUATIONS[Check.DATA_QUALITY]
    line = check_line(Words("en"), run(Check.DATA_QUALITY, failing["without volume"]))
    assert line == "✗ Market data: a candle without any volume (usual: 120.5)"
    good = check_line(Words("de"), run(Check.DATA_QUALITY, case(bundle=bundle())))
    assert good == "✓ Marktdaten: in Ordnung"
