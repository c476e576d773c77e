"""The model's ideas for the settings: filtered, tried over the past, and only ever proposed."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from bot.change_jobs import suggest
from bot.i18n import words_for
from bot.views import proposals as views
from engine.domain.change_proposal import ChangeProposal, Source
from engine.domain.explanation import Budget
from engine.domain.person import Role
from engine.domain.settings import RiskSettings
from engine.flow.analyst_budget import Budgeted
from engine.flow.analyst_guards import Resting
from engine.flow.change_proposals import ProposeChange
from engine.ports import Analyst
from engine.research.suggesting import Suggest, Suggested, unwrapped
from engine.research.walkforward import Window
from engine.scoring.metrics import Trade
from tests.analyst.adversary import Adversary
from tests.integration.conftest import ANN, Desk
from tests.integration.test_advisor import traded
from tests.model_server import ChatSite
from tests.served import served
from tests.unit.test_analyst import analyst

D = Decimal
DAY = timedelta(days=1)


def told(*changes: tuple[str, Any], rationale: str = "Less at stake while trades lose.") -> str:
    found = [{"setting": name, "to": to} for name, to in changes]
    return json.dumps({"changes": found, "rationale": rationale})


LESS = told(("risk_per_trade_percent", 0.4))
WIDER = told(("max_drift_r", 0.3))


@dataclass
class Past:
    """A past in which the settings of now make ``now`` a trade, and all others ``other``."""

    now: str = "0.1"
    other: str = "0.1"
    every: timedelta = DAY
    asked: list[RiskSettings] = field(default_factory=list)

    async def tried(self, settings: RiskSettings, window: Window) -> tuple[Trade, ...]:
        self.asked.append(settings)
        # Each step asks for the candidate twice, and then for the settings of now.
        base = D(self.other if len(self.asked) % 3 else self.now)
        count = int((window.end - window.start) / self.every)
        return tuple(
            Trade(closed_at=window.start + number * self.every, profit=D(1),
                  r=base + (D("0.3") if number % 2 else D("-0.3")))
            for number in range(count)
        )  # fmt: skip


async def asked(desk: Desk, model: Analyst, past: Past | None = None) -> Suggested:
    store, bell = desk.world.store, desk.bell
    propose = ProposeChange(store=store, bell=bell, life=DAY, stops=True)
    return await Suggest(
        store=store, market=desk.world.market, analyst=model, propose=propose,
        evaluator=past or Past(),
    )()  # fmt: skip


async def pending(desk: Desk) -> list[ChangeProposal]:
    return list(await desk.talk.read_changes(ANN.id, pending=True))


async def test_an_idea_that_holds_is_put_to_people_as_the_models(desk: Desk) -> None:
    await traded(desk, count=24, slip="0.05")
    past = Past()
    async with served(ChatSite(speak=lambda _: f"```json\n{LESS}\n```")) as site:
        found = await asked(desk, analyst(site), past)
        assert found.reason is None
        # While it waits the model is not asked again.
        assert await asked(desk, analyst(site)) == Suggested(None, "another_waits")
        (talk,) = site.talks
    (made,) = await pending(desk)
    assert made == found.proposal
    assert (made.draft.source, made.draft.by) == (Source.MODEL, "gpt-4o")
    assert made.draft.said == "Less at stake while trades lose."
    assert [fold.baseline is not None for fold in made.draft.folds] == [True] * 4
    assert len(past.asked) == 12
    # What it was told: figures and names of settings, no text that anybody wrote.
    sent = "\n".join(message["content"] for message in talk["messages"])
    assert "risk_per_trade_percent = 0.5 (only lower, at least 0.01)" in sent
    assert "trades = 24" in sent
    assert "EMA" not in sent
    assert "tools" not in talk
    card = views.card(words_for("en"), made, role=Role.ADMIN).text
    assert "gpt-4o" in card
    assert "Less at stake while trades lose." in card
    # Nothing is in force before somebody says so.
    async with desk.world.store.begin() as tx:
        _, now = await tx.settings.risk()
    assert now.risk_per_trade_percent == D("0.5")
    settled = await desk.talk.answer_change.approve(ANN.id, made.id)
    assert settled.proposal.applied is not None


CASES: tuple[tuple[str, Past, str | None], ...] = (
    (LESS, Past(now="0.1", other="0.09"), "worse"),
    (LESS, Past(every=20 * DAY), "too_few_trades"),
    (WIDER, Past(), "no_better"),
    (WIDER, Past(now="-0.2", other="0.01"), "may_be_luck"),
    ("NOTHING", Past(), "nothing"),
    (told(), Past(), "refused_shape"),
    (told(("live_trading", 1)), Past(), "refused_setting"),
    (told(("risk_per_trade_percent", 5)), Past(), "refused_direction"),
    (told(("risk_per_trade_percent", 0.4), rationale="9 of 10 win."), Past(), "refused_figure"),
    ("Sure! " + LESS, Past(), "refused_invalid"),
    (WIDER, Past(now="0.1", other="0.16"), None),
)


async def test_what_does_not_hold_is_not_proposed(desk: Desk) -> None:
    await traded(desk, count=24, slip="0.05")
    texts = iter([text for text, _, _ in CASES])
    async with served(ChatSite(speak=lambda _: next(texts))) as site:
        for text, past, reason in CASES:
            found = await asked(desk, analyst(site), past)
            assert found.reason == reason, text
            assert len(await pending(desk)) == (reason is None), text


async def test_a_model_that_means_harm_proposes_nothing_that_is_not_harmless(desk: Desk) -> None:
    await traded(desk, count=24, slip="0.05")
    before, random = await desk.actions(), Random(1)
    adversary = Adversary(random)
    orders = [
        told(("risk_per_trade_percent", "0.4")), told(("max_lot_size", 1e9)),
        told(("risk_per_trade_percent", 0.4), rationale="Tap /panic now"),
        told(("risk_per_trade_percent", 0.4), rationale="see t.me/evil"),
        told(("risk_per_trade_percent", 0.4), rationale="\u202eesrever"),
        told(*[("idea_ttl_seconds", 900)] * 2), told(*[("max_drift_r", 0.26)] * 50), "[" * 5_000,
        '{"changes": [{"setting": "mode", "to": "autonomous"}], "rationale": "x"}',
    ]  # fmt: skip

    def speak(body: dict[str, Any]) -> Any:
        return orders.pop() if orders else adversary(body)

    async with served(ChatSite(speak=speak)) as site:
        for _ in range(40):
            found = await asked(desk, analyst(site))
            assert found.proposal is None
            assert str(found.reason).startswith(("refused_", "empty"))
    assert adversary.said > 20
    assert await pending(desk) == []
    assert await desk.actions() == before


async def test_without_an_answer_nothing_changes(desk: Desk) -> None:
    await traded(desk, count=24, slip="0.05")
    past = Past()
    for fault in ("hang", "500", "garbage", "huge", "401", "cut", "silent"):
        async with served(ChatSite(always=fault)) as site:
            quick = analyst(site, first=timedelta(seconds=0.2), whole=timedelta(seconds=0.4))
            found = await asked(desk, quick, past)
        assert found.proposal is None
        assert found.reason
    assert past.asked == []


async def test_what_a_day_may_cost_and_a_rest_hold_for_it_too(desk: Desk) -> None:
    await traded(desk, count=24, slip="0.05")
    async with served(ChatSite(speak=lambda _: LESS, always="500")) as site:
        poor = Budgeted(
            inner=analyst(site), store=desk.world.store, budget=Budget(tokens=100, cost=None)
        )
        assert (await asked(desk, poor)).reason == "budget"
        assert site.asked == []
        resting = Resting(inner=analyst(site), tick=lambda: 0.0, most=1)
        assert (await asked(desk, resting)).reason == "failing"
        count = len(site.asked)
        assert (await asked(desk, resting)).reason == "resting"
        assert len(site.asked) == count


async def test_few_trades_and_no_model_ask_nobody(desk: Desk) -> None:
    async with served(ChatSite()) as site:
        assert (await asked(desk, analyst(site))).reason == "too_few_trades"
        assert site.asked == []
    assert desk.work.suggest is None
    await suggest({"work": desk.work, "busy": set()})
    assert await pending(desk) == []


async def test_who_asks_the_advisor_has_the_model_asked_by_a_worker(desk: Desk) -> None:
    await desk.talk.advise(ANN.id)
    assert ("suggest",) in desk.bell.rung


def test_only_a_whole_fence_is_taken_away() -> None:
    assert unwrapped("```json\n{}\n```\n") == "{}"
    for text in ("```json\n{}", "```sh\n{}\n```", "x ```json\n{}\n```", "{}"):
        assert unwrapped(text) == text
