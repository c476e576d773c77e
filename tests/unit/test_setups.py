"""Setups in Python: the shipped one, the registry, and what goes wrong in other people's."""

import json
from dataclasses import replace
from decimal import Decimal
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.i18n import LANGUAGES, words_for
from bot.views import history as views
from engine.domain.account import Direction
from engine.domain.idea import Observation
from engine.domain.market import Candle, Timeframe
from engine.domain.strategy import ExitRules, Side
from engine.errors import InvalidInput
from engine.snapshot.canonical import canonical, plain
from engine.snapshot.indicators import compute
from engine.strategies import registry
from engine.strategies.base import evaluate, frames_needed
from engine.strategies.documents import parse, shipped, strategy_id
from engine.strategies.registry import SETUPS, Found, ask, load, price, setup, table
from tests.builders import NOW, bundle, candles, frame, indicators, quote, story, strategy
from tests.models import prediction
from tests.unit.test_document_properties import documents

BUY, SELL = Direction.BUY, Direction.SELL
SEEN = Observation("seen", "1", "2", met=True, required=True)


@pytest.fixture(autouse=True)
def _as_before():
    """Setups that a test registers are gone after it."""
    known = dict(SETUPS)
    yield
    SETUPS.clear()
    SETUPS.update(known)


# ---- mean reversion --------------------------------------------------------------------------


def stretched(direction=BUY, **values):
    """A price that fell out of its band and came back in; mirrored about 1.1 for a sell."""
    prices = {"open": "1.0975", "high": "1.0985", "low": "1.0972", "close": "1.0982"}
    prices |= {name: values.pop(name) for name in list(values) if name in prices}
    before = {"open": "1.0985", "high": "1.0986", "low": "1.0970", "close": "1.0974"}
    figures = {"bb_low": "1.0980", "bb_mid": "1.1000", "bb_high": "1.1020", "adx_14": "20"}
    figures |= {name: values.pop(name) for name in list(values) if name in figures}
    rsi = values.pop("rsi", "25")
    shown = list(candles())
    for place, made in ((-1, prices), (-2, before)):
        if direction is SELL:
            flipped = {name: str(Decimal("2.2") - Decimal(made[name])) for name in made}
            made = {**flipped, "high": flipped["low"], "low": flipped["high"]}
        shown[place] = replace(shown[place], **{n: Decimal(p) for n, p in made.items()})
    rsi = rsi if direction is BUY else str(100 - Decimal(rsi))
    return bundle(
        candles=tuple(shown),
        indicators=indicators(**figures),
        indicators_before=indicators(**figures, rsi_14=rsi),
        **values,
    )


SCALP = strategy(
    setup="mean_reversion", entry={}, exit_rules=ExitRules("1.5 * atr", ("bb_mid",), 45)
)


@pytest.mark.parametrize("direction", [BUY, SELL])
def test_a_stretched_price_that_turns_back_is_traded_to_the_mean(direction):
    bid, ask_ = ("1.09815", "1.0982") if direction is BUY else ("1.1018", "1.10185")
    answer = evaluate(SCALP, stretched(direction, quote=quote(bid, ask_)))
    assert [o.name for o in answer.observations] == [
        "stretched", "rsi_extreme", "turned", "no_trend",
    ]  # fmt: skip
    proposal = answer.proposal
    assert proposal is not None
    assert proposal.direction is direction
    sign = direction.sign
    # Half an ATR of ten pips beyond the extreme of the two candles.
    assert sign * (proposal.stop_loss - Decimal("1.1")) == Decimal("-0.00350")
    assert proposal.take_profit == (Decimal("1.10000"),)
    assert proposal.stop_loss.as_tuple().exponent == -5


@pytest.mark.parametrize("direction", [BUY, SELL])
@pytest.mark.parametrize(
    ("values", "unmet"),
    [
        ({"rsi": "30.01"}, "rsi_extreme"),
        ({"adx_14": "25"}, "no_trend"),
        ({"close": "1.0974"}, "turned"),
        ({"open": "1.0984"}, "turned"),
    ],
)
def test_each_thing_it_waits_for_is_needed(direction, values, unmet):
    answer = evaluate(SCALP, stretched(direction, **values))
    assert answer.proposal is None
    assert answer.reason == f"condition:{unmet}"


def test_a_price_that_stayed_in_its_band_is_not_stretched():
    assert evaluate(SCALP, stretched(bb_low="1.0973")).reason == "condition:stretched"


def test_without_its_figures_it_finds_nothing():
    (seen,) = evaluate(SCALP, stretched(bb_mid=None)).observations
    assert (seen.name, seen.observed, seen.met, seen.required) == (
        "mean_reversion", "none", False, True,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_observation_of_a_shipped_setup_has_words(language):
    words = words_for(language)
    for name in SETUPS:
        found = ask(name, stretched(), BUY)
        for code in (name, *(o.name for o in found.observations)):
            assert words.has(f"condition.{code}")
            assert words.has(f"short.{code}")


# ---- the registry ----------------------------------------------------------------------------


def test_a_setup_is_asked_beside_the_conditions_and_recorded_like_them():
    @setup("probe")
    def probe(bundle, direction):
        return Found((SEEN,))

    made = strategy(setup="probe", entry={"adx_above": "20"}, nice={"rsi_above": "90"})
    answer = evaluate(made, bundle())
    assert answer.proposal is not None
    assert answer.proposal.stop_loss == Decimal("1.09808")
    assert [(o.name, o.required, o.met) for o in answer.observations] == [
        ("seen", True, True), ("adx_above", True, True), ("rsi_above", False, False),
    ]  # fmt: skip
    unmet = strategy(setup="probe", entry={"adx_above": "90"})
    assert evaluate(unmet, bundle()).reason == "condition:adx_above"


def test_prices_of_a_setup_go_before_those_of_the_document():
    @setup("probe")
    def probe(bundle, direction):
        far = Decimal("1.10308049")
        return Found((SEEN,), stop_loss=Decimal("1.0970001"), take_profit=(far, Decimal("1.09")))

    proposal = evaluate(strategy(setup="probe"), bundle()).proposal
    assert proposal is not None
    assert str(proposal.stop_loss) == "1.09700"
    assert [str(target) for target in proposal.take_profit] == ["1.10308"]


def test_what_pandas_answers_is_recorded_in_plain_types():
    @setup("probe")
    def probe(bundle, direction):
        close = table(bundle.candles)["close"].iloc[-1]
        return Found((Observation("seen", close, close, close > 1, True),))

    (seen, _) = evaluate(strategy(setup="probe"), bundle()).observations
    assert (seen.argument, seen.observed, seen.met) == ("1.1", "1.1", True)
    assert [type(part) for part in (seen.argument, seen.observed, seen.met)] == [str, str, bool]


def test_the_longer_timeframes_a_setup_reads_are_needed():
    @setup("probe", frames=(Timeframe.H4,))
    def probe(bundle, direction):
        return None

    made = (strategy(setup="probe"),)
    assert frames_needed(made, "EURUSD", Timeframe.H1) == {Timeframe.H4}
    assert frames_needed((strategy(setup="gone"),), "EURUSD", Timeframe.H1) == frozenset()


def _raises(bundle, direction):
    raise ZeroDivisionError


def _says_nothing(bundle, direction):
    return Found(())


def _has_no_price(bundle, direction):
    return Found((SEEN,), stop_loss=Decimal("NaN"))


def _has_no_market(bundle, direction):
    return Found((SEEN,), take_profit=(Decimal(0),))


@pytest.mark.parametrize(
    ("function", "seen"),
    [
        (lambda bundle, direction: None, "none"),
        (lambda bundle, direction: True, "error AttributeError"),
        (_raises, "error ZeroDivisionError"),
        (_says_nothing, "error InvalidInput"),
        (_has_no_price, "error InvalidInput"),
        (_has_no_market, "error InvalidInput"),
    ],
)
def test_what_goes_wrong_in_a_setup_is_a_no_that_says_so(function, seen, caplog):
    setup("probe")(function)
    answer = evaluate(strategy(setup="probe"), bundle())
    crashed = seen != "none"
    assert answer.proposal is None
    # Under another name: a no that repeats the last one is folded, a crash must not be.
    assert answer.reason == ("condition:setup_error" if crashed else "condition:probe")
    assert answer.observations[0].observed == seen
    assert ("the setup probe failed on EURUSD" in caplog.text) is crashed


def test_what_a_setup_answers_can_be_stored_whatever_is_in_it():
    @setup("probe")
    def probe(bundle, direction):
        return Found((Observation("n\0" + "x" * 300, "\ud800", "a\nb", False, True),))

    answer = evaluate(strategy(setup="probe"), bundle())
    (seen, _) = answer.observations
    assert (seen.name, seen.argument, seen.observed) == ("n?" + "x" * 38, "?", "a?b")
    assert answer.reason == f"condition:{seen.name}"


@pytest.mark.parametrize("direction", [BUY, SELL])
def test_a_trade_has_no_price_at_or_below_zero(direction):
    side = {BUY: Side.BUY, SELL: Side.SELL}[direction]
    entry, sign = (Decimal("1.10008"), 1) if direction is BUY else (Decimal("1.1"), -1)

    def asked(stop, *targets):
        made = strategy(
            setup="probe", entry={}, direction=side, exit_rules=ExitRules(stop, targets)
        )
        return evaluate(made, bundle())

    @setup("probe")
    def probe(bundle, direction):
        return Found((SEEN,))

    @setup("tiny")
    def tiny(bundle, direction):
        return Found((SEEN,), stop_loss=Decimal("0.000001"))

    below = asked("swing_low - 200 cents", "RR>=2")
    assert (below.proposal, below.reason) == (None, "no_exit_level")
    rounded = evaluate(strategy(setup="tiny", entry={}, direction=side), bundle())
    assert (rounded.proposal, rounded.reason) == (None, "no_exit_level")
    far = asked("20 pips", "RR>=2", "110 cents", "200 cents").proposal
    assert far is not None
    assert all(target > 0 for target in far.take_profit)
    assert len(far.take_profit) == (3 if direction is BUY else 1)
    assert far.take_profit[0] == entry + sign * Decimal("0.004")


def test_a_setup_whose_package_is_gone_is_a_no():
    answer = evaluate(strategy(setup="gone"), bundle())
    assert (answer.proposal, answer.observations[0].observed) == (None, "n/a")


@pytest.mark.parametrize("name", ["mean_reversion", "rsi_below"])
def test_a_name_that_is_taken_is_refused(name):
    with pytest.raises(InvalidInput, match=f"a setup or condition '{name}' already"):
        setup(name)


@pytest.mark.parametrize("name", ["", "Break", "9lives", "a b", "x" * 41, "donchian-break"])
def test_a_name_that_no_record_could_use_is_refused(name):
    with pytest.raises(InvalidInput, match="named like"):
        setup(name)


# ---- other people's packages -----------------------------------------------------------------


def offered(monkeypatch, tmp_path, name, source):
    """A package ``acme`` with this source, installed with one entry point."""
    (tmp_path / f"{name}_module.py").write_text(source, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint(name, f"{name}_module:found", registry.GROUP)
    point = point._for(SimpleNamespace(name="acme"))
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])


_SOURCE = """
from engine.strategies.registry import setup

@setup({name!r})
def found(bundle, direction):
    return None
"""


def test_an_installed_package_brings_its_setup(monkeypatch, tmp_path):
    offered(monkeypatch, tmp_path, "acme_one", _SOURCE.format(name="acme_one"))
    load()
    load()
    assert "acme_one" in SETUPS
    scalp = next(made for made in shipped() if made.setup)
    from engine.strategies.documents import text

    written = text(scalp).replace('"mean_reversion"', '"acme_one"')
    assert parse(strategy_id("x"), written).setup == "acme_one"


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("acme_two", "import nothing_of_that_name", "acme .*'acme_two', .* does not load: No mod"),
        ("acme_three", _SOURCE.format(name="mean_reversion"), "'mean_reversion' already"),
        ("acme_four", "def found(bundle, direction): ...", r"@setup\('acme_four'\)"),
    ],
)
def test_a_package_that_fails_is_named(monkeypatch, tmp_path, name, source, words):
    offered(monkeypatch, tmp_path, name, source)
    with pytest.raises(InvalidInput, match=words) as caught:
        load()
    assert "the package acme offers" in str(caught.value)


async def test_no_process_starts_without_a_package_it_should_have(monkeypatch, tmp_path):
    from bot.processes import open_world
    from bot.settings import Settings

    offered(monkeypatch, tmp_path, "acme_five", "import nothing_of_that_name")
    with pytest.raises(InvalidInput, match="the package acme"):
        async with open_world(Settings(_env_file=None)):
            raise AssertionError("it started")


# ---- what a setup computes with --------------------------------------------------------------


def test_candles_become_a_table_and_a_figure_becomes_a_price():
    seen = bundle(candles=candles(close="1.1003"))
    found = table(seen.candles)
    assert list(found.columns) == ["open", "high", "low", "close", "volume"]
    assert all(str(kind) == "float64" for kind in found.dtypes)
    assert found.index[0] == pd.Timestamp(seen.candles[0].time)
    assert str(found.index.tz) == "UTC"
    assert (len(found), found["close"].iloc[-1]) == (60, 1.1003)
    assert str(price(seen, 1.10004999)) == "1.10005"
    with pytest.raises(InvalidInput):
        price(seen, float("nan"))


# ---- any strategy over any market ------------------------------------------------------------

steps = st.lists(st.tuples(*[st.integers(-60, 60)] * 2, *[st.integers(0, 40)] * 3), min_size=2)


def market(moves):
    """Candles that move so many points, with their real figures."""
    point, last, shown = Decimal("0.00001"), Decimal("1.10000"), []
    for number, (jump, move, up, down, volume) in enumerate(moves):
        first = last + jump * point
        last = first + move * point
        high, low = max(first, last) + up * point, min(first, last) - down * point
        opened = NOW - (len(moves) - number) * Timeframe.H1.length
        shown.append(Candle(opened, first, high, low, last, volume))
    now, before = compute(shown, digits=5)
    return bundle(
        candles=tuple(shown), indicators=now, indicators_before=before,
        quote=quote(f"{last}", f"{last + 8 * point}"),
    )  # fmt: skip


anything = documents.map(lambda made: parse(strategy_id("x"), json.dumps(made)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    steps | steps.map(lambda moves: moves * 30),
    st.sampled_from(shipped()) | anything,
    st.lists(st.sampled_from([Timeframe.H4, Timeframe.D1]), unique=True),
)
def test_any_strategy_over_any_market_answers_and_answers_the_same_again(moves, made, frames):
    def seen():
        return replace(market(moves), frames=tuple(frame(length) for length in frames))

    answer = evaluate(made, seen())
    assert canonical(plain(answer)) == canonical(plain(evaluate(made, seen())))
    assert (answer.proposal is None) is (answer.reason is not None)
    if answer.proposal is not None:
        entry, sign = answer.proposal.entry, answer.proposal.direction.sign
        assert answer.proposal.direction in made.direction.directions
        assert all(sign * (target - entry) > 0 for target in answer.proposal.take_profit)
        assert all(o.met for o in answer.observations if o.required)


# ---- the random forest -----------------------------------------------------------------------

FOREST = strategy(setup="forest", entry={}, exit_rules=ExitRules("2 * atr", ("RR>=2",), 45))


@pytest.mark.parametrize(
    ("probability", "side"),
    [
        ("0.5500", BUY), ("0.9000", BUY), ("0.4500", SELL), ("0.1000", SELL), ("0.5499", None),
        ("0.4501", None), ("0.5000", None),
    ],
)  # fmt: skip
def test_the_forest_trades_by_the_thresholds_of_its_source(probability, side):
    answer = evaluate(FOREST, bundle(prediction=prediction(probability)))
    assert (answer.proposal and answer.proposal.direction) == side
    assert answer.reason == (None if side else "condition:forecast")
    model, seen = answer.observations
    assert (model.name, model.argument, model.observed) == ("model", "a" * 12, "rf_h1_v1")
    assert (seen.observed, seen.met) == (probability, side is not None)
    if side is not None:
        # Twice the ATR of ten pips, and twice as far to the target.
        assert answer.proposal.risk == Decimal("0.00200")
        assert answer.proposal.reward_ratio == 2


def test_without_a_model_the_forest_finds_nothing():
    answer = evaluate(FOREST, bundle())
    assert (answer.proposal, answer.reason) == (None, "condition:forest")
    (seen,) = answer.observations
    assert (seen.name, seen.observed) == ("forest", "none")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_forest_saw_has_words(language):
    words = words_for(language)
    found = ask("forest", bundle(prediction=prediction()), BUY)
    for seen in found.observations:
        assert words.has(f"condition.{seen.name}")
        assert words.has(f"short.{seen.name}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_saw_tells_the_forecast(language):
    def shown(seen):
        return views.saw(words_for(language), story(bundle=seen)).text or ""

    assert "rf_h1_v1" not in shown(bundle())
    assert "rf_h1_v1" in shown(bundle(prediction=prediction()))
