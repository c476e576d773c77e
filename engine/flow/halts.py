"""Stop and start: the one state machine, changed by people and by limits, always with a reason."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from engine.domain.decision import Action, Entry
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.order import OrderState
from engine.domain.person import Role
from engine.domain.state import Control, HaltReason, Mode, TradingState
from engine.errors import HistoryBroken, InvalidInput, Outdated
from engine.flow.orders import cancel
from engine.flow.people import person_at_least
from engine.ports import Bell, MarketData, Store, Transaction
from engine.snapshot.canonical import plain

#: States in which what is queued must never leave any more.
_CANCELS = frozenset((TradingState.HALTED, TradingState.EMERGENCY_STOP))

#: (control, by, at) -> the control as it should be
Change = Callable[[Control, str, datetime], Control]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeControl:
    """Change state, mode or a paused symbol, for a person or for the machine's own operator.

    ``person_id`` None is the command line on this machine. Raises :class:`NotAllowed` for too low a
    role and :class:`IllegalMove` when there is nothing to change. When it returns, no new send can
    start under the old state.
    """

    store: Store
    market: MarketData
    bell: Bell
    symbols: tuple[str, ...]

    async def pause(self, person_id: int | None) -> Control:
        """No new trades; open ones keep their stops."""
        return await self._change(person_id, Role.TRADER, Action.AI_HALTED, _to_paused)

    async def resume(self, person_id: int | None, *, expected: int | None = None) -> Control:
        """Trade again. Out of an emergency stop, or with a history that did not verify, only an
        admin may. ``expected`` is the version of the control the person looked at: a halt that came
        in between raises :class:`Outdated` instead of being lifted unseen.
        """
        return await self._change(
            person_id, Role.TRADER, Action.AI_RESUMED, _to_running, expected=expected
        )

    async def stop(self, person_id: int | None) -> Control:
        """Emergency stop: nothing is evaluated, everything queued is cancelled.

        It is pulled even when the history cannot be written: being stopped matters more than being
        recorded, and the reason then says that the record is missing.
        """
        try:
            return await self._change(person_id, Role.TRADER, Action.AI_HALTED, _to_stopped)
        except HistoryBroken:
            async with self.store.begin() as tx:
                return await stop_unrecorded(tx)

    async def mode(
        self, person_id: int | None, mode: Mode, *, expected: int | None = None
    ) -> Control:
        """Supervised or autonomous."""

        def change(control: Control, by: str, at: datetime) -> Control:
            return control.with_mode(mode, by=by, at=at)

        return await self._change(
            person_id, Role.ADMIN, Action.MODE_CHANGED, change, expected=expected
        )

    async def symbol(self, person_id: int | None, symbol: str, *, paused: bool) -> Control:
        """Pause or release one symbol; raises :class:`InvalidInput` to pause one not watched."""
        if paused and symbol not in self.symbols:
            raise InvalidInput(
                f"{symbol[:24]} is not watched; watched are: {', '.join(self.symbols)}"
            )

        def change(control: Control, by: str, at: datetime) -> Control:
            return control.with_symbol(symbol, paused=paused, by=by, at=at)

        action = Action.SYMBOL_PAUSED if paused else Action.SYMBOL_RESUMED
        return await self._change(person_id, Role.TRADER, action, change, symbol=symbol)

    async def _change(
        self,
        person_id: int | None,
        role: Role,
        action: Action,
        change: Change,
        *,
        symbol: str | None = None,
        expected: int | None = None,
    ) -> Control:
        market_time = await self.market.instant()
        async with self.store.begin() as tx:
            person = None
            if person_id is not None:
                person = await person_at_least(tx, person_id, role)
            before = await tx.controls.take()
            if expected is not None and before.version != expected:
                raise Outdated("the trading state changed since it was shown", state=before.state)
            if person is not None and action is Action.AI_RESUMED and _needs_admin(before):
                person.must_be(Role.ADMIN)
            now = await tx.now()
            after = change(before, "cli" if person is None else person.name, now)
            if after is before:
                return before
            entries = await _apply(
                tx,
                before,
                after,
                action,
                actor=_actor(person_id),
                now=now,
                market_time=market_time,
                symbol=symbol,
                person_id=person_id,
            )
            await tx.history.extend(entries)
        await self.bell.ring("deliver")
        return after


async def halt(
    tx: Transaction, control: Control, reason: HaltReason, *, market_time: datetime
) -> list[Entry]:
    """Latch a halt inside the caller's transaction, which holds the control.

    Answers the records to append: one for the halt, one for each order it cancelled.
    """
    now = await tx.now()
    after = control.move(TradingState.HALTED, reason=str(reason), by="system", at=now)
    return await _apply(
        tx, control, after, Action.AI_HALTED, actor="system", now=now, market_time=market_time
    )


async def stop_unrecorded(tx: Transaction) -> Control:
    """The emergency stop without its record, for when there is no history to write it to."""
    before = await tx.controls.take()
    now = await tx.now()
    after = replace(
        before,
        state=TradingState.EMERGENCY_STOP,
        reason=str(HaltReason.AUDIT_FAILURE),
        changed_by="system",
        changed_at=now,
        version=before.version + 1,
    )
    await tx.controls.save(after)
    await _cancel_queued(tx, after, now, None)
    return after


async def _apply(
    tx: Transaction,
    before: Control,
    after: Control,
    action: Action,
    *,
    actor: str,
    now: datetime,
    market_time: datetime | None = None,
    symbol: str | None = None,
    person_id: int | None = None,
) -> list[Entry]:
    await tx.controls.save(after)
    at_venue = [
        order.client_id
        for state in (OrderState.SENDING, OrderState.UNKNOWN)
        for order in await tx.orders.in_state(state)
    ]
    kind = Kind.HALT if after.state in _CANCELS and after.state != before.state else Kind.STATE
    # Whoever made a plain change is answered directly; a halt is pinned for everyone.
    audience = Audience(but=person_id) if kind is Kind.STATE else Audience()
    await tx.outbox.tell(
        Notice(
            kind=kind,
            key=f"control:{after.version}",
            priority=Priority.SAFETY,
            detail={"before": plain(before), "after": plain(after), "at_venue": at_venue},
        ),
        audience,
    )
    halted = action is Action.AI_HALTED
    entries = [
        Entry(
            action=action,
            occurred_at=now,
            actor=actor,
            symbol=symbol,
            market_time=market_time,
            rationale=f"{before.state}/{before.mode} -> {after.state}/{after.mode}: {after.reason}",
            risk_check_result=f"fail:{after.reason}" if halted else None,
            human_override=actor != "system",
            detail={"before": plain(before), "after": plain(after), "at_venue": at_venue},
        )
    ]
    if after.state in _CANCELS:
        entries += await _cancel_queued(tx, after, now, market_time)
    return entries


async def _cancel_queued(
    tx: Transaction, control: Control, now: datetime, market_time: datetime | None
) -> list[Entry]:
    queued = await tx.orders.in_state(OrderState.INTENT)
    done = [
        await cancel(tx, order, str(control.state), now, market_time=market_time)
        for order in queued
    ]
    return [cancelled[1] for cancelled in done if cancelled is not None]


def _to_paused(control: Control, by: str, at: datetime) -> Control:
    return control.move(TradingState.PAUSED, reason="paused_by_person", by=by, at=at)


def _to_running(control: Control, by: str, at: datetime) -> Control:
    return control.move(TradingState.RUNNING, reason="resumed_by_person", by=by, at=at)


def _to_stopped(control: Control, by: str, at: datetime) -> Control:
    """A stop is never refused: pulling it twice leaves it pulled."""
    if control.state is TradingState.EMERGENCY_STOP:
        return control
    return control.move(TradingState.EMERGENCY_STOP, reason="stopped_by_person", by=by, at=at)


def _needs_admin(control: Control) -> bool:
    """Whether leaving this state is for an admin alone."""
    stopped = control.state is TradingState.EMERGENCY_STOP
    return stopped or control.reason == HaltReason.AUDIT_FAILURE


def _actor(person_id: int | None) -> str:
    return "cli" if person_id is None else f"person:{person_id}"
