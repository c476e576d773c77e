"""What terminals show, in memory."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.domain.market import Timeframe
from engine.ports import Clock, Shown, Streamed
from tests.memory.rows import View

#: As many old ones go with each that comes.
_REMOVE_AT_ONCE = 20


def _copy(document: Any) -> Any:
    """What comes out again of a database that keeps JSON."""
    return json.loads(json.dumps(document))


class MemorySnapshots:
    """The port ``Snapshots`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def keep_raw(self, account_id: str, body: bytes, *, keep: timedelta) -> None:
        now = self._clock()
        kept = [*(self._view.get("ea_snapshot", account_id) or ()), (now, body)]
        old = [each for each in kept if each[0] < now - keep][:_REMOVE_AT_ONCE]
        left = tuple(each for each in kept if each not in old)
        await self._view.put("ea_snapshot", account_id, left)

    async def save(self, account_id: str, shown: Shown) -> None:
        parts = (_copy(part) for part in (shown.account, shown.positions, shown.orders))
        await self._view.put("ea_shown", account_id, Shown(shown.at, shown.offset_seconds, *parts))

    async def last(self, account_id: str) -> Shown | None:
        shown: Shown | None = self._view.get("ea_shown", account_id)
        return shown

    async def add_deals(self, account_id: str, deals: Sequence[Mapping[str, Any]]) -> None:
        for deal in deals:
            await self._view.insert("ea_deal", (account_id, deal["ticket"]), _copy(deal))

    async def deals_of_closed(
        self, account_id: str, after: datetime
    ) -> Sequence[Mapping[str, Any]]:
        mine = [
            (datetime.fromisoformat(deal["at"]), deal["ticket"], deal)
            for account, deal in self._deals()
            if account == account_id
        ]
        closed = {deal["position"] for at, _, deal in mine if deal["entry"] != 0 and at > after}
        return [deal for _, _, deal in sorted(mine, key=_place) if deal["position"] in closed]

    def _deals(self) -> list[tuple[str, dict[str, Any]]]:
        return [(key[0], deal) for key, deal in self._view.items("ea_deal")]

    async def save_symbols(self, account_id: str, symbols: Sequence[Mapping[str, Any]]) -> None:
        for symbol in symbols:
            await self._view.put("ea_symbol", (account_id, symbol["name"]), _copy(symbol))

    async def symbols(self, account_id: str, names: Collection[str]) -> Mapping[str, Any]:
        found = {name: self._view.get("ea_symbol", (account_id, name)) for name in names}
        return {name: symbol for name, symbol in found.items() if symbol is not None}

    async def save_candles(self, account_id: str, streams: Sequence[Streamed]) -> None:
        for stream in streams:
            if not stream.rows:
                continue
            key = (account_id, stream.name, stream.timeframe)
            await self._view.lock("ea_candle", key)
            told = {row[0]: (row[0], *map(Decimal, row[1:5]), row[5]) for row in stream.rows}
            before = self._view.get("ea_candle", key) or ()
            kept = [row for row in before if row[0] < min(told)]
            rows = tuple(sorted((*kept, *told.values()), key=lambda row: row[0]))
            await self._view.put("ea_candle", key, rows)

    async def latest(
        self, account_id: str, streams: Collection[tuple[str, Timeframe]]
    ) -> Mapping[tuple[str, Timeframe], datetime]:
        found = {key: self._view.get("ea_candle", (account_id, *key)) for key in streams}
        return {key: rows[-1][0] for key, rows in found.items() if rows}

    async def candles(
        self,
        account_id: str,
        name: str,
        timeframe: Timeframe,
        *,
        count: int | None = None,
        after: datetime | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        rows = self._view.get("ea_candle", (account_id, name, timeframe)) or ()
        if after is not None:
            return [row for row in rows if row[0] > after]
        return list(rows if count is None else rows[max(0, len(rows) - count) :])

    async def save_calendar(self, account_id: str, calendar: Mapping[str, Any]) -> None:
        await self._view.put("ea_calendar", account_id, _copy(calendar))

    async def calendar(self, account_id: str) -> Mapping[str, Any] | None:
        calendar: Mapping[str, Any] | None = self._view.get("ea_calendar", account_id)
        return calendar

    async def save_names(self, account_id: str, names: Sequence[str]) -> None:
        await self._view.put("ea_names", account_id, list(names))

    async def names(self, account_id: str) -> Sequence[str]:
        return self._view.get("ea_names", account_id) or []

    async def map_symbol(self, account_id: str, symbol: str, name: str) -> None:
        await self._view.lock("ea_symbol_map", account_id)
        known = await self.mapped(account_id)
        await self._view.put("ea_symbol_map", account_id, {**known, symbol: name})

    async def mapped(self, account_id: str) -> Mapping[str, str]:
        return self._view.get("ea_symbol_map", account_id) or {}


def _place(found: tuple[datetime, int, Any]) -> tuple[datetime, int]:
    return found[:2]
