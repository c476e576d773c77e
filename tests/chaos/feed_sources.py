"""Three ways of market data into the loop: a file, a terminal's Expert Advisor, an exchange.

Each takes the same picture, writes it as its kind of feed does, and reads it by the real adapter.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from broker.binance.build import build
from broker.binance.client import Client
from broker.feeds.csv_candles import parse_candles
from broker.feeds.recorded import RecordedMarket, Recording
from broker.feeds.terminal import TerminalCalendar, TerminalMarket
from broker.instruments import instrument
from ea.answers import Pace
from ea.app import Endpoint, create_app
from engine.domain.market import Candle, Instrument, Quote, Timeframe
from engine.domain.person import Person, Role
from engine.errors import FeedError, InvalidInput
from engine.flow.bridge import HearTerminal, OfferCommands, TakeResult
from engine.flow.terminal_sync import TakeSnapshot
from engine.flow.terminal_wishes import Watched
from engine.flow.terminals import IssueCode, RegisterTerminal
from engine.ports import MarketData
from tests.binance import KEY, SECRET
from tests.binance.exchange import Exchange, Symbol
from tests.binance.server import Server
from tests.fakes import MemoryLedger
from tests.memory import MemoryStore
from tests.memory.polls import MemoryPolls
from tests.terminals import Ea, request

D = Decimal
SYMBOL, FRAME = "EURUSD", Timeframe.H1
HOUR = timedelta(hours=1)
BROKER_OFFSET = 7_200
ACCOUNT = "chaos-1"
PERSON = Person(id=1001, name="Ann", role=Role.ADMIN, chat_id=1001)
_NEW = "-new"


@dataclass
class Picture:
    """What a feed shows: rows of opening time, four prices and a volume; prices are decimals, or
    texts that are no numbers. ``now`` is the market's time, ``wall`` how far the feed's own clock
    is off, ``offset`` what a broker says it is ahead of UTC by.
    """

    rows: list[list[Any]]
    now: datetime
    bid: Any
    ask: Any
    digits: int = 5
    renamed: bool = False
    suspended: bool = False
    wall: timedelta = timedelta(0)
    offset: int = BROKER_OFFSET
    quiet: bool = False
    calendar: str = "good"

    @classmethod
    def of(cls, candles: list[Candle]) -> "Picture":
        """The market as it is, just after the last of these has closed."""
        rows = [[c.time, c.open, c.high, c.low, c.close, c.volume] for c in candles]
        last = candles[-1]
        ask = last.close + D("0.00008")
        return cls(rows, last.time + HOUR + timedelta(seconds=1), last.close, ask)


@dataclass
class Source(ABC):
    """A feed; ``kind`` names it. ``show`` answers whether the picture was taken in at all."""

    store: MemoryStore
    kind: str = ""
    market: MarketData = field(init=False)
    now: datetime = field(init=False)

    def clock(self) -> datetime:
        return self.now

    @abstractmethod
    async def show(self, picture: Picture) -> bool: ...


class FileMarket(RecordedMarket):
    """A recording that is read anew each time. A file has no quote and no specification of its own:
    what is wrong with those is put in behind it.
    """

    picture: Picture

    def __init__(self) -> None:
        self._ledger: Any = MemoryLedger()
        self._instrument = instrument(SYMBOL)

    async def show(self, picture: Picture) -> None:
        """Write the file and read it; one that is refused leaves nothing to read."""
        self.picture = picture
        self.problem: Exception | None = None
        lines = ["time,open,high,low,close,volume"]
        for at, *rest in picture.rows:
            lines.append(",".join([f"{at:%Y-%m-%dT%H:%M:%SZ}", *(str(each) for each in rest)]))
        try:
            candles = parse_candles(lines, FRAME)
        except InvalidInput as error:
            self.problem = error
            return
        self.recording = Recording(name="chaos", symbol=SYMBOL, timeframe=FRAME, candles=candles)
        self._start = len(candles) - 1
        self._ledger.documents["recording:chaos"] = json.dumps({"played": len(candles)})

    async def instant(self) -> datetime:
        return self.picture.now

    async def candles(self, symbol: str, timeframe: Timeframe, count: int) -> tuple[Candle, ...]:
        if self.problem is not None:
            raise FeedError(str(self.problem)) from self.problem
        return await super().candles(symbol, timeframe, count)

    async def quote(self, symbol: str) -> Quote | None:
        shown = self.picture
        try:
            return Quote(D(shown.bid), D(shown.ask), shown.now + shown.wall)
        except (InvalidInput, ArithmeticError) as error:
            raise FeedError(str(error)) from error

    async def rates(self, wanted: Any) -> Mapping[str, Quote]:
        quote = await self.quote(SYMBOL) if SYMBOL in wanted else None
        return {} if quote is None else {SYMBOL: quote}

    async def instrument(self, symbol: str) -> Instrument:
        shown, known = self.picture, self._instrument
        return replace(
            known,
            digits=shown.digits,
            venue_name=SYMBOL + _NEW * shown.renamed,
            is_tradable=not shown.suspended,
        )


@dataclass
class FileSource(Source):
    kind: str = "file"

    def __post_init__(self) -> None:
        self.market = self._file = FileMarket()

    async def show(self, picture: Picture) -> bool:
        self.now = picture.now
        await self._file.show(picture)
        return True


@dataclass
class ExchangeSource(Source):
    """The exchange on a socket; a euro that is owned, and dealt in at any hour."""

    kind: str = "exchange"
    url: str = ""
    wall: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.server = Server(Exchange(now=lambda: int((self.now + self.wall).timestamp() * 1000)))

    def connect(self, url: str) -> None:
        client = Client(url=url, key=SecretStr(KEY), secret=SecretStr(SECRET), clock=self.clock)
        self.market = build(client, MemoryLedger(), (SYMBOL,), account_id=ACCOUNT)[0]

    async def show(self, picture: Picture) -> bool:
        self.now, self.wall = picture.now, picture.wall
        exchange, server = self.server.exchange, self.server
        exchange.symbols.clear()
        name = SYMBOL + _NEW * picture.renamed
        exchange.symbols[name] = Symbol(
            name, "EUR", "USD", D(picture.bid), D(picture.ask),
            tick=f"{D(1).scaleb(-picture.digits):.8f}", step="0.01000000", least="0.01000000",
            notional="0.01000000", status="BREAK" if picture.suspended else "TRADING",
        )  # fmt: skip
        closed = int(picture.now.timestamp() * 1000)
        server.klines = [
            [int(at.timestamp() * 1000), *(str(p) for p in prices), "1",
             min(int((at + HOUR).timestamp() * 1000), closed) - 1, "1", volume, "0", "0", "0"]
            for at, *prices, volume in picture.rows
        ]  # fmt: skip
        return True


@dataclass
class EaSource(Source):
    """A stand-in for the Expert Advisor speaks to the real endpoint. A terminal sends a snapshot
    every few seconds: two of each picture, so that a tick is seen to move.
    """

    kind: str = "terminal"

    def __post_init__(self) -> None:
        self.market = TerminalMarket(store=self.store, account_id=ACCOUNT, clock=self.clock)
        self.calendar = TerminalCalendar(store=self.store, account_id=ACCOUNT)

    def endpoint(self) -> Endpoint:
        store: Any = self.store
        bell: Any = Silence()
        polls = MemoryPolls(store)
        numbers = count(1)
        return Endpoint(
            register=RegisterTerminal(
                store=store, new_token=lambda: f"{next(numbers)}".ljust(43, "t")
            ),
            hear=HearTerminal(store=store, polls=polls, bell=bell),
            offer=OfferCommands(store=store, polls=polls, signals=bell),
            take_result=TakeResult(store=store, bell=bell),
            take_snapshot=TakeSnapshot(
                store=store, bell=bell, watched=Watched(streams=((SYMBOL, FRAME),))
            ),
            pace=Pace(),
        )

    async def join(self, client: TestClient[Any, Any]) -> None:
        async with self.store.begin() as tx:
            await tx.people.save(PERSON)
        issue = IssueCode(store=self.store, account_id=ACCOUNT, new_code=lambda: "CODE-0001")
        code, _ = await issue(PERSON.id, await issue.mark())
        self.ea = Ea(client)
        status, answer = await self.ea.register(code)
        assert status == 200, answer
        await self._beat()

    async def _beat(self) -> None:
        """The heartbeat, whose answer says how many candles to send."""
        gmt = int(self.now.timestamp())
        assert (await self.ea.beat(paused=False, last_seq=0, gmt=gmt))[0] == 200

    async def show(self, picture: Picture) -> bool:
        self.now = picture.now
        for earlier in (0,) if picture.quiet else (10, 0):
            self.now = picture.now - timedelta(seconds=earlier)
            await self._beat()
            status, _ = await self.ea.raw("/ea/sync", self._body(picture, earlier))
        return status == 200

    def _body(self, picture: Picture, earlier: int) -> str:
        """A snapshot as text, so that it may hold what no encoder writes."""
        self.ea.sync_no += 1
        example = request("/ea/sync")
        wall = int((picture.now + picture.wall).timestamp()) + BROKER_OFFSET - earlier
        point = D(1).scaleb(-picture.digits)
        euro = {
            **example["symbols"][0], "name": f"{SYMBOL}.vip", "base": "EUR", "profit": "USD",
            "digits": picture.digits, "point": point, "tick_size": point, "tick_value": 1,
            "contract_size": 100_000, "bid": picture.bid, "ask": picture.ask,
            "tick_ms": self._tick if picture.quiet else wall * 1000, "margin_per_lot": 3000,
            "stops_level": 0, "trade_mode": 0 if picture.suspended else 4,
        }  # fmt: skip
        self._tick = euro["tick_ms"]
        ahead = BROKER_OFFSET + int(picture.wall.total_seconds())
        wished = [stream["count"] for stream in self.ea.settings["candles"]]
        last = max(wished, default=len(picture.rows))
        rows = [[int(at.timestamp()) + ahead, *rest] for at, *rest in picture.rows[-last:]]
        stream = {"symbol": f"{SYMBOL}.vip", "timeframe": "H1", "rows": rows}
        shown = not picture.renamed
        document = {
            **example, "instance": self.ea.instance, "run": self.ea.run, "sync_no": self.ea.sync_no,
            "symbols": [euro] * shown, "candles": [stream] * shown, "positions": [], "deals": [],
            "account": {**example["account"], "balance": 1_000_000, "equity": 1_000_000},
            "names": [f"{SYMBOL}.vip"] if shown else [f"{SYMBOL}{_NEW}"],
            "calendar": _calendar(picture, wall),
            "clock": {"gmt": wall - 7200, "trade_server": wall, "offset_s": picture.offset},
        }  # fmt: skip
        return _text(document)


def _calendar(picture: Picture, wall: int) -> Any:
    spans = {"missing": (wall - 9 * 86_400, wall - 86_400), "empty": (0, 0)}
    if picture.calendar == "malformed":
        return {"from": 0, "to": wall, "events": [{"title": "half a release"}]}
    if picture.calendar == "old":
        return None
    start, end = spans.get(picture.calendar, (wall - 86_400, wall + 8 * 86_400))
    return {"from": start, "to": end, "events": []}


def _text(value: Any) -> str:
    """JSON without exponents, and with numbers that are none."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(name)}:{_text(v)}" for name, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, float | Decimal):
        return f"{Decimal(repr(value) if isinstance(value, float) else value):f}"
    return json.dumps(value)


class Silence:
    """A bell nobody hears."""

    async def ring(self, job: str, *ids: str) -> None:
        return None


@asynccontextmanager
async def opened(kind: str, store: MemoryStore, start: datetime) -> AsyncIterator[Source]:
    """A source that is up."""
    if kind == "file":
        yield FileSource(store)
    elif kind == "exchange":
        exchange = ExchangeSource(store)
        async with TestServer(exchange.server.app()) as server:
            exchange.connect(str(server.make_url("")).rstrip("/"))
            yield exchange
    else:
        terminal = EaSource(store)
        terminal.now = start
        async with TestClient(TestServer(create_app(terminal.endpoint()))) as client:
            await terminal.join(client)
            yield terminal
