"""The three things that are done at the trade server: what is planned, asked for and answered.

A plan holds all that is needed to ask, and to find out later whether it was done.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from broker.metatrader.legs import legs as legs_of
from broker.mt5.connector.facts import Market, Standing, direction_of, exact, small
from broker.mt5.connector.forms import CloseForm, ModifyForm, OrderForm
from broker.mt5.connector.journal import Leg, State
from broker.mt5.connector.problems import Problem, refused
from broker.mt5.connector.terminal import Terminal
from engine.domain.account import Direction
from engine.errors import BrokerRefused

Plan = dict[str, Any]

_DEAL, _SLTP = 1, 6


class Deed(Protocol):
    """One of the three."""

    @property
    def kind(self) -> str:
        """Its name in the journal."""
        ...

    @property
    def document(self) -> dict[str, Any]:
        """What is wanted, in one way of writing."""
        ...

    async def plan(self, terminal: Terminal, standing: Standing) -> list[Plan]:
        """The requests it needs; raises :class:`Problem` when it cannot be done."""
        ...


@dataclass(frozen=True, slots=True)
class Opening:
    """One position for each target where positions stay apart, else one with the first target."""

    form: OrderForm
    kind: str = "order"

    @property
    def document(self) -> dict[str, Any]:
        return self.form.document

    async def plan(self, terminal: Terminal, standing: Standing) -> list[Plan]:
        """Volumes in whole steps, levels on the grid."""
        form, market = self.form, await terminal.market(self.form.symbol)
        if not market.is_quoted:
            raise refused(f"{form.symbol} is not quoted", symbol=form.symbol)
        targets = form.take_profit or (Decimal(0),)
        try:
            volumes = legs_of(form.lot_size, len(targets) if standing.hedges else 1, market.symbol)
        except BrokerRefused as error:
            raise refused(str(error)) from error
        return [
            {
                "action": "deal", "symbol": form.symbol, "direction": str(form.direction),
                "volume": str(volume), "digits": market.symbol.digits, "position": 0, "ticket": 0,
                "sl": str(market.on_grid(form.stop_loss)), "tp": str(market.on_grid(target)),
            }
            for volume, target in zip(volumes, targets, strict=False)
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Closing:
    """A deal against a position."""

    form: CloseForm
    kind: str = "close"

    @property
    def document(self) -> dict[str, Any]:
        return self.form.document

    async def plan(self, terminal: Terminal, standing: Standing) -> list[Plan]:
        """The difference to what is held."""
        held, market = await _held(terminal, self.form.position)
        volume = small(held["volume"]) - self.form.volume_left
        if not volume > 0:
            raise refused(f"position {self.form.position} has {small(held['volume'])} lots only")
        if volume % market.symbol.volume_step:
            raise refused(
                f"volumes of {held['symbol']} are in steps of {market.symbol.volume_step}"
            )
        way = Direction.SELL if direction_of(held["type"]) is Direction.BUY else Direction.BUY
        return [
            {
                "action": "deal", "symbol": held["symbol"], "direction": str(way),
                "volume": str(volume), "digits": market.symbol.digits,
                "position": held["identifier"], "ticket": held["ticket"], "sl": "0", "tp": "0",
                "held": str(small(held["volume"])),
            }
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Modifying:
    """Both levels of a position, of which one may be as it was."""

    form: ModifyForm
    kind: str = "modify"

    @property
    def document(self) -> dict[str, Any]:
        return self.form.document

    async def plan(self, terminal: Terminal, standing: Standing) -> list[Plan]:
        held, market = await _held(terminal, self.form.position)
        digits = market.symbol.digits
        stop, target = self.form.stop_loss, self.form.take_profit
        sl = exact(held["sl"], digits) if stop is None else market.on_grid(stop)
        tp = exact(held["tp"], digits) if target is None else market.on_grid(target)
        _not_frozen(held, market, (sl, tp))
        return [
            {
                "action": "sltp", "symbol": held["symbol"], "position": held["identifier"],
                "ticket": held["ticket"], "sl": str(sl), "tp": str(tp), "digits": digits,
                "held": str(small(held["volume"])),
            }
        ]  # fmt: skip


def _not_frozen(held: Mapping[str, Any], market: Market, wanted: Sequence[Decimal]) -> None:
    """Refuse to move the levels of a position that one of them, or one of the new, freezes there:
    the price that would close it is no farther away than the broker's freeze level. Zero is none.
    """
    if not market.freeze:
        return
    price = market.symbol.bid if held["type"] == 0 else market.symbol.ask
    levels = [exact(held[name], market.symbol.digits) for name in ("sl", "tp")]
    for level in (*levels, *wanted):
        if level and not abs(price - level) > market.freeze:
            raise refused(
                f"{level} is within the freeze level, {market.freeze}, of the price {price}:"
                " nothing was sent",
                reason="frozen",
            )


async def _held(terminal: Terminal, position: int) -> tuple[Mapping[str, Any], Market]:
    held = await terminal.held(position)
    if held is None:
        raise refused(f"position {position} is not open", reason="not_open")
    return held, await terminal.market(held["symbol"])


def request_of(leg: Leg, market: Market, *, filling: int, deviation: int) -> dict[str, Any]:
    """A trade request, in the types the package insists on: int, float, short ASCII text."""
    plan = leg.plan
    request: dict[str, Any] = {
        "symbol": plan["symbol"],
        "magic": leg.magic,
        "position": plan["ticket"],
        "sl": float(plan["sl"]),
        "tp": float(plan["tp"]),
    }
    if plan["action"] == "sltp":
        return {"action": _SLTP, **request}
    direction = Direction(plan["direction"])
    return {
        "action": _DEAL,
        **request,
        "volume": float(plan["volume"]),
        "type": 0 if direction is Direction.BUY else 1,
        "price": float(market.price(direction)),
        "deviation": deviation,
        "type_filling": filling,
        "type_time": 0,
        "comment": comment_of(leg.key),
    }


def comment_of(key: str) -> str:
    """What people see at the order in the terminal: at most 26 characters. Nothing rests on it."""
    return "ait " + re.sub(r"[^A-Za-z0-9._-]", "", key)[:22]


def outcome(kind: str, legs: Sequence[Leg]) -> tuple[State, int, dict[str, Any]]:
    """State, status and answer of a key whose legs have all ended."""
    done = [leg for leg in legs if leg.state is State.DONE and leg.result is not None]
    if done:
        return State.DONE, 200, _ANSWERS[kind](done)
    told = [leg for leg in legs if leg.state is State.REFUSED and leg.result is not None]
    if not told:
        problem = Problem(409, "absent", "it was never done, and is not done any more")
        return State.ABSENT, problem.status, problem.document
    result = told[0].result or {}
    problem = refused(result["note"], retcode=result.get("retcode", 0))
    return State.REFUSED, problem.status, problem.document


def _opened(done: Sequence[Leg]) -> dict[str, Any]:
    results = [leg.result or {} for leg in done]
    volume = sum((Decimal(r["volume"]) for r in results), Decimal(0))
    paid = sum((Decimal(r["volume"]) * Decimal(r["price"]) for r in results), Decimal(0))
    return {
        "status": "ok",
        "mt5_order_id": results[0]["order"],
        "filled_price": round(paid / volume, done[0].plan["digits"]),
        "lot_size": volume,
        "filled_at": max(r["at"] for r in results),
        "positions": [r["position"] for r in results],
    }


def _closed(done: Sequence[Leg]) -> dict[str, Any]:
    leg, result = done[0], done[0].result or {}
    return {
        "status": "ok",
        "mt5_order_id": result["order"],
        "position": leg.plan["position"],
        "filled_price": Decimal(result["price"]),
        "lot_size": Decimal(result["volume"]),
        "volume_left": max(Decimal(0), Decimal(leg.plan["held"]) - Decimal(result["volume"])),
        "filled_at": result["at"],
    }


def _modified(done: Sequence[Leg]) -> dict[str, Any]:
    leg, result = done[0], done[0].result or {}
    return {
        "status": "ok",
        "position": leg.plan["position"],
        "stop_loss": Decimal(leg.plan["sl"]),
        "take_profit": [Decimal(leg.plan["tp"])] if Decimal(leg.plan["tp"]) else [],
        "volume_left": Decimal(leg.plan["held"]),
        "changed_at": result["at"],
    }


_ANSWERS = {"order": _opened, "close": _closed, "modify": _modified}
