"""The advisor's rules: each speaks when it should, says what it saw, and is silent otherwise."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import LANGUAGES, words_for
from bot.views import proposals as views
from engine.domain.change_proposal import (
    ChangeDraft,
    ChangeProposal,
    ProposalState,
    Source,
    Target,
)
from engine.domain.person import Role
from engine.domain.settings import RiskSettings, must_agree, with_changes
from engine.research.advice import Past, Situation, advise
from engine.scoring.metrics import Trade, measure
from tests.builders import NOW

D = Decimal


def past(r: str, *, symbol: str = "EURUSD", score: int = 95, slip: str = "0.01") -> Past:
    return Past(symbol=symbol, profit=D(r) * 50, r=D(r), score=D(score), slippage=D(slip))


def situation(trades: list[Past], **values: Any) -> Situation:
    settings = RiskSettings(
        min_confidence_threshold=D(60), max_drawdown_amount=D(100_000), max_drift_r=D("0.25")
    )
    measured = [
        Trade(closed_at=NOW + timedelta(hours=n), profit=one.profit, r=one.r)
        for n, one in enumerate(trades)
    ]
    known: dict[str, Any] = {
        "settings": settings, "version": 3, "past": tuple(trades),
        "metrics": measure(measured, start=D(0)), "answered": 0, "moved": 0,
    }  # fmt: skip
    return Situation(**(known | values))


GOOD = [past("0.5"), past("-0.4")] * 15


def changes(seen: Situation) -> dict[str, tuple[str | None, str | None]]:
    found = {}
    for advice in advise(seen):
        for change in advice.changes:
            found[change.field] = (change.before, change.after)
    return found


def grounds(seen: Situation) -> list[str]:
    return [ground.code for advice in advise(seen) for ground in advice.grounds]


def test_good_trades_need_no_advice() -> None:
    assert advise(situation(GOOD)) == ()
    assert advise(situation([])) == ()


def test_a_losing_run_risks_less() -> None:
    losing = [past("0.5"), past("-0.7")] * 10
    assert changes(situation(losing)) == {"risk_per_trade_percent": ("0.5", "0.38")}
    assert grounds(situation(losing)) == ["losing"]
    assert advise(situation(losing[:-1])) == ()
    low = replace(situation(losing).settings, risk_per_trade_percent=D("0.1"))
    assert advise(situation(losing, settings=low)) == ()


def test_a_fall_near_its_limit_halves_the_risk() -> None:
    near = replace(situation(GOOD).settings, max_drawdown_amount=D(33))
    assert changes(situation(GOOD, settings=near)) == {"risk_per_trade_percent": ("0.5", "0.25")}
    far = replace(near, max_drawdown_amount=D(34))
    assert advise(situation(GOOD, settings=far)) == ()


def test_a_threshold_goes_to_the_lowest_step_that_parts_losers_from_winners() -> None:
    trades = [past("-0.5", score=62)] * 8 + [past("0.9", score=74)] * 9
    assert changes(situation(trades)) == {"min_confidence_threshold": ("60", "65")}
    (advice,) = advise(situation(trades))
    assert {one.name: one.value for one in advice.grounds[0].figures} == {
        "score": "65", "below_r": "-0.50", "above_r": "0.90", "trades": "17",
    }  # fmt: skip
    assert advise(situation(trades[1:])) == ()
    assert advise(situation([replace(one, score=None) for one in trades])) == ()


def test_bad_fills_tighten_the_drift_and_good_ones_beside_moved_prices_widen_it() -> None:
    bad = [replace(one, slippage=D("0.2")) for one in GOOD]
    assert changes(situation(bad)) == {"max_drift_r": ("0.25", "0.20")}
    assert advise(situation(bad[:9])) == ()
    moved = situation(GOOD, answered=20, moved=10)
    assert changes(moved) == {"max_drift_r": ("0.25", "0.31")}
    assert grounds(moved) == ["price_moves"]
    assert advise(situation(GOOD, answered=20, moved=9)) == ()
    assert advise(situation(GOOD, answered=9, moved=9)) == ()


def test_a_symbol_that_loses_while_others_win_is_paused() -> None:
    poor = [past("0.3", symbol="XAUUSD"), past("-0.9", symbol="XAUUSD")] * 5
    (advice,) = advise(situation([*GOOD, *GOOD, *poor]))
    assert (advice.subject.target, advice.subject.key) == (Target.SYMBOL, "XAUUSD")
    assert advise(situation([*GOOD, *GOOD, *poor], paused_symbols=("XAUUSD",))) == ()
    assert all(a.subject.target is not Target.SYMBOL for a in advise(situation(poor * 3)))


def test_rules_that_speak_together_make_one_proposal() -> None:
    losing = [past("0.5", slip="0.3"), past("-0.7", slip="0.3")] * 10
    (advice,) = advise(situation(losing))
    assert [one.field for one in advice.changes] == ["risk_per_trade_percent", "max_drift_r"]
    assert [one.code for one in advice.grounds] == ["losing", "slippage"]
    assert advice.subject.version == 3


@given(
    st.lists(
        st.builds(
            past,
            st.decimals(-3, 3, places=2).map(str),
            symbol=st.sampled_from(["EURUSD", "XAUUSD", "US30"]),
            score=st.integers(0, 100),
            slip=st.decimals(-1, 1, places=2).map(str),
        ),
        max_size=60,
    ),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_whatever_was_traded_the_advice_can_be_applied_and_says_why(
    trades: list[Past], answered: int, moved: int
) -> None:
    seen = situation(trades, answered=answered, moved=min(answered, moved))
    for advice in advise(seen):
        assert advice.grounds
        if advice.subject.target is Target.SETTINGS:
            wanted = {one.field: one.after or "" for one in advice.changes}
            after = with_changes(seen.settings, wanted)
            must_agree(after)
            assert after.risk_per_trade_percent <= seen.settings.risk_per_trade_percent
            assert after.min_confidence_threshold >= seen.settings.min_confidence_threshold
            assert after.max_drift_r <= D("0.5")


EVERY = [
    situation([past("0.5", slip="0.3"), past("-0.7", slip="0.3")] * 10),
    situation(GOOD, settings=replace(situation([]).settings, max_drawdown_amount=D(33))),
    situation([past("-0.5", score=62)] * 8 + [past("0.9", score=74)] * 9),
    situation(GOOD, answered=20, moved=10),
    situation([*GOOD, *GOOD, *([past("0.3", symbol="X1"), past("-0.9", symbol="X1")] * 5)]),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_ground_has_words_in_every_language(language: str) -> None:
    told = []
    for seen in EVERY:
        for advice in advise(seen):
            draft = ChangeDraft(
                subject=advice.subject, changes=advice.changes, source=Source.ADVISOR,
                by="advisor", grounds=advice.grounds,
            )  # fmt: skip
            made = ChangeProposal(
                id=12, draft=draft, mark="m", state=ProposalState.PENDING, created_at=NOW,
                expires_at=NOW + timedelta(hours=24), stops=True,
            )  # fmt: skip
            screen = views.card(words_for(language), made, role=Role.ADMIN)
            assert screen.text is not None
            assert "{" not in screen.text
            assert len(screen.buttons[0]) == 2
            told += [ground.code for ground in advice.grounds]
    assert set(told) == {
        "losing", "near_drawdown", "low_scores", "slippage", "price_moves", "poor_symbol",
    }  # fmt: skip
