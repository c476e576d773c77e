"""What the database holds of a paper run, as rows of source 002's two logs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.backtesting import SIGNALS, TRADES, table
from engine.domain.decision import Action, Decision
from engine.domain.order import ClosedTrade, Order
from engine.domain.values import quantize
from engine.flow.performance import in_risk
from engine.ports import Store, Transaction

Row = tuple[object, ...]
#: What becomes a row of the signals' log.
IDEAS = (Action.AI_AUTO_EXECUTED, Action.AI_PROPOSED, Action.RISK_REJECTED)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Records that are read at once, and trades at most.
_PAGE, _MOST = 1_000, 1_000_000


@dataclass(kw_only=True)
class Record:
    """Rows of the two logs, the oldest first, and the ideas that were entered, by their ids.

    ``last`` is the record up to which it was read; what came since is read by :meth:`go_on`.
    """

    signals: list[Row] = field(default_factory=list)
    trades: list[Row] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    last: int = 0

    async def go_on(self, store: Store) -> bool:
        """Read what is new; whether anything was."""
        async with store.begin() as tx:
            newest = await tx.history.list(limit=1)
            if not newest or newest[0].seq <= self.last:
                return False
            decisions = await self._decisions(tx)
            names = {str(each.id): each.name for each in await tx.settings.strategies()}
            closed = await tx.orders.closed(since=_EPOCH, limit=_MOST)
            ids = sorted({trade.client_id for trade in closed if trade.client_id is not None})
            orders = {order.client_id: order for order in await tx.orders.many(ids)}
        for decision in decisions:
            self._take(decision, names)
        self.last = newest[0].seq
        self.trades = [
            _trade(trade, orders.get(trade.client_id or ""), names) for trade in reversed(closed)
        ]
        return True

    async def _decisions(self, tx: Transaction) -> list[Decision]:
        """The oldest first."""
        found: list[Decision] = []
        actions, before = (*IDEAS, Action.ORDER_FILLED), None
        while True:
            page = await tx.history.list(actions=actions, before=before, limit=_PAGE)
            found += [each for each in page if each.seq > self.last]
            if len(page) < _PAGE or page[-1].seq <= self.last:
                return found[::-1]
            before = page[-1].seq

    def _take(self, decision: Decision, names: dict[str, str]) -> None:
        entry = decision.entry
        if entry.action is Action.ORDER_FILLED:
            self.orders.append(str(entry.idea_id))
        elif "outcome" in entry.detail:
            idea = entry.detail["outcome"]["evaluation"]["proposal"]
            self.signals.append(
                (
                    entry.market_time and entry.market_time.isoformat(), entry.symbol,
                    names.get(str(entry.strategy_id), ""), idea["direction"], idea["entry"],
                    idea["stop_loss"], " ".join(idea["take_profit"]), entry.confidence_score,
                    entry.risk_check_result,
                )
            )  # fmt: skip


def _trade(trade: ClosedTrade, order: Order | None, names: dict[str, str]) -> Row:
    r = in_risk(trade, order)
    return (
        trade.opened_at.isoformat(), trade.closed_at.isoformat(), trade.symbol,
        names.get(order.strategy_id, "") if order else "", trade.direction, trade.volume,
        trade.entry_price, trade.exit_price, trade.profit,
        "" if r is None else quantize(r, 2), trade.reason, trade.gross, trade.commission,
        trade.swap, trade.position_id,
    )  # fmt: skip


@dataclass(kw_only=True)
class Log:
    """A CSV file that holds a list of rows, each once.

    A file that ends in the middle of what it should hold gets the rest, as after a death while it
    was written. One that holds anything else, or is gone, is written anew.
    """

    path: Path
    head: tuple[str, ...]
    _rows: list[Row] | None = None

    def bring(self, rows: Sequence[Row]) -> int:
        """Make the file hold these rows; how many it holds."""
        rows = list(rows)
        known = self._rows
        if known is None or known != rows[: len(known)] or not self.path.exists():
            self._anew(table(self.head, rows))
        elif len(rows) > len(known):
            with self.path.open("ab") as file:
                file.write(table(None, rows[len(known) :]))
        self._rows = rows
        return len(rows)

    def _anew(self, whole: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        there = self.path.read_bytes() if self.path.exists() else None
        if there is not None and whole.startswith(there):
            with self.path.open("ab") as file:
                file.write(whole[len(there) :])
            return
        beside = self.path.with_name(self.path.name + ".new")
        beside.write_bytes(whole)
        beside.replace(self.path)


def logs_in(folder: Path) -> tuple[Log, Log]:
    """Source 002's two logs in a folder: of signals and of trades."""
    return (
        Log(path=folder / "signals_log.csv", head=SIGNALS),
        Log(path=folder / "trades_log.csv", head=TRADES),
    )


def bring(logs: tuple[Log, Log], record: Record) -> list[str]:
    """Make the logs hold what is on record; a line to say of each."""
    signals, trades = logs
    return [
        f"{signals.path}: {signals.bring(record.signals)} rows",
        f"{trades.path}: {trades.bring(record.trades)} rows",
    ]
