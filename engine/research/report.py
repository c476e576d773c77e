"""What a backtest came to: the figures of its trades, its equity, its refusals; pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from hashlib import sha256
from typing import TypeGuard
from uuid import UUID

from engine.domain.gate import Verdict
from engine.domain.order import ClosedTrade, together
from engine.domain.state import HaltReason
from engine.flow.ideas import client_id
from engine.research.backtest import Ran
from engine.research.columns import Columns
from engine.research.plan import Plan
from engine.research.simulation import State
from engine.research.stream import Dealt, Judged, Line, No
from engine.scoring.metrics import Metrics, Trade, measure

#: Points of the equity that are kept: three for each of so many stretches.
STRETCHES = 400
_PUT_FORWARD = (Verdict.EXECUTE, Verdict.ASK)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the trades: by the hour, or by the weekday, in which they were opened."""

    name: int
    trades: int
    wins: int
    profit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """A whole trade of a run, and what it made in units of its risk."""

    trade: ClosedTrade
    strategy: str
    r: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run came to.

    ``trades`` are whole ones, the oldest first; ``equity`` the account after each stretch of
    candles, its lowest and highest in it too. ``drawdown`` is the deepest fall of the equity, open
    trades included, in account currency, and ``drawdown_percent`` the steepest, of its peak.
    ``refusals`` counts what came of the candles without an order, the most frequent first.
    ``hours`` (0 to 23) and ``weekdays`` (Monday is 0) are by the broker's clock. ``seconds`` is how
    long it took, ``hash`` the decision stream's, SHA-256 in hex. ``is_whole`` is whether it was
    played to its end.
    """

    plan: Plan
    is_whole: bool
    first: datetime
    last: datetime
    candles: int
    asked: int
    seconds: float
    ideas: int
    orders: int
    metrics: Metrics
    trades: tuple[Dealing, ...]
    equity: tuple[tuple[datetime, Decimal], ...]
    drawdown: Decimal
    drawdown_percent: Decimal
    refusals: tuple[tuple[str, int], ...]
    hours: tuple[Slice, ...]
    weekdays: tuple[Slice, ...]
    halts: tuple[tuple[datetime, HaltReason], ...]
    open_trades: int
    hash: str

    @property
    def end(self) -> Decimal:
        """The equity at the end, in account currency."""
        return self.equity[-1][1] if self.equity else self.plan.balance

    @property
    def percent(self) -> Decimal:
        """What the equity has grown by, in percent."""
        return (self.end - self.plan.balance) / self.plan.balance * 100

    @property
    def speed(self) -> float:
        """Candles per second; 0.0 where no time passed."""
        return self.candles / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A run that was played, and what it was played on. ``open_trades`` are left at its end."""

    plan: Plan
    columns: Columns
    ran: Ran
    state: State
    start: int
    is_whole: bool
    seconds: float
    account_id: str
    open_trades: int
    zone: tzinfo


def report_of(played: Played) -> Report:
    """The figures of a run."""
    plan, ran, columns = played.plan, played.ran, played.columns
    # Ideas that are put forward are numbered as they come.
    numbered = enumerate(filter(_is_put_forward, ran.stream.lines), 1)
    known = {client_id(played.account_id, UUID(int=n)): idea for n, idea in numbered}
    trades = tuple(_dealing(trade, known) for trade in _whole(ran.trades))
    measured = [
        Trade(closed_at=each.trade.closed_at, profit=each.trade.profit, r=each.r) for each in trades
    ]
    fall, percent = _fall([equity for _, equity in ran.equity], plan.balance)
    last = min(played.start + ran.candles, len(columns)) - 1
    return Report(
        plan=plan,
        is_whole=played.is_whole,
        first=columns.closes(played.start),
        last=columns.closes(max(last, played.start)),
        candles=ran.candles,
        asked=ran.asked,
        seconds=played.seconds,
        ideas=sum(isinstance(line, Judged) for line in ran.stream.lines),
        orders=sum(
            isinstance(line, Dealt) and not isinstance(line.fill, str) for line in ran.stream.lines
        ),
        metrics=measure(measured, start=plan.balance),
        trades=trades,
        equity=tuple((columns.closes(place), equity) for place, equity in thinned(ran.equity)),
        drawdown=fall,
        drawdown_percent=percent,
        refusals=tuple(refusals(ran.stream.lines, approves=plan.approves)),
        hours=_slices(trades, lambda at: at.astimezone(played.zone).hour),
        weekdays=_slices(trades, lambda at: at.astimezone(played.zone).weekday()),
        halts=tuple(played.state.halts),
        open_trades=played.open_trades,
        hash=stream_hash(ran.stream),
    )


def stream_hash(stream: Iterable[bytes]) -> str:
    """SHA-256 of a decision stream as its file would be, in hex."""
    found = sha256()
    for line in stream:
        found.update(line + b"\n")
    return found.hexdigest()


def refusals(lines: Iterable[Line], *, approves: bool) -> list[tuple[str, int]]:
    """Why candles brought no order, and how often: ``none:`` and ``blocked:`` before there was an
    idea, repetitions counted; ``fail:`` and ``review:`` by the gate's verdict; ``order:`` when it
    was to be sent.
    """
    found: Counter[str] = Counter()
    for line in lines:
        if isinstance(line, No):
            found[line.reason] += 1 + line.repeats
        elif isinstance(line, Judged):
            assert line.outcome.report is not None
            verdict = line.outcome.report.verdict
            if verdict not in _PUT_FORWARD or (verdict is Verdict.ASK and not approves):
                found[line.outcome.result] += 1
        elif isinstance(line, Dealt) and isinstance(line.fill, str):
            found[f"order:{line.fill}"] += 1
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def thinned(
    points: Sequence[tuple[int, Decimal]], most: int = STRETCHES
) -> list[tuple[int, Decimal]]:
    """The points of a curve that are seen: of each stretch the lowest, the highest and the last."""
    if len(points) <= 3 * most:
        return list(points)
    kept: list[tuple[int, Decimal]] = [points[0]]
    step = -(-len(points) // most)
    for first in range(0, len(points), step):
        part = range(first, min(first + step, len(points)))
        seen = {min(part, key=lambda n: points[n][1]), max(part, key=lambda n: points[n][1])}
        kept += [points[n] for n in sorted(seen | {part[-1]}) if n]
    return kept


def _is_put_forward(line: Line) -> TypeGuard[Judged]:
    if not isinstance(line, Judged) or line.outcome.report is None:
        return False
    return line.outcome.report.verdict in _PUT_FORWARD


def _dealing(trade: ClosedTrade, known: Mapping[str, Judged]) -> Dealing:
    idea = known[trade.client_id or ""]
    assert idea.outcome.evaluation.proposal is not None
    risk = abs(trade.entry_price - idea.outcome.evaluation.proposal.stop_loss)
    moved = (trade.exit_price - trade.entry_price) * trade.direction.sign
    return Dealing(trade=trade, strategy=idea.strategy, r=moved / risk if risk else None)


def _whole(trades: Sequence[ClosedTrade]) -> list[ClosedTrade]:
    """Trades of one order as the one trade they were, in the order in which they ended."""
    parts: dict[str, list[ClosedTrade]] = {}
    for trade in trades:
        parts.setdefault(trade.client_id or trade.position_id, []).append(trade)
    return sorted((together(part) for part in parts.values()), key=lambda trade: trade.closed_at)


def _slices(trades: Sequence[Dealing], name: Callable[[datetime], int]) -> tuple[Slice, ...]:
    parts: dict[int, list[Decimal]] = {}
    for each in trades:
        parts.setdefault(name(each.trade.opened_at), []).append(each.trade.profit)
    return tuple(
        Slice(number, len(made), sum(profit > 0 for profit in made), sum(made, Decimal(0)))
        for number, made in sorted(parts.items())
    )


def _fall(curve: Iterable[Decimal], start: Decimal) -> tuple[Decimal, Decimal]:
    """The deepest fall from a peak, in money and in percent of that peak."""
    peak, deepest, steepest = start, Decimal(0), Decimal(0)
    for equity in curve:
        peak = max(peak, equity)
        deepest = max(deepest, peak - equity)
        if peak > 0:
            steepest = max(steepest, (peak - equity) / peak * 100)
    return deepest, steepest
