"""What keeps a training, a run or a look from being done is told in the reader's language."""

import ast
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import engine.research
from bot import sentences
from bot.i18n import LANGUAGES, Words, words_for
from bot.views import people
from engine.domain.backtest import Costs, Wish
from engine.domain.market import Timeframe
from engine.domain.model import Wish as Lesson
from engine.errors import TraderError
from engine.research.columns import columns_of
from engine.research.dataset import dataset
from engine.research.plan import chosen
from engine.research.runs import must_know
from tests import builders as build

#: What a sentence shows in place of a value, by how the value is written.
_SAMPLES = {"%Y-%m-%d": "2017-05-01", "%Y-%m-%d %H:%M": "2017-05-01 07:00", ",": "1,200"}
#: Sentences that only a damaged store or the command line brings about.
_NOT_FOR_PEOPLE = ("a walk-forward search needs", "a trade closed at", "candle 12 of")
#: Values that are words of the sentence themselves: these errors are raised below.
_PUT_TOGETHER = ("whose", "when.capitalize()", "'; '.join(refused)", "', '.join(found)")


def _sentences() -> Iterator[str]:
    """The sentence of every :class:`InvalidInput` of the research, with sample values."""
    for path in sorted(Path(engine.research.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Raise(exc=ast.Call(func=ast.Name(id="InvalidInput"), args=[text, *_])):
                    sentence = _filled(text)
                    if sentence is not None and not sentence.startswith(_NOT_FOR_PEOPLE):
                        yield sentence


def _filled(text: ast.expr) -> str | None:
    if isinstance(text, ast.Constant):
        return str(text.value)
    assert isinstance(text, ast.JoinedStr), ast.unparse(text)
    parts = []
    for part in text.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
            continue
        assert isinstance(part, ast.FormattedValue)
        if ast.unparse(part.value) in _PUT_TOGETHER:
            return None
        form = "".join(str(each.value) for each in ast.walk(part.format_spec or ast.Constant(""))
                       if isinstance(each, ast.Constant))  # fmt: skip
        sample = _SAMPLES.get(form, "12")
        parts.append(repr(sample) if part.conversion == ord("r") else sample)
    return "".join(parts)


def test_the_sentences_of_the_research_are_found():
    assert len(list(_sentences())) > 12


@pytest.mark.parametrize("sentence", list(_sentences()))
def test_every_sentence_of_the_research_has_words_in_every_language(sentence):
    told = {language: sentences.told(words_for(language), sentence) for language in LANGUAGES}
    assert sentence not in told.values()
    assert len(set(told.values())) == len(LANGUAGES)


def _short() -> object:
    return dataset(build.candles(60), Lesson(symbol="EURUSD", timeframe=Timeframe.H1))


def _none_speaks() -> object:
    return chosen([build.strategy()], "GBPUSD", Timeframe.D1)


def _does_not_speak() -> object:
    return chosen([build.strategy(name="Twin peaks")], "GBPUSD", Timeframe.D1, wanted="twin peaks")


def _unknown() -> object:
    return chosen([build.strategy(name="Twin peaks")], "EURUSD", Timeframe.H1, wanted="it's")


def _no_candles() -> object:
    return columns_of("GBPUSD", Timeframe.D1, ())


def _not_known() -> object:
    wish = Wish(symbol="GBPUSD", timeframe=Timeframe.D1)
    return must_know((("EURUSD", Timeframe.H1),), wish)


def _dear() -> object:
    return Costs(spread_pips=build.quote().bid * 10**6)


def _turned() -> object:
    now = datetime(2017, 5, 1, tzinfo=UTC)
    return Wish(symbol="EURUSD", timeframe=Timeframe.H1, since=now, until=now - timedelta(days=1))


@pytest.mark.parametrize(
    ("fail", "german"),
    [
        (_short, "EURUSD H1 lässt sich lernen, nötig sind"),
        (_none_speaks, "Keine eingeschaltete Strategie handelt GBPUSD D1"),
        (_does_not_speak, "Twin peaks handelt GBPUSD D1 nicht."),
        (_unknown, "Es gibt keine Strategie it's. Es gibt: Twin peaks"),
        (_no_candles, "Hier gibt es keine D1-Kerzen von GBPUSD."),
        (_not_known, "Hier gibt es keine D1-Kerzen von GBPUSD. Es gibt: EURUSD H1"),
        (_dear, "Eine Zahl von 0 bis 10.000 schreiben."),
        (_turned, "Der Zeitraum endet, bevor er beginnt."),
    ],
)
def test_what_is_raised_is_read_in_german(fail: Callable[[], object], german: str):
    with pytest.raises(TraderError) as caught:
        fail()
    assert german in people.error(words_for("de"), caught.value)


@pytest.mark.parametrize(
    ("sentence", "german"),
    [
        (
            "a backtest cannot play this yet: Twin: looks at M15 candles, which are no longer ones;"
            " Two: looks at M1 candles, which are no longer ones",
            "gleich lang sind: Twin, Two",
        ),
        (
            "Oak learnt from candles until 2017-05-01 07:00Z, and from 5 more what became of them:"
            " of these it knows the answers. Begin on 2017-05-01 13:00 or later (--from), or take a"
            " model that was trained earlier (--model)",
            "bis 1. Mai 2017 07:00 UTC gelernt",
        ),
        (
            "there are no candles of EURUSD in this period; they go from 2017-04-18 to 2017-06-30",
            "reichen von 18. Apr. 2017 bis 30. Juni 2017",
        ),
        ("this button names no strategy", "Dieser Knopf gehört zu einer älteren Version"),
        ("the disk is <full>", "the disk is <full>"),
    ],
)
def test_a_sentence_on_record_is_read_in_german(sentence: str, german: str):
    assert german in sentences.told(words_for("de"), sentence)


def test_a_day_is_the_same_in_every_zone():
    sentence = (
        "there are no candles of EURUSD in this period; they go from 2017-05-01 to 2017-05-02"
    )
    for zone in ("Pacific/Honolulu", "Pacific/Auckland"):
        assert "1 May 2017 to 2 May 2017" in sentences.told(Words("en", zone), sentence)
