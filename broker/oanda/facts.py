"""Transactions and trades of OANDA as the engine knows them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from broker.numbers import number
from broker.oanda.market import at
from broker.oanda.rules import Rules
from engine.domain.account import Account, Direction, Position
from engine.domain.order import ClosedTrade, Fill
from engine.errors import BrokerSilent, InvalidInput

Json = Mapping[str, Any]

_NONSENSE = (InvalidInput, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
_MONEY, _NOTHING = Decimal("0.01"), Decimal(0)
#: Why an order was filled (OrderFillReason); everything else is somebody's wish. A margin closeout
#: is OANDA's own stop.
_REASONS = {
    "STOP_LOSS_ORDER": "stop_loss",
    "GUARANTEED_STOP_LOSS_ORDER": "stop_loss",
    "TRAILING_STOP_LOSS_ORDER": "stop_loss",
    "MARKET_ORDER_MARGIN_CLOSEOUT": "stop_loss",
    "TAKE_PROFIT_ORDER": "take_profit",
}
_TRADE_CLOSE = "MARKET_ORDER_TRADE_CLOSE"


@contextmanager
def understood() -> Iterator[None]:
    """An answer that makes no sense is as good as none: raises ``BrokerSilent``."""
    try:
        yield
    except _NONSENSE as error:
        raise BrokerSilent(f"OANDA's answer makes no sense: {error!r}"[:200]) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What an order's fill took of a trade, in units; ``profit`` in account currency, with what it
    cost. ``is_last`` says that nothing is left of the trade.
    """

    trade: str
    units: Decimal
    price: Decimal
    profit: Decimal
    is_last: bool


def transaction_id(told: Any) -> int:
    """A transaction's number; raises ``ValueError`` for what is none."""
    if not isinstance(told, str) or not told.isdecimal() or len(told) > 18:
        raise ValueError(f"{told!r:.30} is no transaction's number")
    return int(told)


def extension(told: Json, name: str = "clientExtensions") -> str | None:
    """The id that somebody gave to an order or a trade."""
    found = (told.get(name) or {}).get("id")
    return found if isinstance(found, str) else None


def fill_of(row: Json, rules: Rules) -> Fill:
    """A fill that opened a trade."""
    opened = row["tradeOpened"]
    return Fill(
        client_id=str(row["clientOrderID"]),
        broker_id=str(opened["tradeID"]),
        price=number(opened.get("price", row.get("price")), rules.digits),
        volume=rules.lots(number(opened["units"])),
        time=at(row["time"]),
    )


def parts_of(row: Json) -> list[Part]:
    """What a fill closed: whole trades, and a part of one."""
    gone = [(each, True) for each in row.get("tradesClosed") or ()]
    if row.get("tradeReduced"):
        gone.append((row["tradeReduced"], False))
    units = sum((abs(number(each["units"])) for each, _ in gone), _NOTHING)
    return [_part(row, each, is_last, units) for each, is_last in gone]


def _part(row: Json, told: Json, is_last: bool, units: Decimal) -> Part:
    own = abs(number(told["units"]))
    # A fill's commission belongs to all that it dealt.
    commission = commission_of(row) * own / units
    fee = number(told.get("guaranteedExecutionFee", "0"))
    return Part(
        trade=str(told["tradeID"]),
        units=own,
        price=number(told.get("price", row.get("price"))),
        profit=number(told["realizedPL"]) + number(told.get("financing", "0")) - commission - fee,
        is_last=is_last,
    )


def commission_of(row: Json) -> Decimal:
    """What a fill cost, in account currency; it is above zero."""
    return number(row.get("commission", "0"))


def is_close_of(row: Json, part: Part, change: Json) -> bool:
    """Whether a fill is what a close of ours asked for: of its trade, of as many units. The
    transactions of a close carry no id of ours.
    """
    return (
        row.get("reason") == _TRADE_CLOSE
        and part.trade == change["trade"]
        and part.units == Decimal(change["units"])
    )


def closed_of(
    row: Json, part: Part, trade: Json, rules: Rules, *, paid: Decimal = _NOTHING
) -> ClosedTrade:
    """The end of a trade, or of a part of one, whose id has the transaction's number behind it.
    ``paid`` is the commission of the deal that opened all of the trade.
    """
    share = paid * part.units / abs(number(trade["initialUnits"]))
    return ClosedTrade(
        position_id=part.trade if part.is_last else f"{part.trade}/{row['id']}",
        client_id=extension(trade),
        symbol=rules.symbol,
        direction=_direction(trade),
        volume=rules.lots(part.units),
        entry_price=number(trade["price"], rules.digits),
        exit_price=padded(part.price, rules),
        profit=(part.profit - share).quantize(_MONEY),
        opened_at=at(trade["openTime"]),
        closed_at=at(row["time"]),
        reason=_REASONS.get(str(row.get("reason")), "manual"),
    )


def position_of(trade: Json, rules: Rules) -> Position:
    """One of the open trades; its strategy is the tag that our order gave it."""
    target = trade.get("takeProfitOrder")
    tag = (trade.get("clientExtensions") or {}).get("tag")
    profit = number(trade["unrealizedPL"]) + number(trade.get("financing", "0"))
    return Position(
        id=str(trade["id"]),
        symbol=rules.symbol,
        direction=_direction(trade),
        volume=rules.lots(number(trade["currentUnits"])),
        entry_price=number(trade["price"], rules.digits),
        stop_loss=_stop(trade, rules),
        take_profit=None if target is None else number(target["price"], rules.digits),
        opened_at=at(trade["openTime"]),
        profit=profit.quantize(_MONEY),
        client_id=extension(trade),
        strategy_id=tag if isinstance(tag, str) else None,
    )


def account_of(told: Json, account_id: str, now: datetime) -> Account:
    """``account`` of an account's summary."""
    names = ("balance", "NAV", "marginUsed", "marginAvailable", "unrealizedPL")
    balance, equity, used, free, profit = (number(told[name]).quantize(_MONEY) for name in names)
    return Account(
        id=account_id, currency=str(told["currency"]), balance=balance, equity=equity,
        margin_used=used, margin_free=free, open_profit=profit, captured_at=now,
    )  # fmt: skip


def opposite(trades: Sequence[Json], name: str, way: Direction) -> bool:
    """Whether a trade of an instrument is open the other way."""
    return any(each["instrument"] == name and _direction(each) is not way for each in trades)


def _direction(trade: Json) -> Direction:
    return Direction.BUY if number(trade["initialUnits"]) > 0 else Direction.SELL


def _stop(trade: Json, rules: Rules) -> Decimal | None:
    for name, price in (
        ("stopLossOrder", "price"),
        ("guaranteedStopLossOrder", "price"),
        ("trailingStopLossOrder", "trailingStopValue"),
    ):
        if trade.get(name) and price in trade[name]:
            return number(trade[name][price], rules.digits)
    return None


def padded(price: Decimal, rules: Rules) -> Decimal:
    """A price with at least the instrument's digits."""
    return number(f"{price:f}", rules.digits)
