"""Risk settings, strategies, the trading state, and the broker's day."""

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from engine.domain.account import TradingDay
from engine.domain.settings import RiskSettings, SettingsVersion
from engine.domain.state import Control
from engine.domain.strategy import Strategy, StrategyVersion
from engine.errors import NotFound, Outdated
from engine.snapshot.canonical import plain, restore
from storage import mapping
from storage.models import (
    ControlRow,
    SettingsVersionRow,
    StrategyRow,
    StrategyVersionRow,
    TradingDayRow,
)
from storage.table import Table

#: How long a transaction that holds the trading state may do nothing.
HOLD_MILLISECONDS = 10_000


class ControlTable(Table):
    """The port ``Controls`` in one transaction."""

    async def read(self) -> Control:
        return await self._control("")

    async def hold(self) -> Control:
        """Many senders hold it together; a change waits for all of them, and they for it."""
        return await self._control("FOR SHARE")

    async def take(self) -> Control:
        return await self._control("FOR UPDATE")

    async def save(self, control: Control) -> None:
        columns = {
            "state": str(control.state),
            "reason": control.reason,
            "mode": str(control.mode),
            "version": control.version,
            "document": plain(control),
        }
        await ControlRow.update_or_create(using_db=self._connection, id=1, defaults=columns)

    async def _control(self, lock: str) -> Control:
        # Who holds the row and falls silent, hung or stopped, would keep every stop waiting: the
        # database ends such a session.
        bound = (
            f", set_config('idle_in_transaction_session_timeout', '{HOLD_MILLISECONDS}', true)"
            if lock
            else ""
        )
        rows = await self._rows(
            f"SELECT document::text AS document{bound}"  # noqa: S608
            f" FROM control WHERE id = 1 {lock}"
        )
        if not rows:
            raise NotFound("the database is empty; run: ai-trader migrate")
        return restore(Control, json.loads(rows[0]["document"]))


class SettingsTable(Table):
    """The port ``SettingsStore`` in one transaction."""

    async def risk(self) -> tuple[int, RiskSettings]:
        row = await SettingsVersionRow.all().using_db(self._connection).order_by("-version").first()
        if row is None:
            raise NotFound("the database is empty; run: ai-trader migrate")
        return row.version, restore(RiskSettings, row.document)

    async def save_risk(self, settings: RiskSettings, *, by: str, reason: str) -> int:
        last = (
            await SettingsVersionRow.all().using_db(self._connection).order_by("-version").first()
        )
        version = 1 if last is None else last.version + 1
        await SettingsVersionRow.create(
            using_db=self._connection,
            version=version,
            document=plain(settings),
            changed_by=by,
            reason=reason,
        )
        return version

    async def risk_versions(self, limit: int) -> Sequence[SettingsVersion]:
        rows = SettingsVersionRow.all().using_db(self._connection).order_by("-version").limit(limit)
        return [
            SettingsVersion(
                version=row.version,
                settings=restore(RiskSettings, row.document),
                changed_by=row.changed_by,
                reason=row.reason,
                created_at=row.created_at,
            )
            for row in await rows
        ]

    async def strategies(self) -> tuple[Strategy, ...]:
        rows = await StrategyRow.all().using_db(self._connection).order_by("position", "name")
        return tuple(mapping.strategy_of(row) for row in rows)

    async def save_strategy(
        self, strategy: Strategy, *, by: str, reason: str, expected: int | None = None
    ) -> Strategy:
        # Whoever edits the same strategy waits for the row, or, for a new one, for the whole table.
        rows = StrategyRow.filter(id=strategy.id).using_db(self._connection)
        current = await rows.select_for_update().get_or_none()
        if current is None:
            await self._connection.execute_query(
                "LOCK TABLE strategies IN SHARE ROW EXCLUSIVE MODE"
            )
            current = await rows.get_or_none()
        version = 0 if current is None else current.version
        if expected is not None and version != expected:
            raise Outdated(f"{strategy.name} is at version {version}, not {expected}")
        position = (
            await StrategyRow.all().using_db(self._connection).count()
            if current is None
            else current.position
        )
        saved = replace(strategy, version=version + 1)
        columns = mapping.strategy_columns(saved, position)
        id_ = columns.pop("id")
        await StrategyRow.update_or_create(using_db=self._connection, id=id_, defaults=columns)
        await StrategyVersionRow.create(
            using_db=self._connection,
            strategy_id=id_,
            version=saved.version,
            document=plain(saved),
            changed_by=by,
            reason=reason,
        )
        return saved

    async def strategy_versions(self, strategy_id: UUID) -> Sequence[StrategyVersion]:
        rows = StrategyVersionRow.filter(strategy_id=strategy_id).using_db(self._connection)
        return [
            StrategyVersion(
                strategy=restore(Strategy, row.document),
                by=row.changed_by,
                reason=row.reason,
                at=row.created_at,
            )
            for row in await rows.order_by("-version")
        ]

    async def day(self, account_id: str) -> TradingDay | None:
        query = TradingDayRow.filter(account_id=account_id).using_db(self._connection)
        row = await query.get_or_none()
        if row is None:
            return None
        return TradingDay(
            account_id=row.account_id,
            day=row.day,
            start_equity=row.start_equity,
            peak_equity=row.peak_equity,
        )

    async def save_day(self, day: TradingDay) -> None:
        await TradingDayRow.update_or_create(
            using_db=self._connection,
            account_id=day.account_id,
            defaults={
                "day": day.day,
                "start_equity": day.start_equity,
                "peak_equity": day.peak_equity,
            },
        )
