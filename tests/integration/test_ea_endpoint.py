"""The endpoint of the Expert Advisor: who is let in, what is offered, what is believed."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from time import perf_counter, time
from typing import Any

import pytest

from ea import tables
from engine.domain.terminal import CommandType, Draft
from engine.errors import NotAllowed
from engine.flow.terminals import DisconnectTerminal, IssueCode
from tests.integration.conftest import ANN, EVE, desk, mode  # noqa: F401
from tests.integration.ea import ACCOUNT, Bridge, bridge  # noqa: F401
from tests.mql5 import wire
from tests.terminals import Ea, request

PATHS = ("/ea/heartbeat", "/ea/execute", "/ea/result")


def opening(name: str, order: str | None = None) -> Draft:
    return Draft(
        id=name, account_id=ACCOUNT, type=CommandType.OPEN, client_id=order,
        expires_at=datetime.now(UTC) + timedelta(minutes=1),
        fields={
            "symbol": "GOLD", "side": "buy", "volume": "0.10", "price": "2385.20",
            "max_deviation": "1.50", "sl": "2378.50", "tp": "2398.00", "leg": 1, "legs": 1,
        },
    )  # fmt: skip


def closing(name: str, position: int = 900001) -> Draft:
    fields = {"position": position, "keep": "0.05"}
    return Draft(id=name, account_id=ACCOUNT, type=CommandType.CLOSE, fields=fields)


# ---- the page


def test_the_tables_are_those_of_the_protocol() -> None:
    page = wire.tables()
    assert page["Common fields of every request"] == tables.COMMON
    assert {path: page[f"{path} request"] for path in tables.REQUESTS} == tables.REQUESTS
    assert {name: page[name] for name in tables.NAMED} == tables.NAMED


async def test_the_protocols_own_examples_are_answered(bridge: Bridge) -> None:  # noqa: F811
    ea = Ea(bridge.client)
    example = request("/ea/register")
    status, answer = await ea.register(await bridge.code())
    assert status == 200
    assert (answer["settings"]["names"], answer["settings"]["sync_now"]) == (True, True)
    status, answer = await ea.beat()
    assert (status, answer["settings"]["paused"]) == (200, False)
    assert (await ea.post("/ea/execute", hold_ms=0))[1]["commands"] == []
    for note in ("done", "partial close", "rejected", "not executed"):
        status, answer = await ea.post("/ea/result", example=note)
        assert (status, answer["known"], answer["duplicate"]) == (200, False, False)
    (terminal,) = await bridge.sql("SELECT login, server FROM ea_terminal")
    assert terminal == {"login": example["login"], "server": example["server"]}


# ---- strictness


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_request"),
        (b"{", "bad_request"),
        (b"[]", "bad_request"),
        (b'{"protocol":1}', "bad_request"),
        (b'{"protocol":true}', "bad_request"),
        (b'{"protocol":1e0}', "bad_request"),
        (b'{"protocol":2}', "unsupported_protocol"),
        (b'{"protocol":NaN}', "bad_request"),
        (b'{"protocol":1,"protocol":1}', "bad_request"),
        (b'\xef\xbb\xbf{"protocol":1}', "bad_request"),
        (b'{"protocol":1}\0', "bad_request"),
        (b'{"protocol":1,"x":"\xff"}', "bad_request"),
        ('{"protocol":1}'.encode("utf-16"), "bad_request"),
        (b"[" * 100_000, "bad_request"),
        (b'{"protocol":' + b"9" * 5000 + b"}", "bad_request"),
    ],
)
async def test_a_body_that_is_not_strict_json_is_refused(
    bridge: Bridge,  # noqa: F811
    body: bytes,
    code: str,
) -> None:
    status, answer = await Ea(bridge.client).raw("/ea/heartbeat", body)
    assert (status, answer["error"]["code"]) == (426 if "unsupported" in code else 400, code)


@pytest.mark.parametrize(
    "damage",
    [
        {"instance": "short"},
        {"login": "5012345"},
        {"login": 0},
        {"connected": 1},
        {"equity": None},
        {"equity": 10**13},
        {"server": "line\nbreak"},
        {"server": "\ud800"},
        {"paused": 0},
    ],
)
async def test_a_field_that_breaks_its_table_is_named(
    bridge: Bridge,  # noqa: F811
    damage: dict[str, Any],
) -> None:
    ea = Ea(bridge.client)
    document = {**request("/ea/heartbeat"), **damage}
    status, answer = await ea.raw("/ea/heartbeat", json.dumps(document))
    assert (status, answer["error"]["code"]) == (400, "bad_request")
    assert next(iter(damage)) in answer["error"]["message"]


async def test_a_huge_body_is_refused_before_it_is_read(bridge: Bridge) -> None:  # noqa: F811
    async def endless() -> Any:
        for _ in range(40):
            yield b" " * 65_536

    status, answer = await Ea(bridge.client).raw("/ea/execute", b" " * (2**20 + 1))
    assert (status, answer["error"]["code"]) == (413, "too_large")
    async with bridge.client.post("/ea/heartbeat", data=endless()) as chunked:
        assert chunked.status == 413


# ---- codes and tokens


async def test_a_code_works_once_but_for_a_lost_answer(bridge: Bridge) -> None:  # noqa: F811
    ea, other = Ea(bridge.client), Ea(bridge.client, instance="another-instance")
    code = await bridge.code()
    assert (await ea.register(code))[0] == 200
    first = ea.token
    assert (await ea.register(f" {code.lower()}"))[0] == 200
    assert ea.token != first
    assert (await other.register(code))[1]["error"]["code"] == "code_refused"
    await bridge.sql("UPDATE ea_code SET used_at = used_at - interval '61 s'")
    status, answer = await ea.register(code)
    assert (status, answer["error"]["code"]) == (403, "code_refused")


async def test_codes_that_are_old_replaced_or_invented_are_refused(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = Ea(bridge.client)
    replaced, code = await bridge.code(), await bridge.code()
    for wrong in (replaced, "CODE-NONE"):
        assert (await ea.register(wrong))[1]["error"]["code"] == "code_refused"
    await bridge.sql("UPDATE ea_code SET expires_at = now() - interval '1 s'")
    assert (await ea.register(code))[1]["error"]["code"] == "code_refused"
    assert await bridge.sql("SELECT 1 FROM ea_terminal") == []


async def test_the_eleventh_guess_waits_even_with_the_right_code(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea, code = Ea(bridge.client), await bridge.code()
    found = [(await ea.register(f"WRONG-{i}", login=i + 1))[0] for i in range(10)]
    assert found == [403] * 10
    status, answer = await ea.register(code)
    assert (status, answer["error"]["code"]) == (429, "slow_down")
    await bridge.sql("UPDATE ea_guess SET at = at - interval '15 minutes'")
    assert (await ea.register(code))[0] == 200


async def test_guesses_that_come_at_once_are_no_more_than_one_by_one(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = Ea(bridge.client)
    tries = [ea.register(f"WRONG-{number}", login=number + 1) for number in range(40)]
    statuses = [status for status, _ in await asyncio.gather(*tries)]
    assert (statuses.count(403), statuses.count(429)) == (10, 30)


async def test_who_goes_on_guessing_fills_no_table(bridge: Bridge) -> None:  # noqa: F811
    for _ in range(120):
        async with bridge.store.begin() as tx:
            tries = await tx.terminals.guess(["address:203.0.113.9"], timedelta(minutes=15))
    assert tries == len(await bridge.sql("SELECT 1 FROM ea_guess")) == 100


async def test_guesses_are_counted_by_login_as_well_as_by_address(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = Ea(bridge.client)
    for _ in range(10):
        await ea.register("WRONG-CODE")
    await bridge.sql("UPDATE ea_guess SET key = 'elsewhere' WHERE key LIKE 'address:%'")
    assert (await ea.register(await bridge.code()))[0] == 429


async def test_only_an_admin_makes_codes_and_takes_tokens_away(
    bridge: Bridge,  # noqa: F811
) -> None:
    async with bridge.store.begin() as tx:
        await tx.people.save(EVE)
    issue = IssueCode(store=bridge.store, account_id=ACCOUNT, new_code=lambda: "CODE-0001")
    with pytest.raises(NotAllowed):
        await issue(EVE.id, await issue.mark())
    ea = await bridge.joined()
    disconnect = DisconnectTerminal(store=bridge.store)
    with pytest.raises(NotAllowed):
        await disconnect(EVE.id, ACCOUNT)
    await disconnect(ANN.id, ACCOUNT)
    assert (await ea.beat())[0] == 401


async def test_a_rotated_wrong_missing_or_unused_token_is_unauthorized(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    old = ea.token
    assert (await ea.register(await bridge.code()))[0] == 200
    right = ea.token
    for wrong in (old, "", "x" * 43, right + "x"):
        ea.token = wrong
        for path in PATHS:
            note = "done" if path == "/ea/result" else ""
            status, answer = await ea.post(path, example=note)
            assert (status, answer["error"]["code"]) == (401, "unauthorized"), (wrong, path)
    ea.token = right
    assert (await ea.beat())[0] == 200
    await bridge.sql(
        'UPDATE ea_terminal SET document = document || \'{"token_used_at": "2020-01-01T00:00Z"}\''
    )
    assert (await ea.beat())[0] == 401


async def test_a_token_is_for_its_login_and_server(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    for other in ({"login": 1}, {"server": "Ava-Real 1-MT5"}):
        status, answer = await ea.beat(**other)
        assert (status, answer["error"]["code"]) == (403, "account_refused")


async def test_real_money_and_mixed_accounts_are_refused(bridge: Bridge) -> None:  # noqa: F811
    ea = Ea(bridge.client)
    code = await bridge.code()
    assert (await ea.register(code, trade_mode="real"))[1]["error"]["code"] == "account_refused"
    assert (await ea.register(code))[0] == 200
    assert (await ea.register(await bridge.code(), login=99))[0] == 403
    assert (await ea.register(await bridge.code("live-2")))[0] == 403
    assert (await ea.register(await bridge.code("live-2"), login=99))[0] == 200
    bases = [row["magic_base"] for row in await bridge.sql("SELECT magic_base FROM ea_terminal")]
    assert len(set(bases)) == 2


async def test_neither_code_nor_token_is_stored_or_logged(
    bridge: Bridge,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        ea = await bridge.joined()
        code = await bridge.code()
        await ea.register("WRONG-9999")
        await ea.raw("/ea/heartbeat", b'{"protocol":1,"instance":"' + ea.token.encode() + b'"}')
        await ea.fetch(hold_ms=0)
    assert code not in caplog.text
    assert ea.token not in caplog.text
    assert "WRONG-9999" not in caplog.text
    for table in ("ea_code", "ea_terminal", "ea_guess"):
        rows = await bridge.sql(f"SELECT t::text AS row FROM {table} t")
        assert not [row for row in rows if code in row["row"] or ea.token in row["row"]]


# ---- one at a time


async def test_the_table_of_who_is_in_charge(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    other = Ea(bridge.client, instance="another-instance", token=ea.token)
    for path in ("/ea/heartbeat", "/ea/execute"):
        status, answer = await other.post(path)
        assert (status, answer["error"]["code"]) == (409, "another_instance")
    again = Ea(bridge.client, run="20261121-second-run", token=ea.token)
    assert (await again.beat())[0] == 200
    assert (await ea.beat())[0] == 409
    assert (await ea.post("/ea/result", example="done"))[0] == 200
    await _silence(bridge, 89)
    assert (await other.beat())[0] == 409
    await _silence(bridge, 91)
    assert (await other.beat())[0] == 200
    assert (await again.beat())[0] == 409
    assert (await ea.register(await bridge.code()))[0] == 200
    assert (await ea.beat())[0] == 200


async def _silence(bridge: Bridge, seconds: int) -> None:  # noqa: F811
    await bridge.sql(
        "UPDATE ea_terminal SET document = jsonb_set(document, '{heard_at}',"
        " to_jsonb(clock_timestamp() - make_interval(secs => $1)))",
        seconds,
    )


async def test_a_clock_that_is_wrong_is_told_once(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined(login=7)
    assert (await ea.beat(login=7, gmt=int(time()) - 4))[0] == 200
    assert await bridge.alerts() == []
    for _ in range(2):
        assert (await ea.beat(login=7, gmt=int(time()) - 8))[0] == 200
    assert await bridge.alerts() == ["skew"]
    (row,) = await bridge.sql("SELECT document #>> '{beat,skew_seconds}' AS s FROM ea_terminal")
    assert int(row["s"]) in (8, 9)


async def test_a_terminal_is_told_to_pause_and_to_go_on_once(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    for _ in range(3):
        await ea.beat(paused=True)
    (command,) = await ea.fetch(hold_ms=0)
    assert command["type"] == "RESUME"
    await ea.beat(paused=True)
    assert await ea.fetch(hold_ms=0) == []
    await ea.tell(command, status="done")
    await ea.beat(paused=False)
    assert await ea.fetch(hold_ms=0) == []
    await ea.beat(paused=None)
    assert await ea.fetch(hold_ms=0) == []


async def test_a_number_the_terminal_has_seen_is_not_given_again(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    await ea.beat(last_seq=500)
    await bridge.put(opening("a"))
    (command,) = await ea.fetch(hold_ms=0)
    assert command["seq"] == 501


# ---- commands


async def test_commands_come_as_the_protocol_writes_them(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    await bridge.put(opening("o-1"), closing("c-1"))
    close, open_ = await ea.fetch(hold_ms=0)
    assert [close["id"], open_["id"]] == ["c-1", "o-1"]
    assert (str(open_["volume"]), str(open_["sl"]), open_["side"]) == ("0.10", "2378.50", "buy")
    assert (str(close["keep"]), close["expires_ms"], close["attempt"]) == ("0.05", 0, 1)
    assert 0 < open_["expires_ms"] - open_["issued_ms"] <= 60_000


async def test_a_lease_that_ran_out_is_offered_again_and_executed_once(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea = await bridge.joined()
    await bridge.put(opening("a"))
    assert [c["id"] for c in await ea.fetch(hold_ms=0)] == ["a"]
    assert await ea.fetch(hold_ms=0) == []
    await _run_out(bridge)
    (again,) = await ea.work(hold_ms=0)
    assert (again["attempt"], again["lookup_only"]) == (2, False)
    await _run_out(bridge)
    assert await ea.work(hold_ms=0) == []
    assert ea.executed == ["a"]


async def _run_out(bridge: Bridge) -> None:  # noqa: F811
    await bridge.sql("UPDATE ea_command SET lease_until = lease_until - interval '31 s'")


async def test_another_journal_may_only_look(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    await bridge.put(opening("a"))
    await ea.fetch(hold_ms=0)
    other = Ea(bridge.client, instance="another-instance")
    assert (await other.register(await bridge.code()))[0] == 200
    await _run_out(bridge)
    (command,) = await other.fetch(hold_ms=0)
    assert command["lookup_only"]
    await _run_out(bridge)
    assert (await ea.register(await bridge.code()))[0] == 200
    (command,) = await ea.fetch(hold_ms=0)
    assert command["lookup_only"]


async def test_results_are_taken_once_and_whoever_brings_them(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    await bridge.put(opening("a"))
    (command,) = await ea.fetch(hold_ms=0)
    ea.instance, ea.run = "somebody-elses", "another-run-of-it"
    assert (await ea.tell(command))[1]["duplicate"] is False
    assert (await ea.tell(command))[1]["duplicate"] is True
    assert await bridge.alerts() == []
    assert (await ea.tell(command, status="rejected", reason="broker"))[1]["duplicate"] is True
    (row,) = await bridge.sql("SELECT state, result ->> 'status' AS status FROM ea_command")
    assert row == {"state": "finished", "status": "done"}
    for wrong in ({"seq": 99}, {"type": "CLOSE"}, {"id": "nothing"}):
        assert (await ea.tell({**command, **wrong}))[1]["known"] is False
    # The same odd result again is not told again.
    assert await bridge.alerts() == ["another_result", *["unknown_command"] * 2]


async def test_a_result_of_another_accounts_command_is_not_taken(
    bridge: Bridge,  # noqa: F811
) -> None:
    ea, other = await bridge.joined(), await bridge.joined("live-2", login=99)
    await bridge.put(opening("a"))
    (command,) = await ea.fetch(hold_ms=0)
    assert await other.fetch(hold_ms=0) == []
    assert (await other.tell(command))[1]["known"] is False
    assert (await ea.tell(command))[1]["known"] is True


async def test_two_polls_at_once_do_not_get_the_same_command(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    await bridge.put(*(opening(f"o-{i}") for i in range(8)))
    found = await asyncio.gather(*(ea.fetch(max=4, hold_ms=0) for _ in range(6)))
    ids = [command["id"] for commands in found for command in commands]
    assert sorted(ids) == sorted({f"o-{i}" for i in range(8)})


async def test_a_command_does_not_wait_for_the_next_poll(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    await ea.fetch(hold_ms=300)
    poll = asyncio.ensure_future(ea.fetch(hold_ms=2000))
    await asyncio.sleep(0.4)
    began = perf_counter()
    await bridge.put(opening("a"))
    assert [command["id"] for command in await poll] == ["a"]
    assert perf_counter() - began < 0.3


async def test_a_hold_ends_by_itself(bridge: Bridge) -> None:  # noqa: F811
    ea = await bridge.joined()
    began = perf_counter()
    assert await ea.fetch(hold_ms=400) == []
    assert 0.3 < perf_counter() - began < 1.5
