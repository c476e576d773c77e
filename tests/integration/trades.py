"""An open trade of ours, and a line to its venue that loses questions and answers."""

from collections.abc import Awaitable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.account import Direction, Position
from engine.domain.order import ClosedTrade
from engine.domain.position_orders import PositionOrder
from engine.errors import BrokerRefused, BrokerSilent
from engine.flow.approvals import Choice
from engine.flow.flatten import PursueFlatten
from engine.flow.position_sending import ResolvePositionOrders, SendPositionOrder
from engine.flow.trades import OpenTrade
from engine.ports import NotFound as NoChange
from storage.models import OutboxRow
from tests.integration.conftest import ANN, Desk

D = Decimal


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Line:
    """The paper broker behind a line that loses questions and answers. With the fate ``in part`` a
    close leaves a lot's hundredth, as where nobody deals more at once.
    """

    inner: Any
    fate: str = "fine"
    deaf: bool = False
    vague: bool = False
    sent: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def close(self, *args: Any, **values: Any) -> Any:
        if self.fate == "in part":
            values["volume_left"] = D("0.01")
        return await self._send(self.inner.close(*args, **values))

    async def modify(self, *args: Any, **values: Any) -> Any:
        return await self._send(self.inner.modify(*args, **values))

    async def _send(self, call: Awaitable[Any]) -> Any:
        self.sent += 1
        if self.fate in ("refused", "never arrives", "we die"):
            call.close()  # type: ignore[attr-defined]
        if self.fate == "refused":
            raise BrokerRefused("market is closed")
        if self.fate == "never arrives":
            raise BrokerSilent("the line is dead")
        if self.fate == "we die":
            raise Killed
        done = await call
        if self.fate == "answer lost":
            raise BrokerSilent("the line is dead")
        if self.fate == "we die and it arrives":
            raise Killed
        return done

    async def look_up_change(self, client_id: str) -> Any:
        if self.deaf:
            raise BrokerSilent("no answer")
        return NoChange(proven=False) if self.vague else await self.inner.look_up_change(client_id)

    async def positions(self) -> tuple[Position, ...]:
        if self.deaf:
            raise BrokerSilent("no answer")
        return await self.inner.positions()


@dataclass
class Trades:
    """A desk with trades open, and a line to its venue."""

    desk: Desk
    line: Line

    @property
    def talk(self):
        return self.desk.talk

    @property
    def send(self) -> SendPositionOrder:
        return replace(self.desk.work.send_position_order, broker=self.line)

    @property
    def resolve(self) -> ResolvePositionOrders:
        return replace(self.desk.work.resolve_position_orders, broker=self.line, settle_seconds=0.0)

    @property
    def pursue(self) -> PursueFlatten:
        return replace(self.desk.work.pursue_flatten, broker=self.line)

    async def open(self) -> None:
        """Approve the next idea that comes, and have it filled."""
        desk = self.desk
        idea = await desk.until_idea()
        await desk.talk.decide_idea(idea.id, Choice.APPROVE, person_id=ANN.id, chat_id=ANN.chat_id)
        await desk.send_all()
        await desk.work.sync_broker()
        assert len(await desk.world.broker.positions()) == 1

    async def trade(self) -> OpenTrade:
        return (await self.talk.read_positions(ANN.id)).trades[0]

    async def confirmed(self, asked: Awaitable[Any], person: int = ANN.id) -> PositionOrder:
        order = (await asked).order
        return await self.talk.confirm_position(person, order.client_id)

    async def state(self, order: PositionOrder) -> PositionOrder:
        async with self.desk.world.store.begin() as tx:
            return await tx.position_orders.get(order.client_id)

    async def closed(self) -> list[ClosedTrade]:
        await self.desk.work.sync_broker()
        async with self.desk.world.store.begin() as tx:
            return list(await tx.orders.closed(since=None, limit=50))


@pytest.fixture(name="trades")
async def one_open(desk: Desk) -> Trades:
    """One open trade of ours."""
    made = Trades(desk, Line(desk.world.broker))
    await made.open()
    return made


def between(trade: OpenTrade, part: str) -> Decimal:
    """A price on the way from the stop to the market."""
    assert trade.quote is not None
    assert trade.position.stop_loss is not None
    long = trade.position.direction is Direction.BUY
    market = trade.quote.bid if long else trade.quote.ask
    return (trade.position.stop_loss + (market - trade.position.stop_loss) * D(part)).quantize(
        D("0.00001")
    )


async def told(key: str) -> int:
    return await OutboxRow.filter(key__contains=key).count()
