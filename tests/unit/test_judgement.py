"""Judging and replaying: pure, so that a record computed again is the record."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from broker.feeds.recorded import shipped_recording
from engine.domain.account import Direction
from engine.domain.decision import Action
from engine.domain.gate import Check, Verdict
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings, with_changes
from engine.domain.snapshot import Frame
from engine.errors import InvalidInput, NotFound, SnapshotNotFound
from engine.flow.judgement import Answer, Question, ask_again, consider, strategy_of
from engine.flow.replay import replay
from engine.gate.case import Case
from engine.gate.judge import judge
from engine.snapshot.canonical import canonical, plain
from engine.snapshot.indicators import WINDOW, compute
from engine.snapshot.parts import pack
from tests.builders import (
    IDEA_ID,
    STRATEGY_ID,
    account,
    bundle,
    calendar,
    confidence,
    day,
    decision,
    open_order,
    position,
    proposal,
    quote,
    stored,
    strategy,
)


def recorded(start=409, **values):
    """A bundle over real candles, with their real figures, that a strategy can always judge."""
    shown = tuple(shipped_recording().candles[start : start + WINDOW])
    instant = shown[-1].time + timedelta(hours=1)
    now, before = compute(shown, digits=5)
    bid = shown[-1].close
    fields = {
        "instant": instant,
        "candles": shown,
        "indicators": now,
        "indicators_before": before,
        "quote": quote(f"{bid}", f"{bid + Decimal('0.00008')}", at=instant),
        "calendar": calendar(known_until=instant + timedelta(days=7)),
        "account": account(captured_at=instant),
        "day": replace(day(), day=instant.date()),
    }
    return bundle(**(fields | values))


@pytest.fixture(scope="module")
def seen():
    return recorded()


def record(detail, **values):
    """A record as it comes back from the store: made of JSON values."""
    return decision(detail=json.loads(canonical(detail)), **values)


def considered(seen):
    return record({"outcome": plain(consider(strategy(), seen))})


def asked(seen, **values):
    """A question about a trade that still can be made, and what is recorded of it."""
    bid = seen.quote.bid
    fields = {
        "idea_id": IDEA_ID,
        "proposal": proposal(
            direction=Direction.SELL, entry=bid, stop_loss=bid + Decimal("0.0020"),
            take_profit=(bid - Decimal("0.0040"),),
        ),
        "confidence": confidence(),
        "strategy_id": STRATEGY_ID,
        "strategy_version": 1,
        "at_most": Decimal("0.10"),
    }  # fmt: skip
    return Question(**(fields | values))


def tapped(seen, question):
    detail = {"question": plain(question), "answer": plain(ask_again(question, seen))}
    return record(detail, action=Action.HUMAN_APPROVED, idea_id=IDEA_ID)


def test_the_same_bundle_is_judged_the_same_twice(seen):
    assert consider(strategy(), seen) == consider(strategy(), seen)
    again = stored(pack(seen))
    assert plain(consider(strategy(), again)) == plain(consider(strategy(), seen))


def test_judging_changes_nothing_in_the_bundle(seen):
    before = pack(seen).hash
    consider(strategy(), seen)
    ask_again(asked(seen), seen)
    assert pack(seen).hash == before


def test_a_proposal_is_sized_scored_and_gated(seen):
    outcome = consider(strategy(), seen)
    assert outcome.evaluation.proposal is not None
    assert outcome.sizing is not None
    assert outcome.confidence is not None
    assert outcome.report is not None
    assert [check.code for check in outcome.report.checks] == list(Check)


def test_without_a_proposal_there_is_nothing_to_size_score_or_gate(seen):
    outcome = consider(strategy(entry={"rsi_above": "100"}), seen)
    assert outcome.evaluation.reason == "condition:rsi_above"
    assert (outcome.sizing, outcome.confidence, outcome.report) == (None, None, None)


def test_a_question_is_judged_at_the_price_of_now_with_its_stop_where_it_was(seen):
    question = asked(seen)
    bid = seen.quote.bid - Decimal("0.0003")
    later = replace(seen, quote=quote(f"{bid}", f"{bid}", at=seen.instant))
    answer = ask_again(question, later)
    assert answer.proposal.entry == bid
    assert answer.proposal.stop_loss == question.proposal.stop_loss
    assert answer.proposal.take_profit == question.proposal.take_profit
    drift = next(c for c in answer.report.checks if c.code is Check.PRICE_DRIFT)
    assert (drift.observed, drift.passed) == ("0.15", True)


def test_a_question_is_never_answered_with_more_than_was_shown(seen):
    assert ask_again(asked(seen), seen).sizing.volume == Decimal("0.10")
    half = ask_again(asked(seen, at_most=Decimal("0.05")), seen)
    assert half.sizing.volume == Decimal("0.05")


def test_a_price_that_ran_away_is_refused_by_name(seen):
    bid = seen.quote.bid - Decimal("0.0006")
    later = replace(seen, quote=quote(f"{bid}", f"{bid}", at=seen.instant))
    report = ask_again(asked(seen), later).report
    assert report.result == "fail:price_drift"


def test_an_edited_strategy_no_longer_stands_behind_its_question(seen):
    edited = replace(seen, strategies=(strategy(version=2),))
    assert ask_again(asked(seen), edited).report.result == "fail:strategy"


def test_its_own_order_does_not_stand_in_the_way(seen):
    own = open_order(client_id="at-own", direction=Direction.SELL, state="intent")
    busy = replace(seen, orders=(own,))
    assert ask_again(asked(seen), busy).report.result == "fail:open_position"
    answer: Answer = ask_again(asked(seen, own_order="at-own"), busy)
    assert answer.report.verdict is Verdict.EXECUTE


def test_a_strategy_that_is_not_in_the_bundle_is_not_found(seen):
    with pytest.raises(NotFound, match=str(IDEA_ID)):
        strategy_of(seen, IDEA_ID)


# ---- replay ----------------------------------------------------------------------------------


def test_a_record_computed_again_is_equal(seen):
    done = replay(considered(seen), seen, {})
    assert done.differences == ()
    assert done.what_if is None
    assert done.report == consider(strategy(), seen).report


def test_a_record_without_a_proposal_computed_again_is_equal(seen):
    quiet = replace(seen, strategies=(strategy(entry={"rsi_above": "100"}),))
    made = record({"outcome": plain(consider(quiet.strategies[0], quiet))})
    done = replay(made, quiet, {})
    assert (done.differences, done.report) == ((), None)


def test_an_answer_computed_again_is_equal(seen):
    done = replay(tapped(seen, asked(seen)), seen, {})
    assert done.differences == ()
    assert done.report is not None


def places(document, path="outcome"):
    """Every leaf of a document, by its dotted path."""
    if isinstance(document, dict):
        return [p for key in document for p in places(document[key], f"{path}.{key}")]
    if isinstance(document, list) and document:
        return [p for i, part in enumerate(document) for p in places(part, f"{path}.{i}")]
    return [path]


def test_any_value_changed_in_a_record_is_named(seen):
    detail = json.loads(canonical({"outcome": plain(consider(strategy(), seen))}))
    # A check under another code is another check: that is a difference of the whole list.
    paths = [path for path in places(detail["outcome"]) if not path.endswith(".code")]
    assert len(paths) > 100
    original = json.dumps(detail)
    for path in paths[:: len(paths) // 15]:
        spoiled = json.loads(original)
        *parents, last = path.split(".")
        place = spoiled
        for name in parents:
            place = place[int(name)] if isinstance(place, list) else place[name]
        place[int(last) if isinstance(place, list) else last] = "changed"
        (difference,) = replay(decision(detail=spoiled), seen, {}).differences
        # A check that the gate does not have is named by the list it is in.
        assert path == difference or path.removeprefix(difference).startswith(".")


def test_a_digit_added_to_a_recorded_number_is_named(seen):
    made = considered(seen)
    made.entry.detail["outcome"]["sizing"]["risk_money"] += "0"
    assert replay(made, seen, {}).differences == ("outcome.sizing.risk_money",)


def test_a_value_added_to_a_record_is_named(seen):
    made = considered(seen)
    made.entry.detail["outcome"]["sizing"]["bonus"] = "1"
    assert replay(made, seen, {}).differences == ("outcome.sizing.bonus",)


def test_a_record_made_before_a_check_existed_still_replays(seen):
    made = considered(seen)
    made.entry.detail["outcome"]["report"]["checks"].pop()
    assert replay(made, seen, {}).differences == ()


def test_a_no_made_before_a_check_existed_still_replays(seen):
    quiet = replace(seen, strategies=(strategy(entry={"rsi_above": "100"}),))
    made = record({"outcome": plain(consider(quiet.strategies[0], quiet))})
    made.entry.detail["outcome"]["before"].pop()
    assert replay(made, quiet, {}).differences == ()
    made.entry.detail["outcome"]["before"].append({"code": "made_up"})
    assert replay(made, quiet, {}).differences == ("outcome.before",)


def test_a_check_the_gate_does_not_have_is_named(seen):
    made = considered(seen)
    made.entry.detail["outcome"]["report"]["checks"].append({"code": "made_up"})
    assert replay(made, seen, {}).differences == ("outcome.report.checks",)


def test_a_figure_changed_in_the_bundle_is_named(seen):
    made = considered(seen)
    spoiled = replace(
        seen,
        indicators=replace(seen.indicators, rsi_14=Decimal("1.00")),
        indicators_before=replace(seen.indicators_before, macd=None),
    )
    found = replay(made, spoiled, {}).differences
    assert found == ("indicators.rsi_14", "indicators_before.macd")


def test_a_figure_changed_in_a_longer_timeframe_is_named(seen):
    shown = seen.candles[:300]
    now, before = compute(shown, digits=5)
    longer = Frame(timeframe=Timeframe.H4, candles=shown, indicators=now, indicators_before=before)
    whole = replace(seen, frames=(longer,))
    assert replay(considered(seen), whole, {}).differences == ()
    spoiled = replace(longer, indicators_before=replace(before, rsi_14=Decimal("1.00")))
    found = replay(considered(seen), replace(seen, frames=(longer, spoiled)), {}).differences
    assert found == ("frames.1.indicators_before.rsi_14",)


def test_another_market_than_the_recorded_one_is_told_apart(seen):
    assert replay(considered(seen), recorded(start=410), {}).differences


@pytest.mark.parametrize(
    ("detail", "strategy_id"), [({}, STRATEGY_ID), ({"outcome": {}}, None), ({"fill": {}}, None)]
)
def test_a_record_of_something_else_cannot_be_computed(seen, detail, strategy_id):
    with pytest.raises(SnapshotNotFound, match="decision 40 holds nothing"):
        replay(decision(detail=detail, strategy_id=strategy_id), seen, {})


def test_other_settings_change_the_what_if_and_nothing_else(seen):
    done = replay(considered(seen), seen, {"max_spread_pips": "0.7"})
    assert done.differences == ()
    assert done.what_if is not None
    assert done.what_if.no_trade == "blocked:spread"
    assert done.report == replay(considered(seen), seen, {}).report


# ---- changes of settings ---------------------------------------------------------------------


def test_settings_are_read_from_texts_by_their_kind():
    changed = with_changes(
        RiskSettings(),
        {
            "min_confidence_threshold": "80.5",
            "max_concurrent_trades": "5",
            "stop_after_target": "false",
            "watchlist": "EURUSD, GBPUSD ,",
        },
    )
    assert changed == RiskSettings(
        min_confidence_threshold=Decimal("80.5"),
        max_concurrent_trades=5,
        stop_after_target=False,
        watchlist=("EURUSD", "GBPUSD"),
    )
    assert type(changed.max_concurrent_trades) is int


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("speed", "1", "speed is no setting; there are: allow_off_watchlist_autotrade"),
        ("max_lot_size", "NaN", "max_lot_size must be a plain number"),
        ("max_lot_size", "", "max_lot_size must be a plain number"),
        ("max_lot_size", "1e2", "max_lot_size must be a plain number"),
        ("max_lot_size", "0", "max_lot_size must be between"),
        ("max_concurrent_trades", "1.5", "must be a whole number"),
        ("max_concurrent_trades", "0", "max_concurrent_trades must be between"),
        ("stop_after_target", "yes", "must be true or false"),
        ("stop_after_target", "1", "must be true or false"),
        ("min_confidence_threshold", "100.1", "must be between 0 and 100"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(name, text, words):
    with pytest.raises(InvalidInput, match=words):
        with_changes(RiskSettings(), {name: text})


def test_no_change_is_the_same_settings():
    assert with_changes(RiskSettings(), {}) == RiskSettings()


@pytest.mark.parametrize("held", [(), (position(direction=Direction.SELL),)])
def test_what_was_seen_before_the_idea_is_judged_as_if_it_were_asked_again(seen, held):
    """Of a strategy that goes both ways, the direction is known only with the idea."""
    shown = replace(seen, positions=held)
    outcome = consider(strategy(), shown)
    assert outcome.report is not None
    whole = Case(
        bundle=shown,
        strategy=strategy(),
        proposal=outcome.evaluation.proposal,
        sizing=outcome.sizing,
        confidence=outcome.confidence,
        strategy_version=1,
    )
    assert outcome.report == judge(whole)
