"""An order as commands of the terminal, and what became of them as a fill. Pure."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from broker.metatrader.legs import Symbol, legs
from engine.domain.account import Direction
from engine.domain.order import Fill, Order
from engine.domain.terminal import PENDING, Command, CommandType, Draft, ResultStatus
from engine.domain.values import quantize
from engine.errors import BrokerRefused, BrokerSilent


def drafts(
    order: Order, symbol: Symbol, *, hedges: bool, deviation_points: int, expires_at: datetime
) -> list[Draft]:
    """The commands of an order: one for each target where positions stay apart, else one."""
    price = symbol.ask if order.direction is Direction.BUY else symbol.bid
    if not (symbol.bid > 0 and symbol.ask >= symbol.bid):
        raise BrokerRefused(f"{order.symbol} is not quoted")
    shares = legs(order.volume, len(order.take_profit) if hedges else 1, symbol)
    common = {
        "symbol": symbol.name,
        "side": str(order.direction),
        "price": f"{price:f}",
        "max_deviation": f"{symbol.point * deviation_points:f}",
        "sl": f"{order.stop_loss:f}",
    }
    return [
        Draft(
            id=f"{order.client_id}-{leg}",
            account_id=order.account_id,
            type=CommandType.OPEN,
            client_id=order.client_id,
            expires_at=expires_at,
            fields={
                **common,
                "volume": f"{share:f}",
                "tp": f"{target:f}",
                "leg": leg,
                "legs": len(shares),
            },
        )
        for leg, (share, target) in enumerate(zip(shares, order.take_profit, strict=False), start=1)
    ]


def plain(number: Decimal) -> Decimal:
    """A number without the zeros that the terminal pads it with."""
    return Decimal(f"{number.normalize():f}")


def is_open(commands: Sequence[Command]) -> bool:
    """Whether some of the commands have no end yet."""
    return any(command.state in PENDING for command in commands)


def is_lost(commands: Sequence[Command]) -> bool:
    """Whether the terminal began one of them and found no trace of it afterwards."""
    return any(c.result and c.result.status is ResultStatus.NOT_EXECUTED for c in commands)


def fill_of(client_id: str, commands: Sequence[Command]) -> Fill | None:
    """What was dealt of an order: the whole volume at its mean price; None for nothing."""
    dealt = [(c, c.result) for c in commands if c.result is not None and c.result.is_dealt]
    volume = sum((result.volume for _, result in dealt), Decimal(0))
    if not dealt or not volume > 0:
        return None
    paid = sum((result.volume * result.price for _, result in dealt), Decimal(0))
    # The terminal pads its numbers with zeros; a price is shown with the digits of its symbol.
    told = [result.price.normalize() for _, result in dealt]
    told += [Decimal(str(command.fields.get("sl", 0))) for command, _ in dealt]
    places = max(-int(price.as_tuple().exponent) for price in told)
    first, result = dealt[0]
    time = max(c.finished_at for c, _ in dealt if c.finished_at is not None)
    return Fill(
        client_id=client_id,
        broker_id=str(result.position or result.order or result.deal or first.magic),
        price=quantize(paid / volume, max(places, 0)),
        volume=plain(volume),
        time=time,
    )


def outcome(client_id: str, commands: Sequence[Command]) -> Fill:
    """The fill of an order whose commands were waited for.

    Raises :class:`BrokerSilent` while one may still be done, or was begun and not found, and
    :class:`BrokerRefused` when none was done.
    """
    if is_open(commands):
        raise BrokerSilent("the terminal has the order and did not answer in time")
    fill = fill_of(client_id, commands)
    if fill is not None:
        return fill
    if is_lost(commands):
        raise BrokerSilent("the terminal began the order and found no trace of it")
    raise BrokerRefused(why_not(commands))


def why_not(commands: Sequence[Command]) -> str:
    """Why commands were not done, in the terminal's words."""
    told = [c.result for c in commands if c.result is not None]
    if not told:
        return "the terminal did not fetch it in time, or trading was stopped"
    first = told[0]
    parts = (str(first.status), first.reason, str(first.retcode or ""), first.note)
    return ": ".join(part for part in parts if part)
