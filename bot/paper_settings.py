"""The settings of the paper account, and of the recording that it may trade."""

from decimal import Decimal
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings

from broker.terms import SwapUnit, TimeInForce


class PaperFields(BaseSettings):
    """A part of ``Settings``."""

    paper_starting_balance: Decimal = Field(default=Decimal("10000"), gt=0, le=Decimal(10) ** 9)
    paper_slippage_pips: Decimal = Field(default=Decimal("0.1"), ge=0, le=100)
    #: At each side of a trade: account currency for a lot, and per cent of its value.
    paper_commission_per_lot: Decimal = Field(default=Decimal(0), ge=0, le=10_000)
    paper_fee_percent: Decimal = Field(default=Decimal(0), ge=0, le=10)
    #: What a lot brings in a night, below zero what it costs: in points, or in account currency.
    paper_swap_long: Decimal = Field(default=Decimal(0), ge=-100_000, le=100_000)
    paper_swap_short: Decimal = Field(default=Decimal(0), ge=-100_000, le=100_000)
    paper_swap_unit: SwapUnit = SwapUnit.POINTS
    #: Zero leaves the margin that each symbol usually asks for.
    paper_leverage: Decimal = Field(default=Decimal(0), ge=0, le=5_000)
    #: The margin level in per cent at which the worst trade is closed; zero never.
    paper_stop_out_percent: Decimal = Field(default=Decimal(0), ge=0, le=1_000)
    #: Lots that one quote fills; zero fills everything.
    paper_fill_lots: Decimal = Field(default=Decimal(0), ge=0, le=1_000_000)
    paper_time_in_force: TimeInForce = TimeInForce.IOC

    #: A file of candles to play instead of the shipped one, named as ``ai-trader import`` does.
    market_recording: Path | None = None
    #: Seconds between two candles of a recorded market.
    market_pace_seconds: float = Field(default=4.0, ge=0, le=86_400)
    #: How many candles have closed already when a recording starts to play.
    market_start: int = Field(default=306, ge=2)
    #: Whether a recorded market waits while an idea waits for a person.
    market_waits: bool = True
