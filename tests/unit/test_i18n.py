"""Words: every language has every key, with the same places for the same values."""

import ast
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from re import findall, search, sub
from string import Formatter
from typing import Any

import pytest
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import bot
from bot.commands import COMMANDS, Family
from bot.i18n import LANGUAGES, Html, Words, words_for
from engine.domain.account import Direction
from engine.domain.approval import Ending
from engine.domain.decision import Action
from engine.domain.gate import Check, Verdict
from engine.domain.idea import IdeaStatus
from engine.domain.order import OrderState
from engine.domain.person import Role
from engine.domain.position_orders import Rule
from engine.domain.settings import RiskSettings
from engine.domain.state import HaltReason, Mode, TradingState
from engine.errors import TraderError
from engine.strategies.rules import RULES

EN, ES = Words("en"), Words("es")
BOT = Path(bot.__file__).parent


@cache
def messages(language):
    """Key -> its texts, as the catalogue file has them."""
    found = {}
    for path in sorted(folder(language).iterdir()):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language.replace("-", "_"))
        for message in catalogue:
            if message.id:
                assert one(message.id) not in found, f"{path.name} repeats {one(message.id)}"
                found[one(message.id)] = forms(message.string)
    return found


def folder(language):
    return files("locales") / language.replace("-", "_") / "LC_MESSAGES"


def one(id_):
    return id_ if isinstance(id_, str) else id_[0]


def forms(string):
    return (string,) if isinstance(string, str) else tuple(string)


def places(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


KEYS = sorted(messages("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys(language):
    assert set(messages(language)) == set(KEYS)
    assert len(KEYS) > 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language):
    empty = [key for key in KEYS for text in messages(language)[key] if not text.strip()]
    assert empty == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_puts_in_the_same_values(language):
    for key in KEYS:
        wanted = [places(text) for text in messages("en")[key]]
        found = [places(text) for text in messages(language)[key]]
        assert (len(found) > 1) == (len(wanted) > 1), key
        assert set().union(*found) == set().union(*wanted), key
        assert found[-1] == wanted[-1], key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_html_that_closes_its_tags(language):
    for key in KEYS:
        for text in messages(language)[key]:
            tags = findall(r"<(/?)(\w+)>", text)
            open_: list[str] = []
            for closing, tag in tags:
                if closing:
                    assert open_.pop() == tag, key
                else:
                    open_.append(tag)
            assert open_ == [], key
            assert "<" not in sub(r"</?(b|i|code)>", "", text), key


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_language_is_english(language):
    alike = [key for key in KEYS if messages("en")[key] == messages(language)[key]]
    assert len(alike) < len(KEYS) // 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_subject_has_its_own_file_in_every_language(language):
    assert {path.name for path in folder(language).iterdir()} == {
        path.name for path in folder("en").iterdir()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plural_has_the_forms_its_language_needs(language):
    for path in folder(language).iterdir():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language.replace("-", "_"))
        assert catalogue.num_plurals == get_plural(language.replace("-", "_")).num_plurals
        for message in catalogue:
            if message.id and not isinstance(message.id, str):
                assert len(message.string) == catalogue.num_plurals, message.id


# ---- the code --------------------------------------------------------------------------------


def sources():
    return [
        path
        for path in sorted(BOT.rglob("*.py"))
        if "sandbox" not in path.relative_to(BOT).parts
    ]  # fmt: skip


def literals(node):
    """The texts an expression can be; an f-string is told by a star where it is filled."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(p.value if isinstance(p, ast.Constant) else "*" for p in node.values)]
    return []


def is_words(call):
    function = call.func
    if isinstance(function, ast.Call):
        return isinstance(function.func, ast.Name) and function.func.id == "words_for"
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name == "words"


@cache
def used():
    """(key or pattern, where) of every call for words in the bot."""
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and is_words(node):
                found += [(key, f"{path.name}:{node.lineno}") for key in literals(node.args[0])]
    return found


def test_every_key_the_code_names_has_words():
    exact = [(key, where) for key, where in used() if "*" not in key]
    assert len(exact) > 80
    assert [(key, where) for key, where in exact if key not in KEYS] == []


def test_every_family_the_code_names_has_words():
    families = [(key, where) for key, where in used() if "*" in key]
    assert families
    for pattern, where in families:
        head = pattern.split("*")[0]
        assert head, where
        assert [key for key in KEYS if key.startswith(head)], (pattern, where)


def every(prefix, codes):
    return [pytest.param(f"{prefix}.{code}", id=f"{prefix}.{code}") for code in codes]


def errors(kind=TraderError):
    return {kind.key}.union(*(errors(child) for child in kind.__subclasses__()))


@pytest.mark.parametrize(
    "key",
    [
        *every("direction", Direction),
        *every("state", TradingState),
        *every("control", TradingState),
        *every("mode", Mode),
        *every("mode", [f"means_{mode}" for mode in Mode]),
        *every("reason", HaltReason),
        *every("check", Check),
        *every("asks", ["mode", "watchlist", "confidence_threshold", "nobody"]),
        *every("verdict", Verdict),
        *every("idea_status", IdeaStatus),
        *every("stamp", Ending),
        *every("stamp", [f"order_{state}" for state in OrderState]),
        *every("toast", [ending for ending in Ending if ending is not Ending.PENDING]),
        *every("action", Action),
        *every("role", Role),
        *every("command", [command.name for command in COMMANDS]),
        *every("help", Family),
        *every("condition", sorted(RULES)),
        *every("short", sorted(RULES)),
        *every("setting", [field.name for field in fields(RiskSettings)]),
        *every("part", ["broker", "feed", "worker"]),
        *every("exit", ["stop_loss", "take_profit", "time_limit", "stop_out", "manual"]),
        *every("exit", ["partial_target"]),
        *every("actor", Rule),
        *sorted(errors()),
    ],
)
def test_every_code_a_person_can_meet_has_words(key):
    assert key in KEYS


def strings_of(tree):
    """Texts of a module that are not docstrings."""
    skipped = {
        id(body[0].value)
        for body in (getattr(node, "body", None) for node in ast.walk(tree))
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in skipped
    ]


@pytest.mark.parametrize("path", sorted((BOT / "views").glob("*.py")), ids=lambda path: path.stem)
def test_a_view_has_no_words_of_its_own(path):
    for text in strings_of(ast.parse(path.read_text("utf-8"))):
        spoken = search(r"[A-Z][a-z]{2,}|[a-z]{2,} [a-z]{2,}", sub(r"<[^>]+>", "", text))
        assert spoken is None, text


# ---- using words -----------------------------------------------------------------------------


def test_a_value_is_escaped_and_words_are_not():
    spoken = EN("card.strategy", name="<b>Tom & Jerry</b>")
    assert spoken == "Strategy: &lt;b&gt;Tom &amp; Jerry&lt;/b&gt;"
    assert isinstance(spoken, Html)
    assert EN("state.badge", state=Html("<i>x</i>"), mode="y") == "<b><i>x</i></b> · y"


@given(st.text())
def test_no_text_of_a_person_becomes_html_or_a_place_for_values(name):
    spoken = EN("control.by", name=name)
    inside = spoken.removeprefix("By ").removesuffix(".")
    assert "<" not in inside
    assert ">" not in inside
    assert inside.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == name


def test_braces_in_a_value_stay_braces():
    assert EN("control.by", name="{0} {name}") == "By {0} {name}."


def test_a_key_nobody_has_is_a_defect():
    with pytest.raises(KeyError, match=r"no\.such"):
        ES("no.such")
    assert not ES.has("no.such")
    assert ES.has("card.title")


#: Counts that CLDR tells apart in each language, from its plural rules.
FORMS = {
    "en": (1, 2), "es": (1, 2), "pt-BR": (1, 2), "de": (1, 2),
    "ru": (1, 2, 5), "ar": (0, 1, 2, 3, 11, 100),
}  # fmt: skip


@pytest.mark.parametrize("key", [key for key in KEYS if len(messages("en")[key]) > 1])
@pytest.mark.parametrize("language", LANGUAGES)
def test_one_and_many_are_told_apart(key, language):
    texts = messages(language)[key]
    fill = dict.fromkeys(set().union(*(places(text) for text in texts)), Html("x"))
    said = [Words(language)(key, **(fill | {"count": count})) for count in FORMS[language]]
    assert [letters(text) for text in said] == [
        letters(text.format_map(fill | {"count": count}))
        for text, count in zip(texts, FORMS[language], strict=True)
    ]


def letters(text):
    """A text without marks of direction."""
    return sub("[\u200f\u2066\u2068\u2069]", "", text)


def test_arabic_keeps_figures_and_commands_in_their_own_direction():
    ar = Words("ar")
    assert ar.money(Decimal("-39.10"), "USD") == "\u2066−39.10\xa0US$\u2069"
    assert "\u2066/status\u2069" in ar("help.line", command=Html("status"), text="x")
    assert ar("saw.strength", rsi="1", adx="2").startswith("\u200f\u2066")
    assert "\u2068EURUSD\u2069" in ar("control.paused_symbols", symbols="EURUSD")


@pytest.mark.parametrize(
    ("key", "values", "copied"),
    [
        ("web.code", {"code": "a-b_1", "time": "12:00"}, ["a-b_1"]),
        ("doctor.fix.not_listed", {"symbol": "BTCUSDT"},
         ["ai-trader settings set watchlist=BTCUSDT"]),
        ("doctor.fix.webhook_given_up", {"id": 3},
         ["ai-trader webhook test 3", "ai-trader webhook on 3"]),
        ("positions.more", {"price": Words("ar").price(Decimal("1.10")), "age": "1"}, ["1.10"]),
    ],
)  # fmt: skip
def test_what_a_tap_copies_has_no_marks_that_nobody_sees(
    key: str, values: dict[str, Any], copied: list[str]
) -> None:
    assert findall("<code>(.*?)</code>", Words("ar")(key, **values)) == copied


def test_russian_counts_by_the_last_digit():
    ru = Words("ru")
    one_, few, many = (ru("status.waiting", count=count) for count in (21, 24, 25))
    assert one_.replace("21", "#") == ru("status.waiting", count=1).replace("1", "#")
    assert (
        len({text.translate({ord(d): None for d in "0123456789"}) for text in (one_, few, many)})
        == 3
    )


def test_there_are_texts_with_plurals():
    assert EN("status.waiting", count=1) == "1 idea waits for you: /ideas"
    assert EN("status.waiting", count=2) == "2 ideas wait for you: /ideas"


@pytest.mark.parametrize(
    ("value", "places_", "english", "spanish"),
    [
        ("0", None, "0", "0"),
        ("0.50", None, "0.50", "0,50"),
        ("12345.678", None, "12,345.678", "12.345,678"),
        ("-12345.60", None, "−12,345.60", "−12.345,60"),
        ("1E+4", None, "10,000", "10.000"),
        ("0.125", 2, "0.12", "0,12"),
        ("0.135", 2, "0.14", "0,14"),
        ("7", 1, "7.0", "7,0"),
    ],
)
def test_numbers_are_written_as_the_language_does(value, places_, english, spanish):
    assert EN.number(Decimal(value), places_) == english
    assert ES.number(Decimal(value), places_) == spanish


@given(st.decimals(-(10**12), 10**12, places=5))
def test_a_number_keeps_every_digit(value):
    plain = str.maketrans({"−": "-", ",": ""})
    assert Decimal(EN.number(value).translate(plain)) == value
    plain = str.maketrans({"−": "-", ".": "", ",": "."})
    assert Decimal(ES.number(value).translate(plain)) == value


@pytest.mark.parametrize(
    ("value", "currency", "signed", "english", "spanish"),
    [
        ("12345.60", "USD", False, "$12,345.60", "12.345,60\xa0US$"),
        ("12345.60", "EUR", False, "€12,345.60", "12.345,60\xa0€"),
        ("-39.10", "USD", False, "−$39.10", "−39,10\xa0US$"),
        ("-39.10", "USD", True, "−$39.10", "−39,10\xa0US$"),
        ("39.10", "EUR", True, "+€39.10", "+39,10\xa0€"),
        ("0", "USD", True, "$0.00", "0,00\xa0US$"),
        ("12345", "JPY", False, "¥12,345", "12.345\xa0JPY"),
    ],
)
def test_money_is_written_as_the_language_does(value, currency, signed, english, spanish):
    assert EN.money(Decimal(value), currency, signed=signed) == english
    assert ES.money(Decimal(value), currency, signed=signed) == spanish


def test_a_price_is_the_same_in_every_language():
    for language in LANGUAGES:
        assert letters(Words(language).price(Decimal("1234.50000"))) == "1234.50000"
    assert EN.price(Decimal("8E-7")) == "0.0000008"
    assert Words("ar").price(Decimal("1.10")) == "\u20661.10\u2069"


MOMENT = datetime(2026, 7, 31, 22, 5, 9, tzinfo=UTC)


def test_a_moment_is_told_in_the_persons_zone_and_language():
    assert Words("en", "Europe/Madrid").moment(MOMENT) == "1 Aug 2026 00:05 CEST"
    assert Words("es", "Europe/Madrid").moment(MOMENT) == "1 ago 2026 00:05 CEST"
    assert EN.moment(MOMENT) == "31 Jul 2026 22:05 UTC"
    assert EN.time(MOMENT, "HH:mm:ss") == "22:05:09"


@pytest.mark.parametrize("zone", ["", "Nowhere/Here", "../etc/passwd", "/etc/passwd", "x\0y"])
def test_a_zone_nobody_knows_is_utc(zone):
    assert Words("en", zone).time(MOMENT) == "22:05"


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("en", "en"), ("es", "es"), ("es-MX", "es"), ("es_AR", "es"), ("ES", "es"),
        ("EN-us", "en"), ("fr", "en"), ("", "en"), ("esperanto", "en"), ("pt", "pt-BR"),
        ("pt-br", "pt-BR"), ("pt_PT", "pt-BR"), ("ar", "ar"), ("ru-RU", "ru"), ("de-AT", "de"),
    ],
)  # fmt: skip
def test_a_language_telegram_names_is_found_or_english(code, language):
    assert words_for(code).language == language
