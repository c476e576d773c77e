"""Positions and closed trades as the engine knows them, from what a terminal shows. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from engine.domain.account import Direction, Position
from engine.domain.order import ClosedTrade, Order
from engine.domain.values import quantize

Json = Mapping[str, Any]

#: ENUM_DEAL_REASON. A person's close and our own are alike.
_REASONS = {4: "stop_loss", 5: "take_profit", 6: "stop_out"}
_MONEY = Decimal("0.01")


def position_of(
    told: Json, symbol: str, order: Order | None, *, digits: int | None = None
) -> Position:
    """A position; ``symbol`` is our name of it, ``order`` the one of ours that it came from. Its
    prices are shown with ``digits`` behind the point, where these are known.
    """
    return Position(
        id=str(told["id"]),
        symbol=symbol,
        direction=Direction(told["side"]),
        volume=Decimal(told["volume"]),
        entry_price=_padded(Decimal(told["price_open"]), digits),
        stop_loss=_level(told["sl"], digits),
        take_profit=_level(told["tp"], digits),
        opened_at=datetime.fromisoformat(told["at"]),
        profit=(Decimal(told["profit"]) + Decimal(told["swap"])).quantize(_MONEY),
        client_id=None if order is None else order.client_id,
        strategy_id=None if order is None else order.strategy_id,
        swap=Decimal(told["swap"]).quantize(_MONEY),
    )


def _level(text: Any, digits: int | None) -> Decimal | None:
    price = Decimal(text)
    return _padded(price, digits) if price > 0 else None


def _padded(price: Decimal, digits: int | None) -> Decimal:
    """A price with at least so many digits behind the point; none is taken away."""
    places = max(digits or 0, -int(price.as_tuple().exponent))
    return quantize(price, places)


def closed_trades(
    deals: Sequence[Json],
    open_ids: frozenset[int],
    symbols: Mapping[str, str],
    owners: Mapping[int, str],
) -> list[ClosedTrade]:
    """The trades that closing deals are, oldest first.

    What closes the last of a position carries its name; a part that was closed before it has the
    deal's number behind that. ``symbols`` are our names by the broker's, ``owners`` the client
    ids of our orders by magic.
    """
    found: list[ClosedTrade] = []
    ordered = sorted(deals, key=lambda deal: deal["position"])
    for position, group in groupby(ordered, key=lambda deal: deal["position"]):
        if position:
            found += _of_position(
                sorted(group, key=lambda deal: (deal["time_ms"], deal["ticket"])),
                position in open_ids, symbols, owners,
            )  # fmt: skip
    return sorted(found, key=lambda trade: (trade.closed_at, trade.position_id))


def _of_position(
    deals: Sequence[Json], is_open: bool, symbols: Mapping[str, str], owners: Mapping[int, str]
) -> Iterable[ClosedTrade]:
    entered = [deal for deal in deals if deal["entry"] == 0 and deal["type"] in (0, 1)]
    if not entered:
        # Opened before the first look: nobody can say at what.
        return
    volume = _sum(entered, "volume")
    entry = sum((Decimal(d["volume"]) * Decimal(d["price"]) for d in entered), Decimal(0)) / volume
    first = entered[0]
    places = max(0, -int(Decimal(first["price"]).as_tuple().exponent))
    paid = _sum(entered, "commission") + _sum(entered, "fee")
    rolled = _sum(entered, "swap")
    gone = Decimal(0)
    for deal in deals:
        if deal["entry"] not in (1, 3):
            continue
        part = Decimal(deal["volume"])
        gone += part
        is_last = not is_open and gone >= volume
        commission = _sum((deal,), "commission") + _sum((deal,), "fee") + paid * part / volume
        swap = Decimal(deal["swap"]) + rolled * part / volume
        yield ClosedTrade(
            position_id=str(deal["position"])
            if is_last
            else f"{deal['position']}/{deal['ticket']}",
            client_id=owners.get(first["magic"]),
            symbol=symbols.get(first["symbol"], first["symbol"][:24]),
            direction=Direction.BUY if first["type"] == 0 else Direction.SELL,
            volume=part,
            entry_price=round(entry, places),
            exit_price=Decimal(deal["price"]),
            profit=(Decimal(deal["profit"]) + commission + swap).quantize(_MONEY),
            commission=commission.quantize(_MONEY),
            swap=swap.quantize(_MONEY),
            opened_at=datetime.fromisoformat(first["at"]),
            closed_at=datetime.fromisoformat(deal["at"]),
            reason=_REASONS.get(deal["reason"], "manual"),
        )


def _sum(deals: Sequence[Json], name: str) -> Decimal:
    return sum((Decimal(deal[name]) for deal in deals), Decimal(0))
