"""A proposal is applied by one approval or never; silence stops trading, change makes it stale."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tortoise import connections

from bot.i18n import LANGUAGES, words_for
from bot.notices import Reader, Render
from engine.domain.change_proposal import (
    ChangeDraft,
    ChangeProposal,
    FieldChange,
    Figure,
    Ground,
    ProposalState,
    Source,
    Subject,
    Target,
)
from engine.domain.decision import Action
from engine.domain.notice import Kind
from engine.domain.person import Role
from engine.domain.state import TradingState
from engine.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Outdated
from engine.flow.change_proposals import ProposeChange
from engine.strategies.documents import text
from storage.models import OutboxRow
from tests.integration.conftest import ANN, EVE, LUIS, Desk

S = ProposalState


async def draft(desk: Desk, to: str = "0.4", source: Source = Source.ADVISOR) -> ChangeDraft:
    (now,) = await desk.talk.read_settings(None)
    before = f"{now.settings.risk_per_trade_percent}"
    return ChangeDraft(
        subject=Subject(Target.SETTINGS, version=now.version),
        changes=(FieldChange("risk_per_trade_percent", before, to),),
        source=source,
        by="advisor",
        grounds=(Ground("losing", (Figure("trades", "21"), Figure("average_r", "-0.20"))),),
    )


def proposer(desk: Desk, *, hours: float = 24, stops: bool = True) -> ProposeChange:
    return ProposeChange(
        store=desk.world.store, bell=desk.bell, life=timedelta(hours=hours), stops=stops
    )


async def propose(desk: Desk, wanted: ChangeDraft | None = None, **how: Any) -> ChangeProposal:
    made = await proposer(desk, **how)(wanted or await draft(desk))
    assert made is not None
    return made


async def overdue(desk: Desk) -> None:
    """The time of what waits is over; the trigger lets nobody touch the proposal itself."""
    query = "UPDATE change_proposal SET expires_at = clock_timestamp() WHERE state = 'pending'"
    await connections.get("default").execute_query(query)


async def state(desk: Desk) -> TradingState:
    async with desk.world.store.begin() as tx:
        return (await tx.controls.read()).state


async def risk(desk: Desk) -> Decimal:
    return (await desk.talk.read_settings(None))[0].settings.risk_per_trade_percent


async def told(desk: Desk, kind: Kind) -> list[int]:
    return sorted(await OutboxRow.filter(kind=kind).values_list("person_id", flat=True))  # type: ignore[arg-type]


async def test_an_approval_is_a_version_and_on_record_like_a_change_by_hand(desk: Desk) -> None:
    made = await propose(desk)
    assert await risk(desk) == Decimal("0.5")
    assert await told(desk, Kind.PROPOSAL) == [ANN.id, LUIS.id]
    settled = await desk.talk.answer_change.approve(ANN.id, made.id)
    assert settled.mine
    assert (settled.proposal.state, settled.proposal.decided_name) == (S.APPROVED, "Ann")
    (now,) = await desk.talk.read_settings(None)
    assert now.settings.risk_per_trade_percent == Decimal("0.4")
    assert (now.version, now.changed_by) == (settled.proposal.applied, "Ann")
    assert (await desk.actions())[-3:] == [
        "proposal_made", "settings_changed", "proposal_approved",
    ]  # fmt: skip
    async with desk.world.store.begin() as tx:
        approved, changed, proposed = await tx.history.list(limit=3)
    assert (approved.entry.actor, approved.entry.human_override) == (f"person:{ANN.id}", True)
    assert changed.entry.detail["changes"] == {"risk_per_trade_percent": ["0.5", "0.4"]}
    assert proposed.entry.actor == "system"
    assert not proposed.entry.human_override
    # The others are told of the change, and of nothing twice.
    assert await told(desk, Kind.SETTINGS) == [LUIS.id, EVE.id]
    assert await told(desk, Kind.PROPOSAL_ENDED) == []
    assert "proposal 1 approved" in (await read(desk, Kind.SETTINGS, "en"))


async def read(desk: Desk, kind: Kind, language: str) -> str:
    row = (await OutboxRow.filter(kind=kind))[0]
    payload = json.loads(row.payload) if isinstance(row.payload, str) else row.payload
    render = Render(store=desk.world.store, broker=desk.world.broker)
    parcel = await render(kind, payload["detail"], Reader(words_for(language), Role.ADMIN))
    assert parcel is not None
    return parcel.text


async def test_nothing_is_applied_without_an_admin(desk: Desk) -> None:
    made = await propose(desk)
    for who in (LUIS.id, EVE.id, 4711):
        with pytest.raises(NotAllowed):
            await desk.talk.answer_change.approve(who, made.id)
    with pytest.raises(NotAllowed):
        await desk.talk.answer_change.reject(EVE.id, made.id)
    with pytest.raises(NotFound):
        await desk.talk.answer_change.approve(ANN.id, made.id + 1)
    assert await risk(desk) == Decimal("0.5")
    settled = await desk.talk.answer_change.reject(LUIS.id, made.id)
    assert settled.proposal.state is S.REJECTED
    assert await risk(desk) == Decimal("0.5")
    assert await state(desk) is TradingState.RUNNING
    assert await told(desk, Kind.PROPOSAL_ENDED) == [ANN.id]


async def test_of_many_answers_one_counts(desk: Desk) -> None:
    made = await propose(desk)
    answer = desk.talk.answer_change
    found = await asyncio.gather(
        *(answer.approve(ANN.id, made.id) for _ in range(3)),
        *(answer.reject(LUIS.id, made.id) for _ in range(3)),
    )
    assert sum(one.mine for one in found) == 1
    assert len({one.proposal.state for one in found}) == 1
    ended = [one for one in await desk.actions() if one.startswith("proposal_")]
    assert len(ended) == 2


async def test_silence_stops_trading_and_only_an_admin_brings_it_back(desk: Desk) -> None:
    made = await propose(desk)
    assert await desk.work.changes.expire() == ()
    await overdue(desk)
    assert await desk.work.changes.expire() == (made.id,)
    assert await desk.work.changes.expire() == ()
    async with desk.world.store.begin() as tx:
        control = await tx.controls.read()
    assert control.state is TradingState.EMERGENCY_STOP
    assert (control.reason, control.changed_by) == ("proposal_expired", "system")
    assert (await desk.actions())[-2:] == ["proposal_expired", "ai_halted"]
    assert await risk(desk) == Decimal("0.5")
    assert await told(desk, Kind.HALT) == [ANN.id, LUIS.id, EVE.id]
    assert "nobody answered a proposal in time" in await read(desk, Kind.HALT, "en")
    with pytest.raises(NotAllowed):
        await desk.talk.change_control.resume(LUIS.id)
    await desk.talk.change_control.resume(ANN.id)
    assert await state(desk) is TradingState.RUNNING


async def test_the_stop_can_be_switched_off_for_what_is_proposed_from_then_on(desk: Desk) -> None:
    made = await propose(desk, stops=False)
    assert not made.stops
    await overdue(desk)
    assert await desk.work.changes.expire() == (made.id,)
    assert await state(desk) is TradingState.RUNNING
    assert (await desk.actions())[-1] == "proposal_expired"


async def test_an_answer_that_comes_too_late_changes_nothing_and_stops_trading(desk: Desk) -> None:
    made = await propose(desk)
    await overdue(desk)
    settled = await desk.talk.answer_change.approve(ANN.id, made.id)
    assert not settled.mine
    assert settled.proposal.state is S.EXPIRED
    assert await risk(desk) == Decimal("0.5")
    assert await state(desk) is TradingState.EMERGENCY_STOP


@pytest.mark.parametrize("by_answer", [True, False])
async def test_what_changed_meanwhile_makes_it_stale_and_stops_nothing(
    desk: Desk, by_answer: bool
) -> None:
    made = await propose(desk)
    await desk.talk.change_settings(
        ANN.id, {"max_lot_size": "0.5"}, reason="by hand", expected=made.draft.subject.version
    )
    await overdue(desk)
    if by_answer:
        settled = await desk.talk.answer_change.approve(ANN.id, made.id)
        assert (settled.mine, settled.proposal.state) == (False, S.STALE)
    else:
        assert await desk.work.changes.expire() == (made.id,)
    assert (await desk.talk.read_changes.one(EVE.id, made.id)).state is S.STALE
    assert await risk(desk) == Decimal("0.5")
    assert await state(desk) is TradingState.RUNNING
    assert (await desk.actions())[-1] == "proposal_stale"


async def test_a_strategys_proposal_is_its_next_version(desk: Desk) -> None:
    strategy = (await desk.talk.read_book(ANN.id))[0].strategy
    document = text(strategy).replace('"RR>=2"', '"RR>=3"')
    wanted = ChangeDraft(
        subject=Subject(Target.STRATEGY, strategy.id.hex, strategy.version, strategy.name),
        changes=(FieldChange("exit_rules.take_profit", "RR>=2", "RR>=3"),),
        source=Source.OPTIMIZER, by="optimizer", document=document,
    )  # fmt: skip
    made = await propose(desk, wanted)
    settled = await desk.talk.answer_change.approve(ANN.id, made.id)
    versions = await desk.talk.read_versions(ANN.id, strategy.id)
    assert settled.proposal.applied == versions[0].strategy.version == strategy.version + 1
    assert versions[0].strategy.exit_rules.take_profit == ("RR>=3",)
    assert versions[0].reason == f"proposal {made.id} approved"
    assert (await desk.actions())[-2:] == ["strategy_changed", "proposal_approved"]
    with pytest.raises(Outdated):
        await propose(desk, wanted)
    broken = replace(wanted, subject=replace(wanted.subject, version=2), document="{}")
    with pytest.raises(InvalidInput):
        await propose(desk, broken)


async def test_a_symbols_proposal_pauses_it(desk: Desk) -> None:
    wanted = ChangeDraft(
        subject=Subject(Target.SYMBOL, "EURUSD", name="EURUSD"),
        changes=(FieldChange("EURUSD", "trading", "paused"),),
        source=Source.ADVISOR, by="advisor",
    )  # fmt: skip
    made = await propose(desk, wanted)
    await desk.talk.answer_change.approve(ANN.id, made.id)
    async with desk.world.store.begin() as tx:
        assert (await tx.controls.read()).paused_symbols == ("EURUSD",)
    assert (await desk.actions())[-2:] == ["symbol_paused", "proposal_approved"]


async def test_a_machine_does_not_ask_again_for_what_was_not_wanted(desk: Desk) -> None:
    made = await propose(desk)
    assert await proposer(desk)(await draft(desk, "0.3")) is None  # one waits already
    await desk.talk.answer_change.reject(ANN.id, made.id)
    assert await proposer(desk)(await draft(desk)) is None
    assert await proposer(desk)(await draft(desk, "0.3")) is not None


async def test_a_trader_proposes_and_an_admin_decides(desk: Desk) -> None:
    ask = desk.work.changes.propose_settings
    version = (await desk.talk.read_settings(None))[0].version
    wanted = {"max_spread_pips": "2"}
    with pytest.raises(NotAllowed):
        await ask(EVE.id, wanted, reason="why", expected=version)
    with pytest.raises(Outdated):
        await ask(LUIS.id, wanted, reason="why", expected=version + 1)
    with pytest.raises(InvalidInput):
        await ask(LUIS.id, {"max_spread_pips": "2.5"}, reason="why", expected=version)
    made = await ask(LUIS.id, wanted, reason="wide nights", expected=version)
    with pytest.raises(IllegalMove):
        await ask(LUIS.id, {"max_spread_pips": "1"}, reason="why", expected=version)
    assert (made.draft.by, made.draft.said) == ("Luis", "wide nights")
    await desk.talk.answer_change.approve(ANN.id, made.id)
    (now,) = await desk.talk.read_settings(None)
    assert now.settings.max_spread_pips == 2


async def test_what_cannot_be_applied_is_an_error_and_waits_on(desk: Desk) -> None:
    strategy, other = (line.strategy for line in (await desk.talk.read_book(ANN.id))[:2])
    made = await propose(
        desk,
        ChangeDraft(
            subject=Subject(Target.STRATEGY, strategy.id.hex, strategy.version, strategy.name),
            changes=(FieldChange("name", strategy.name, other.name),),
            source=Source.OPTIMIZER,
            by="optimizer",
            document=text(replace(strategy, name=other.name)),
        ),
    )
    with pytest.raises(InvalidInput, match="there is a strategy"):
        await desk.talk.answer_change.approve(ANN.id, made.id)
    assert (await desk.talk.read_changes.one(EVE.id, made.id)).is_pending
    assert (await desk.actions())[-1] == "proposal_made"


async def test_people_are_reminded_once_when_its_time_is_nearly_over(desk: Desk) -> None:
    await propose(desk)
    assert await desk.work.changes.remind() == []
    query = (
        "UPDATE change_proposal SET expires_at = clock_timestamp() + interval '59 minutes',"
        " created_at = clock_timestamp() - interval '9 hours'"
    )
    await connections.get("default").execute_query(query)
    for _ in range(2):
        assert await desk.work.changes.remind() == [1]
    assert await told(desk, Kind.PROPOSAL_DUE) == [ANN.id, LUIS.id]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_message_about_a_proposal_has_words(desk: Desk, language: str) -> None:
    made = await propose(desk)
    card = await read(desk, Kind.PROPOSAL, language)
    assert words_for(language)("proposals.stops") in card
    await overdue(desk)
    await desk.work.changes.expire()
    ended = await read(desk, Kind.PROPOSAL_ENDED, language)
    assert words_for(language)("proposals.stopped") in ended
    assert str(made.id) in ended
    async with desk.world.store.begin() as tx:
        found = await tx.history.list(actions=[Action.PROPOSAL_MADE], limit=9)
    assert found[0].entry.detail["proposal"]["draft"]["changes"][0]["after"] == "0.4"


async def test_an_approval_is_not_half_done_when_history_cannot_be_written(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storage.history import HistoryTable

    made = await propose(desk)

    async def full(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(HistoryTable, "extend", full)
    with pytest.raises(OSError, match="no space"):
        await desk.talk.answer_change.approve(ANN.id, made.id)
    monkeypatch.undo()
    assert await risk(desk) == Decimal("0.5")
    assert (await desk.talk.read_changes.one(EVE.id, made.id)).is_pending
