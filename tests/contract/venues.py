"""Every kind of venue, each with something behind it that trades: for the suite of their port."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from broker.instruments import instrument
from broker.mt_bridge.venue import MtBridge
from broker.paper import PaperBroker
from engine.domain.market import Timeframe
from engine.domain.order import Order
from tests.builders import NOW, candles
from tests.builders import order as order_of
from tests.fakes import HandMarket, MemoryLedger
from tests.integration.ea import ACCOUNT, Bridge
from tests.mql5.market import BUY, DEAL, SELL, SLTP, Answer, Request, Symbol
from tests.mql5.terminal import Terminal
from tests.terminals import Ea, request


@dataclass
class Hands:
    """The Expert Advisor's stand-in, trading on the simulated terminal."""

    ea: Ea
    terminal: Terminal = field(default_factory=Terminal)

    def __post_init__(self) -> None:
        self.terminal.now = datetime.now(UTC).timestamp()
        self.terminal.add(Symbol("EURUSD", 5, 1.10000, 1.10010))
        self.ea.broker = self.trade

    def trade(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry a command out; what the terminal would answer."""
        if command["type"] == "OPEN":
            return self._told(self._open(command), 0.0)
        held = self.terminal.positions.get(command["position"])
        keep = float(command.get("keep", 0))
        if command["type"] == "CLOSE" and (held is None or held.volume <= keep):
            return {"status": "already_closed", "remaining": held.volume if held else 0.0}
        if held is None:
            return {"status": "rejected", "reason": "no_position"}
        wanted = self._wanted(
            action=DEAL if command["type"] == "CLOSE" else SLTP,
            magic=self.ea.magic_base + command["seq"], symbol=held.symbol, type=SELL - held.type,
            volume=round(held.volume - keep, 8), position=held.ticket,
            sl=float(command.get("sl", held.sl)), tp=float(command.get("tp", held.tp)),
        )  # fmt: skip
        return {**self._told(self.terminal.deal(wanted), keep), "position": held.identifier}

    def _open(self, command: dict[str, Any]) -> Answer:
        return self.terminal.deal(
            self._wanted(
                action=DEAL, magic=self.ea.magic_base + command["seq"], symbol=command["symbol"],
                type=BUY if command["side"] == "buy" else SELL, volume=float(command["volume"]),
                sl=float(command["sl"]), tp=float(command["tp"]),
            )
        )  # fmt: skip

    def _wanted(self, **fields: Any) -> Request:
        common = {"price": 0.0, "deviation": 0, "type_filling": 0, "comment": "", "position": 0}
        return Request(**{**common, **fields})

    def _told(self, answer: Answer, remaining: float) -> dict[str, Any]:
        if answer.retcode != 10009:
            return {"status": "rejected", "reason": "retcode", "retcode": int(answer.retcode)}
        return {
            "status": "done", "retcode": 10009, "deal": answer.deal, "order": answer.order,
            "position": answer.order, "volume": answer.volume, "price": answer.price,
            "remaining": remaining,
        }  # fmt: skip

    async def show(self) -> None:
        """The terminal's snapshot: a euro, and every trade there is."""
        example, shown = request("/ea/sync"), self.terminal
        euro = {
            **example["symbols"][0], "name": "EURUSD", "bid": 1.1, "ask": 1.1001, "digits": 5,
            "point": 0.00001,
        }  # fmt: skip
        positions = [
            {
                **example["positions"][0], "id": p.identifier, "ticket": p.ticket,
                "symbol": p.symbol, "volume": p.volume, "side": "buy" if p.type == BUY else "sell",
                "magic": p.magic, "sl": p.sl, "tp": p.tp, "price_open": p.price_open,
            }
            for p in shown.positions.values()
        ]  # fmt: skip
        deals = [
            {
                **example["deals"][0], "ticket": d.ticket, "order": d.order, "type": d.type,
                "position": d.position_id, "symbol": d.symbol, "magic": d.magic,
                "entry": d.entry, "reason": d.reason, "volume": d.volume, "price": d.price,
                "profit": d.profit, "time_ms": d.time_msc, "commission": 0, "swap": 0, "fee": 0,
            }
            for d in shown.deals
        ]  # fmt: skip
        self.ea.sync_no += 1
        status, answer = await self.ea.post(
            "/ea/sync", sync_no=self.ea.sync_no, symbols=[euro], positions=positions, deals=deals,
            names=["EURUSD"], candles=[],
        )  # fmt: skip
        assert status == 200, answer


@dataclass
class Venue:
    """A venue, and whatever has to work for it meanwhile."""

    broker: Any
    account_id: str
    hands: Hands | None = None

    def order(self, number: int = 1) -> Order:
        """An order for this account, valid for a minute."""
        made = order_of(client_id=f"at-{number:024}", account_id=self.account_id)
        return replace(made, valid_until=datetime.now(UTC) + timedelta(minutes=1))

    async def opened(self, number: int = 1) -> str:
        """A trade of 0.10 lots that is open; its position."""
        fill = await self.of(self.broker.submit(self.order(number)))
        return str(fill.broker_id)

    async def close(self, position: str, left: str, name: str = "pc-1") -> Any:
        """What a close answers."""
        return await self.of(self.broker.close(position, volume_left=Decimal(left), client_id=name))

    async def modify(self, position: str, name: str = "pm-1", **levels: Any) -> Any:
        """What a modification answers."""
        return await self.of(self.broker.modify(position, client_id=name, **levels))

    async def of(self, work: Awaitable[Any]) -> Any:
        """What a call answers while the venue works."""
        if self.hands is None:
            return await work
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait([task], timeout=0.02)
            await self.hands.ea.work(hold_ms=0)
            await self.hands.show()
        return await task


def paper_venue() -> Venue:
    """The simulated one."""
    market = HandMarket(instrument("EURUSD"), candles(end=NOW))
    paper = PaperBroker(market=market, ledger=MemoryLedger(), timeframe=Timeframe.H1)
    return Venue(paper, "paper-1")


async def bridge_venue(bridge: Bridge) -> Venue:
    """The one behind the Expert Advisor's endpoint."""
    watched = replace(bridge.endpoint.take_snapshot.watched, streams=(("EURUSD", Timeframe.H1),))
    object.__setattr__(bridge.endpoint.take_snapshot, "watched", watched)
    hands = Hands(await bridge.joined())
    await hands.show()
    broker = MtBridge(
        store=bridge.store, signals=bridge.signals, account_id=ACCOUNT, patience_seconds=1.0
    )
    return Venue(broker, ACCOUNT, hands)
