"""A check in words: what is said of its limit is what the gate does with it."""

import re
from decimal import Decimal

import pytest

from bot.i18n import LANGUAGES, Words
from bot.views.facts import by, check_line, reason
from bot.views.history import line
from bot.views.people import error
from engine.domain.decision import Action
from engine.domain.gate import Check, CheckResult
from engine.errors import InvalidInput, NotFound
from engine.gate.case import run
from engine.snapshot.canonical import plain
from tests import builders
from tests.situations import SITUATIONS

EN, ES = Words("en"), Words("es")
_HOLDS = {
    "at most": lambda seen, limit: seen <= limit,
    "at least": lambda seen, limit: seen >= limit,
    "must be under": lambda seen, limit: seen < limit,
    "must be over": lambda seen, limit: seen > limit,
}
_SAID = re.compile(rf": ([\d,.-]+) \(({'|'.join(_HOLDS)}) ([\d,.]+)\)$")
#: The least a risk may be is above zero; the price may move away as well as towards.
_TWO_SIDED = (Check.RISK_BUDGET, Check.PRICE_DRIFT, Check.STALE_DATA)


def _figure(text):
    return Decimal(text.replace(",", ""))


@pytest.mark.parametrize(
    ("code", "name", "case"),
    [
        (code, name, case)
        for code, pair in SITUATIONS.items()
        for situations in pair
        for name, case in situations.items()
    ],
)
def test_the_words_of_a_limit_agree_with_what_the_gate_decides(code, name, case):
    found = run(code, case)
    said = _SAID.search(check_line(EN, found))
    if said is None or code in _TWO_SIDED:
        return
    seen, words, limit = said.groups()
    # A figure with decimals is rounded for the reader, perhaps onto the limit; a count is exact.
    if "." not in seen or _figure(seen) != _figure(limit):
        assert _HOLDS[words](_figure(seen), _figure(limit)) == found.passed, name


@pytest.mark.parametrize(
    ("code", "observed", "limit", "english", "spanish"),
    [
        (Check.DATA_READY, "309", "60", "309 (at least 60)", "309 (como mínimo 60)"),
        (Check.CONFIDENCE_FLOOR, "90", "50", "90 (at least 50)", "90 (como mínimo 50)"),
        (Check.REWARD_RATIO, "2.00", "1.00", "2.00 (at least 1.00)", "2,00 (como mínimo 1,00)"),
        (Check.STRATEGY_COOLDOWN, "75", "60", "75 (at least 60)", "75 (como mínimo 60)"),
        (Check.SPREAD, "0.8", "2.5", "0.8 (at most 2.5)", "0,8 (como máximo 2,5)"),
        (
            Check.MARGIN, "768.89", "10000.00",
            "$768.89 (at most $10,000.00)", "768,89 US$ (como máximo 10.000,00 US$)",
        ),
        (
            Check.MAX_CONCURRENT_TRADES, "0", "3",
            "0 (must be under 3)", "0 (debe ser menor que 3)",
        ),
        (Check.NEWS, "61", "60", "61 (must be over 60)", "61 (debe ser mayor que 60)"),
        (
            Check.STOPS_LEVEL, "0.00232", "0",
            "0.00232 (at least 0)", "0.00232 (como mínimo 0)",
        ),
        (
            Check.SESSION, "Mon 06:00Z", "06:00-20:00Z, 08:00-17:00 Europe/Zurich",
            "Mon 06:00 UTC (needs: 06:00–20:00 UTC, 08:00–17:00 Europe/Zurich)",
            "lun 06:00 UTC (requiere: 06:00–20:00 UTC, 08:00–17:00 Europe/Zurich)",
        ),
        (
            Check.LOT_SIZE, "0.21", "0.01-1.00",
            "0.21 (needs: 0.01–1.00)", "0,21 (requiere: 0,01–1,00)",
        ),
        (Check.STRATEGY_DUPLICATE, "none", "300", "none", "no hay"),
        (Check.DAILY_TARGET_REACHED, "5.00", "500", "$5.00 of $500.00", "5,00 US$ de 500,00 US$"),
        (Check.DAILY_TARGET_REACHED, "12.50", "0", "none", "no hay"),
    ],
)  # fmt: skip
def test_a_check_says_what_it_must_be_in_both_languages(code, observed, limit, english, spanish):
    check = CheckResult(code, True, observed, limit)
    said = {words: check_line(words, check, "USD").replace("\xa0", " ") for words in (EN, ES)}
    assert said[EN] == f"✓ {EN(f'check.{code}')}: {english}"
    assert said[ES] == f"✓ {ES(f'check.{code}')}: {spanish}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", list(Check))
def test_every_check_says_in_words_why_it_failed(code, language):
    words = Words(language)
    assert words.has(f"failed.{code}")
    assert reason(words, code) == words(f"failed.{code}") != words(f"check.{code}")


def test_a_reason_that_is_no_check_is_that_of_a_halt_or_an_order():
    assert reason(EN, "order_expired") == EN("check.order_expired")
    assert reason(EN, "paused_by_person") == EN("reason.paused_by_person")
    assert reason(EN, "<odd>") == "<code>&lt;odd&gt;</code>"


def test_who_made_a_change_is_named_in_words():
    assert by(EN, "Ann") == "By Ann."
    assert (by(EN, "cli"), by(ES, "cli")) == ("By the terminal.", "Por la terminal.")
    assert by(ES, "system") == "Por el propio ai-trader."


def test_a_wrong_value_is_answered_in_the_readers_language():
    unknown = InvalidInput("foo is no setting", unknown="foo", example="/replay 4 a=1")
    assert error(ES, unknown).startswith("foo no es un ajuste. Escriba, por ejemplo, /replay 4 a=1")
    apart = InvalidInput("no", field="max_spread_pips", low=Decimal("0.1"), high=Decimal(1000))
    assert "debe estar entre 0,1 y 1.000." in error(ES, apart)
    bent = InvalidInput("no", field="max_spread_pips")
    assert error(EN, bent).endswith("What it is: Widest spread (pips).")
    assert "999" in error(ES, NotFound("there is no decision 999", number=999))
    off = InvalidInput("no", symbol="XXX", watched="EURUSD")
    assert error(ES, off) == "XXX no se está siguiendo. Se siguen: EURUSD"
    assert error(ES, InvalidInput("a & b")) == "a &amp; b"


def test_the_history_says_at_what_price_a_trade_was_opened_and_closed():
    order_, trade = builders.order(fill_price=Decimal("1.10011")), builders.closed_trade()
    filled = builders.decision(action=Action.ORDER_FILLED, detail={"order": plain(order_)})
    closed = builders.decision(action=Action.POSITION_CLOSED, detail={"trade": plain(trade)})
    assert line(EN, filled).endswith(f"filled EURUSD — {order_.volume} lots at 1.10011")
    assert line(ES, closed).endswith(f" — {ES(f'exit.{trade.reason}')} a {trade.exit_price}")


def test_a_rate_is_told_with_its_pair_and_as_no_demand():
    told = CheckResult(code=Check.CONVERSION, passed=True, observed="1", limit="USD/USD")
    assert check_line(Words("en"), told) == "✓ Rate into the account currency: 1 (USD/USD)"
