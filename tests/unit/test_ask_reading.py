"""Questions become what was meant, or nothing at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.i18n import LANGUAGES
from bot.lexicon import lexicons
from engine.domain.account import Direction
from engine.domain.ask import Asked, Intent, asked_of
from engine.errors import InvalidInput
from engine.flow.ask.grammar import IGNORED, RULES, TURN_DOWN
from engine.flow.ask.lexicon import lexicon_of
from engine.flow.ask.lookups import LOOKUPS
from engine.flow.ask.reading import read
from tests.questions import ANSWERED, UNANSWERED

NAMES = (
    ("EURUSD", "symbol:EURUSD"), ("Ann", "person:1001"), ("Luis", "person:1002"),
    ("EMA trend", "strategy:EMA trend"),
)  # fmt: skip
NUMBERS = {"idea": 7, "refused": 8, "approved": 9, "rejected": 10, "decision": 40}
#: Concepts that fill a slot, which no rule has to name.
_SLOTS = {"buy", "sell", "idea_n", "decision_n", "other", *IGNORED, TURN_DOWN}


def known(language):
    own = [lexicons()[language], *(one for name, one in lexicons().items() if name != language)]
    return [one.with_names(NAMES) for one in own]


def reading(language, text, **values):
    return read(text, known(language), **{"asker": 1001, **values})


@pytest.mark.parametrize(("language", "text", "code"), ANSWERED)
def test_a_question_is_read_as_it_was_meant(language, text, code):
    if code == "?":
        assert reading(language, text.format(**NUMBERS)).asked is not None
        return
    found = reading(language, text.format(**NUMBERS))
    assert [asked.code() for asked in found.choices] == [code.format(**NUMBERS)]
    LOOKUPS[found.choices[0].intent].accept(found.choices[0])


@pytest.mark.parametrize(("language", "text"), UNANSWERED)
def test_what_is_outside_is_answered_with_nothing(language, text):
    found = reading(language, text)
    assert found.asked is None
    assert found.why or len(found.choices) > 1


def test_there_are_a_hundred_of_each():
    assert len({text for _, text, _ in ANSWERED}) >= 100
    assert len({text for _, text in UNANSWERED}) >= 100
    assert {language for language, *_ in ANSWERED} == set(LANGUAGES)


@pytest.mark.parametrize(("language", "text", "code"), ANSWERED)
def test_one_more_word_is_never_left_out(language, text, code):
    asked = reading(language, f"{text.format(**NUMBERS)} zyx")
    assert asked.asked is None


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("why 12", ["why;i=12", "why;r=12"]),
        ("missed trades", ["would;w=untaken", "lost"]),
        ("¿ideas rechazadas hoy?", ["refused;p=today", "who;p=today;w=reject"]),
    ],
)
def test_what_has_two_meanings_is_asked_back(text, codes):
    found = reading("en", text)
    assert found.asked is None
    assert [asked.code() for asked in found.choices] == codes


@pytest.mark.parametrize(
    ("text", "why", "said"),
    [
        ("profit of EURUSD GBPUSD", "two", "symbol"),
        ("what is our exposure last week", "narrow", "period"),
        ("profit of the moon", "unknown_words", "moon"),
        ("why this idea", "no_this", ""),
        ("profit between 2026-03-05 and 2026-03-01", "date", "between 2026-03-05 and 2026-03-01"),
        ("what if the threshold were 180", "no_number", "180"),
        ("profit exposure", "no_question", ""),
    ],
)
def test_why_it_is_no_question_is_told(text, why, said):
    found = reading("en", text)
    assert (found.why, found.said, found.choices) == (why, said, ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("why?", "why;i=7"),
        ("who approved it?", "who;i=7;w=approve"),
        ("what would have happened?", "would;i=7"),
        ("news?", "news;i=7"),
        ("why was this refused", "why;i=7"),
        ("why idea 9", "why;i=9"),
        ("what was refused today", "refused;p=today"),
    ],
)
def test_a_reply_to_a_card_is_about_its_idea_unless_it_names_something_else(text, code):
    found = reading("en", text, about=7)
    assert [asked.code() for asked in found.choices] == [code]


def test_i_is_who_asks():
    found = reading("en", "how many ideas did I reject this month", asker=5)
    assert found.asked == Asked(intent=Intent.WHO, person=5, period="this_month", what="reject")
    assert reading("en", "what did I approve today", asker=None).why == "no_this"


def test_a_question_of_another_language_than_ones_own_is_read_too():
    found = reading("ar", "Wer hat Idee 9 genehmigt?")
    assert [asked.code() for asked in found.choices] == ["who;i=9;w=approve"]


def test_digits_and_letters_are_read_in_every_writing():
    assert reading("ar", "من وافق على الفِكرة ١٢؟").asked == Asked(
        intent=Intent.WHO, idea=12, what="approve"
    )
    assert reading("en", "profit eur/usd today").asked == Asked(
        intent=Intent.RESULT, symbol="EURUSD", period="today"
    )
    assert reading("en", "profit xauusd today").asked is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_concept_of_a_rule_has_words_and_every_word_a_rule(language):
    named = {c for rule in RULES for c in rule.may.union(rule.pick, rule.groups, *rule.needs)}
    worded = set(lexicons()[language].phrases.values())
    assert named - {"deed"} <= worded
    assert {one for one in worded if not one.startswith("p.")} - _SLOTS <= named


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_has_one_meaning(language):
    assert len(lexicons()[language].phrases) > 300


def test_a_phrase_with_two_meanings_is_a_defect():
    with pytest.raises(ValueError, match="close"):
        lexicon_of("xx", {"near": "close", "block": "shut | close"})


@given(
    st.builds(
        Asked,
        intent=st.sampled_from(Intent),
        symbol=st.none() | st.sampled_from(["EURUSD", "XAUUSD.r", "US500"]),
        period=st.none() | st.sampled_from(["today", "d7", "2026-01-02..2026-01-09"]),
        direction=st.none() | st.sampled_from(Direction),
        idea=st.none() | st.integers(1, 10**9),
        number=st.none() | st.decimals(0, 100, places=1),
        person=st.none() | st.integers(1, 10**12),
        what=st.none() | st.sampled_from(["best", "refused"]),
    )
)
def test_the_short_form_of_a_question_is_read_again(asked):
    assert asked_of(asked.code()) == asked


@pytest.mark.parametrize(
    "code",
    ["", "nothing", "why;x=1", "why;i=-1", "why;i=1e9", "threshold;n=101", "threshold;n=NaN",
     "why;d=up", "why;i=" + "9" * 30, "refused;s=\x00", "refused;p="],
)  # fmt: skip
def test_a_short_form_nobody_made_is_refused(code):
    with pytest.raises(InvalidInput):
        asked_of(code)


@pytest.mark.parametrize("lookup", LOOKUPS.values(), ids=lambda one: one.name)
def test_a_look_up_takes_its_arguments_and_no_others(lookup):
    assert lookup.schema["additionalProperties"] is False
    with pytest.raises(InvalidInput):
        lookup.asked({"nothing": 1})
    with pytest.raises(InvalidInput):
        lookup.asked({"symbol": ["EURUSD"]})


def test_arguments_by_the_schema_are_a_question():
    asked = LOOKUPS[Intent.THRESHOLD].asked({"number": 80, "period": "d7"})
    assert asked == Asked(intent=Intent.THRESHOLD, number=Decimal(80), period="d7")
    with pytest.raises(InvalidInput):
        LOOKUPS[Intent.THRESHOLD].asked({"period": "d7"})
    with pytest.raises(InvalidInput):
        LOOKUPS[Intent.BEST].asked({"what": "best", "by": "moon"})
