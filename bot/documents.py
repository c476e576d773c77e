"""Which file goes with a message: found by what the parcel names, written when it is sent."""

from collections.abc import Sequence
from csv import writer
from dataclasses import dataclass
from io import StringIO
from typing import Any
from uuid import UUID

from bot.backtesting import SIGNALS, TRADES, table
from bot.paper_record import Record
from engine.domain.values import quantize
from engine.errors import NotFound
from engine.flow.performance import ReadPerformance
from engine.flow.strategies import version_of
from engine.ports import Store
from engine.strategies.documents import slug, text

_COLUMNS = (
    "opened_at", "closed_at", "symbol", "direction", "volume", "entry_price", "exit_price",
    "profit", "r", "reason", "position_id", "gross", "commission", "swap",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Write a file: its name and its bytes. ``kind`` says which, the ids beside it of what.

    ``strategy`` is the rule document of a strategy's ``version``, by the strategy's ``id``;
    ``backtest`` is the page of a run, by its ``id``; ``trades`` are the closed trades from the
    first to the last of ``days``, as CSV; ``paper`` is one of source 002's two logs, of all that is
    on record, by its ``id``. Raises :class:`NotFound` for what is not there.
    """

    store: Store
    read_performance: ReadPerformance

    async def __call__(self, document: dict[str, Any]) -> tuple[str, bytes]:
        if document["kind"] == "trades":
            return await self._trades(document["days"])
        if document["kind"] == "backtest":
            async with self.store.begin() as tx:
                return "backtest.html", (await tx.backtests.files(UUID(document["id"]))).page
        if document["kind"] == "paper":
            return await self._log(str(document["id"]))
        if document["kind"] != "strategy":
            raise NotFound(f"there is no file of kind {document['kind']!r}")
        return await self._strategy(UUID(document["id"]), int(document["version"]))

    async def _strategy(self, id_: UUID, version: int) -> tuple[str, bytes]:
        """The name tells strategy and version, by which the file is known when it comes back."""
        async with self.store.begin() as tx:
            versions = await tx.settings.strategy_versions(id_)
        if not versions:
            raise NotFound(f"there is no strategy {id_}")
        strategy = version_of(versions, version).strategy
        return f"{slug(strategy.name)}-v{version}.json", text(strategy).encode()

    async def _log(self, name: str) -> tuple[str, bytes]:
        record = Record()
        await record.go_on(self.store)
        made = {"signals": (SIGNALS, record.signals), "trades": (TRADES, record.trades)}
        if name not in made:
            raise NotFound(f"there is no log {name!r}")
        return f"{name}_log.csv", table(*made[name])

    async def _trades(self, days: Sequence[str]) -> tuple[str, bytes]:
        """One row a trade, instants in UTC, money in account currency: for anyone's own tools.

        The profit is after commission and swap, which are below zero where they cost.
        """
        seen = await self.read_performance(None, days)
        file = StringIO(newline="")
        table = writer(file)
        table.writerow(_COLUMNS)
        for trade, r in seen.trades:
            table.writerow(
                (
                    trade.opened_at.isoformat(), trade.closed_at.isoformat(), trade.symbol,
                    trade.direction, trade.volume, trade.entry_price, trade.exit_price,
                    trade.profit, "" if r is None else quantize(r, 2), trade.reason,
                    trade.position_id, trade.gross, trade.commission, trade.swap,
                )
            )  # fmt: skip
        return f"trades-{days[0]}-{days[1]}.csv", file.getvalue().encode()
