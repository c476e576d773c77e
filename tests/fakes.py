"""In-memory stand-ins for ports: a venue's ledger and a market that is moved by hand."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.domain.market import Candle, Instrument, Quote, Timeframe


class MemoryLedger:
    """The port ``VenueLedger``: documents are JSON, locked while open, kept only on success."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[dict[str, Any]]:
        async with self._locks[name]:
            await asyncio.sleep(0)  # as a database does, it lets others try in between
            document = await self.read(name)
            yield document
            self.documents[name] = json.dumps(document)

    async def read(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.documents.get(name, "{}"))
        return document


class HandMarket:
    """The port ``MarketData`` over one symbol; ``close`` ends a candle, ``spread`` is in price.

    ``others`` are the quotes of further symbols, known to ``rates`` only.
    """

    def __init__(
        self,
        instrument: Instrument,
        candles: Iterable[Candle],
        *,
        spread: Decimal = Decimal("0.00010"),
        timeframe: Timeframe = Timeframe.H1,
    ) -> None:
        self.specification = instrument
        self.played = list(candles)
        self.spread = spread
        self.timeframe = timeframe
        self.quoted = True
        self.others: dict[str, Quote] = {}

    def close(self, *candles: Candle) -> None:
        """The market moves on by these candles."""
        self.played += candles

    async def instant(self) -> datetime:
        return self.played[-1].time + self.timeframe.length

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        return tuple(self.played[-count:])

    async def candles_since(
        self, symbol: str, timeframe: Timeframe, after: datetime
    ) -> tuple[Candle, ...]:
        return tuple(candle for candle in self.played if candle.time > after)

    async def quote(self, symbol: str) -> Quote | None:
        if not self.quoted:
            return None
        bid = self.played[-1].close
        return Quote(bid, bid + self.spread, await self.instant())

    async def rates(self, wanted: Collection[str]) -> Mapping[str, Quote]:
        own = await self.quote(self.specification.symbol)
        known = self.others | ({} if own is None else {self.specification.symbol: own})
        return {symbol: quote for symbol, quote in known.items() if symbol in wanted}

    async def instrument(self, symbol: str) -> Instrument:
        return self.specification


def message(update_id: int, text: str, who: int = 1001, at: int = 2_000_000_000) -> dict[str, Any]:
    """An update as Telegram sends it: a person writes to the bot."""
    command = text.split(maxsplit=1)[0] if text.startswith("/") else ""
    entities = [{"type": "bot_command", "offset": 0, "length": len(command)}] if command else []
    content = {
        "message_id": update_id, "date": at, "from": _person(who), "text": text,
        "chat": {"id": who, "type": "private"}, "entities": entities,
    }  # fmt: skip
    return {"update_id": update_id, "message": content}


def tap(update_id: int, data: str, who: int = 1001) -> dict[str, Any]:
    """An update as Telegram sends it: a person taps a button."""
    chat = {"id": who, "type": "private"}
    shown = {"message_id": 1, "date": 2_000_000_000, "chat": chat, "text": "x"}
    query = {
        "id": str(update_id), "from": _person(who), "chat_instance": "1", "data": data,
        "message": shown,
    }  # fmt: skip
    return {"update_id": update_id, "callback_query": query}


def _person(who: int) -> dict[str, Any]:
    return {"id": who, "is_bot": False, "first_name": "A", "language_code": "en"}
