"""Real money moves only while everything it needs holds, an admin's word included."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from bot.identity import _Connector, _metatrader, _Terminal, identify_of
from bot.settings import Settings
from bot.talk import build_talk
from bot.venues import build_venue
from bot.wiring import build_work
from bot.world import now
from broker.mt5.venue import Mt5Broker
from engine.domain.idea import IdeaStatus
from engine.domain.live import AccountKind, Identity, Need
from engine.domain.order import OrderState
from engine.errors import BrokerSilent, IllegalMove, NotAllowed, NotFound, Outdated
from engine.flow.approvals import Choice
from storage.models import OutboxRow
from tests.contract.test_commands import terminal
from tests.integration.conftest import ANN, EVE, LUIS, Desk

REAL = Identity(venue="paper", name="501@Broker-Live", kind=AccountKind.REAL)


@dataclass
class Live:
    """The paper broker, as if it moved real money."""

    inner: Any
    is_live: bool = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Told:
    """What the venue says of its account; the test may change it."""

    def __init__(self) -> None:
        self.identity = REAL

    async def __call__(self) -> Identity:
        return self.identity


def as_live(desk: Desk, told: Told, *, enabled: bool = True) -> Desk:
    world = replace(
        desk.world, broker=Live(desk.world.broker), identify=told, live_enabled=enabled,
        local_chat=False,
    )  # fmt: skip
    work, talk = build_work(world, desk.bell), build_talk(world, desk.bell, claim_code="c")
    return Desk(world, work, talk, desk.bell)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def live(desk: Desk, told: Told) -> Desk:
    """A desk with a real account, and all that can be had but an admin's word."""
    return await prepared(desk, told)


async def prepared(desk: Desk, told: Told) -> Desk:
    made = as_live(desk, told)
    await made.change_risk(max_drawdown_amount=Decimal(400))
    await made.talk.change_control.stop(ANN.id)
    await made.talk.change_control.resume(ANN.id)
    await made.next_candle()
    await keep_well(made)
    return made


async def keep_well(desk: Desk) -> None:
    """What the clockwork of a worker does."""
    await desk.work.watch_heartbeats()
    await desk.work.anchor_history()


async def missing(desk: Desk) -> list[Need]:
    return [item.need for item in (await desk.talk.read_live(ANN.id)).missing]


async def confirm(desk: Desk, who: int = ANN.id) -> None:
    await desk.talk.confirm_live(who, (await desk.talk.read_live(who)).mark)


async def first_refusal(desk: Desk) -> str:
    """Play candles until a setup is held back for want of the list; nothing may pass before."""
    for _ in range(400):
        for decision in await desk.next_candle():
            result = str(decision.entry.risk_check_result)
            assert result != "pass"
            if "live_checklist" in result:
                return result
    raise AssertionError("no setup came")


async def test_without_an_admins_word_no_idea_of_a_real_account_passes(live: Desk) -> None:
    assert await missing(live) == [Need.CONFIRMED]
    assert await first_refusal(live) == "fail:live_checklist"


async def test_a_confirmed_account_is_traded_and_a_withdrawal_stops_what_was_approved(
    live: Desk,
) -> None:
    await confirm(live)
    assert await missing(live) == []
    idea = await live.until_idea()
    decided = await live.talk.decide_idea(
        idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id
    )
    assert decided
    await live.talk.confirm_live.withdraw(LUIS.id)
    await live.send_all()
    async with live.world.store.begin() as tx:
        order = await tx.orders.of_idea(idea.id)
    assert order is not None
    assert (order.state, order.reason) == (OrderState.CANCELLED, "live_checklist")
    assert await live.world.broker.positions() == ()
    actions = await live.actions()
    assert [a for a in actions if a.startswith("live_")] == ["live_confirmed", "live_revoked"]
    told = await OutboxRow.filter(kind="live").order_by("id")
    assert {row.person_id for row in told} >= {LUIS.id, EVE.id}


async def test_a_confirmed_account_is_really_traded(live: Desk) -> None:
    await confirm(live)
    idea = await live.until_idea(IdeaStatus.NEEDS_APPROVAL)
    await keep_well(live)
    await live.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
    await live.send_all()
    assert len(await live.world.broker.positions()) == 1


async def test_another_account_broker_or_looser_limit_undoes_the_confirmation(
    live: Desk, told: Told
) -> None:
    await confirm(live)
    for other in (replace(REAL, name="502@Broker-Live"), replace(REAL, venue="mt5")):
        told.identity = other
        assert await missing(live) == [Need.CONFIRMED]
        view = await live.talk.read_live.view()
        assert view is not None
        assert not view.may_trade
    told.identity = REAL
    assert await missing(live) == []
    await live.change_risk(max_lot_size=Decimal("0.5"))
    assert await missing(live) == []
    await live.change_risk(max_lot_size=Decimal("1.5"))
    assert await missing(live) == [Need.CONFIRMED]
    await confirm(live)
    assert await missing(live) == []


async def test_only_an_admin_confirms_only_what_they_saw_and_only_when_all_holds(
    live: Desk, told: Told
) -> None:
    mark = (await live.talk.read_live(ANN.id)).mark
    for who in (LUIS.id, EVE.id):
        with pytest.raises(NotAllowed):
            await live.talk.confirm_live(who, mark)
    with pytest.raises(NotAllowed):
        await live.talk.confirm_live.withdraw(EVE.id)
    with pytest.raises(NotFound):
        await live.talk.confirm_live.withdraw(ANN.id)
    told.identity = replace(REAL, name="502@Broker-Live")
    with pytest.raises(Outdated):
        await live.talk.confirm_live(ANN.id, mark)
    told.identity = REAL
    shut = as_live(live, told, enabled=False)
    with pytest.raises(IllegalMove, match="missing: switch"):
        await shut.talk.confirm_live(ANN.id, mark)
    first = await live.talk.confirm_live(ANN.id, mark)
    assert await live.talk.confirm_live(ANN.id, mark) == first
    assert (await live.actions()).count("live_confirmed") == 1


async def test_a_real_account_with_the_switch_off_is_refused_even_if_it_was_confirmed(
    live: Desk, told: Told
) -> None:
    await confirm(live)
    off = as_live(live, told, enabled=False)
    off = Desk(replace(off.world, broker=live.world.broker.inner), off.work, off.talk, off.bell)
    off.talk = build_talk(off.world, off.bell, claim_code="c")
    view = await off.talk.read_live.view()
    assert view is not None
    assert view.missing == ("switch",)


async def test_a_demo_and_a_simulated_account_are_not_bothered(desk: Desk, told: Told) -> None:
    assert await desk.talk.read_live.view() is None
    told.identity = replace(REAL, kind=AccountKind.DEMO)
    assert await as_live(desk, told).talk.read_live.view() is None
    assert (await desk.talk.read_live(EVE.id)).is_demo
    idea = await desk.until_idea()
    assert idea.status is IdeaStatus.NEEDS_APPROVAL


async def test_an_account_the_venue_says_nothing_of_is_a_real_one(desk: Desk, told: Told) -> None:
    told.identity = Identity(venue="mt5", name="", kind=AccountKind.UNKNOWN)
    view = await as_live(desk, told).talk.read_live.view()
    assert view is not None
    assert {"real", "confirmed"} <= set(view.missing)


async def test_the_doctor_says_that_the_list_is_not_done(live: Desk) -> None:
    codes = [finding.code for finding in await live.talk.diagnose(ANN.id)]
    assert "live_missing" in codes
    await confirm(live)
    codes = [finding.code for finding in await live.talk.diagnose(ANN.id)]
    assert "live_missing" not in codes
    assert "paper" not in codes


class Line:
    """A connector that shows an account, or nothing."""

    def __init__(self, shown: dict[str, Any] | None) -> None:
        self.shown = shown

    async def read(self, *_: Any) -> dict[str, Any]:
        if self.shown is None:
            raise BrokerSilent("no answer")
        return self.shown


def connector(shown: dict[str, Any] | None, *, is_live: bool = True) -> _Connector:
    values: dict[str, Any] = {"connector": Line(shown), "names": None, "store": None}
    return _Connector(Mt5Broker(**values, account_id="mt5-1", is_live=is_live))


async def test_who_the_account_is_comes_from_the_venue(desk: Desk) -> None:
    shown = {"login": 501, "server": "Broker-Live", "trade_mode": "real"}
    identity = await connector(shown)()
    assert (identity.name, identity.kind) == ("501@Broker-Live", AccountKind.REAL)
    assert (await connector(shown | {"trade_mode": "contest"})()).kind is AccountKind.DEMO
    assert (await connector(shown | {"trade_mode": "odd"})()).kind is AccountKind.REAL
    assert (await connector(None)()).kind is AccountKind.UNKNOWN
    assert (await connector({})()).kind is AccountKind.UNKNOWN
    assert (await connector(None, is_live=False)()).kind is AccountKind.DEMO
    assert _metatrader("mt_bridge", 1, "", "real").kind is AccountKind.UNKNOWN
    seen = _Terminal(desk.world.store, "live-1")
    assert (await seen()).kind is AccountKind.UNKNOWN
    async with desk.world.store.begin() as tx:
        await tx.terminals.save(terminal(login=501, server="Broker-Live", trade_mode="real"))
    assert await seen() == replace(REAL, venue="mt_bridge")
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    paper = await identify_of(settings, desk.world.store, desk.world.broker)()
    assert paper.kind is AccountKind.DEMO


@pytest.mark.parametrize("is_live", [False, True])
async def test_oanda_is_known_by_account_and_server(desk: Desk, *, is_live: bool) -> None:
    server = "api-fxtrade.oanda.com" if is_live else "api-fxpractice.oanda.com"
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        broker="oanda",
        oanda_url=f"https://{server}",
        oanda_token=SecretStr("t" * 40),
        oanda_account="101-001-1-001",
        live_trading_enabled=is_live,
    )
    venue = build_venue(settings, desk.world.store, desk.world.signals, now)
    told = await identify_of(settings, desk.world.store, venue.broker)()
    kind = AccountKind.REAL if is_live else AccountKind.DEMO
    assert told == Identity(venue="oanda", name=f"101-001-1-001@{server}", kind=kind)
