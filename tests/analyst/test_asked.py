"""What a sentence about the record may say: one row's figures, each beside its own word."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.domain.analyst import ToolCall
from engine.domain.ask import Asked, Evidence, Intent
from engine.errors import InvalidInput
from engine.flow.ask.tools import TOOLS, asked_by
from engine.llm.asked import scopes_of, unsupported
from engine.llm.sentences import Sentences
from tests.builders import NOW

PEOPLE = ("Ann", "Luis", "Eve")
RESULT = Evidence(
    asked=Asked(intent=Intent.RESULT, period="d30", symbol="EURUSD"),
    figures={
        "trades": 12, "wins": 5, "losses": 7, "profit": Decimal("-35.20"),
        "best": Decimal("40.10"), "worst": Decimal("-20.50"), "win_rate": Decimal("41.6667"),
    },
    since=NOW - timedelta(days=30), until=NOW, currency="USD", records=(812,),
)  # fmt: skip
WHO = Evidence(
    asked=Asked(intent=Intent.WHO, period="d30"),
    figures={"answers": 8},
    rows=(
        {"action": "human_approved", "by": "Ann", "records": 5, "last": 70},
        {"action": "human_rejected", "by": "Luis", "records": 3, "last": 75},
    ),
)
HALTS = Evidence(
    asked=Asked(intent=Intent.HALTS, period="d30"), figures={"halted": 0, "resumed": 0}
)
TRUE = (
    ("en", "Over 12 trades of EURUSD the result was −35.20 USD, a loss."),
    ("en", "There were 12 trades, 5 wins and 7 losses."),
    ("en", "The win rate was 41.7 % over the last 30 days."),
    ("en", "The worst one lost 20.50 USD, see #812."),
    ("de", "Von 12 Trades in EURUSD gingen 7 mit Verlust aus."),
    ("ru", "По EURUSD было 12 сделок, из них 7 убыточных."),
    ("en", "Ann approved 5 ideas and Luis rejected 3."),
    ("es", "Ann aprobó 5 ideas."),
    ("en", "Trading was halted 0 times."),
)
FALSE = (
    ("en", "There were 7 trades and 12 losses.", "7"),
    ("en", "There were 12 wins.", "12"),
    ("en", "The profit was 40.10 USD.", "40.10"),
    ("en", "The profit was 35.20 USD.", "35.20"),
    ("en", "GBPUSD made 12 trades.", "GBPUSD"),
    ("en", "Luis approved 5 ideas.", "approved"),
    ("en", "Ann approved 3 ideas.", "3"),
    ("en", "Ann rejected 5 ideas.", "rejected"),
    ("en", "Mallory approved 5 ideas.", "approved"),
    ("en", "Everything went well.", "Everything went well."),
    ("en", "You should trade EURUSD again.", "should"),
    ("en", "EURUSD was not traded.", "not"),
    ("en", "It is false that Ann approved 5 ideas.", "false"),
    ("es", "Luis aprobó 5 ideas.", "aprobó"),
    ("de", "Von 12 Trades gingen 5 mit Verlust aus.", "5"),
    ("ru", "Было 7 сделок по EURUSD.", "7"),
    ("en", "See #999 for EURUSD.", "#999"),
    ("en", "EURUSD was bought at 23:59 UTC.", "bought"),
    ("en", "Trading was resumed.", "Trading was resumed."),
)


@pytest.mark.parametrize(("language", "text"), TRUE)
def test_what_one_row_bears_out_may_be_said(language: str, text: str) -> None:
    scopes = [scope for found in (RESULT, WHO, HALTS) for scope in scopes_of(found)]
    assert unsupported(text, scopes, PEOPLE, language) == ()


@pytest.mark.parametrize(("language", "text", "wrong"), FALSE)
def test_what_no_row_bears_out_may_not(language: str, text: str, wrong: str) -> None:
    scopes = [scope for found in (RESULT, WHO, HALTS) for scope in scopes_of(found)]
    assert wrong in unsupported(text, scopes, PEOPLE, language)


def test_nothing_may_be_said_of_nothing() -> None:
    assert unsupported("The result was 12 USD.", (), PEOPLE, "en") != ()


def test_sentences_end_where_they_end_however_they_come() -> None:
    text = "RSI is 62.41 now. Ann said yes! Am 14. Januar war es so. Ende"
    for step in (1, 3, 7, len(text)):
        sentences, found = Sentences("de"), []
        for start in range(0, len(text), step):
            found += sentences.add(text[start : start + step])
        assert found == ["RSI is 62.41 now.", "Ann said yes!", "Am 14. Januar war es so."]
        assert sentences.end() == ["Ende"]
    endless = Sentences()
    assert len(endless.add("word " * 300)) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("place_order", "{}"), ("", "{}"), ("why", "[]"), ("why", "{"), ("why", '{"idea": true}'),
        ("why", '{"idea": -1}'), ("why", '{"idea": 1e9}'), ("why", '{"idea": 1, "idea": 2}'),
        ("why", '{"sql": "DROP TABLE"}'), ("why", "x" * 9_000), ("why", '{"symbol": "\ud800"}'),
        ("best", "{}"), ("best", '{"what": "best", "by": "moon"}'),
        ("threshold", '{"number": NaN}'),
        ("result", '{"symbol": ["EURUSD"]}'), ("help", "{}"),
    ],
)  # fmt: skip
def test_a_call_that_was_not_offered_is_an_error_and_no_exception(
    name: str, arguments: str
) -> None:
    with pytest.raises(InvalidInput):
        asked_by(ToolCall(id="c", name=name, arguments=arguments))


def test_every_function_is_a_look_up_with_a_closed_schema() -> None:
    assert len(TOOLS) == len(Intent) - 1
    assert all(tool.schema["additionalProperties"] is False for tool in TOOLS)
    asked = asked_by(ToolCall(id="c", name="result", arguments='{"period": "d30"}'))
    assert asked == Asked(intent=Intent.RESULT, period="d30")
