"""The terminal's figures as exact values: floats lose their noise here and are floats no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from broker.metatrader.legs import Symbol
from engine.domain.account import Direction

Told = Mapping[str, Any]

_TRADE_MODES = ("demo", "contest", "real")
_MARGIN_MODES = ("netting", "exchange", "hedging")


def exact(number: Any, places: int) -> Decimal:
    """A float of the terminal with so many digits; what is no number is zero."""
    if number is None or not isfinite(number):
        return Decimal(0)
    return round(Decimal(repr(float(number))), places)


def small(number: Any) -> Decimal:
    """A step, a rate or a volume: as many digits as it needs, twelve at most."""
    value = exact(number, 12).normalize()
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


def price_or_none(number: Any, places: int) -> Decimal | None:
    """A level; zero is none."""
    value = exact(number, places)
    return value if value > 0 else None


def direction_of(kind: int) -> Direction:
    """Of a position's, a deal's or an order's type."""
    return Direction.BUY if kind == 0 else Direction.SELL


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether one can trade, as the terminal says now."""

    connected: bool
    algo_trading: bool
    interface: bool
    login: int
    server: str
    company: str
    currency: str
    money_places: int
    trade_mode: str
    margin_mode: str
    account_trades: bool
    experts_trade: bool
    account: Told

    @classmethod
    def of(cls, terminal: Told, account: Told) -> "Standing":
        """Of ``terminal_info`` and ``account_info``; a mode nobody knows counts as real money."""
        mode, margin = account["trade_mode"], account["margin_mode"]
        return cls(
            connected=bool(terminal["connected"]),
            algo_trading=bool(terminal["trade_allowed"]),
            interface=not terminal["tradeapi_disabled"],
            login=account["login"],
            server=account["server"],
            company=account["company"],
            currency=account["currency"],
            money_places=account["currency_digits"],
            trade_mode=_TRADE_MODES[mode] if mode in (0, 1, 2) else "real",
            margin_mode=_MARGIN_MODES[margin] if margin in (0, 1, 2) else "netting",
            account_trades=bool(account["trade_allowed"]),
            experts_trade=bool(account["trade_expert"]),
            account=account,
        )

    @property
    def name(self) -> str:
        """The account, whatever it is called elsewhere."""
        return f"{self.login}@{self.server}"

    @property
    def hedges(self) -> bool:
        """Whether positions of one symbol stay apart."""
        return self.margin_mode == "hedging"

    @property
    def hindrance(self) -> str | None:
        """Why nothing can be traded, in words that say what to do; None when one can."""
        for fine, words in (
            (self.connected, "the terminal has no connection to the broker"),
            (self.algo_trading, "algo trading is off: press Algo Trading in the terminal"),
            (self.interface, "the terminal's options disable algo trading by Python"),
            (self.account_trades, "the broker lets this login not trade: is it read-only?"),
            (self.experts_trade, "the broker lets programs not trade on this account"),
        ):
            if not fine:
                return words
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A symbol and its prices now, for one request."""

    symbol: Symbol
    tick_size: Decimal
    filling_mask: int
    execution: int
    #: While the price is no farther from a position's level than this, its levels stay.
    freeze: Decimal

    @classmethod
    def of(cls, info: Told, tick: Told) -> "Market":
        """Of ``symbol_info`` and ``symbol_info_tick``."""
        digits = info["digits"]
        return cls(
            symbol=Symbol(
                name=info["name"],
                bid=exact(tick["bid"], digits),
                ask=exact(tick["ask"], digits),
                point=small(info["point"]),
                digits=digits,
                volume_min=small(info["volume_min"]),
                volume_max=small(info["volume_max"]),
                volume_step=small(info["volume_step"]),
            ),
            tick_size=small(info["trade_tick_size"]) or small(info["point"]),
            filling_mask=info["filling_mode"],
            execution=info["trade_exemode"],
            freeze=info["trade_freeze_level"] * small(info["point"]),
        )

    @property
    def is_quoted(self) -> bool:
        """Whether there is a price to deal at."""
        return 0 < self.symbol.bid <= self.symbol.ask

    def price(self, direction: Direction) -> Decimal:
        """What a deal of that direction costs."""
        return self.symbol.ask if direction is Direction.BUY else self.symbol.bid

    def on_grid(self, price: Decimal) -> Decimal:
        """A level on the symbol's grid of prices, with its digits."""
        steps = round(price / self.tick_size)
        return round(steps * self.tick_size, self.symbol.digits)
