"""Stop and start: the one state machine, changed by people and by limits, always with a reason."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from engine.domain.account import Account, day_of, day_start
from engine.domain.decision import Action, Entry
from engine.domain.person import Person, Role
from engine.domain.state import Control, HaltReason, Mode, TradingState
from engine.errors import (
    BrokerSilent,
    IllegalMove,
    InvalidInput,
    NotAllowed,
    Outdated,
    WouldHalt,
)
from engine.flow.latch import apply, market_time, owed, stop_unrecorded
from engine.flow.limits import breach
from engine.flow.people import actor, person_at_least
from engine.flow.symbols import spelled
from engine.flow.watch import Part, lost_parts, timed_out
from engine.ports import Bell, Broker, MarketData, Store, Transaction

#: What is wrong with the history itself.
_UNSOUND = (HaltReason.AUDIT_FAILURE, HaltReason.STOP_UNRECORDED)

#: (control, by, at) -> the control as it should be
Change = Callable[[Control, str, datetime], Control]


@dataclass(frozen=True, slots=True)
class Wish:
    """A change somebody wants of the control, and the least role for it. ``expected`` is the
    version it is bound to, ``account`` what a wish to trade again is judged by, ``said`` a person's
    own words, for the record.
    """

    action: Action
    change: Change
    role: Role = Role.TRADER
    symbol: str | None = None
    expected: int | None = None
    account: Account | None = None
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeControl:
    """Change state, mode or a paused symbol, for a person or for the machine's own operator.

    ``person_id`` None is the command line on this machine. Raises :class:`NotAllowed` for too low a
    role and :class:`IllegalMove` when there is nothing to change. When it returns, no new send can
    start under the old state.
    """

    store: Store
    market: MarketData
    broker: Broker
    bell: Bell
    symbols: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    zone: tzinfo = UTC
    #: How long a stop waits for its record before it is pulled without one.
    patience_seconds: float = 3.0

    async def pause(self, person_id: int | None, *, said: str = "") -> Control:
        """No new trades; open ones keep their stops."""
        return await self._change(person_id, replace(PAUSE, said=said))

    async def resume(
        self, person_id: int | None, *, expected: int | None = None, said: str = ""
    ) -> Control:
        """Trade again. Out of an emergency stop, or with a history that did not verify, only an
        admin may. ``expected`` is the version of the control the person looked at: a halt that came
        in between raises :class:`Outdated` instead of being lifted unseen.

        Raises :class:`WouldHalt` while a limit is reached or a part is lost that would halt trading
        again at once. A broker that does not answer is no reason by itself: without its figures the
        gate opens nothing.
        """
        wish = await self.to_resume(expected=expected)
        return await self._change(person_id, replace(wish, said=said))

    async def to_resume(self, *, expected: int | None = None) -> Wish:
        """The wish to trade again, with the account as it stands now."""
        account = await self._account()
        return Wish(Action.AI_RESUMED, _to_running, expected=expected, account=account)

    async def stop(self, person_id: int | None, *, said: str = "") -> Control:
        """Emergency stop: nothing is evaluated, everything queued is cancelled.

        It is pulled even when the history cannot be written, or not in time: being stopped matters
        more than being recorded. The reason then says that the record is missing; see
        :func:`engine.flow.latch.owed`.
        """
        try:
            async with asyncio.timeout(self.patience_seconds):
                return await self._change(person_id, Wish(Action.AI_HALTED, _to_stopped, said=said))
        except (NotAllowed, IllegalMove):
            raise
        except Exception:
            # No head, or whatever a database says of a history that is full, locked or read-only.
            return await self._stop_unrecorded(person_id)

    async def _stop_unrecorded(self, person_id: int | None) -> Control:
        async with self.store.begin() as tx:
            by = await _who(tx, person_id, Role.TRADER)
            control = await stop_unrecorded(tx, by="cli" if by is None else by.name)
        await self.bell.ring("deliver")
        return control

    async def mode(
        self, person_id: int | None, mode: Mode, *, expected: int | None = None
    ) -> Control:
        """Supervised or autonomous."""

        def change(control: Control, by: str, at: datetime) -> Control:
            return control.with_mode(mode, by=by, at=at)

        wish = Wish(Action.MODE_CHANGED, change, role=Role.ADMIN, expected=expected)
        return await self._change(person_id, wish)

    async def symbol(self, person_id: int | None, symbol: str, *, paused: bool) -> Control:
        """Pause or release one symbol; raises :class:`InvalidInput` to pause one not watched."""
        return await self._change(person_id, self.to_symbol(symbol, paused=paused))

    def to_symbol(self, symbol: str, *, paused: bool) -> Wish:
        """The wish to pause or release one symbol; raises as :meth:`symbol` does."""
        symbol = spelled(symbol, self.symbols)
        if paused and symbol not in self.symbols:
            raise InvalidInput(
                f"{symbol[:24]} is not watched; watched are: {', '.join(self.symbols)}",
                symbol=symbol[:24],
                watched=", ".join(self.symbols),
            )

        def change(control: Control, by: str, at: datetime) -> Control:
            # What is watched no more can be released still.
            named = symbol if paused else spelled(symbol, control.paused_symbols)
            return control.with_symbol(named, paused=paused, by=by, at=at)

        action = Action.SYMBOL_PAUSED if paused else Action.SYMBOL_RESUMED
        return Wish(action, change, symbol=symbol)

    async def _change(self, person_id: int | None, wish: Wish) -> Control:
        at = await market_time(self.market)
        async with self.store.begin() as tx:
            before, after, entries = await self.within(tx, person_id, wish, market_time=at)
            if after is before:
                return before
            await tx.history.extend(entries)
        await self.bell.ring("deliver")
        return after

    async def within(
        self, tx: Transaction, person_id: int | None, wish: Wish, *, market_time: datetime | None
    ) -> tuple[Control, Control, list[Entry]]:
        """The change in a caller's transaction: the control before and after it, and its records,
        which the caller appends last. Nothing is changed when it raises, and the same control is
        answered twice when there is nothing to change.
        """
        person = await _who(tx, person_id, wish.role)
        before = await tx.controls.take()
        if wish.expected is not None and before.version != wish.expected:
            raise Outdated("the trading state changed since it was shown", state=before.state)
        now = await tx.now()
        after = wish.change(before, "cli" if person is None else person.name, now)
        if after is before:
            return before, before, []
        entries = []
        if wish.action is Action.AI_RESUMED:
            if person is not None and needs_admin(before):
                person.must_be(Role.ADMIN)
            await self._must_hold(tx, wish.account, market_time)
            entries = await owed(tx, before)
        entries += await apply(
            tx,
            before,
            after,
            wish.action,
            actor=actor(person_id),
            now=now,
            market_time=market_time,
            symbol=next(iter({*before.paused_symbols} ^ {*after.paused_symbols}), None),
            person_id=person_id,
            facts={"said": wish.said} if wish.said else None,
        )
        return before, after, entries

    async def _must_hold(
        self, tx: Transaction, account: Account | None, at: datetime | None
    ) -> None:
        """Raise :class:`WouldHalt` for what the next look would halt for."""
        _, settings = await tx.settings.risk()
        part = timed_out(settings, await lost_parts(tx, self.parts))
        if part is not None:
            raise WouldHalt(
                f"not resumed: the {part.part.name} gives no sign of life since {part.since};"
                " bring it back first",
                reason=HaltReason.HEARTBEAT_LOST,
                part=part.part.name,
                since=part.since,
            )
        if account is None or at is None:
            return
        day = day_of(await tx.settings.day(account.id), account, at.astimezone(self.zone).date())
        found = breach(settings, account, day)
        if found is not None:
            next_day = day_start(day_start(at, self.zone) + timedelta(hours=36), self.zone)
            raise WouldHalt(
                f"not resumed: {found.reason} is at {found.used:.2f}, its limit is {found.limit},"
                f" and it would halt again at once; raise the limit (ai-trader settings set"
                f" {found.setting}=...), or wait for the next broker day ({next_day})",
                reason=found.reason,
                used=found.used,
                limit=found.limit,
                setting=found.setting,
                next_day=next_day,
            )

    async def _account(self) -> Account | None:
        try:
            return await self.broker.account()
        except BrokerSilent:
            return None


async def _who(tx: Transaction, person_id: int | None, role: Role) -> Person | None:
    """The person, if they hold the role; None is the command line on this machine."""
    return None if person_id is None else await person_at_least(tx, person_id, role)


def _to_paused(control: Control, by: str, at: datetime) -> Control:
    return control.move(TradingState.PAUSED, reason="paused_by_person", by=by, at=at)


def _to_running(control: Control, by: str, at: datetime) -> Control:
    return control.move(TradingState.RUNNING, reason="resumed_by_person", by=by, at=at)


def _to_stopped(control: Control, by: str, at: datetime) -> Control:
    """A stop is never refused: pulling it twice leaves it pulled."""
    if control.state is TradingState.EMERGENCY_STOP:
        return control
    return control.move(TradingState.EMERGENCY_STOP, reason="stopped_by_person", by=by, at=at)


def needs_admin(control: Control) -> bool:
    """Whether leaving this state is for an admin alone."""
    stopped = control.state is TradingState.EMERGENCY_STOP
    return stopped or control.reason in _UNSOUND


#: No new trades; open ones keep their stops.
PAUSE = Wish(Action.AI_HALTED, _to_paused)
