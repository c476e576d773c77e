"""Risk settings: changed by an admin with a reason, versioned, told, and in force at once."""

import asyncio
import json
from decimal import Decimal

import asyncpg
import pytest

from bot.i18n import words_for
from bot.notices import Reader, Render
from engine.domain.approval import Ending
from engine.domain.decision import Action
from engine.domain.notice import Kind
from engine.domain.order import OrderState
from engine.domain.person import Role
from engine.errors import InvalidInput, NotAllowed, Outdated
from engine.flow.approvals import Choice
from storage.models import OutboxRow
from tests.chaos import harness
from tests.conftest import Database
from tests.integration.conftest import ANN, EVE, LUIS, Desk


async def change(desk: Desk, who: int | None = ANN.id, expected: int | None = None, **values: str):
    if expected is None:
        expected = (await desk.talk.read_settings(None))[0].version
    return await desk.talk.change_settings(who, values, reason="a calm week", expected=expected)


async def last(desk: Desk):
    async with desk.world.store.begin() as tx:
        return (await tx.history.list(limit=1))[0].entry


async def test_change_is_a_new_version_with_one_record_of_what_was_and_is(desk: Desk) -> None:
    number, names = await change(desk, max_lot_size="0.5", max_spread_pips="2")
    now, before = await desk.talk.read_settings(EVE.id, limit=2)
    assert (now.version, before.version) == (number, number - 1)
    assert names == ("max_lot_size", "max_spread_pips")
    assert now.settings.max_lot_size == Decimal("0.5")
    assert (now.changed_by, now.reason) == ("Ann", "a calm week")
    entry = await last(desk)
    assert entry.action is Action.SETTINGS_CHANGED
    assert entry.actor == f"person:{ANN.id}"
    assert entry.human_override
    assert "max_lot_size: 1.00 -> 0.5, max_spread_pips: 2.5 -> 2; a calm week" in entry.rationale
    assert entry.detail == {
        "reason": "a calm week",
        "from": number - 1,
        "to": number,
        "changes": {"max_lot_size": ["1.00", "0.5"], "max_spread_pips": ["2.5", "2"]},
    }
    assert (await desk.actions()).count("settings_changed") == 1


async def test_everyone_but_the_author_is_told_in_their_own_words(desk: Desk) -> None:
    await change(desk, stop_after_target="false", watchlist="EURUSD,XAUUSD", max_lot_size="0.5")
    rows = await OutboxRow.filter(kind=Kind.SETTINGS)
    assert {row.person_id for row in rows} == {LUIS.id, EVE.id}
    detail = json.loads(rows[0].payload)["detail"] if isinstance(rows[0].payload, str) else (
        rows[0].payload["detail"]
    )  # fmt: skip
    render = Render(store=desk.world.store, broker=desk.world.broker)
    english = await render(Kind.SETTINGS, detail, Reader(words_for("en"), Role.ADMIN))
    spanish = await render(Kind.SETTINGS, detail, Reader(words_for("es"), Role.ADMIN))
    assert english is not None
    assert spanish is not None
    assert "Largest size of one trade (lots): 1.00 → 0.5" in english.text
    assert "Stop when the day's target is reached: yes → no" in english.text
    assert "Watchlist: EURUSD → EURUSD, XAUUSD" in english.text
    assert "Tamaño máximo de una operación (lotes): 1,00 → 0,5" in spanish.text
    assert "Motivo: a calm week" in spanish.text
    assert "Ann" in spanish.text


async def test_only_an_admin_or_the_machines_operator_changes_limits(desk: Desk) -> None:
    for who in (LUIS.id, EVE.id, 4711):
        with pytest.raises(NotAllowed):
            await change(desk, who, max_lot_size="0.5")
    await change(desk, None, max_lot_size="0.5")
    assert (await last(desk)).actor == "cli"
    assert await OutboxRow.filter(kind=Kind.SETTINGS).count() == 3


async def test_change_of_what_was_changed_meanwhile_is_refused(desk: Desk) -> None:
    (seen,) = await desk.talk.read_settings(ANN.id)
    answers = await asyncio.gather(
        *(change(desk, ANN.id, seen.version, max_lot_size=f"0.{number}") for number in range(1, 5)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, tuple) for answer in answers) == 1
    assert sum(isinstance(answer, Outdated) for answer in answers) == 3
    (now,) = await desk.talk.read_settings(ANN.id)
    assert now.version == seen.version + 1
    assert (await desk.actions()).count("settings_changed") == 1


@pytest.mark.parametrize(
    ("values", "reason", "words"),
    [
        ({}, "why", "name at least one setting"),
        ({"max_lot_size": "1.0"}, "why", "nothing would change: max_lot_size is 1.00"),
        ({"max_lot_size": "0.5"}, " ", "say why in 1 to 200"),
        ({"max_lot_size": "0.5"}, "x" * 201, "say why in 1 to 200"),
        ({"max_lot_size": "0.5"}, "why\x00", "say why in 1 to 200"),
        ({"speed": "1"}, "why", "speed is no setting"),
        ({"max_lot_size": "0"}, "why", "between"),
        ({"confidence_floor": "61"}, "why", "confidence_floor .61. must not be above"),
        ({"max_daily_loss_percent": "0.1"}, "why", "risk_per_trade_percent .0.5. must not be"),
        ({"watchlist": ""}, "why", "watchlist must name 1 to 100"),
    ],
)
async def test_change_that_cannot_be_leaves_everything_as_it_is(
    desk: Desk, values: dict[str, str], reason: str, words: str
) -> None:
    (seen,) = await desk.talk.read_settings(ANN.id)
    with pytest.raises(InvalidInput, match=words):
        await desk.talk.change_settings(ANN.id, values, reason=reason, expected=seen.version)
    assert await desk.talk.read_settings(ANN.id) == [seen]
    assert await desk.actions() == []


async def test_order_decided_under_old_limits_is_refused_at_the_send(desk: Desk) -> None:
    idea = await desk.until_idea()
    decided = await desk.talk.decide_idea(
        idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id
    )
    assert decided.approval.ending is Ending.APPROVED
    await change(desk, max_spread_pips="0.1")
    await desk.send_all()
    async with desk.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
    assert order is not None
    assert (order.state, order.reason) == (OrderState.CANCELLED, "spread")
    assert await desk.world.broker.positions() == ()


async def test_change_waits_for_a_send_that_is_being_released(
    desk: Desk, database: Database
) -> None:
    other = await asyncpg.connect(database.owner_url)
    async with other.transaction():
        await other.execute("SELECT 1 FROM control FOR SHARE")
        task = asyncio.create_task(change(desk, max_spread_pips="0.1"))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not task.done() and not await other.fetchval(waiting):  # noqa: ASYNC110 -- a lock
            await asyncio.sleep(0.01)
        assert not task.done()
    await task
    await other.close()


async def test_no_send_recorded_after_a_change_was_judged_by_the_limits_before_it(
    desk: Desk,
) -> None:
    for number in range(5):
        idea = await desk.until_idea()
        await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
        changed, _ = await asyncio.gather(
            change(desk, max_spread_pips=f"0.{number + 1}"), desk.send_all()
        )
        async with desk.world.store.begin() as tx:
            records = await tx.history.list(idea_id=idea.id, limit=10)
            at = next(
                d.seq for d in await tx.history.list(limit=10)
                if d.entry.action == "settings_changed"
            )  # fmt: skip
            for record in records:
                if record.entry.action == "order_sending" and record.seq > at:
                    bundle = await tx.bundles.get(str(record.entry.bundle_hash))
                    assert bundle.settings_version == changed[0]
        await change(desk, max_spread_pips="2.5")


async def test_terminal_shows_changes_and_looks_back_at_the_settings(
    desk: Desk, database: Database
) -> None:
    async def run(*words: str):
        return await asyncio.to_thread(
            harness.command, "settings", *words, DATABASE_URL=database.url
        )

    shown = await run()
    assert shown.returncode == 0, shown.stderr
    line = next(text for text in shown.stdout.splitlines() if text.startswith("max_lot_size"))
    assert line.split()[:4] == ["max_lot_size", "1.00", "0.001", "to"]
    assert "Largest size of one trade (lots)" in line
    done = await run("set", "max_lot_size=0.5", "long_flat=false", "--reason", "less at once")
    assert done.returncode == 0, done.stderr
    assert "max_lot_size: 1.00 -> 0.5" in done.stdout
    assert "long_flat: true -> false" in done.stdout
    wrong = await run("set", "max_lot_size", "--reason", "x")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "write name=value, not 'max_lot_size'" in wrong.stderr
    told = await run("history")
    assert "cli: less at once" in told.stdout
    assert "Largest size of one trade (lots): 1.00 → 0.5" in told.stdout
    assert told.stdout.splitlines()[-1].endswith("system: first start")
