"""What people set: limits and strategies; and the day the limits are measured on."""

from collections.abc import Sequence
from typing import Protocol

from engine.domain.account import TradingDay
from engine.domain.settings import RiskSettings, SettingsVersion
from engine.ports.strategies import StrategyStore


class SettingsStore(StrategyStore, Protocol):
    """Risk settings, strategies and the broker's day."""

    async def risk(self) -> tuple[int, RiskSettings]:
        """The settings in force and their version."""
        ...

    async def save_risk(self, settings: RiskSettings, *, by: str, reason: str) -> int:
        """Write the next version; the answer is its number."""
        ...

    async def risk_versions(self, limit: int) -> Sequence[SettingsVersion]:
        """The versions of the settings, the one in force first."""
        ...

    async def day(self, account_id: str) -> TradingDay | None:
        """The broker's day so far."""
        ...

    async def save_day(self, day: TradingDay) -> None:
        """Write the broker's day."""
        ...
