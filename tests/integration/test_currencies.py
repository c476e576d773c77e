"""Accounts in other currencies, through the whole loop on a real database."""

from decimal import Decimal

import pytest

from bot.i18n import words_for
from bot.views.doctor import lines_of
from engine.domain.decision import Decision
from engine.domain.diagnosis import Level
from engine.domain.gate import Check, CheckResult
from engine.domain.idea import IdeaStatus
from engine.domain.state import Mode
from tests.integration.conftest import ANN, Desk


@pytest.fixture
def mode() -> Mode:
    return Mode.AUTONOMOUS


@pytest.fixture(autouse=True)
def currency(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The account's currency, by indirect parametrization."""
    name = str(getattr(request, "param", "USD"))
    monkeypatch.setenv("ACCOUNT_CURRENCY", name)
    return name


async def refused(desk: Desk) -> Decision:
    idea = await desk.until_idea(IdeaStatus.REJECTED)
    async with desk.world.store.begin() as tx:
        found = await tx.history.list(limit=100)
    return next(decision for decision in found if decision.entry.idea_id == idea.id)


async def seen(desk: Desk, decision: Decision, code: Check) -> CheckResult:
    replayed = await desk.talk.replay_decision(decision.seq, person_id=ANN.id)
    assert replayed.differences == ()
    assert replayed.report is not None
    return next(check for check in replayed.report.checks if check.code is code)


@pytest.mark.parametrize("currency", ["GBP"], indirect=True)
async def test_an_idea_without_a_rate_to_the_account_is_refused_by_name(
    desk: Desk, currency: str
) -> None:
    decision = await refused(desk)
    assert decision.entry.risk_check_result == "fail:conversion"
    check = await seen(desk, decision, Check.CONVERSION)
    assert (check.observed, check.limit) == ("missing", "USD/GBP")
    assert decision.entry.detail["outcome"]["sizing"]["volume"] == "0"


@pytest.mark.parametrize("currency", ["EUR"], indirect=True)
async def test_an_account_in_euros_trades_and_its_replay_names_the_rate(
    desk: Desk, currency: str
) -> None:
    idea = await desk.until_idea(IdeaStatus.AUTO_EXECUTED)
    await desk.send_all()
    assert len(await desk.world.broker.positions()) == 1
    assert (await desk.world.broker.account()).currency == "EUR"
    async with desk.world.store.begin() as tx:
        bundle = await tx.bundles.get(idea.bundle_hash)
    assert bundle.quote is not None
    assert bundle.conversion is not None
    (step,) = bundle.conversion.path
    assert (step.symbol, step.price, step.divide) == ("EURUSD", bundle.quote.bid, True)
    assert idea.sizing.risk_money <= Decimal("50.00")


async def test_an_idea_beyond_the_exposure_limit_is_refused_by_name(desk: Desk) -> None:
    await desk.change_risk(max_exposure_percent=Decimal(10))
    decision = await refused(desk)
    assert decision.entry.risk_check_result == "fail:max_exposure_reached"
    assert (await seen(desk, decision, Check.MAX_EXPOSURE)).limit == "1000.00"


@pytest.mark.parametrize(
    ("currency", "known"), [("GBP", False), ("EUR", True), ("USD", True)], indirect=["currency"]
)
async def test_the_doctor_says_that_there_is_no_rate_before_an_idea_is_refused(
    desk: Desk, currency: str, known: bool
) -> None:
    found = {finding.code: finding for finding in await desk.talk.diagnose(None)}
    assert ("no_rate" not in found) is known
    if not known:
        facts = {"symbol": "EURUSD", "quote": "USD", "currency": currency}
        assert (found["no_rate"].level, dict(found["no_rate"].facts)) == (Level.FAULT, facts)
        text = "\n".join(str(line) for line in lines_of(words_for("en"), found["no_rate"]))
        assert "ACCOUNT_CURRENCY=USD" in text
