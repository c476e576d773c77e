"""What people see of limits, settings, watch list, broker and strategies, in every language."""

import ast
import json
import re
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

import bot
import engine
from bot.handlers.numbers import plain_number
from bot.i18n import LANGUAGES, Words
from bot.screen import TEXT_LIMIT, Screen
from bot.views import connection, drafts, hub, mistakes, risk, strategies, watchlist
from bot.views.settings import said
from engine.domain.decision import GateSnapshot
from engine.domain.order import OrderState
from engine.domain.person import Person, Role
from engine.domain.provider import ConnectionMode, Lost, Provider
from engine.domain.settings import (
    NO_REASON,
    RANGES,
    RiskSettings,
    SettingsVersion,
    back_to,
    must_agree,
    with_changes,
)
from engine.domain.strategy import StrategyVersion
from engine.errors import InvalidInput
from engine.flow.connection import Connection
from engine.flow.provider_records import ProviderStatus
from engine.flow.strategy_book import Line
from engine.flow.strategy_records import Changed
from engine.flow.usage import Limits, used
from engine.flow.watchlist import Watched, Watchlist
from engine.strategies.changes import diff
from engine.strategies.documents import parse, shipped, text
from engine.strategies.patch import patched
from engine.strategies.registry import load
from tests import builders as make

EN = Words("en")
ANN = Person(id=1, name="Ann <b>", role=Role.ADMIN, chat_id=1)
NAMES = [field.name for field in fields(RiskSettings)]


def versions() -> list[SettingsVersion]:
    old = RiskSettings()
    new = replace(old, max_lot_size=Decimal("0.5"), watchlist=("EURUSD", "XAUUSD"))
    return [
        SettingsVersion(
            version=number, settings=settings, changed_by=by, reason=reason, created_at=make.NOW
        )
        for number, settings, by, reason in (
            (3, new, "Ann <b>", NO_REASON),
            (2, old, "cli", back_to(1)),
            (1, old, "system", "a & b"),
        )
    ]  # fmt: skip


def limits(**values) -> Limits:
    bundle = make.bundle(**values)
    return Limits(versions=versions(), bundle=bundle, used=used(bundle))


def screens(words: Words) -> list[Screen]:
    """Every screen, with something in every place."""
    seen = limits(positions=(make.position(),))
    after = replace(
        seen.settings, max_concurrent_trades=1, max_drawdown_amount=Decimal(1), long_flat=False
    )
    asked = drafts.Question(draft=10**9, version=10**4, until=10**10)
    found = versions()
    watched = [
        Watched(symbol="A" * 24, known=True, paused=True, asked=("a", "b"), open_trades=2),
        Watched(symbol="EURUSD", known=False, paused=False, asked=(), open_trades=None),
    ]
    listed = Watchlist(
        version=1, settings=RiskSettings(), symbols=tuple(watched), others=("GBPUSD",)
    )
    link = Connection(
        account_id="paper-1", is_live=False, account=make.account(), latency=Decimal("0.0123"),
        leverage=[("EURUSD", Decimal(30))], abilities=("stop_loss",), synced=make.NOW, lost=None,
        unknown=[make.order(state=OrderState.UNKNOWN)],
    )  # fmt: skip
    made = [
        risk.overview(words, seen, is_live=False),
        risk.overview(words, limits(account=None), is_live=False),
        risk.overview(words, replace(seen, bundle=None, used={}), is_live=True),
        *(risk.group(words, seen, name, is_live=False) for name in risk.GROUPS),
        *(risk.limit(words, seen, name, role=role) for name in NAMES for role in Role),
        *(risk.ask(words, seen, name) for name in RANGES),
        drafts.confirm(words, seen, after, asked, reason=None),
        drafts.confirm(words, seen, after, asked, reason="why <i>"),
        drafts.done(words, found[0], found[1], ("limit", NAMES[0])),
        drafts.dropped(words, ("risk",)),
        hub.hub(words, make.control(), ANN, found[0], is_live=False),
        *(hub.ai(words, provided(lost), role) for lost in (None, *Lost) for role in Role),
        *(hub.zone(words, ANN, make.NOW, command=known) for known in (True, False)),
        *(hub.notices(words, command=known) for known in (True, False)),
        hub.versions(words, found, 1, size=2),
        hub.version(words, found[1], found[2], found[0], role=Role.ADMIN),
        hub.version(words, found[2], None, found[0], role=Role.VIEWER),
        *(watchlist.watchlist(words, listed, role=role) for role in Role),
        connection.connection(words, link),
        connection.connection(words, replace(link, account=None, synced=None, unknown=[])),
    ]
    return made + rules(words, asked)


def provided(lost: Lost | None) -> ProviderStatus:
    mode = ConnectionMode.OAUTH if lost is None else None
    return ProviderStatus(
        provider=Provider.OPENAI, enabled=False, model="gpt", mode=mode, lost=lost,
        expires_at=make.NOW,
    )  # fmt: skip


def rules(words: Words, asked: drafts.Question) -> list[Screen]:
    load()
    book = [
        Line(strategy=one, last=last, trades=trades, held=held, off_market=("XAUUSD",))
        for one in shipped()
        for last, trades, held in (
            (None, 0, None),
            (evaluation("none", "spread"), 1, 1),
            (evaluation("buy", "idea"), 2, 2),
        )
    ]  # fmt: skip
    one = book[0].strategy
    other = replace(one, rr_expectation=Decimal("2.5"), version=2, is_active=False)
    change = Changed(before=one, after=other, changes=diff(one, other))
    every = [
        StrategyVersion(strategy=strategy, by="Ann <b>", reason=reason, at=make.NOW)
        for strategy, reason in ((other, NO_REASON), (one, "shipped"))
    ]
    return [
        *(strategies.listing(words, book, page, is_live=False) for page in range(4)),
        *(strategies.strategy(words, line, role=role) for line in book for role in Role),
        *(strategies.switching(words, book[1], on=on, until=10**10) for on in (True, False)),
        strategies.editing(words, one),
        strategies.confirm(words, change, asked, reason="x", off_market=("A", "B")),
        strategies.done(words, change, "x"),
        strategies.versions(words, every),
        strategies.version(words, every[0], every[1], change.changes, every, role=Role.ADMIN),
        strategies.version(words, every[1], None, (), every, role=Role.ADMIN),
        strategies.file(words, one.id, every[1]),
    ]


def evaluation(signal: str, reason: str) -> GateSnapshot:
    return GateSnapshot(
        market_time=make.NOW, symbol="EURUSD", timeframe="H1", strategy_id=make.STRATEGY_ID,
        strategy_version=1, strategy_name="EMA trend", final_signal=signal, reason=reason,
        closed=(), signature="s", repeats=0, bundle_hash="ab" * 32,
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_fits_a_message_and_its_buttons_hold_no_value(language: str) -> None:
    for screen in screens(Words(language)):
        assert screen.text
        assert len(re.sub(r"<[^>]+>", "", screen.text)) <= TEXT_LIMIT
        assert "<b>>" not in screen.text  # a person's name with a tag in it
        for button in (button for row in screen.buttons for button in row):
            assert 0 < len(button.label) <= 80, button.label
            assert "<" not in button.label
            assert len(button.data.encode()) <= 64
            assert "." not in button.data, button.data  # no price, no size


def test_every_setting_has_its_place_its_unit_and_its_meaning() -> None:
    placed = [name for names in risk.GROUPS.values() for name in names]
    assert sorted(placed) == sorted(NAMES)
    for name in NAMES:
        assert EN.has(f"explain.{name}")
    for name in RANGES:
        assert risk.may_be(EN, limits(), name).startswith("Allowed: ")


def test_what_is_used_is_what_the_gate_counts() -> None:
    held = (make.position(), make.position(id="8", symbol="EURUSD"))
    seen = limits(positions=held, day=make.day("10400.00", "10500.00"))
    assert seen.used["max_concurrent_trades"] == 2
    assert seen.used["max_trades_per_direction"] == 2
    assert seen.used["max_drawdown_amount"] == Decimal(500)
    assert round(seen.used["max_daily_loss_percent"], 2) == Decimal("3.85")
    assert seen.used["daily_profit_target"] == Decimal(-400)
    # 0.20 lots of 100,000 at 1.10008 are worth 22,001.60, of equity 10,000.
    assert seen.used["max_exposure_percent"] == Decimal("220.016")
    assert seen.used["max_currency_exposure_percent"] == Decimal("220.016")
    assert set(limits(account=None).used) == {"strategy_daily_budget", "max_spread_pips"}
    assert limits(valuations=(), positions=held).used.get("max_exposure_percent") is None


@pytest.mark.parametrize(
    ("used_", "limit", "shown"),
    [
        ("0", "3", "▱▱▱▱▱▱▱▱▱▱ 0 %"),
        ("-5", "3", "▱▱▱▱▱▱▱▱▱▱ 0 %"),
        ("1.49", "3", "▰▰▰▰▱▱▱▱▱▱ 50 %"),
        ("3", "3", "▰▰▰▰▰▰▰▰▰▰ 100 %"),
        ("9", "3", "▰▰▰▰▰▰▰▰▰▰ 300 %"),
    ],
)
def test_a_bar_is_full_at_the_limit_and_never_before(used_: str, limit: str, shown: str) -> None:
    assert risk.bar(EN, Decimal(used_), Decimal(limit)) == shown


def test_who_set_a_value_is_found_and_what_would_halt_is_foreseen() -> None:
    seen = limits(day=make.day("10400.00", "10500.00"))
    assert seen.set_by("max_lot_size").version == 3
    assert seen.set_by("max_spread_pips").version == 1
    wide = replace(seen.settings, max_daily_loss_percent=Decimal(50))
    calm = replace(seen, versions=[replace(seen.versions[0], settings=replace(
        wide, max_drawdown_amount=Decimal(5000)))])  # fmt: skip
    tight = replace(calm.settings, max_daily_loss_percent=Decimal(1))
    found = calm.would_breach(tight)
    assert found is not None
    assert found.setting == "max_daily_loss_percent"
    assert calm.would_breach(calm.settings) is None
    assert seen.would_breach(tight) is None  # it is reached already, and halts by itself


@pytest.mark.parametrize(
    ("language", "typed", "read"),
    [
        ("en", " 2.5 ", "2.5"), ("en", "2.5%", "2.5"), ("en", "1,000", "1,000"),
        ("de", "2,5", "2.5"), ("de", "2.5", "2.5"), ("de", "1.000", "1 000"),
        ("de", "1.000,5", "1.000,5"), ("de", "0.001", "0.001"), ("es", "0,01 %", "0.01"),
        ("ru", "2,5", "2.5"), ("pt-BR", "1.000.000", "1 000 000"),
        ("ar", "٢٫٥", "2.5"), ("ar", "2.5", "2.5"), ("en", "two", "two"), ("de", "1,2,3", "1,2,3"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_writer_means_it_or_not_at_all(
    language: str, typed: str, read: str
) -> None:
    assert plain_number(typed, Words(language)) == read


def codes() -> set[str]:
    """Every mistake the code names."""
    found = set()
    for package in (bot, engine):
        for path in Path(package.__file__ or "").parent.rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(call, ast.keyword) and call.arg == "mistake":
                    found |= {
                        node.value
                        for node in ast.walk(call.value)
                        if isinstance(node, ast.Constant) and isinstance(node.value, str)
                    }
    return found - {"document"}


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_mistake_the_code_names_has_words(code: str) -> None:
    assert EN.has(f"mistake.{code}")


WRONG = {
    "allowed_symbols": ["E/U"], "colour": 1, "rr_expectation": 0, "direction": "up",
    "entry_conditions": {"moon": 1, "rsi_below": "x", "higher_timeframe_trend": "M1 with_trade"},
    "session_windows": [{"start": "07:00Z", "end": "07:00Z", "days": ["Mon"]}],
    "exit_rules": {"stop_loss": "far"}, "risk_caps": {"max_lot_size": 0.123456789},
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_mistakes_are_told_in_every_language_by_the_path_of_the_field(language: str) -> None:
    words = Words(language)
    for name, value in WRONG.items():
        document = {**json.loads(text(shipped()[0])), name: value}
        with pytest.raises(InvalidInput) as caught:
            parse(UUID(int=1), json.dumps(document))
        told = mistakes.told(words, caught.value.details)
        assert told is not None
        assert f"<code>{name}" in told
        if language != "en":
            assert "write" not in told
            assert told != mistakes.told(EN, caught.value.details)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "changes",
    [
        {"max_lot": "1"}, {"stop_after_target": "x"}, {"max_concurrent_trades": "1.5"},
        {"confidence_floor": "99"}, {"watchlist": "E/U"}, {"watchlist": ""}, {"watchlist": "A1,a1"},
    ],
)  # fmt: skip
def test_wrong_settings_are_told_in_every_language(language: str, changes: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        must_agree(with_changes(RiskSettings(), changes))
    told = mistakes.told(Words(language), caught.value.details)
    assert told is not None
    assert (told == mistakes.told(EN, caught.value.details)) == (language == "en")


@pytest.mark.parametrize(
    ("line", "path", "value"),
    [
        ("risk_caps.max_lot_size = 0.5", "risk_caps.max_lot_size", 0.5),
        ("name=Another name", "name", "Another name"),
        ("allowed_symbols = EURUSD, GBPUSD", "allowed_symbols", ["EURUSD", "GBPUSD"]),
        ('allowed_symbols = ["GBPUSD"]', "allowed_symbols", ["GBPUSD"]),
        ("session_windows.0.start = 08:00Z", "session_windows.0.start", "08:00Z"),
        ("nice_to_have.macd_side = with_trade", "nice_to_have.macd_side", "with_trade"),
        ("exit_rules.take_profit = RR>=3", "exit_rules.take_profit", "RR>=3"),
        ("entry_conditions.price_rejects_level = true",
         "entry_conditions.price_rejects_level", True),
    ],
)  # fmt: skip
def test_a_typed_line_changes_its_field_and_nothing_else(line, path, value) -> None:
    before = shipped()[0]
    made = json.loads(patched(before, line))
    place = made
    for name in path.split("."):
        place = place[int(name)] if isinstance(place, list) else place[name]
    assert place == value
    touched = {change.path for change in diff(before, parse(before.id, json.dumps(made)))}
    assert touched == {path} or all(found.startswith(path) for found in touched)


@pytest.mark.parametrize(
    "line",
    ["", "=", "name", "name =", "= 1", "a.b.c = 1", "name.x = 1", "session_windows.9.start = x",
     "session_windows.٣.start = x", "nice_to_have.rsi_below = none", "0 = none"],
)  # fmt: skip
def test_a_typed_line_that_leads_nowhere_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        patched(shipped()[0], line)
    assert caught.value.details["mistake"] in ("patch", "patch_path")


def test_none_takes_a_field_away() -> None:
    found = next(one for one in shipped() if one.nice_to_have)
    name = found.nice_to_have[0].name
    made = json.loads(patched(found, f"nice_to_have.{name} = none"))
    assert name not in made.get("nice_to_have", {})


def test_reasons_that_an_installation_writes_itself_are_told_in_words():
    assert said(Words("de"), "first start") == "vom ersten Start"
    assert said(Words("de"), "shipped") == "wie mitgeliefert"
    assert said(Words("de"), "weniger Risiko") == "weniger Risiko"
