"""The idea card and its buttons: they fit, they tell every ending apart, and cannot be forged."""

import re
from dataclasses import replace
from decimal import Decimal
from html import unescape
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import callbacks
from bot.i18n import LANGUAGES, Words
from bot.screen import CAPTION_LIMIT, TEXT_LIMIT
from bot.views import card as views
from bot.views import control as control_views
from bot.views import history as history_views
from bot.views import people as people_views
from bot.views.facts import check_line, condition, next_news, span
from engine.domain.approval import Ending
from engine.domain.gate import Check, CheckResult
from engine.domain.idea import IdeaStatus, Observation
from engine.domain.order import OrderState
from engine.domain.person import Role
from engine.domain.snapshot import Impact
from engine.domain.state import Mode, TradingState
from engine.errors import InvalidInput
from engine.strategies.rules import RULES
from tests.builders import (
    HOUR,
    IDEA_ID,
    answered,
    approval,
    bundle,
    calendar,
    case,
    closed_trade,
    control,
    decision,
    idea,
    order,
    outcome,
    proposal,
    release,
    story,
)

EN = Words("en")
LONG = "A strategy whose name uses up every one of the sixty letters"
MANY = tuple(
    Observation(name, RULES[name].words[-1] if RULES[name].words else "45.5", "bullish", met, True)
    for name, met in product(sorted(RULES), (True, False))
)


def crowded(**values):
    """As much on one card as there can be: five targets, all conditions twice, news, a name."""
    entry = Decimal("1.10008")
    targets = tuple(entry + Decimal("0.00400") * n for n in range(1, 6))
    made = proposal(take_profit=targets)
    seen = bundle(calendar=calendar(release(47 * HOUR, title="Consumer prices (CPI)")))
    fields = {
        "idea": idea(proposal=made, strategy_name=LONG, number=123_456),
        "bundle": seen,
        "outcome": outcome(case=case(proposal=made, bundle=seen), observations=MANY),
    }
    return story(**(fields | values))


def after(ending, status, **values):
    made = crowded(approval=answered(ending, decided_name="Maximiliane von und zu Hohenstein"))
    return replace(made, idea=replace(made.idea, status=status), **values)


FILLED = order(state=OrderState.ACKED, broker_id="1234567890", fill_price=Decimal("1.10011"))
STORIES = {
    "waiting": crowded(),
    "approved": after(
        Ending.APPROVED, IdeaStatus.APPROVED, order=FILLED, trade=closed_trade(profit=Decimal(-9))
    ),
    "rejected": after(Ending.REJECTED, IdeaStatus.REJECTED),
    "expired": after(Ending.EXPIRED, IdeaStatus.EXPIRED),
    "price moved": after(Ending.PRICE_MOVED, IdeaStatus.REJECTED),
    "gate closed": after(Ending.GATE_CLOSED, IdeaStatus.REJECTED),
    "halted": after(Ending.HALTED, IdeaStatus.HALTED_BY_RISK),
    "by itself": replace(
        crowded(approval=None, idea=idea(status=IdeaStatus.AUTO_EXECUTED, strategy_name=LONG)),
        order=FILLED,
    ),
}


def buttons(screen):
    return [button for row in screen.buttons for button in row]


def as_telegram_counts(text):
    """UTF-16 units of the text that is left when the tags are read."""
    return len(unescape(re.sub(r"<[^>]+>", "", text)).encode("utf-16-le")) // 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("is_live", [True, False])
def test_a_card_fits_under_its_picture(name, language, is_live):
    screen = views.card(
        Words(language, "Europe/Madrid"), STORIES[name], is_live=is_live, role=Role.ADMIN
    )
    assert len(screen.text) <= CAPTION_LIMIT
    assert as_telegram_counts(screen.text) <= CAPTION_LIMIT
    assert LONG in screen.text
    assert screen.chart == {"idea": str(IDEA_ID)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_crowded_card_leaves_out_conditions_from_the_last_and_nothing_else(language):
    words = Words(language)
    text = views.card(words, crowded(), is_live=False, role=Role.ADMIN).text
    shown = [condition(words, seen) in text.split("\n") for seen in MANY]
    assert shown[0]
    assert not shown[-1]
    assert shown == sorted(shown, reverse=True)
    assert words("card.strategy", name=LONG) in text
    assert views.gate_line(words, views.outcome_of(crowded()).report) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_no_is_stamped_with_the_price_it_was_said_at_where_there_was_one(language):
    words = Words(language)
    said = answered(Ending.REJECTED, tap_price=Decimal("1.10108"), drift_r=Decimal("0.431"))
    stamp = views.ending(words, said)
    assert "1.10108" in stamp
    assert words.number(Decimal("0.43"), 2) in stamp
    assert "Ada" in stamp
    silent = views.ending(words, replace(said, tap_price=None, drift_r=None))
    assert silent != stamp
    assert " R " not in silent


def test_a_card_with_few_conditions_shows_them_all():
    text = views.card(EN, story(), is_live=False, role=Role.ADMIN).text
    assert "✓ EMA 20/50 with the trade: bullish" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("is_live", "key"), [(True, "money.live"), (False, "money.paper")])
def test_a_card_says_whether_real_money_moves(language, is_live, key):
    words = Words(language)
    first = views.card(words, story(), is_live=is_live, role=Role.ADMIN).text.split("\n")[0]
    other = "money.paper" if is_live else "money.live"
    assert words(key) in first
    assert words(other) not in first


def test_a_card_shows_what_is_at_stake():
    text = views.card(EN, story(), is_live=False, role=Role.ADMIN).text
    for part in (
        "IDEA #12", "EURUSD BUY", "H1", "100/100", "1.10008", "1.09808", "1.10408", "1:2.0",
        "0.25 lots", "$50.00", "(0.50 %)", "spread 0.8 pips", "Daily loss 0.0 of 3 % used",
        "Strategy: EMA trend", "✓ Gate: 36 of 36 checks passed.", "10:15:00 UTC",
    ):  # fmt: skip
        assert part in text, part


def test_a_card_says_why_a_person_is_asked():
    asked = case(bundle=bundle(control=control(mode=Mode.SUPERVISED)))
    text = views.card(EN, story(outcome=outcome(case=asked)), is_live=False, role=Role.ADMIN).text
    assert "You decide: supervised mode" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_waiting_card_can_be_answered_and_another_only_explained(language):
    words = Words(language)
    waiting = buttons(views.card(words, STORIES["waiting"], is_live=False, role=Role.ADMIN))
    assert [callbacks_action(button) for button in waiting] == ["ok", "no", "half", "why", "saw"]
    assert len({button.label for button in waiting}) == 5
    for name in set(STORIES) - {"waiting"}:
        left = buttons(views.card(words, STORIES[name], is_live=False, role=Role.ADMIN))
        assert [callbacks_action(button) for button in left] == ["why", "saw"]


def callbacks_action(button):
    return button.data.split(":")[1]


def every_button():
    big = 2**63 - 1
    found = [views.card(EN, made, is_live=True, role=Role.ADMIN) for made in STORIES.values()]
    for state, mode in product(TradingState, Mode):
        seen = control(state=state, mode=mode, version=big)
        found += [
            control_views.changed(EN, seen),
            control_views.halted(EN, seen),
            control_views.confirm_resume(EN, seen, 99_999_999_999),
            control_views.mode(EN, seen, 99_999_999_999, role=Role.ADMIN),
        ]
    found.append(people_views.choose_language(EN))
    found.append(history_views.ideas(EN, [idea()], waiting=True, is_live=False))
    found.append(
        history_views.stream(EN, [decision(seq=10**9)], filters="EURUSD ai_auto_executed", page=1)
    )
    return [button for screen in found for button in buttons(screen)]


def test_who_may_not_decide_is_offered_no_decision():
    offered = buttons(views.card(EN, STORIES["waiting"], is_live=False, role=Role.VIEWER))
    assert [callbacks_action(button) for button in offered] == ["why", "saw"]


def test_the_data_of_every_button_fits_and_holds_no_price_or_size():
    found = every_button()
    assert len(found) > 30
    for button in found:
        assert 1 <= len(button.data.encode()) <= 64
        assert "." not in button.data
        assert button.label


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_ending_has_its_own_words(language):
    words = Words(language)
    said = {ending: views.ending(words, answered(ending)) for ending in Ending}
    assert len(set(said.values())) == len(Ending)
    icons = {text.split(" ")[0] for ending, text in said.items() if ending is not Ending.PENDING}
    assert len(icons) == len(Ending) - 1


def test_an_ending_names_who_when_and_why():
    moved = views.ending(EN, answered(Ending.PRICE_MOVED, drift_r=Decimal("0.3149")))
    assert "0.31 R" in moved
    assert "Ada" in moved
    assert "10:00:00 UTC" in moved
    assert "1.10018" in views.ending(EN, answered(Ending.APPROVED))
    closed = views.ending(EN, answered(Ending.GATE_CLOSED, detail="news"))
    assert EN("failed.news") in closed
    assert "10:15:00" in views.ending(EN, replace(approval(), ending=Ending.EXPIRED))


def test_the_name_of_a_person_is_escaped_on_a_card():
    made = after(Ending.REJECTED, IdeaStatus.REJECTED)
    made = replace(made, approval=answered(Ending.REJECTED, decided_name="<a href='x'>&"))
    text = views.card(EN, made, is_live=False, role=Role.ADMIN).text
    assert "&lt;a href='x'&gt;&amp;" in text
    assert "<a" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_of_an_order_has_its_own_words(language):
    words = Words(language)

    def said(state):
        sent = replace(FILLED, state=state, reason="order_expired")
        made = replace(STORIES["approved"], order=sent, trade=None)
        return views.stamp(words, made)[-1]

    assert len({said(state) for state in OrderState}) == len(OrderState)


def test_a_closed_trade_shows_its_result_with_a_sign():
    assert views.closed(EN, closed_trade(), "USD").endswith("<b>+$39.10</b>")
    lost = views.closed(EN, closed_trade(profit=Decimal("-20.00"), reason="stop_loss"), "USD")
    assert lost.startswith("🛑")
    assert lost.endswith("stop loss at 1.10400: <b>−$20.00</b>")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STORIES)
def test_the_reasons_of_an_idea_fit_into_a_message(name, language):
    words = Words(language)
    assert len(history_views.why(words, STORIES[name]).text) <= TEXT_LIMIT
    assert len(history_views.saw(words, STORIES[name]).text) <= CAPTION_LIMIT


def test_why_names_each_condition_and_each_check():
    text = history_views.why(EN, STORIES["waiting"]).text
    for seen in MANY:
        assert condition(EN, seen) in text
    for code in Check:
        assert EN(f"check.{code}") in text


def test_what_a_check_saw_is_escaped_and_what_is_missing_is_said():
    seen = check_line(EN, CheckResult(Check.STOP_LOSS, True, "1.0 < 1.1", "beyond_entry"))
    assert "✓ Stop on the right side: 1.0 &lt; 1.1 (" in seen
    assert EN("value.beyond_entry") in seen
    lost = check_line(EN, CheckResult(Check.NEWS, False, "missing", "60"))
    assert "✗ High-impact news (minutes away): not known (" in lost


@pytest.mark.parametrize(
    ("hours", "text"),
    [(0, "0 min"), (0.99, "59 min"), (1, "1 h 0 min"), (47.5, "47 h 30 min"), (48, "2 d 0 h")],
)
def test_a_span_is_told_in_its_two_largest_units(hours, text):
    assert span(EN, HOUR * hours) == text


def test_the_next_news_is_the_nearest_that_moves_the_symbol():
    events = (
        release(-HOUR, title="past"),
        release(3 * HOUR, title="later"),
        release(2 * HOUR, title="next"),
        release(HOUR, title="pound", currency="GBP"),
        release(HOUR, title="small", impact=Impact.LOW),
    )
    assert next_news(EN, bundle(calendar=calendar(*events))).endswith("USD next in 2 h 0 min")
    assert next_news(EN, bundle(calendar=calendar())) == EN("news.none")
    assert next_news(EN, bundle(calendar=None)) == EN("news.unknown")


# ---- callback data ---------------------------------------------------------------------------

plain = st.text(st.characters(codec="ascii", exclude_characters=":"), min_size=0, max_size=8)


@given(st.text("abcdef", min_size=1, max_size=8), st.lists(plain, max_size=4))
def test_what_is_packed_is_unpacked(action, parts):
    assert callbacks.unpack(callbacks.pack(action, *parts), action) == parts


@given(st.uuids())
def test_an_idea_is_found_by_its_button(id_):
    for action in ("ok", "no", "half", "why", "saw", "card"):
        assert callbacks.id_in(callbacks.idea(action, id_), action) == id_


def test_data_is_at_most_sixty_four_bytes():
    assert len(callbacks.pack("x" * 61)) == 64
    for action in ("x" * 62, "é" * 31):
        with pytest.raises(InvalidInput, match="longer than 64 bytes"):
            callbacks.pack(action)


@pytest.mark.parametrize(
    "data",
    ["", ":", "v1", "v1:", "v1:ok", "v0:ok:" + IDEA_ID.hex, "v1:no:" + IDEA_ID.hex, "ok:v1:",
     "v1:ok:", "v1:ok:1", "v1:ok:" + IDEA_ID.hex + ":1", "v1:ok:" + IDEA_ID.hex + "0"],
)  # fmt: skip
def test_data_of_another_shape_is_refused(data):
    with pytest.raises(InvalidInput, match="this button"):
        callbacks.id_in(data, "ok")


forged = st.one_of(
    st.text(),
    st.text().map("v1:{}".format),
    st.text().map("v1:ok:{}".format),
    st.text("0123456789abcdefABCDEF-_ {}:１x", min_size=30, max_size=38).map("v1:ok:{}".format),
)


@given(forged)
def test_forged_data_names_an_idea_or_is_refused(data):
    try:
        found = callbacks.id_in(data, "ok")
    except InvalidInput:
        return
    assert isinstance(found, UUID)
    assert data.startswith("v1:ok:")


@given(st.text() | st.text().map("v1:{}".format), st.sampled_from(("ok", "go", "mode", "lang")))
def test_forged_data_is_taken_apart_or_refused(data, action):
    try:
        parts = callbacks.unpack(data, action)
    except InvalidInput:
        assert not data.startswith(f"v1:{action}:")
        return
    assert ":".join(("v1", action, *parts)) == data
