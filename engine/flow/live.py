"""Real money: look at what must hold, have an admin confirm the account, and withdraw that."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from engine.domain.decision import Action, Decision, Entry
from engine.domain.live import (
    CHECKLIST,
    AccountKind,
    Confirmation,
    Identity,
    Item,
    LiveView,
    Need,
    core_of,
)
from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Person, Role
from engine.domain.state import HaltReason, TradingState
from engine.errors import IllegalMove, NotFound, Outdated, TraderError
from engine.flow.people import actor, person_at_least
from engine.flow.watch import last_seen
from engine.gate.live import LiveFacts, checklist, view_of
from engine.ports import (
    Anchors,
    Bell,
    Broker,
    Calendar,
    Clock,
    Identify,
    MarketData,
    Store,
    Transaction,
)
from engine.snapshot.canonical import canonical, digest, plain

#: How many halts back a pulled emergency stop is looked for.
_HALTS = 200
_UNSOUND = (HaltReason.AUDIT_FAILURE, HaltReason.STOP_UNRECORDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveReport:
    """The checklist with the account it is about. ``mark`` names what a person looked at: the
    account, its limits and the list; another of them is another mark.
    """

    identity: Identity
    items: tuple[Item, ...]
    confirmation: Confirmation | None
    mark: str

    @property
    def is_demo(self) -> bool:
        """Whether the venue says that no real money moves."""
        return self.identity.kind is AccountKind.DEMO

    @property
    def missing(self) -> tuple[Item, ...]:
        """The mandatory items that do not hold."""
        return tuple(item for item in self.items if item.is_mandatory and not item.holds)

    @property
    def may_be_confirmed(self) -> bool:
        """Whether a confirmation is all that it needs."""
        return [item.need for item in self.missing] == [Need.CONFIRMED]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLive:
    """Look at everything that real money needs. ``enabled`` is LIVE_TRADING_ENABLED, ``clock`` this
    machine's, ``real_chat`` whether people are known by Telegram.
    """

    store: Store
    broker: Broker
    identify: Identify
    market: MarketData
    calendar: Calendar
    anchors: Anchors
    clock: Clock
    symbols: tuple[str, ...]
    enabled: bool
    real_chat: bool

    async def __call__(self, person_id: int | None) -> LiveReport:
        """The checklist for a person; None is the command line on this machine."""
        if person_id is not None:
            async with self.store.begin() as tx:
                await person_at_least(tx, person_id, Role.VIEWER)
        return report(await self.facts())

    async def view(self) -> LiveView | None:
        """What the gate judges a real account by; None for one that is none. An account that the
        venue says nothing of is a real one, unless no real one is let in here at all.
        """
        identity = await self.identify()
        is_known = identity.kind is not AccountKind.UNKNOWN
        if identity.kind is AccountKind.DEMO or not (is_known or self.broker.is_live):
            return None
        return view_of(await self.facts(identity))

    async def facts(self, identity: Identity | None = None) -> LiveFacts:
        """How the system stands; what does not answer is not known."""
        identity = identity or await self.identify()
        until, market_now = await self._calendar()
        anchors, faults = await self.anchors.read()
        async with self.store.begin() as tx:
            now = await tx.now()
            wall = self.clock()
            control = await tx.controls.read()
            version = (await tx.settings.risk_versions(1))[0]
            people = await tx.people.list()
            beats = await tx.heartbeats.seen()
            confirmation = await tx.live.of(self.broker.account_id)
            halts = await tx.history.list(actions=(Action.AI_HALTED,), limit=_HALTS)
        return LiveFacts(
            now=now,
            account_id=self.broker.account_id,
            identity=identity,
            enabled=self.enabled,
            equity=await self._equity(),
            real_chat=self.real_chat,
            settings=version.settings,
            limits_by_person=version.changed_by != "system",
            calendar_until=until,
            market_now=market_now,
            feeds=tuple(last_seen(beats, f"feed:{symbol}") for symbol in self.symbols),
            history_sound=not faults and control.reason not in _UNSOUND,
            anchored_at=max((anchor.instant for anchor in anchors), default=None),
            reachable_admins=_reachable(people, Role.ADMIN),
            reachable_traders=_reachable(people, Role.TRADER),
            skew=wall - now,
            stop_tried_at=_stop_tried(halts),
            confirmation=confirmation,
        )

    async def _equity(self) -> Decimal | None:
        try:
            return (await self.broker.account()).equity
        except TraderError:
            return None

    async def _calendar(self) -> tuple[datetime | None, datetime | None]:
        try:
            instant = await self.market.instant()
            seen = await self.calendar.around(instant)
        except TraderError:
            return None, None
        return (None if seen is None else seen.known_until), instant


def _reachable(people: Sequence[Person], role: Role) -> int:
    return sum(person.reachable and person.role.rank >= role.rank for person in people)


def _stop_tried(halts: Sequence[Decision]) -> datetime | None:
    """When a person pulled the emergency stop last."""
    for record in halts:
        after = record.entry.detail.get("after", {})
        if record.entry.human_override and after.get("state") == TradingState.EMERGENCY_STOP:
            return record.entry.occurred_at
    return None


def report(facts: LiveFacts) -> LiveReport:
    """The checklist of these facts."""
    bound = [facts.account_id, plain(facts.identity), plain(core_of(facts.settings)), CHECKLIST]
    return LiveReport(
        identity=facts.identity,
        items=checklist(facts),
        confirmation=facts.confirmation,
        mark=digest(canonical(bound))[:12],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmLive:
    """An admin's word that this account may be traded with real money, and its withdrawal.

    Either changes the version of the control, so that whatever was judged before is judged again.
    """

    store: Store
    bell: Bell
    read_live: ReadLive

    async def __call__(self, person_id: int, mark: str) -> Confirmation:
        """Confirm the account that was looked at; a second time changes nothing.

        Raises :class:`NotAllowed` below an admin, :class:`Outdated` when account, limits or list
        are no longer those of the mark, and :class:`IllegalMove` while another mandatory item is
        missing.
        """
        facts = await self.read_live.facts()
        seen = report(facts)
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.ADMIN)
            if seen.mark != mark:
                raise Outdated("account or limits are not those that were shown")
            if not seen.missing and seen.confirmation is not None:
                return seen.confirmation
            if not seen.may_be_confirmed:
                names = ", ".join(item.need for item in seen.missing)
                raise IllegalMove(f"not confirmed, missing: {names}")
            await self._bump(tx)
            confirmation = Confirmation(
                account_id=facts.account_id,
                venue=facts.identity.venue,
                name=facts.identity.name,
                checklist=CHECKLIST,
                core=core_of(facts.settings),
                person_id=person_id,
                by=person.name,
                at=await tx.now(),
            )
            await tx.live.save(confirmation)
            await self._tell(tx, Action.LIVE_CONFIRMED, person, confirmation)
        await self.bell.ring("deliver")
        return confirmation

    async def withdraw(self, person_id: int) -> None:
        """Take it back at once; raises :class:`NotAllowed` below a trader, and :class:`NotFound`
        when nothing is confirmed.
        """
        account_id = self.read_live.broker.account_id
        async with self.store.begin() as tx:
            person = await person_at_least(tx, person_id, Role.TRADER)
            await self._bump(tx)
            known = await tx.live.of(account_id)
            if known is None:
                raise NotFound("live trading is not confirmed")
            await tx.live.remove(account_id)
            await self._tell(tx, Action.LIVE_REVOKED, person, known)
        await self.bell.ring("deliver")

    async def _bump(self, tx: Transaction) -> None:
        control = await tx.controls.take()
        await tx.controls.save(replace(control, version=control.version + 1))

    async def _tell(
        self, tx: Transaction, action: Action, person: Person, known: Confirmation
    ) -> None:
        now = await tx.now()
        await tx.outbox.tell(
            Notice(
                kind=Kind.LIVE,
                key=f"{action}:{now.isoformat()}",
                priority=Priority.SAFETY,
                detail={
                    "confirmed": action is Action.LIVE_CONFIRMED,
                    "name": known.name,
                    "by": person.name,
                },
            ),
            Audience(but=person.id),
        )
        entry = Entry(
            action=action,
            occurred_at=now,
            actor=actor(person.id),
            rationale=f"real account {known.name} at {known.venue}",
            human_override=True,
            detail={"confirmation": plain(known)},
        )
        await tx.history.append(entry)
