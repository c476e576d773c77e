"""The trading state, settings, strategies, the broker's day and judged candles, in memory."""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from itertools import count
from uuid import UUID

from engine.domain.account import TradingDay
from engine.domain.decision import GateSnapshot
from engine.domain.market import Timeframe
from engine.domain.settings import RiskSettings, SettingsVersion
from engine.domain.state import Control
from engine.domain.strategy import Strategy, StrategyVersion
from engine.errors import NotFound, Outdated
from engine.ports import Clock
from engine.ports.evaluations import Closed, Watched
from tests.memory.rows import Duplicate, View


class MemoryControls:
    """The port ``Controls`` in one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def read(self) -> Control:
        control: Control | None = self._view.get("control", 1)
        if control is None:
            raise NotFound("the store is empty")
        return control

    async def hold(self) -> Control:
        await self._view.lock("control", 1, shared=True)
        return await self.read()

    async def take(self) -> Control:
        await self._view.lock("control", 1)
        return await self.read()

    async def save(self, control: Control) -> None:
        await self._view.put("control", 1, control)


class MemorySettings:
    """The port ``SettingsStore`` in one transaction."""

    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    async def risk(self) -> tuple[int, RiskSettings]:
        newest = await self.risk_versions(1)
        if not newest:
            raise NotFound("the store is empty")
        return newest[0].version, newest[0].settings

    async def save_risk(self, settings: RiskSettings, *, by: str, reason: str) -> int:
        newest = await self.risk_versions(1)
        version = newest[0].version + 1 if newest else 1
        kept = SettingsVersion(
            version=version,
            settings=settings,
            changed_by=by,
            reason=reason,
            created_at=self._clock(),
        )
        if not await self._view.insert("settings", version, kept):
            raise Duplicate(f"settings version {version} exists")
        return version

    async def risk_versions(self, limit: int) -> Sequence[SettingsVersion]:
        versions: list[SettingsVersion] = self._view.all("settings")
        return sorted(versions, key=lambda kept: -kept.version)[:limit]

    async def strategies(self) -> tuple[Strategy, ...]:
        stored = sorted(self._view.all("strategy"), key=lambda row: (row[0], row[1].name))
        return tuple(strategy for _, strategy in stored)

    async def save_strategy(
        self, strategy: Strategy, *, by: str, reason: str, expected: int | None = None
    ) -> Strategy:
        await self._view.lock("strategy", strategy.id)
        current = self._view.get("strategy", strategy.id)
        version = 0 if current is None else current[1].version
        if expected is not None and version != expected:
            raise Outdated(f"{strategy.name} is at version {version}, not {expected}")
        position = len(self._view.all("strategy")) if current is None else current[0]
        saved = replace(strategy, version=version + 1)
        await self._view.put("strategy", strategy.id, (position, saved))
        kept = StrategyVersion(strategy=saved, by=by, reason=reason, at=self._clock())
        await self._view.insert("strategy version", (strategy.id, saved.version), kept)
        return saved

    async def strategy_versions(self, strategy_id: UUID) -> Sequence[StrategyVersion]:
        kept = [v for v in self._view.all("strategy version") if v.strategy.id == strategy_id]
        return sorted(kept, key=lambda version: -version.strategy.version)

    async def day(self, account_id: str) -> TradingDay | None:
        day: TradingDay | None = self._view.get("day", account_id)
        return day

    async def save_day(self, day: TradingDay) -> None:
        await self._view.put("day", day.account_id, day)


class MemoryEvaluations:
    """The port ``Evaluations`` in one transaction."""

    def __init__(self, view: View, numbers: "count[int]") -> None:
        self._view, self._numbers = view, numbers

    async def claim(self, candles: Collection[Closed]) -> Set[Closed]:
        asked = sorted(set(candles))
        return {one for one in asked if await self._view.insert("evaluation", one, True)}

    async def known(self, symbol: str, timeframe: Timeframe, candle: datetime) -> bool:
        if self._view.get("evaluation", (symbol, timeframe, candle)) is not None:
            return True
        control: Control | None = self._view.get("control", 1)
        return control is not None and not control.evaluates

    async def latest(
        self, watched: Collection[Watched]
    ) -> Mapping[Watched, Mapping[UUID, GateSnapshot]]:
        known = {strategy.id for _, strategy in self._view.all("strategy")}
        found: dict[Watched, dict[UUID, GateSnapshot]] = {}
        for snapshot in self._view.all("gate snapshot"):
            key = (snapshot.symbol, snapshot.timeframe)
            if key in watched and snapshot.strategy_id in known:
                found.setdefault(key, {})[snapshot.strategy_id] = snapshot
        return found

    async def record(self, evaluations: Sequence[GateSnapshot]) -> None:
        for snapshot in evaluations:
            await self._view.insert("gate snapshot", next(self._numbers), snapshot)
