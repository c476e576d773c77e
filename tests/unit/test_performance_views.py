"""What scores and answers were worth, as people read it: none, one, many, on a narrow screen."""

import re
from dataclasses import replace
from decimal import Decimal
from html import unescape

import pytest

from bot.i18n import LANGUAGES, Words
from bot.screen import CAPTION_LIMIT, TEXT_LIMIT
from bot.views import card as card_views
from bot.views import performance as views
from bot.views.facts import in_r
from engine.domain.approval import Ending
from engine.domain.idea import IdeaStatus
from engine.domain.outcome import Outcome, Progress, Result, Tally
from engine.domain.person import Person, Role
from engine.scoring.calibration import Calibration, calibrate
from engine.scoring.mirror import Answers, Mirror
from tests import builders
from tests.builders import NOW

D = Decimal
#: Marks of direction take no room.
MARKS = dict.fromkeys(range(0x2066, 0x206A))
EN, ES = Words("en"), Words("es")
ANN = Person(id=1, name="Ann <b>", role=Role.TRADER, chat_id=1)
NONE = Answers(ideas=0, ended=0, won=0, total_r=D(0))


def text_of(words: Words, seen: Calibration, of: str | None = None) -> str:
    return views.calibration(words, seen, of=of, is_live=False).text or ""


def tally(result: Result | None, ideas: int = 1, **values: object) -> Tally:
    total = {Result.TARGET: 2, Result.STOP: -1}.get(result, 0) * ideas if result else 0
    fields = {"bucket": 7, "strategy": "EMA trend", "symbol": "EURUSD", "total_r": D(total)}
    return Tally(result=result, ideas=ideas, **(fields | values))  # type: ignore[arg-type]


def many() -> Calibration:
    """Every score, twenty symbols, and strategies with long and hostile names."""
    names = ("EMA trend", "Pullback buy", "A strategy whose name is longer than the screen", "<i>&")
    return calibrate(
        [
            tally(result, 123 + n, bucket=n % 10, symbol=f"SYM{n}USD", strategy=names[n % 4])
            for n in range(20)
            for result in (Result.TARGET, Result.STOP, Result.TIMED_OUT)
        ]
        + [tally(None, 4000)]
    )


def rows_of(text: str) -> list[str]:
    tables = re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)
    return [unescape(row) for table in tables for row in table.split("\n")]


def test_no_idea_says_what_will_come_and_shows_no_table() -> None:
    text = text_of(EN, calibrate([]))
    assert "No idea like that has ended" in text
    assert "<pre>" not in text
    assert "1 idea is still open" in text_of(EN, calibrate([tally(None)]))


def test_one_idea_is_shown_with_how_little_it_says() -> None:
    text = text_of(EN, calibrate([tally(Result.TARGET)]))
    assert "1 idea, traded or not, has ended: 1 at the target, 0 at the stop" in text
    assert rows_of(text) == [
        "Score      n hit %   95 %      R",
        "70–79      1   100 21–100  +2.00",
    ]


def test_spanish_has_its_own_words_and_numbers() -> None:
    text = text_of(ES, calibrate([tally(Result.TARGET, 3), tally(Result.STOP, 5)]))
    assert "Han terminado 8 ideas, operadas o no: 3 en el objetivo, 5 en el stop" in text
    assert rows_of(text) == [
        "Puntos     n % obj   95 %      R",
        "70–79      8    38  14–69  +0,12",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_of_many_fit_a_phone_and_a_message(language: str) -> None:
    words = Words(language)
    text = text_of(words, many(), "x" * 300)
    assert len(text) <= TEXT_LIMIT
    rows = rows_of(text)
    assert len(rows) > 30
    assert max(len(row.translate(MARKS)) for row in rows) <= 34
    answers = Answers(ideas=9999, ended=9998, won=1234, total_r=D("-1234.5678"))
    seen = Mirror(approved=answers, rejected=answers, expired=answers, blocked=answers)
    text = views.mirror(words, ANN, seen, is_live=False).text or ""
    assert len(text) <= TEXT_LIMIT
    assert [len(row.translate(MARKS)) for row in rows_of(text)] == [34] * 5


def test_long_name_has_its_own_line_and_is_no_html() -> None:
    text = text_of(EN, many())
    assert "A strategy whose name is longer\n" in text
    assert "&lt;i&gt;&amp;" in text


def test_part_that_would_repeat_the_whole_is_left_out() -> None:
    two = [tally(Result.TARGET), tally(Result.STOP, symbol="XAUUSD")]
    text = text_of(EN, calibrate(two))
    assert "Symbol " in text
    assert "Strategy" not in text


def test_mirror_of_nobody_and_of_many_answers() -> None:
    empty = Mirror(approved=NONE, rejected=NONE, expired=NONE, blocked=NONE)
    text = views.mirror(EN, ANN, empty, is_live=False).text or ""
    assert "Nothing to compare yet" in text
    assert "Ann &lt;b&gt;" in text
    seen = replace(
        empty,
        approved=Answers(ideas=1, ended=0, won=0, total_r=D(0)),
        rejected=Answers(ideas=3, ended=3, won=1, total_r=D("-0.5")),
        expired=Answers(ideas=2, ended=1, won=1, total_r=D(2)),
    )
    text = views.mirror(EN, ANN, seen, is_live=False).text or ""
    assert rows_of(text) == [
        "              n done  won        R",
        "Approved      1    0    –        –",
        "Rejected      3    3    1    −0.50",
        "Expired       2    1    1    +2.00",
    ]
    assert "What you rejected would have lost 0.5 R: you avoided it." in text
    assert "What nobody answered would have made 2.0 R." in text
    assert "Lo que rechazó habría perdido 0,5 R" in (
        views.mirror(ES, ANN, seen, is_live=False).text or ""
    )


@pytest.mark.parametrize(
    ("r", "places", "text"),
    [("2", 1, "+2.0"), ("-1.5", 2, "−1.50"), ("-0.04", 1, "0.0"), ("0", 2, "0.00")],
)
def test_result_has_its_sign_unless_it_rounds_to_nothing(r: str, places: int, text: str) -> None:
    assert in_r(EN, D(r), places) == text


def ended(result: Result, r: str | None) -> Outcome:
    return Outcome(
        result=result, r=None if r is None else D(r), at=NOW, candles=3,
        favourable=D(0), adverse=D(0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("after", "english", "spanish"),
    [
        (
            ended(Result.TARGET, "2"),
            "🔭 Without you: reached its target, +2.0 R",
            "🔭 Sin usted: alcanzó su objetivo, +2,0 R",
        ),
        (
            ended(Result.STOP, "-1.2"),
            "🔭 Without you: hit its stop, −1.2 R",
            "🔭 Sin usted: tocó su stop, −1,2 R",
        ),
        (
            ended(Result.TIMED_OUT, "0.3"),
            "🔭 Without you: neither stop nor target in time, +0.3 R at the end",
            "🔭 Sin usted: ni stop ni objetivo a tiempo, +0,3 R al final",
        ),
        (
            ended(Result.UNKNOWN, None),
            "🔭 Without you: what the market did is not known",
            "🔭 Sin usted: no se sabe qué hizo el mercado",
        ),
        (
            builders.progress(candles=2, favourable=D("0.8"), adverse=D("-0.3")),
            "🔭 Without you: still open; +0.8 R at best, −0.3 R at worst so far",
            "🔭 Sin usted: sigue abierta; hasta ahora, máximo +0,8 R y mínimo −0,3 R",
        ),
    ],
)
def test_card_of_an_untraded_idea_tells_what_happened_without_it(
    after: Outcome | Progress, english: str, spanish: str
) -> None:
    for words, line in ((EN, english), (ES, spanish)):
        for status, ending in (
            (IdeaStatus.REJECTED, Ending.REJECTED),
            (IdeaStatus.EXPIRED, Ending.EXPIRED),
        ):
            made = builders.story(
                idea=builders.idea(status=status),
                approval=builders.answered(ending),
                afterwards=after,
            )
            text = card_views.card(words, made, is_live=False, role=Role.ADMIN).text or ""
            assert text.endswith(f"\n{line}")
            assert len(text) <= CAPTION_LIMIT


def test_idea_a_check_refused_blames_nobody() -> None:
    for approval in (None, builders.answered(Ending.GATE_CLOSED)):
        made = builders.story(
            idea=builders.idea(status=IdeaStatus.REJECTED),
            approval=approval,
            afterwards=ended(Result.STOP, "-1"),
        )
        text = card_views.card(EN, made, is_live=False, role=Role.ADMIN).text or ""
        assert text.endswith("🔭 Not traded: hit its stop, −1.0 R")


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (IdeaStatus.APPROVED, ended(Result.TARGET, "2")),
        (IdeaStatus.REJECTED, builders.progress()),
        (IdeaStatus.REJECTED, None),
    ],
)
def test_card_says_nothing_of_a_market_that_does_not_matter_yet_or_any_more(
    status: IdeaStatus, after: Outcome | Progress | None
) -> None:
    made = builders.story(
        idea=builders.idea(status=status),
        approval=builders.answered(Ending.REJECTED),
        afterwards=after,
    )
    assert "🔭" not in (card_views.card(EN, made, is_live=False, role=Role.ADMIN).text or "")
