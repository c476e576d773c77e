"""What is lost on the way: found again by its mark, done once, and answered in the end."""

import asyncio
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from broker.mt5.connector.journal import Journal, JournalTaken
from tests.mql5.market import Fault
from tests.mt5 import TOKEN
from tests.mt5.rig import Rig, clock, exchange, order_body, rigged, settings_for, until
from tests.mt5.server import TerminalServer


@pytest.mark.parametrize("kind", ["hang_after", "drop_after", "none"])
async def test_an_answer_lost_after_the_deal_is_found_by_its_magic(rig: Rig, kind: str) -> None:
    rig.server.faults = [("order_send", kind)]
    status, told = await rig.post("/mt5/order", order_body())
    assert status in (200, 504), told
    told = await rig.ends("k-1")
    assert (told["status"], told["lot_size"]) == ("ok", Decimal("0.50"))
    assert told["filled_price"] == Decimal("1.10010")
    assert await rig.post("/mt5/order", order_body()) == (200, {
        name: told[name] for name in told if name not in ("key", "kind", "body")
    })  # fmt: skip
    assert rig.dealt() == {rig.exchange.sent[0].magic: 1}


@pytest.mark.parametrize("kind", ["hang_before", "drop_before"])
async def test_an_order_lost_before_the_deal_is_proven_absent(rig: Rig, kind: str) -> None:
    rig.server.faults = [("order_send", kind)]
    status, told = await rig.post("/mt5/order", order_body())
    assert (status, told["error"]["code"]) in ((504, "unknown"), (409, "absent"))
    assert (await rig.ends("k-1"))["status"] == "absent"
    status, told = await rig.post("/mt5/order", order_body())
    assert (status, told["error"]["code"]) == (409, "absent")
    assert rig.dealt() == {}


@pytest.mark.parametrize("kind", ["executed", "answer", "late", "working"])
async def test_an_unclear_return_code_is_looked_into(rig: Rig, kind: str) -> None:
    codes = (10012, 10031, 10011, 10008, 12345)
    for code in codes:
        rig.exchange.faults = [Fault(kind, code, seconds=0.2)]
        status, told = await rig.post("/mt5/order", order_body(), f"k-{code}")
        assert status == 200 or told["error"]["code"] in ("unknown", "absent")
    for code in codes:
        told = await rig.ends(f"k-{code}")
        assert told["status"] == ("absent" if kind == "answer" else "ok")
    assert len(rig.exchange.sent) == len(codes)
    assert len(rig.exchange.deals) == (0 if kind == "answer" else len(codes))


async def test_an_order_that_still_works_is_not_absent(rig: Rig) -> None:
    rig.exchange.faults = [Fault("working", 10008, seconds=3 * rig.absence_seconds)]
    await rig.post("/mt5/order", order_body())
    assert (await rig.ends("k-1"))["status"] == "ok"


async def test_without_a_connection_nothing_is_proven(rig: Rig) -> None:
    rig.exchange.faults = [Fault("answer", 10012)]
    post = asyncio.ensure_future(rig.post("/mt5/order", order_body()))
    await until(lambda: rig.exchange.sent)
    rig.exchange.connected = False
    assert (await post)[0] == 504
    await asyncio.sleep(0.6)
    assert (await rig.get("/mt5/orders/k-1"))[1]["status"] == "unknown"
    rig.exchange.connected = True
    assert (await rig.ends("k-1"))["status"] == "absent"


async def test_a_hang_is_answered_in_time_and_the_worker_is_ended(impatient: Rig) -> None:
    impatient.server.faults = [("order_send", "hang_after")]
    began = asyncio.get_running_loop().time()
    status, told = await impatient.post("/mt5/order", order_body())
    assert (status, told["error"]["code"]) == (504, "unknown")
    assert 0.5 < asyncio.get_running_loop().time() - began < 1.5
    # It hangs still: another one is not sent, a question is answered, and so is health.
    status, told = await impatient.post("/mt5/order", order_body(), "k-2")
    assert (status, told["error"]["code"]) == (503, "busy")
    assert (await impatient.get("/mt5/health"))[0] == 200
    told = await impatient.ends("k-1")
    assert told["status"] == "ok"
    _, health = await impatient.get("/mt5/health")
    assert health["worker_starts"] > 1
    assert (await impatient.get("/mt5/orders/k-2"))[1]["status"] == "absent"
    assert sum(impatient.dealt().values()) == 1


async def test_a_question_that_hangs_is_answered_in_time(impatient: Rig) -> None:
    starts = impatient.service.terminal.link.starts
    impatient.server.faults = [("rates", "hang_before")]
    status, told = await impatient.get("/mt5/candles", symbol="EURUSD", timeframe="H1")
    assert (status, told["error"]["code"]) == (504, "timeout")
    await impatient.health(lambda told: told["worker_starts"] > starts and told["status"] == "ok")
    assert (await impatient.get("/mt5/candles", symbol="EURUSD", timeframe="H1"))[0] == 200


async def test_a_price_that_hangs_sends_nothing_late(impatient: Rig) -> None:
    impatient.server.faults = [("symbol_info_tick", "hang_before")] * 2
    status, _ = await impatient.post("/mt5/order", order_body())
    assert status in (503, 504)
    impatient.server.faults.clear()
    assert (await impatient.ends("k-1"))["status"] in ("absent", "refused")
    assert impatient.exchange.sent == []


async def test_an_order_that_a_slow_terminal_holds_up_is_not_sent_late(impatient: Rig) -> None:
    impatient.server.faults = [("symbol_info", "slow")]
    status, told = await impatient.post("/mt5/order", order_body())
    assert (status, told["error"]["code"]) == (504, "unknown")
    assert (await impatient.ends("k-1"))["status"] == "refused"
    assert impatient.exchange.sent == []


async def test_a_close_and_a_move_that_were_lost_are_found(rig: Rig) -> None:
    _, told = await rig.post("/mt5/order", order_body())
    place = f"/mt5/positions/{told['positions'][0]}"
    rig.server.faults = [("order_send", "drop_after")]
    await rig.post(f"{place}/modify", {"stop_loss": 1.08}, "m-1")
    told = await rig.ends("m-1", "changes")
    assert (told["status"], told["stop_loss"]) == ("ok", Decimal("1.08000"))
    rig.server.faults = [("order_send", "hang_before")]
    await rig.post(f"{place}/modify", {"stop_loss": 1.07}, "m-2")
    assert (await rig.ends("m-2", "changes"))["status"] == "absent"
    await rig.ready()
    rig.server.faults = [("order_send", "drop_after")]
    await rig.post(f"{place}/close", {"volume_left": "0.2"}, "c-1")
    told = await rig.ends("c-1", "changes")
    assert (told["lot_size"], told["volume_left"]) == (Decimal("0.30"), Decimal("0.20"))
    await rig.ready()
    rig.server.faults = [("order_send", "drop_before")]
    await rig.post(f"{place}/close", {}, "c-2")
    assert (await rig.ends("c-2", "changes"))["status"] == "absent"
    assert [p.volume for p in rig.exchange.positions.values()] == [0.2]


async def test_of_several_targets_the_ones_after_a_lost_one_are_not_sent(rig: Rig) -> None:
    rig.exchange.faults = [None, Fault("executed", 10012)]
    body = order_body(take_profit=[1.12, 1.13, 1.14])
    await rig.post("/mt5/order", body)
    told = await rig.ends("k-1")
    assert (len(told["positions"]), told["lot_size"]) == (2, Decimal("0.34"))
    assert len(rig.exchange.sent) == 2


async def test_a_dead_terminal_is_joined_again(rig: Rig) -> None:
    rig.server.dead = True
    await rig.health(lambda told: told["status"] != "ok")
    status, told = await rig.post("/mt5/order", order_body())
    assert (status, told["error"]["code"]) == (503, "no_terminal")
    rig.server.dead = False
    await rig.ready()
    assert (await rig.post("/mt5/order", order_body()))[0] == 200


async def test_a_caller_that_goes_away_changes_nothing(rig: Rig) -> None:
    rig.exchange.faults = [Fault("answer", 10024)]
    post = asyncio.ensure_future(rig.post("/mt5/order", order_body()))
    await until(lambda: rig.exchange.sent)
    post.cancel()
    await asyncio.gather(post, return_exceptions=True)
    told = await rig.ends("k-1")
    assert told["status"] == "ok"
    assert sum(rig.dealt().values()) == 1


async def test_what_was_begun_before_a_restart_is_unknown_until_it_is_found(tmp_path: Path) -> None:
    async with rigged(tmp_path, deadline_seconds=0.5, hang_seconds=30.0) as rig:
        for number, kind in enumerate(("hang_after", "hang_before"), start=1):
            rig.server.faults = [("order_send", kind)]
            status, told = await rig.post("/mt5/order", order_body(), f"k-{number}")
            assert (status, told["error"]["code"]) == (504, "unknown")
            await rig.again()
            # The worker is not up yet: nothing is known, nothing is sent.
            status, told = await rig.post("/mt5/order", order_body(), f"k-{number}")
            assert status in (200, 504)
            await rig.ready()
        assert (await rig.ends("k-1"))["status"] == "ok"
        assert (await rig.ends("k-2"))["status"] == "absent"
        assert sum(rig.dealt().values()) == 1


async def test_a_second_connector_cannot_have_the_journal(rig: Rig) -> None:
    with pytest.raises(JournalTaken):
        Journal(rig.settings.journal, now=clock(), chance=1)


# ---- a process that is killed


class Killable:
    """A connector in a process of its own."""

    def __init__(self, server: TerminalServer, folder: Path, port: int) -> None:
        made = settings_for(server, folder)
        named = {"terminal": str(made.terminal), "journal": str(made.journal), "port": port}
        self.url = f"http://127.0.0.1:{port}"
        self.told = json.dumps({
            "settings": {**named, "deadline_seconds": 2, "hang_seconds": 60},
            "absence_seconds": 0.4,
        })  # fmt: skip
        self.process: Any = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.mt5.serve", self.told
        )

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


async def test_killed_between_begin_and_end_it_resolves_after_the_start(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    server = TerminalServer(exchange())
    connector = Killable(server, tmp_path, unused_tcp_port)
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async def ask(session: Any, path: str) -> dict[str, Any]:
        try:
            async with session.get(connector.url + path, headers=headers) as answer:
                return dict(await answer.json())
        except aiohttp.ClientError:
            return {}

    async def told_of(session: Any, path: str, *wanted: str) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while True:
                told = await ask(session, path)
                if told.get("status") in wanted:
                    return told
                await asyncio.sleep(0.05)

    try:
        async with aiohttp.ClientSession() as session:
            await connector.start()
            await told_of(session, "/mt5/health", "ok")
            server.faults = [("order_send", "hang_after")]
            post = asyncio.ensure_future(
                session.post(
                    f"{connector.url}/mt5/order", json=order_body(),
                    headers={**headers, "Idempotency-Key": "k-1"},
                )
            )  # fmt: skip
            await until(lambda: not server.faults)
            await connector.kill()
            await asyncio.gather(post, return_exceptions=True)
            await connector.start()
            told = await told_of(session, "/mt5/orders/k-1", "ok", "absent", "refused")
        assert told["status"] == "ok"
        assert [deal.entry for deal in server.exchange.deals] == [0]
    finally:
        await connector.kill()
        server.close()
