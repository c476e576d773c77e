"""Source 004's ``risk_config``: the limits and the switch in one, read and put together."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain.decision import Entry
from engine.domain.person import Role
from engine.domain.settings import RiskSettings, differences, with_changes
from engine.domain.state import Control, TradingState
from engine.errors import NotConfirmed
from engine.flow.halts import PAUSE, ChangeControl, Wish
from engine.flow.latch import market_time
from engine.flow.people import person_at_least
from engine.flow.settings import ChangeSettings, must_be_in_force, said
from engine.ports import Store, Transaction

_STOPPED = (TradingState.HALTED, TradingState.EMERGENCY_STOP)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskConfig:
    """The settings in force, their version, and the trading state at the same moment."""

    version: int
    settings: RiskSettings
    control: Control

    @property
    def is_enabled(self) -> bool:
        """Source 004's ``ai_trading_enabled``."""
        return self.control.may_open

    @property
    def last_halt_reason(self) -> str | None:
        """Why trading does not run; None while it does."""
        return None if self.control.may_open else self.control.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRiskConfig:
    """The limits and the switch, for whoever may look."""

    store: Store

    async def __call__(self, person_id: int) -> RiskConfig:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await _config(tx)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRiskConfig:
    """Put limits and the switch in force, both or none of it; an admin's.

    ``changes`` are settings by name as a person writes them, ``enabled`` whether trading is to run,
    ``seen`` the reason why it does not, as it was looked at: without it nobody lifts a halt or an
    emergency stop (:class:`NotConfirmed`).
    What is so already stays as it is and writes no record. ``expected`` is the version of the
    settings that was looked at, where it is known. Raises as :class:`ChangeSettings` and
    :class:`ChangeControl` do; ``WouldHalt`` is asked of the new limits.
    """

    store: Store
    change_settings: ChangeSettings
    change_control: ChangeControl

    async def __call__(
        self,
        person_id: int,
        changes: Mapping[str, str],
        *,
        enabled: bool,
        reason: str,
        expected: int | None = None,
        seen: str | None = None,
    ) -> RiskConfig:
        reason = said(reason)
        wish: Wish | None = None
        while True:
            done = await self._attempt(person_id, changes, enabled, reason, expected, seen, wish)
            if done is not None:
                return done
            # The account is asked outside of any transaction: a venue may take its time.
            wish = await self.change_control.to_resume() if enabled else PAUSE

    async def _attempt(
        self,
        person_id: int,
        changes: Mapping[str, str],
        enabled: bool,
        reason: str,
        expected: int | None,
        seen: str | None,
        wish: Wish | None,
    ) -> RiskConfig | None:
        """One try; None when the switch must be turned and no wish for it is at hand yet."""
        at = await market_time(self.change_settings.market)
        entries: list[Entry] = []
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.ADMIN)
            control = await tx.controls.take()
            turns = control.may_open is not enabled
            if turns and enabled:
                _must_have_seen(control, seen)
            if turns and wish is None:
                return None
            version, before = await tx.settings.risk()
            must_be_in_force(version, version if expected is None else expected)
            if differences(before, with_changes(before, changes)):
                _, _, entry = await self.change_settings.within(
                    tx, person_id, changes, reason=reason, expected=version, market_time=at
                )
                entries.append(entry)
            if turns and wish is not None:
                _, _, turned = await self.change_control.within(tx, person_id, wish, market_time=at)
                entries += turned
            after = await _config(tx)
            await tx.history.extend(entries)
        if entries:
            await self.change_settings.bell.ring("deliver")
        return after


def _must_have_seen(control: Control, seen: str | None) -> None:
    if control.state in _STOPPED and seen != control.reason:
        raise NotConfirmed(
            f"trading is {control.state} because of {control.reason}; to lift that send"
            f" last_halt_reason {control.reason}",
            state=str(control.state),
            reason=control.reason,
        )


async def _config(tx: Transaction) -> RiskConfig:
    version, settings = await tx.settings.risk()
    return RiskConfig(version=version, settings=settings, control=await tx.controls.read())
