"""The decision stream: what the loop decided, candle by candle, without ids and wall-clock times.

A backtest writes it, and it is read out of the history of a paper run; over the same candles both
are the same bytes. Each line is canonical JSON: ``no`` (with how often it was repeated), ``idea``
with the whole outcome, ``order`` and ``trade``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.domain.decision import Action, Decision, Entry, GateSnapshot
from engine.domain.order import ClosedTrade, Fill
from engine.domain.strategy import Strategy
from engine.flow.judgement import Outcome
from engine.snapshot.canonical import canonical, plain

#: Fields of an order's and a trade's record that name them, and so differ from run to run.
_IDS = ("client_id", "broker_id", "position_id")
_IDEAS = (Action.AI_AUTO_EXECUTED, Action.AI_PROPOSED, Action.RISK_REJECTED)


@dataclass(slots=True)
class No:
    """A strategy's no, and how often it was repeated on the candles after it."""

    at: datetime
    strategy: str
    reason: str
    closed: tuple[str, ...]
    signature: str
    repeats: int = 0

    @property
    def line(self) -> dict[str, Any]:
        """As it stands in the stream."""
        return {
            "no": self.reason, "at": self.at.isoformat(), "strategy": self.strategy,
            "closed": list(self.closed), "like": self.signature, "repeats": self.repeats,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """An idea: its setup was judged by the gate."""

    at: datetime
    strategy: str
    outcome: Outcome

    @property
    def line(self) -> dict[str, Any]:
        """As it stands in the stream."""
        return {
            "idea": plain(self.outcome), "at": self.at.isoformat(), "strategy": self.strategy,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dealt:
    """An order that the venue filled, or refused with a reason."""

    fill: Fill | str

    @property
    def line(self) -> dict[str, Any]:
        """As it stands in the stream."""
        refused = isinstance(self.fill, str)
        return {"order": self.fill if refused else _without_ids(plain(self.fill))}


@dataclass(frozen=True, slots=True)
class Ended:
    """A trade that was closed, or a part of one."""

    trade: ClosedTrade

    @property
    def line(self) -> dict[str, Any]:
        """As it stands in the stream."""
        return {"trade": _without_ids(plain(self.trade))}


Line = No | Judged | Dealt | Ended


@dataclass(slots=True)
class Stream:
    """Lines in the order they were decided; a no like the last one of the same strategy and day is
    a repetition of it, as the loop folds it.
    """

    lines: list[Line] = field(default_factory=list)
    _last: dict[str, No] = field(default_factory=dict)

    def no(
        self,
        at: datetime,
        strategy: Strategy,
        reason: str,
        closed: tuple[str, ...],
        signature: str,
        times: int = 1,
    ) -> None:
        """So many noes in a row, the first of them at an instant; all on one day."""
        before = self._last.get(strategy.name)
        like = before is not None and before.signature == signature
        if before is not None and like and before.at.date() == at.date():
            before.repeats += times
            return
        made = No(at, strategy.name, reason, closed, signature, times - 1)
        self._last[strategy.name] = made
        self.lines.append(made)

    def idea(self, at: datetime, strategy: Strategy, outcome: Outcome) -> None:
        """A setup that the gate judged."""
        self._last.pop(strategy.name, None)
        self.lines.append(Judged(at, strategy.name, outcome))

    def __iter__(self) -> Iterator[bytes]:
        """Each line as bytes."""
        return (canonical(line.line) for line in self.lines)


def document(lines: Iterable[bytes]) -> bytes:
    """The stream as a file: a line each."""
    return b"".join(line + b"\n" for line in lines)


def recorded(decisions: Iterable[Decision], snapshots: Iterable[GateSnapshot]) -> Iterator[bytes]:
    """The stream of one symbol out of what was kept of it: its decisions and its evaluations, both
    the oldest first. What people and the worker's clock did is not in it.
    """
    kept = _Kept()
    for seen in snapshots:
        kept.take(seen)
    for decision in decisions:
        line = kept.line(decision.entry)
        if line is not None:
            yield canonical(line)


@dataclass(slots=True)
class _Kept:
    """Evaluations by strategy and candle: each no that stands in the history, repetitions counted,
    and the strategies' names.
    """

    noes: dict[tuple[UUID | None, datetime | None], No] = field(default_factory=dict)
    names: dict[UUID | None, str] = field(default_factory=dict)
    _last: dict[UUID, No] = field(default_factory=dict)

    def take(self, seen: GateSnapshot) -> None:
        """One more evaluation."""
        if seen.folded:
            self._last[seen.strategy_id].repeats += 1
            return
        made = No(seen.market_time, seen.strategy_name, seen.reason, seen.closed, seen.signature)
        self._last[seen.strategy_id] = self.noes[seen.strategy_id, seen.market_time] = made
        self.names[seen.strategy_id] = seen.strategy_name

    def line(self, entry: Entry) -> dict[str, Any] | None:
        """A record as it stands in the stream; None for what is no decision of the loop."""
        detail, at = entry.detail, entry.market_time
        if entry.action is Action.NO_TRADE:
            return self.noes[entry.strategy_id, at].line
        if entry.action in _IDEAS and at is not None and "outcome" in detail:
            name = self.names[entry.strategy_id]
            return {"idea": detail["outcome"], "at": at.isoformat(), "strategy": name}
        if entry.action is Action.ORDER_FILLED:
            return {"order": _without_ids(detail["fill"])}
        if entry.action in (Action.ORDER_REJECTED, Action.ORDER_CANCELLED):
            return {"order": entry.rationale}
        if entry.action is Action.POSITION_CLOSED:
            return {"trade": _without_ids(detail["trade"])}
        return None


def _without_ids(document: dict[str, Any]) -> dict[str, Any]:
    return {name: kept for name, kept in document.items() if name not in _IDS}
