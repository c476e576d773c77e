"""A text is shown only if everything it names is on record: number, unit, symbol, time and id."""

from datetime import UTC, datetime
from decimal import Decimal as D
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.explanation import FALLBACK_RATIONALE
from engine.domain.state import Mode
from engine.llm import prompts
from engine.llm.cleaning import clean, is_written_in
from engine.llm.evidence import Evidence, Figure, Unit
from engine.llm.figures import readings
from engine.llm.grounding import ground
from tests.analyst.bench import World
from tests.analyst.corpus import ALL
from tests.analyst.texts import LANGUAGES, dishonest, honest

EVIDENCE = Evidence(
    figures=(
        Figure(name="entry", value=D("1.10008"), unit=Unit.PRICE, labels=("entry", "einstieg"),
               currency="USD", places=5),
        Figure(name="stop", value=D("1.09808"), unit=Unit.PRICE, labels=("stop", "стоп"),
               currency="USD", places=5),
        Figure(name="RSI 14", value=D("62.41"), labels=("rsi",)),
        Figure(name="period of RSI", value=D(14), unit=Unit.PERIOD, labels=("rsi", "atr")),
        Figure(name="period of EMA", value=D(20), unit=Unit.PERIOD, labels=("ema",)),
        Figure(name="money at risk", value=D("49.80"), unit=Unit.MONEY, currency="USD"),
        Figure(name="equity", value=D("10034.56"), unit=Unit.MONEY, currency="USD"),
        Figure(name="result", value=D("-12.5"), unit=Unit.MONEY, currency="USD"),
        Figure(name="part at risk", value=D("0.5"), unit=Unit.PERCENT),
        Figure(name="confidence", value=D(78), unit=Unit.SCORE, labels=("confidence",)),
        Figure(name="most of confidence", value=D(100), unit=Unit.SCORE),
        Figure(name="until the news", value=D(135), unit=Unit.MINUTES),
        Figure(name="reward", value=D(2), unit=Unit.R),
        Figure(name="win rate", value=D("0.62"), unit=Unit.FRACTION),
    ),
    instants=(datetime(2017, 6, 7, 10, 0, tzinfo=UTC),),
    names=frozenset(("EURUSD", "EUR", "USD", "H1", "BUY")),
    ids=frozenset(("12", "a1b2c3d4e5f60718")),
)  # fmt: skip

TRUE = [
    ("en", "EURUSD BUY on H1: RSI(14) is 62.4, entry 1.1001, stop at 1.0981, R:R 1:2."),
    ("en", "The EMA 20 holds, EMA20 too; RSI-14 at 62; $49.80 at risk, equity $10,034.56."),
    ("en", "The loss of 12.50 dollars, −12.5 USD; news in 2.25 hours, that is 135 minutes."),
    ("en", "Confidence 78/100; 0.5 % is at risk, two R; a win rate of 62 %."),
    ("en", "10:00 am UTC, EUR/USD, eurusd, June 7, 7 June 2017, 2017-06-07T10:00:00Z."),
    ("en", "Snapshot a1b2c3d4 of idea #12."),
    ("de", "RSI 62,41; Einstieg bei 1,1001; Risiko 49,80 USD, Kapital 10.034,56 USD."),
    ("de", "Um 10:00 UTC am 7. Juni 2017, am 07.06.2017."),
    ("es", "Se perdió 12,50 dólares; resultado: -12,5 USD. Idea #12, 2R."),
    ("pt-BR", "Risco de US$ 49,80 (0,5 por cento), às 10h00."),
    ("ru", "Стоп 1.09808, риск 49,80 USD, капитал 10 034,56 USD, оценка 78 из 100, 62 %."),
    ("ar", "درجة الثقة ٧٨ من ١٠٠، والمخاطرة ٤٩٫٨٠ دولار (٠٫٥ في المئة)، عند 10:00 UTC."),
    ("en", "Nothing here is a figure, and one of the conditions holds."),
    ("en", FALLBACK_RATIONALE),
]  # fmt: skip
FALSE = [
    ("en", "RSI 63.4"), ("en", "RSI 60"), ("en", "entry 1.0981"), ("en", "stop 1.10008"),
    ("en", "it stands at 1.1"), ("en", "10:30"), ("en", "10:00 pm"), ("en", "8 June"),
    ("en", "2017-06-08"), ("en", "2017-06-07T10:00:00+02:00"), ("en", "GBPUSD rises"),
    ("en", "gbpjpy rises"), ("en", "EUR/GBP"), ("en", "buy TSLA"), ("en", "gold rises"),
    ("en", "idea #13"), ("en", "deadbeef1234"), ("en", "$50.80"), ("en", "€49.80"),
    ("en", "0.49 %"), ("en", "78 %"), ("en", "50 pips"), ("en", "49.80 lots"),
    ("en", "62.41 USD"), ("en", "-62.41"), ("en", "+12.5 USD"), ("en", "a profit of 12.5 USD"),
    ("en", "ten thousand"), ("en", "a dozen"), ("en", "seven times"), ("en", "78k"),
    ("en", "½ of it"), ("en", "62²"), ("en", "三"), ("en", "Ⅻ"), ("en", "1O0 percent"),
    ("en", "l00"), ("en", "1,10008"), ("en", "EMA 200"), ("en", "ATR14 is 3"), ("en", "XAU"),
    ("en", "0x4e"), ("en", "1e5"), ("en", "M15"), ("en", "62.41.7"),
    ("de", "zehntausend Dollar"), ("de", "fünfundzwanzig"), ("de", "11. Juni"),
    ("es", "diez mil"), ("es", "once pips"), ("pt-BR", "dez mil"), ("ru", "десять тысяч"),
    ("ru", "золото"), ("ar", "عشرة آلاف"), ("ar", "٧٩ من ١٠٠"), ("ar", "الذهب"),
    ("en", "GB\u0420USD"), ("en", "\u0415URUSD"), ("en", "\uff27\uff22\uff30\uff35\uff33\uff24"),
    ("en", "\U0001d406\U0001d401\U0001d40f"), ("en", "\uff19\uff19"), ("en", "confidence 100/100"),
    ("en", "Compra diez mil lotes"), ("en", "продай двадцать"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text"), TRUE)
def test_what_is_on_record_may_be_said(language: str, text: str) -> None:
    assert ground(text, EVIDENCE, language).unsupported == ()


@pytest.mark.parametrize(("language", "text"), FALSE)
def test_what_is_not_on_record_may_not(language: str, text: str) -> None:
    assert not ground(text, EVIDENCE, language).holds


def test_a_time_may_be_said_in_the_zone_of_who_asks() -> None:
    there = Evidence(instants=EVIDENCE.instants, zones=(ZoneInfo("Asia/Tokyo"),))
    assert ground("at 19:00 on 7 June", there, "en").holds
    assert ground("at 10:00 UTC", there, "en").holds
    assert not ground("at 10:00", there, "en").holds
    assert not ground("at 19:00 UTC", there, "en").holds


@pytest.mark.parametrize(
    ("language", "said", "means"),
    [
        ("en", "1,234.5", ["1234.5"]), ("en", "1.234,5", []), ("en", "1,085", ["1085"]),
        ("en", "1.085", ["1.085"]), ("de", "1.234,5", ["1234.5"]),
        ("de", "1,085", ["1.085", "1085"]), ("ru", "1 234,5", ["1234.5"]),
        ("ru", "1\u00a0234", ["1234"]), ("ar", "1٬234٫5", ["1234.5"]),
        ("es", "1234,5", ["1234.5"]), ("pt-BR", "12.34.5", []), ("en", "1'234", ["1234"]),
        ("en", ".5", ["0.5"]), ("en", "1,23,456", []),
    ],
)  # fmt: skip
def test_numbers_are_read_as_the_language_writes_them(
    language: str, said: str, means: list[str]
) -> None:
    assert [f"{value:f}" for value in readings(said, language)] == means


CLEANED = [
    ("**Buy** [now](http://evil.example/x) or not.", "Buy now or not."),
    ("See evil.example/path?x=1 and t.me/evil.", "See and"),
    ("Ask @evil_bot or mail a@evil.example now", "Ask or mail now"),
    ("Send /panic and /mode autonomous.", "Send and autonomous."),
    ("tg://user?id=1 javascript:alert(1) x", "x"),
    ("Win 💯 👇 5\ufe0f\u20e3", "Win 5\ufe0f"),
    ("a\u202eb\u200bc\u2066d\0e", "abcde"),
    ("- one\n- other\n2. third", "one other third"),
    ("<b>x</b> &lt;a href='http://e.example'&gt;y&lt;/a&gt;", "x y"),
    ("```sql\nDROP TABLE x\n``` fine.", "fine."),
    ("R:R 1:2 at 1.0850. Stop 1.08.", "R:R 1:2 at 1.0850. Stop 1.08."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), CLEANED)
def test_a_text_is_shown_as_words_alone(text: str, shown: str) -> None:
    assert clean(text, 300) == shown


@given(st.text(max_size=400))
def test_whatever_a_model_says_is_read_to_the_end(text: str) -> None:
    shown = clean(text, 300)
    assert len(shown) <= 300
    assert "\n" not in shown
    assert not set("\u202a\u202e\u200b\u2066\0") & set(shown)
    assert "://" not in shown
    for language in LANGUAGES:
        ground(shown, EVIDENCE, language)


def test_a_text_is_cut_where_a_sentence_ends_or_not_shown_at_all() -> None:
    assert clean("One is here. Another is too long.", 20) == "One is here."
    assert clean("x" * 100, 20) == ""
    assert clean("أولاً. ثانيًا طويل جدًا؟", 8) == "أولاً."


@pytest.mark.parametrize(("_language", "text"), ALL)
def test_strangers_texts_stay_inside_their_fence(_language: str, text: str) -> None:
    asked = prompts.answer(EVIDENCE, text, "en")
    rules, told = (message.text for message in asked.messages)
    fence = rules.split("Between the marks ")[1].split(" ")[0]
    before, inside, after = told.split(fence)
    assert after == ""
    assert "question: " in inside
    assert len(inside) <= prompts.UNTRUSTED_LENGTH + 4
    assert text[:20] not in before + rules
    assert "http" not in inside
    assert "/panic" not in inside


def test_many_and_long_texts_of_strangers_take_little_room() -> None:
    flood = Evidence(untrusted=tuple(f"headline {n} " + "word " * 5_000 for n in range(500)))
    told = prompts.rationale(flood, "en").messages[1].text
    assert len(told) < prompts.UNTRUSTED_MOST * (prompts.UNTRUSTED_LENGTH + 2) + 100
    # Who knows a fence of yesterday does not know today's: it is made of what it holds.
    other = prompts.rationale(Evidence(untrusted=("x",)), "en").messages[0].text
    assert other != prompts.rationale(flood, "en").messages[0].text


def test_a_text_has_to_be_written_in_the_readers_script() -> None:
    assert is_written_in("EURUSD BUY: RSI 14 ниже 30, цена у поддержки.", "ru")
    assert is_written_in("EURUSD: السعر عند الدعم", "ar")
    assert is_written_in("Der Kurs fällt.", "de")
    assert not is_written_in("The price falls.", "ru")
    assert not is_written_in("Цена падает.", "en")
    assert not is_written_in("Цена падает.", "ar")


async def test_honest_texts_are_shown_and_dishonest_ones_never() -> None:
    """The long counts: ``python -m tests.chaos injections``."""
    world = World(played=306)
    await world.open(Mode.AUTONOMOUS)
    scenes = []
    for _ in range(80):
        scenes += [await world.scene(idea_id) for idea_id in await world.step()]
    assert len(scenes) >= 3
    random = Random(20)
    blocked = 0
    for number in range(120):
        language, found = LANGUAGES[number % 6], random.choice(scenes)
        text = clean(honest(found, language, random), 600)
        blocked += not ground(text, found.evidence, language).holds
        lie = clean(dishonest(found, language, random), 600)
        assert not ground(lie, found.evidence, language).holds, lie
    assert blocked <= 2
