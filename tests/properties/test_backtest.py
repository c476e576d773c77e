"""The screened backtest decides what the pipeline decides, candle by candle."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import numpy as np
import pytest

from broker.feeds.recorded import shipped_recording
from broker.instruments import instrument
from broker.simulated import SimulatedVenue
from broker.terms import Terms
from engine.domain.account import Direction
from engine.domain.market import Timeframe
from engine.domain.order import Fill
from engine.domain.settings import RiskSettings
from engine.domain.snapshot import CalendarEvent, Impact
from engine.domain.strategy import (
    BreakEven,
    Condition,
    ExitRules,
    ForbiddenConditions,
    MarketState,
    PartialClose,
    Strategy,
    Trailing,
)
from engine.research.columns import Columns, columns_of
from engine.research.figures import Figures, Recalled, window_of
from engine.research.setup_truth import SETUP_TRUTHS
from engine.research.stream import Dealt, document
from engine.research.truth import TRUTHS, truth_of
from engine.strategies.documents import shipped
from engine.strategies.rules import RULES, observe
from engine.strategies.setups import ask
from tests.bars import QUIET, backtest, bars, crossing
from tests.builders import order


def both(columns: Columns, *strategies: Strategy, **values: object) -> tuple[bytes, bytes]:
    return tuple(  # type: ignore[return-value]
        document(backtest(columns, *strategies, screened=screened, **values).run().stream)
        for screened in (True, False)
    )


def _argument(name: str, argument: str) -> str:
    """What a condition is given: a longer timeframe in front of it, where it looks at one."""
    return f"M5 {argument}" if RULES[name].longer else argument


@pytest.mark.parametrize("seed", range(8))
def test_the_screened_run_is_the_whole_run(seed: int):
    chance = Random(seed)
    columns = bars(700, seed, move=chance.choice([0.00005, 0.0003, 0.002]))
    names = list(TRUTHS)
    conditions = [
        Condition(
            name, _argument(name, chance.choice(RULES[name].words or (str(chance.randint(5, 60)),)))
        )
        for name in chance.sample(names, 4)
    ]
    other = crossing(
        id=UUID(int=2), name="other", entry_conditions=tuple(conditions[:1]),
        nice_to_have=tuple(conditions[1:]),
        forbidden_conditions=ForbiddenConditions(
            5, ("USD",), tuple(chance.sample(list(MarketState)[:4], 2))
        ),
        exit_rules=ExitRules(
            "20 pips", ("15 pips", "30 pips"), chance.choice([None, 30]),
            **chance.choice([{}, {"trailing": Trailing("1.5 * atr", "0.3 R")}, {
                "break_even": BreakEven("0.3 R", "1 pips"),
                "partial_close": (PartialClose("0.4 R", 50),),
            }]),
        ),
    )  # fmt: skip
    release = CalendarEvent(
        time=columns.closes(350) + timedelta(seconds=30), currency="USD", impact=Impact.HIGH,
        title="CPI",
    )  # fmt: skip
    settings = RiskSettings(
        max_daily_loss_percent=Decimal(chance.choice(["0.3", "3"])),
        daily_profit_target=Decimal(chance.choice([0, 40])),
    )
    screened, whole = both(
        columns, crossing(), other, settings=settings, start=chance.choice([1, 300]),
        terms=chance.choice([Terms(), Terms(commission_per_lot=Decimal(3), swap_long=Decimal(-5))]),
        calendar=chance.choice([QUIET, replace(QUIET, events=(release,))]),
    )  # fmt: skip
    assert screened == whole
    assert b'"idea"' in whole


def test_on_real_candles_too():
    recording = shipped_recording()
    columns = columns_of("EURUSD", Timeframe.H1, recording.candles[:1100])
    strategies = [
        s for s in shipped() if s.timeframe is Timeframe.H1 and "EURUSD" in s.allowed_symbols
    ]
    screened, whole = both(columns, *strategies, start=600)
    assert screened == whole
    assert whole.count(b'"trade"') > 3


def test_what_is_bought_to_be_owned_is_never_sold_short():
    screened, whole = both(bars(3_000, seed=2), crossing(), spot=True, start=600)
    assert screened == whole
    assert b'"observed":"sell","passed":false' in screened
    assert b'"direction":"sell"' not in b"".join(
        line for line in screened.splitlines() if b'"trade"' in line
    )


@pytest.mark.parametrize(
    "rules",
    [
        ExitRules("20 pips", ("40 pips", "60 pips"), 30),
        ExitRules("1.5 * atr", ("RR>=2",), trailing=Trailing("1 * atr")),
    ],
)
def test_an_order_is_dealt_at_the_price_of_its_arrival(rules: ExitRules):
    columns, late = bars(2_000, seed=6, move=0.0004), timedelta(milliseconds=300)
    # The market is closed behind this candle: what is sent there arrives at its close.
    opened = columns.opened.copy()
    opened[1_200:] += 172_800
    columns = replace(columns, opened=opened)
    strategy = crossing(exit_rules=rules)
    screened, whole = both(columns, strategy, start=600, latency=late)
    assert screened == whole
    ran = backtest(columns, strategy, start=600, latency=late).run()
    places = {columns.closes(place): place for place in range(len(columns))}
    fills = [line.fill for line in ran.stream.lines if isinstance(line, Dealt)]
    assert len(fills) > 5
    for fill in fills:
        assert isinstance(fill, Fill)
        place = places[fill.time - late]
        is_open = place + 1 < len(columns) and columns.opened[place + 1] <= fill.time.timestamp()
        bid = columns.open[place + 1] if is_open else columns.close[place]
        # The ask is 0.8 pips above the bid; a tenth of a pip is slipped.
        assert fill.price in (columns.price(int(bid) - 1), columns.price(int(bid) + 9))


def test_candles_finer_than_the_figures_are_compared_as_they_are():
    # A symbol of one digit, whose figures have three, in candles of five.
    columns = replace(bars(1_200, seed=1), symbol="US500")
    strategy = crossing(
        allowed_symbols=("US500",),
        entry_conditions=(Condition("close_crosses_ema_20", "true"),),
    )
    screened, whole = both(columns, strategy, start=300)
    assert screened == whole


@pytest.mark.parametrize(
    ("symbol", "places", "patient"), [("EURUSD", 5, True), ("USDJPY", 3, False)]
)
def test_trades_both_ways_at_a_rate_of_their_own_are_looked_at_after_each_candle(
    symbol: str, places: int, *, patient: bool
):
    columns = replace(bars(300), symbol=symbol, places=places)
    venue = SimulatedVenue(columns, instrument(symbol), spread=Decimal("0.01"))
    venue.move(200)
    price = columns.price(int(columns.close[200]))
    wide = price / 50
    for name, way in (("at-1", Direction.BUY), ("at-2", Direction.SELL)):
        assert venue.is_patient
        away = way.sign * wide
        venue.submit(order(
            client_id=name, symbol=symbol, direction=way, volume=Decimal("0.01"),
            stop_loss=price - away, take_profit=(price + away,),
        ))  # fmt: skip
    assert venue.is_patient is patient


def test_without_a_calendar_nothing_is_proposed():
    ran = backtest(bars(400), crossing(), calendar=None).run()
    assert not ran.trades
    assert {line.closed[0] for line in ran.stream.lines} == {"news"}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", sorted(TRUTHS))
def test_what_is_certain_of_a_condition_is_what_the_rule_says(name: str):
    columns = bars(760, seed=len(name), move=0.0004)
    # Where nothing moves, figures are equal or missing.
    still = slice(640, 670)
    for prices in (columns.open, columns.high, columns.low, columns.close):
        prices[still] = columns.close[639]
    arguments = [_argument(name, each) for each in RULES[name].words or ("10", "50")]
    asking = crossing(entry_conditions=(Condition(name, arguments[0]),))
    test = backtest(columns, asking, screened=False)
    account, figures = test.venue.account(), test.eyes.figures
    for argument in arguments:
        condition = Condition(name, argument)
        for direction in Direction:
            truth = truth_of(condition, figures, direction)
            certain = np.flatnonzero(truth.sure)
            assert len(certain) > 600
            for place in Random(1).sample(list(certain), 25):
                bundle = test.eyes.bundle(int(place), test.state, account, ())
                seen = observe(condition, bundle, direction, required=True)
                assert bool(truth.met[place]) is seen.met, (argument, direction, place, seen)


@pytest.mark.parametrize("name", ["rsi_below", "rsi_above", "adx_above"])
def test_a_limit_that_is_met_exactly_is_judged_as_the_rule_judges_it(name: str):
    columns = bars(900, seed=11, move=0.0004)
    test = backtest(columns, crossing(), screened=False)
    account, figures = test.venue.account(), Figures(columns, 5)
    for place in range(620, 900, 7):
        bundle = test.eyes.bundle(place, test.state, account, ())
        value = bundle.indicators.adx_14 if "adx" in name else bundle.indicators.rsi_14
        for limit in (str(value), f"{value}01"):
            truth = truth_of(Condition(name, limit), figures, Direction.BUY)
            seen = observe(Condition(name, limit), bundle, Direction.BUY, required=True)
            assert bool(truth.met[place]) is seen.met or not truth.sure[place], (limit, seen)


@pytest.mark.parametrize("name", ["ema_20", "ema_50", "sma_200", "atr_14", "adx_14", "macd_hist"])
def test_a_figure_out_of_the_columns_is_the_one_of_the_window(name: str):
    columns = bars(2_000, seed=3)
    figures = Figures(columns, 5)
    for place in (0, 13, 49, 198, 199, 599, 600, *range(1_000, 2_000, 37)):
        for back in (1, 2):
            recalled = Recalled(figures, place).figure(name, back)
            assert str(recalled) == str(window_of(columns, place, 5).figure(name, back))


@pytest.mark.parametrize("way", Direction)
@pytest.mark.parametrize("name", sorted(SETUP_TRUTHS))
def test_what_is_certain_of_a_setup_is_what_it_says(name: str, way: Direction):
    columns = bars(900, seed=21, move=0.0004)
    for prices in (columns.open, columns.high, columns.low, columns.close):
        prices[700:730] = columns.close[699]
    test = backtest(columns, crossing(), screened=False)
    account, said = test.venue.account(), SETUP_TRUTHS[name](test.eyes.figures, way)
    for place in (*range(60), *range(600, 900, 3)):
        found = ask(name, test.eyes.bundle(place, test.state, account, ()), way)
        if [seen.name for seen in found.observations] == [name]:  # a figure is missing
            assert not (said.there.met[place] and said.there.sure[place])
            continue
        assert list(said.met) == [seen.name for seen in found.observations]
        for seen, truth in zip(found.observations, said.met.values(), strict=True):
            assert bool(truth.met[place]) is seen.met or not truth.sure[place], (place, seen)


def test_a_setup_is_screened_as_conditions_are():
    strategy = crossing(
        setup="mean_reversion", entry_conditions=(Condition("rsi_below", "60"),),
        nice_to_have=(Condition("vwap_side", "with_trade"),),
    )  # fmt: skip
    columns = bars(3_000, seed=4, move=0.0004)
    screened, whole = both(columns, strategy, start=600)
    assert screened == whole
    assert b'"idea"' in whole
    assert backtest(columns, strategy, start=600).run().asked < 100


def test_the_future_changes_no_decision_of_the_past():
    columns = bars(900, seed=5)
    chance = np.random.default_rng(7)
    cut = 700
    whole = list(backtest(columns, crossing()).run().stream)
    mixed = np.concatenate([np.arange(cut), cut + chance.permutation(900 - cut)])
    shuffled = replace(
        columns, open=columns.open[mixed], high=columns.high[mixed], low=columns.low[mixed],
        close=columns.close[mixed], volume=columns.volume[mixed],
    )  # fmt: skip
    removed = replace(
        columns, opened=columns.opened[:cut], open=columns.open[:cut], high=columns.high[:cut],
        low=columns.low[:cut], close=columns.close[:cut], volume=columns.volume[:cut],
    )  # fmt: skip
    short = list(backtest(removed, crossing()).run().stream)
    other = list(backtest(shuffled, crossing()).run().stream)
    # The last no of the past may be repeated further in the longer run.
    known = len(short) - 1
    assert known > 20
    assert short[:known] == whole[:known] == other[:known]
    assert whole != other
