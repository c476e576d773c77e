"""Stop and start for who comes in over HTTP: what holds already is no error, and a halt is lifted
only by who has seen it.

A machine's key may do less than its person. The use cases behind know the person alone, so that
what only an admin may is asked of the caller here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.domain.access import Caller
from engine.domain.person import Role
from engine.domain.state import Control, HaltReason, Mode, TradingState
from engine.errors import NotAllowed, NotConfirmed, NotReady
from engine.flow.halts import ChangeControl
from engine.flow.people import person_at_least
from engine.flow.readiness import CheckReadiness, Standing
from engine.flow.signal_status import TESTED
from engine.ports import Store

#: A process says that it is alive every five seconds.
_ALIVE = timedelta(seconds=30)
#: Whoever was not heard of for longer is gone for good.
_REMEMBERED = timedelta(days=1)
_UNSOUND = {HaltReason.AUDIT_FAILURE: "broken", HaltReason.STOP_UNRECORDED: "unrecorded"}
_STOPPED = (TradingState.HALTED, TradingState.EMERGENCY_STOP)


def caller_at_least(caller: Caller, role: Role) -> None:
    """Raise :class:`NotAllowed` for a caller who may do less, whatever their person may."""
    if caller.role.rank < role.rank:
        raise NotAllowed(f"this needs the role {role}; yours is {caller.role}", needs=str(role))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A sign of life: who gave it, and when."""

    name: str
    at: datetime
    is_alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What trading needs, part by part, who is alive, and how trading stands."""

    control: Control
    standings: tuple[Standing, ...]
    signs: tuple[Sign, ...]

    @property
    def missing(self) -> tuple[Standing, ...]:
        """The parts that are not there."""
        return tuple(one for one in self.standings if one.problem is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReadiness:
    """Whether the product could trade now. ``history`` is ``broken`` when it did not verify, and
    ``unrecorded`` while a stop has no record yet.
    """

    store: Store
    check_readiness: CheckReadiness

    async def __call__(self, person_id: int) -> Readiness:
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            control = await tx.controls.read()
            now, seen = await tx.now(), await tx.heartbeats.seen()
        history = Standing(name="history", problem=_history(control))
        signs = [
            Sign(name=name, at=beat.at, is_alive=now - beat.at <= _ALIVE)
            for name, beat in sorted(seen.items())
            if now - beat.at <= _REMEMBERED and not name.startswith("watch:") and name != TESTED
        ]
        standings = (*await self.check_readiness(), history)
        return Readiness(control=control, standings=standings, signs=tuple(signs))


def _history(control: Control) -> str | None:
    return next((code for reason, code in _UNSOUND.items() if control.reason == reason), None)


def missing_of(standings: Sequence[Standing]) -> list[dict[str, Any]]:
    """Parts that are not there, as facts."""
    return [
        {"name": one.name, "problem": one.problem, **dict(one.facts)}
        for one in standings
        if one.problem is not None
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steer:
    """Change state and mode. Raises as :class:`ChangeControl` does, and :class:`NotConfirmed`."""

    store: Store
    change_control: ChangeControl
    read_readiness: ReadReadiness

    async def read(self, person_id: int) -> Control:
        """How trading stands."""
        async with self.store.begin() as tx:
            await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.controls.read()

    async def to(
        self, caller: Caller, state: TradingState, *, version: int | None = None, said: str = ""
    ) -> Control:
        """Run, pause or stop. ``version`` is that of the control that was looked at: without one,
        nobody lifts a halt or an emergency stop.
        """
        if state is TradingState.EMERGENCY_STOP:
            return await self.change_control.stop(caller.person.id, said=said)
        if state is TradingState.PAUSED:
            return await self.pause(caller, said=said)
        return await self.resume(caller, version=version, said=said)

    async def pause(self, caller: Caller, *, said: str = "") -> Control:
        """No new trades."""
        control = await self.read(caller.person.id)
        if control.state is TradingState.PAUSED:
            return control
        return await self.change_control.pause(caller.person.id, said=said)

    async def resume(
        self, caller: Caller, *, version: int | None = None, said: str = ""
    ) -> Control:
        """Trade again."""
        control = await self.read(caller.person.id)
        if control.state is TradingState.RUNNING:
            return control
        if control.state in _STOPPED and version is None:
            raise NotConfirmed(
                f"trading is {control.state} because of {control.reason}; look at"
                " /v1/system/state, and send its version to resume",
                state=str(control.state),
                reason=control.reason,
                version=control.version,
            )
        if control.state is TradingState.EMERGENCY_STOP or control.reason in _UNSOUND:
            caller_at_least(caller, Role.ADMIN)
        # Bound to what was just looked at, so that nothing worse is lifted unseen.
        expected = control.version if version is None else version
        return await self.change_control.resume(caller.person.id, expected=expected, said=said)

    async def start(self, caller: Caller, *, version: int | None = None) -> Control:
        """Trade again when everything that it needs is there, else raise :class:`NotReady`."""
        ready = await self.read_readiness(caller.person.id)
        if ready.missing:
            names = ", ".join(f"{one.name} ({one.problem})" for one in ready.missing)
            raise NotReady(f"not started: {names}", missing=missing_of(ready.standings))
        return await self.resume(caller, version=version)

    async def mode(self, caller: Caller, mode: Mode, *, version: int | None = None) -> Control:
        """Supervised or autonomous."""
        caller_at_least(caller, Role.ADMIN)
        control = await self.read(caller.person.id)
        if control.mode is mode:
            return control
        expected = control.version if version is None else version
        return await self.change_control.mode(caller.person.id, mode, expected=expected)
