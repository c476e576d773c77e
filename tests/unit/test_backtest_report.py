"""What a backtest comes to: its figures, its page, and the command that makes them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from bot.backtesting import calendar_of, of_file, play, shipped, signals_log, trades_log
from bot.i18n import LANGUAGES, words_for
from bot.report_page import page, pictures
from bot.views import backtest as views
from broker.feeds.csv_candles import write_candles
from engine.domain.backtest import Costs, Wish
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings
from engine.domain.strategy import Condition, Strategy
from engine.errors import InvalidInput
from engine.research.backtest import Cancelled
from engine.research.plan import chosen, obstacles, plan_of
from engine.research.report import Played, Report, refusals, report_of, thinned
from engine.research.stream import Judged, No, document
from engine.snapshot.canonical import plain, restore
from engine.strategies.documents import text as as_document
from engine.strategies.registry import SETUPS, Setup
from tests.bars import QUIET, bars, crossing

CANDLES = bars(4_000, seed=3, move=0.0004)


def wish(**values: object) -> Wish:
    return Wish(symbol="EURUSD", timeframe=Timeframe.M1, quiet=True, **values)  # type: ignore[arg-type]


def played(*strategies: Strategy, tell=lambda done, of: None, **values: object) -> Played:
    plan = plan_of(
        wish(**values), strategies or (crossing(),), RiskSettings(), 1, source="made", calendar=None
    )
    return play(plan, CANDLES, QUIET, tell)


@pytest.fixture(scope="module")
def run() -> Played:
    return played()


@pytest.fixture(scope="module")
def report(run: Played) -> Report:
    return report_of(run)


def test_the_figures_are_those_of_the_trades(run: Played, report: Report):
    assert report.is_whole
    assert report.candles == len(CANDLES) - 1
    assert report.metrics.trades == len(report.trades) > 20
    profit = sum(trade.profit for trade in run.ran.trades)
    assert report.metrics.profit == profit
    assert report.open_trades or report.end == Decimal(10_000) + profit
    assert sum(part.trades for part in report.hours) == report.metrics.trades
    assert sum(part.profit for part in report.weekdays) == profit
    assert all(a.trade.closed_at <= b.trade.closed_at for a, b in pairwise(report.trades))


def test_a_stop_is_a_loss_of_one_risk(report: Report):
    stopped = [each for each in report.trades if each.trade.reason == "stop_loss"]
    assert stopped
    # The entry slips by a tenth of a pip, and a stop may be jumped over; it never earns.
    assert all(each.r is not None and each.r <= Decimal("-0.9") for each in stopped)


def test_the_hash_is_the_streams(run: Played, report: Report):
    assert report.hash == sha256(document(run.ran.stream)).hexdigest()
    assert report_of(played()).hash == report.hash
    dearer = played(costs=Costs(spread_pips=Decimal(3)))
    assert report_of(dearer).hash != report.hash


def test_each_candle_is_a_refusal_or_an_idea(run: Played, report: Report):
    lines = run.ran.stream.lines
    noes = sum(1 + line.repeats for line in lines if isinstance(line, No))
    ideas = sum(isinstance(line, Judged) for line in lines)
    assert noes + ideas == report.candles
    assert sum(count for _, count in report.refusals) + report.orders >= report.candles
    assert refusals(lines, approves=True) == list(report.refusals)


def test_costs_cost(report: Report):
    dearer = report_of(played(costs=Costs(commission_per_lot=Decimal(7))))
    assert all(each.trade.commission < 0 for each in dearer.trades)
    assert dearer.end < report.end


def test_a_cancelled_run_tells_what_was_done(run: Played):
    def tell(done: int, of: int) -> None:
        assert of == len(CANDLES) - 1
        if done >= 2_000:
            raise Cancelled

    part = played(tell=tell)
    seen = report_of(part)
    assert not seen.is_whole
    assert 2_000 <= seen.candles < 3_100
    whole, done = list(run.ran.stream), list(part.ran.stream)
    assert done[:-1] == whole[: len(done) - 1]
    assert f"{seen.candles:,} candles" in views.summary(words_for("en"), seen)


def test_what_cannot_be_played_is_named(monkeypatch: pytest.MonkeyPatch):
    longer = crossing(
        name="longer", entry_conditions=(Condition("higher_timeframe_trend", "H4 with_trade"),)
    )
    assert obstacles(crossing()) == obstacles(longer) == []
    # A setup may name candles that are shorter than its own.
    monkeypatch.setitem(SETUPS, "ticks", Setup(lambda bundle, side: None, (Timeframe.M1,)))
    longer = replace(longer, setup="ticks")
    with pytest.raises(InvalidInput, match="M1 candles"):
        chosen([longer], "EURUSD", Timeframe.M1, wanted=longer.name)
    taken, left_out = chosen([crossing(), longer], "EURUSD", Timeframe.M1)
    assert [each.name for each in taken] == ["EMA cross"]
    assert [text.partition(":")[0] for text in left_out] == ["longer"]
    with pytest.raises(InvalidInput, match="there is no strategy"):
        chosen([crossing()], "EURUSD", Timeframe.M1, wanted="nobody")
    with pytest.raises(InvalidInput, match="no strategy that is on"):
        chosen([crossing(is_active=False)], "EURUSD", Timeframe.M1)
    assert chosen([crossing(is_active=False)], "EURUSD", Timeframe.M1, wanted="ema CROSS")[0]


def test_a_period_is_kept_to():
    since, until = CANDLES.time(1_000), CANDLES.time(2_000)
    part = report_of(played(since=since, until=until))
    assert part.candles == 1_000
    assert (part.first, part.last) == (CANDLES.closes(1_000), CANDLES.closes(1_999))
    with pytest.raises(InvalidInput, match="no candles"):
        played(since=datetime(2030, 1, 1, tzinfo=UTC))


def test_a_thinned_curve_keeps_its_extremes():
    points = [(n, Decimal(n * n % 997)) for n in range(5_000)]
    thin = thinned(points, 100)
    assert len(thin) <= 301
    assert thin == sorted(set(thin))
    assert thin[-1] == points[-1]
    for pick in (min, max):
        assert pick(value for _, value in thin) == pick(value for _, value in points)
    assert thinned(points[:50], 100) == points[:50]


def test_news_that_nobody_knows_must_be_assumed_away():
    with pytest.raises(InvalidInput, match="--quiet-news"):
        calendar_of("mine.csv", None, quiet=False)
    assert calendar_of("mine.csv", None, quiet=True)[0] is None
    assert calendar_of(shipped().source, None, quiet=False)[0] == "calendar-2017"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_needs_nothing_from_elsewhere(language: str, run: Played, report: Report):
    words = words_for(language)
    images = pictures(report, run.columns, words)
    text = page(report, images, words).decode()
    assert all(image.startswith(b"\x89PNG") for image in images)
    assert text.count("data:image/png;base64,") == 2
    assert not any(word in text for word in ("<script", "http:", "https:", "src='"))
    assert report.hash in text
    assert str(words("backtest.assumed_quiet")) in text
    assert ('dir="rtl"' in text) is (language == "ar")


def test_names_in_the_page_are_text():
    evil = report_of(played(crossing(name="<script>alert(1)</script>")))
    text = page(evil, (), words_for("en")).decode()
    assert "<script" not in text
    assert "<script" not in views.summary(words_for("en"), evil)


def test_the_logs_have_a_row_for_each(run: Played, report: Report):
    assert trades_log(report).count(b"\n") == report.metrics.trades + 1
    assert signals_log(run).count(b"\n") == report.ideas + 1


def test_a_report_travels_as_json(report: Report):
    assert restore(Report, plain(report)) == report


def test_the_command_plays_a_file(tmp_path):
    home = tmp_path / "home"
    file, html, stream = (tmp_path / name for name in ("eurusd-m1.csv", "a/r.html", "s.jsonl"))
    write_candles(file, [CANDLES.candle(place) for place in range(600)])
    draft = tmp_path / "ema-cross.json"
    draft.write_text(as_document(crossing()))
    given = ["backtest", "--home", str(home), "--file", str(file), "--draft", str(draft)]
    runner = CliRunner()
    asked = runner.invoke(app, given)
    assert asked.exit_code == 2
    assert "--quiet-news" in asked.output
    more = ["--quiet-news", "--html", str(html), "--csv", str(tmp_path), "--stream", str(stream)]
    done = runner.invoke(app, [*given, *more, "--cost", "spread_pips=0.5", "--balance", "5000"])
    assert done.exit_code == 0, done.output
    assert "$5,000.00" in done.output
    assert sha256(stream.read_bytes()).hexdigest() in done.output
    assert html.read_text("utf-8").startswith("<!doctype html>")
    assert (tmp_path / "trades_log.csv").exists()
    wrong = runner.invoke(app, [*given, "--cost", "luck=1"])
    assert wrong.exit_code == 2
    assert "spread_pips" in wrong.output


def test_a_file_says_what_it_holds(tmp_path):
    file = tmp_path / "mine.csv"
    write_candles(file, [CANDLES.candle(place) for place in range(3)])
    with pytest.raises(InvalidInput, match="--symbol"):
        of_file(file, None, None, None)
    past = of_file(file, "EURUSD", "M1", None)
    assert (past.source, len(past.columns)) == ("mine.csv", 3)
