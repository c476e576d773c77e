"""Health, readiness and metrics: what they say when something is gone, and how soon."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from tortoise import connections

from bot.api.probes import Probes
from engine.domain.explanation import Budget
from engine.errors import BrokerSilent
from engine.flow.readiness import CheckReadiness
from storage.heartbeats import beat
from tests.integration.conftest import Desk

FEED = "feed:EURUSD:H1"


async def hang(*_: object) -> None:
    await asyncio.sleep(60)


async def fail(*_: object) -> None:
    raise ConnectionError("refused")


async def silent(*_: object) -> None:
    raise BrokerSilent("no answer")


@asynccontextmanager
async def stuck() -> AsyncIterator[None]:
    await hang()
    yield


async def no_candles(*_: object) -> tuple[()]:
    return ()


async def no_quote(*_: object) -> None:
    return None


class Changed:
    """A port with some of its answers replaced."""

    def __init__(self, port: Any, **answers: Callable[..., Any]) -> None:
        self._port, self._answers = port, answers

    def __getattr__(self, name: str) -> Any:
        return self._answers.get(name) or getattr(self._port, name)


@dataclass
class Asker:
    """The three paths of a product in which parts can be taken away."""

    desk: Desk
    check: CheckReadiness
    clients: list[TestClient[Any, Any]] = field(default_factory=list)

    async def get(self, path: str, **parts: Any) -> tuple[int, Any]:
        """Status and body; the probes keep nothing from the question before."""
        app = web.Application()
        app.add_routes(Probes(check_readiness=replace(self.check, **parts)).routes())
        client = TestClient(TestServer(app))
        await client.start_server()
        self.clients.append(client)
        answer = await client.get(path)
        is_json = answer.content_type == "application/json"
        return answer.status, await (answer.json() if is_json else answer.text())

    async def problems(self, **parts: Any) -> dict[str, str]:
        """What is not there; nothing for a product that is ready."""
        status, body = await self.get("/ready", **parts)
        found = {n: check["problem"] for n, check in body["checks"].items() if not check["ok"]}
        assert status == (503 if found else 200)
        assert body["status"] == ("not_ready" if found else "ready")
        return found


@pytest_asyncio.fixture
async def asker(desk: Desk) -> AsyncIterator[Asker]:
    async def queue() -> bool:
        return True

    world = desk.world
    made = Asker(
        desk,
        CheckReadiness(
            store=world.store, broker=world.broker, market=world.market, symbols=world.symbols,
            queue=queue,
        ),
    )  # fmt: skip
    yield made
    for client in made.clients:
        await client.close()


async def alive() -> None:
    await beat("worker:a")
    await beat("bot")


async def test_it_is_ready_when_everything_is_there(asker: Asker) -> None:
    assert await asker.problems() == {"worker": "missing", "bot": "missing"}
    await alive()
    assert await asker.problems() == {}
    assert (await asker.get("/health"))[1]["status"] == "ok"


@pytest.mark.parametrize(
    ("part", "answers", "problems"),
    [
        ("broker", {"account": silent}, {"broker": "silent"}),
        ("broker", {"account": hang}, {"broker": "silent"}),
        ("market", {"candles": fail}, {FEED: "silent"}),
        ("market", {"candles": no_candles}, {FEED: "warming_up"}),
        ("market", {"quote": no_quote}, {FEED: "old"}),
        ("market", {"instant": hang}, {FEED: "silent"}),
        ("store", {"begin": stuck}, {"database": "silent", FEED: "silent"}),
    ],
)
async def test_what_is_gone_or_hangs_is_named(
    asker: Asker, part: str, answers: dict[str, Any], problems: dict[str, str]
) -> None:
    await alive()
    await asker.desk.until_idea()  # within the strategies' hours
    changed = Changed(getattr(asker.check, part), **answers)
    assert await asker.problems(**{part: changed}) == problems


@pytest.mark.parametrize("gone", [fail, hang])
async def test_a_queue_that_is_gone_is_named(asker: Asker, gone: Any) -> None:
    await alive()
    assert await asker.problems(queue=gone) == {"queue": "silent"}


async def test_a_process_that_fell_silent_is_named(asker: Asker) -> None:
    await alive()
    await connections.get("default").execute_query(
        "UPDATE heartbeat SET at = at - interval '31 seconds' WHERE name = 'worker:a'"
    )
    assert await asker.problems() == {"worker": "silent"}
    await beat("worker:b")
    assert await asker.problems() == {}


async def test_metrics_are_counts_that_prometheus_reads(asker: Asker) -> None:
    await alive()
    await asker.desk.until_idea()
    async with asker.desk.world.store.begin() as tx:
        day = (await tx.now()).date()
        assert await tx.analyst_books.reserve(day, 120, Decimal("0.5"), Budget())
    status, text = await asker.get("/metrics")
    assert status == 200
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert (
        found["ai_trader_ideas", "needs_approval"] == found["ai_trader_approvals", "pending"] == 1
    )
    assert found["ai_trader_history_records_total",] >= 1
    assert 0 <= found["ai_trader_heartbeat_age_seconds", "bot"] < 60
    assert found["ai_trader_trading_state", "running"] == 1
    assert found["ai_trader_model_today", "tokens"] == 120
    assert found["ai_trader_model_today", "cost"] == 0.5
    assert found["ea_signals_generated_total",] == 0
    assert found["ai_trader_open_positions",] == found["ai_trader_update_oldest_seconds",] == 0
    assert not [key for key in found if key[0] == "ai_trader_halt"]
    assert found["process_resident_memory_bytes",] > 0


async def test_metrics_say_why_it_stands_still_and_how_long_a_person_waits(asker: Asker) -> None:
    await asker.desk.talk.change_control.stop(None)
    await connections.get("default").execute_query(
        "INSERT INTO telegram_inbox (update_id, payload, received_at, attempts)"
        " VALUES (1, '{}', now() - interval '20 seconds', 0)"
    )
    _, text = await asker.get("/metrics")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["ai_trader_halt", "stopped_by_person"] == 1
    assert found["ai_trader_trading_state", "emergency_stop"] == 1
    assert 20 <= found["ai_trader_update_oldest_seconds",] < 80


async def test_numbers_that_are_not_known_are_not_made_up(
    asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.api.probes.measures", fail)
    status, text = await asker.get("/metrics")
    assert status == 503
    assert "database" in text


async def test_probes_that_come_together_are_one_look(asker: Asker) -> None:
    looks = 0

    async def count() -> None:
        nonlocal looks
        looks += 1

    app = web.Application()
    app.add_routes(Probes(check_readiness=replace(asker.check, queue=count)).routes())
    async with TestClient(TestServer(app)) as client:
        await asyncio.gather(*(client.get("/ready") for _ in range(20)))
    assert looks == 1
