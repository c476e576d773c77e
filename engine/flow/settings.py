"""Change the risk settings: checked together, versioned, recorded, in force for the next check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.domain.settings import (
    RiskSettings,
    SettingsVersion,
    differences,
    must_agree,
    with_changes,
)
from engine.errors import InvalidInput, Outdated
from engine.flow.latch import market_time
from engine.flow.people import actor, person_at_least
from engine.ports import Bell, MarketData, Store, Transaction
from engine.snapshot.canonical import plain

#: As long as the column that keeps it.
_LONGEST_REASON = 200
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadSettings:
    """The versions of the risk settings, the one in force first.

    ``person_id`` None is the command line on this machine.
    """

    store: Store

    async def __call__(self, person_id: int | None, *, limit: int = 1) -> Sequence[SettingsVersion]:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.settings.risk_versions(limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSettings:
    """Put other values in force, by name, each written as a person writes it.

    ``expected`` is the version that was looked at; another one in force raises :class:`Outdated`.
    ``person_id`` None is the command line. Raises :class:`NotAllowed` below an admin and
    :class:`InvalidInput` for a value, a combination or a reason that cannot be, and when nothing
    would change. A send that has not begun when this returns is judged by the new values.
    """

    store: Store
    market: MarketData
    bell: Bell

    async def __call__(
        self, person_id: int | None, changes: Mapping[str, str], *, reason: str, expected: int
    ) -> tuple[int, tuple[str, ...]]:
        """The new version's number, and the names of the settings that changed."""
        reason = said(reason)
        at = await market_time(self.market)
        async with self.store.begin() as tx:
            number, names, entry = await self.within(
                tx, person_id, changes, reason=reason, expected=expected, market_time=at
            )
            await tx.history.append(entry)
        await self.bell.ring("deliver")
        return number, names

    async def within(
        self,
        tx: Transaction,
        person_id: int | None,
        changes: Mapping[str, str],
        *,
        reason: str,
        expected: int,
        market_time: datetime | None,
    ) -> tuple[int, tuple[str, ...], Entry]:
        """The change in a caller's transaction, and its record, which the caller appends last."""
        person = None
        if person_id is not None:
            person = await person_at_least(tx, person_id, Role.ADMIN)
        by = "cli" if person is None else person.name
        # Sends go one by one behind this lock, so that none is judged by values just replaced.
        await tx.controls.take()
        version, before = await tx.settings.risk()
        must_be_in_force(version, expected)
        after = with_changes(before, changes)
        names = differences(before, after)
        if not names:
            raise InvalidInput(_nothing(before, changes), mistake="unchanged")
        must_agree(after)
        number = await tx.settings.save_risk(after, by=by[:_LONGEST_NAME], reason=reason)
        told = _told(before, after, names)
        detail = {"reason": reason, "from": version, "to": number, "changes": told}
        await tx.outbox.tell(
            Notice(
                kind=Kind.SETTINGS,
                key=f"settings:{number}",
                priority=Priority.SAFETY,
                detail={"by": by, **detail},
            ),
            Audience(but=person_id),
        )
        changed = ", ".join(f"{name}: {pair[0]} -> {pair[1]}" for name, pair in told.items())
        entry = Entry(
            action=Action.SETTINGS_CHANGED,
            occurred_at=await tx.now(),
            actor=actor(person_id),
            market_time=market_time,
            rationale=f"{changed}; {reason}",
            human_override=True,
            detail=detail,
        )
        return number, names, entry


def must_be_in_force(version: int, expected: int) -> None:
    """Raise :class:`Outdated` where other settings are in force than those that were looked at."""
    if version != expected:
        raise Outdated(
            f"the settings changed since they were shown: version {version} is in force,"
            f" not {expected}. Look at them and try again.",
            mistake="settings_outdated",
            version=version,
        )


def _told(before: RiskSettings, after: RiskSettings, names: Sequence[str]) -> dict[str, list[Any]]:
    """Each changed setting with its value before and after, as JSON values."""
    old, new = plain(before), plain(after)
    return {name: [old[name], new[name]] for name in names}


def said(reason: str) -> str:
    """A reason as it is kept; raises :class:`InvalidInput` for one that cannot be."""
    reason = " ".join(reason.split())
    if not 1 <= len(reason) <= _LONGEST_REASON or not reason.isprintable():
        raise InvalidInput(
            f"say why in 1 to {_LONGEST_REASON} plain characters; the history keeps it",
            mistake="reason",
            field="reason",
            most=_LONGEST_REASON,
        )
    return reason


def _nothing(before: RiskSettings, changes: Mapping[str, str]) -> str:
    if not changes:
        return "name at least one setting to change, as name=value"
    values = plain(before)
    return f"nothing would change: {', '.join(f'{name} is {values[name]}' for name in changes)}"
