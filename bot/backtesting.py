"""Put a backtest together: candles from a file, the shipped recording or the store, the simulated
venue, and the files that are written of it.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from broker.feeds.calendar_csv import CsvCalendar, shipped_calendar
from broker.feeds.csv_candles import read_candles
from broker.feeds.recorded import shipped_recording
from broker.instruments import instrument
from broker.simulated import SimulatedVenue
from broker.terms import Terms
from engine.domain.market import Instrument, Timeframe
from engine.domain.snapshot import CalendarView
from engine.domain.values import quantize
from engine.errors import InvalidInput
from engine.research.columns import Columns, columns_of
from engine.research.plan import Plan
from engine.research.report import Played, Report
from engine.research.running import RunBacktest, Tell
from engine.research.stream import Judged


@dataclass(frozen=True, slots=True)
class Past:
    """Candles to play, and where they come from."""

    source: str
    columns: Columns


def shipped() -> Past:
    """The recording that comes with the product."""
    recording = shipped_recording()
    columns = columns_of(recording.symbol, recording.timeframe, recording.candles)
    return Past(recording.name, columns)


def of_file(
    path: Path, symbol: str | None, timeframe: str | None, offset: timedelta | None
) -> Past:
    """Candles of a CSV file as ``ai-trader import`` takes it; a file that was imported says its
    symbol and timeframe by its name.
    """
    named, _, length = path.stem.upper().rpartition("-")
    symbol, timeframe = symbol or named, timeframe or length
    if not symbol or timeframe not in list(Timeframe):
        raise InvalidInput(
            f"say what {path.name} holds: --symbol EURUSD --timeframe H1"
            f" (there are {', '.join(Timeframe)})"
        )
    instrument(symbol)
    candles = read_candles(path, Timeframe(timeframe), utc_offset=offset)
    return Past(path.name, columns_of(symbol, Timeframe(timeframe), candles))


def calendar_of(source: str, own: Path | None, *, quiet: bool) -> tuple[str | None, CalendarView]:
    """The releases of a run and their name; none, where nobody released anything or one is to
    assume so.
    """
    if quiet:
        return None, CalendarView(
            events=(), known_until=datetime.max.replace(tzinfo=ZoneInfo("UTC"))
        )
    if own is not None:
        found = CsvCalendar(own.read_text("utf-8-sig")).whole
        if found is None:
            raise InvalidInput(f"{own.name} holds no releases")
        return own.name, found
    whole = shipped_calendar().whole
    assert whole is not None
    if source != shipped_recording().name:
        raise InvalidInput(
            "the news of these candles are not known: give their calendar (--calendar FILE), or let"
            " the run assume that there were none (--quiet-news)"
        )
    return "calendar-2017", whole


def venues(plan: Plan, columns: Columns) -> tuple[SimulatedVenue, Instrument]:
    """The paper broker over the candles, with the plan's costs."""
    known = instrument(plan.symbol)
    costs = plan.costs
    terms = Terms(
        commission_per_lot=costs.commission_per_lot,
        swap_long=costs.swap_long,
        swap_short=costs.swap_short,
        leverage=costs.leverage,
    )
    venue = SimulatedVenue(
        columns,
        known,
        spread=costs.spread_pips * known.pip,
        terms=terms,
        slippage_pips=costs.slippage_pips,
        starting_balance=plan.balance,
        currency=plan.currency,
        zone=ZoneInfo(plan.zone),
        latency=timedelta(milliseconds=float(costs.latency_ms)),
    )
    return venue, venue.market.facts


def play(
    plan: Plan,
    columns: Columns,
    calendar: CalendarView | None,
    tell: Tell,
    body: bytes | None = None,
) -> Played:
    """Play a plan, here and now; ``body`` are the trees of its model."""
    return RunBacktest(venues=venues, timer=perf_counter)(plan, columns, calendar, tell, body)


TRADES = (
    "opened_at", "closed_at", "symbol", "strategy", "side", "volume", "entry", "exit", "profit",
    "r", "reason", "gross", "commission", "swap", "trade_id",
)  # fmt: skip
SIGNALS = (
    "time", "symbol", "strategy", "side", "entry", "stop_loss", "take_profit", "confidence",
    "result",
)  # fmt: skip


def trades_log(report: Report) -> bytes:
    """A row for each whole trade, instants in UTC, money in account currency after costs."""
    return table(
        TRADES,
        [
            (
                each.trade.opened_at.isoformat(), each.trade.closed_at.isoformat(),
                each.trade.symbol, each.strategy, each.trade.direction, each.trade.volume,
                each.trade.entry_price, each.trade.exit_price, each.trade.profit,
                "" if each.r is None else quantize(each.r, 2), each.trade.reason, each.trade.gross,
                each.trade.commission, each.trade.swap, each.trade.position_id,
            )
            for each in report.trades
        ],
    )  # fmt: skip


def signals_log(played: Played) -> bytes:
    """A row for each idea, whatever the gate said of it."""
    rows = []
    for line in played.ran.stream.lines:
        if isinstance(line, Judged):
            seen = line.outcome
            assert seen.evaluation.proposal is not None
            idea = seen.evaluation.proposal
            rows.append(
                (
                    line.at.isoformat(), idea.symbol, line.strategy, idea.direction, idea.entry,
                    idea.stop_loss, " ".join(str(price) for price in idea.take_profit),
                    "" if seen.confidence is None else seen.confidence.score, seen.result,
                )
            )  # fmt: skip
    return table(SIGNALS, rows)


def table(head: Sequence[str] | None, rows: Sequence[Sequence[object]]) -> bytes:
    """A CSV file in UTF-8; without a ``head`` only rows of one."""
    file = StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    if head is not None:
        writer.writerow(head)
    writer.writerows(rows)
    return file.getvalue().encode()
