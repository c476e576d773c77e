"""Risk settings that are right alone and wrong together, and what they say about it."""

import traceback
from dataclasses import fields

import pytest

from bot.i18n import LANGUAGES, Words
from bot.settings import read_settings
from bot.views import settings as views
from engine.domain.settings import RANGES, RiskSettings, differences, must_agree, with_changes
from engine.errors import InvalidInput


def test_the_defaults_agree():
    must_agree(RiskSettings())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"confidence_floor": "91"}, "confidence_floor (91) must not be above"),
        ({"risk_per_trade_percent": "4"}, "risk_per_trade_percent (4) must not be above"),
        ({"min_candles": "100", "strategy_max_candles": "99"}, "min_candles (100) must not be"),
        ({"watchlist": ""}, "watchlist must name 1 to 100 symbols"),
        ({"watchlist": ",".join(f"S{n:03}" for n in range(101))}, "it names 101"),
        ({"watchlist": "EURUSD,eurusd"}, "names a symbol twice"),
        ({"watchlist": "EUR/USD"}, "'EUR/USD' is no symbol"),
        ({"watchlist": "E"}, "'E' is no symbol"),
        ({"watchlist": "A" * 25}, "is no symbol"),
    ],
)
def test_values_that_make_no_sense_together_are_refused_with_what_to_do(changes, words):
    with pytest.raises(InvalidInput) as caught:
        must_agree(with_changes(RiskSettings(), changes))
    assert words in str(caught.value)
    assert caught.value.details["field"] in changes


@pytest.mark.parametrize(
    "changes",
    [
        {"confidence_floor": "90"},
        {"risk_per_trade_percent": "3"},
        {"min_candles": "50", "strategy_max_candles": "50"},
        {"watchlist": "EURUSD,XAUUSD.r,BTC-USD,US500"},
    ],
)
def test_values_at_the_edge_agree(changes):
    must_agree(with_changes(RiskSettings(), changes))


def test_only_what_differs_is_named_in_the_order_of_the_settings():
    after = with_changes(RiskSettings(), {"watchlist": "XAUUSD", "max_lot_size": "1.0"})
    assert differences(RiskSettings(), after) == ("watchlist",)
    assert differences(after, after) == ()


def test_every_number_has_a_range():
    numbers = {
        field.name for field in fields(RiskSettings) if not isinstance(field.default, (bool, tuple))
    }
    assert set(RANGES) == numbers


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [field.name for field in fields(RiskSettings)])
def test_every_setting_is_shown_in_words(language, name):
    words = Words(language)
    value = getattr(RiskSettings(), name)
    line = views.change_line(words, name, views.shown(words, value), views.shown(words, value))
    assert name not in line
    assert ("←" if language == "ar" else "→") in line


def test_a_value_that_does_not_fit_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PORT", "a-token-in-the-wrong-place")
    with pytest.raises(InvalidInput, match="API_PORT") as found:
        read_settings()
    assert "a-token" not in "".join(traceback.format_exception(found.value))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATABASE_URL", "nonsense", "must begin with postgres://"),
        ("DATABASE_URL", "mysql://a:hidden@b/c", "must begin with postgres://"),
        ("DATABASE_OWNER_URL", "", "must begin with postgres://"),
        ("DATABASE_URL", "postgres://a:hid#den@b:5432/c", "percent-encoded"),
        ("DATABASE_URL", "postgres://a:hidden@b:port/c", "its port is no number"),
        ("REDIS_URL", "localhost:6379", "must begin with redis://"),
        ("REDIS_URL", "redis://:hidden@b:six/0", "its port is no number"),
    ],
)
def test_an_address_that_cannot_be_one_is_named_without_its_words(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput) as found:
        read_settings()
    assert str(found.value).startswith(f"settings are wrong: {name}: ")
    assert told in str(found.value)
    assert "hid" not in str(found.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://a:b%23c@h:5432/d?sslmode=require"),
        ("DATABASE_URL", "postgres:///d?host=/var/run/postgresql"),
        ("DATABASE_URL", "postgres://a:b@h1:1,h2:2/d"),
        ("DATABASE_URL", "postgres://a:b@[::1]:5432/d"),
        ("REDIS_URL", "unix:///run/redis.sock?db=1"),
        ("REDIS_URL", "rediss://:b@h:6380/0"),
    ],
)
def test_an_address_that_can_be_one_is_taken(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(read_settings(), name.lower()) == value
