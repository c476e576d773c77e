"""The truth: what is stored, and what can change together."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from engine.domain.approval import Approval
from engine.domain.decision import Action, Decision, Entry
from engine.domain.idea import Idea, IdeaStatus
from engine.domain.snapshot import Bundle, PastIdea
from engine.ports.access import AccessStore
from engine.ports.controls import Controls
from engine.ports.evaluations import Evaluations
from engine.ports.feeds import FeedMemories, Feeds, Headlines, Releases
from engine.ports.heartbeats import Heartbeats
from engine.ports.ingest import Candles, Streams
from engine.ports.live import Confirmations
from engine.ports.operator_commands import OperatorCommands
from engine.ports.orders import Orders
from engine.ports.outcomes import Outcomes
from engine.ports.pages import Pages
from engine.ports.people import Outbox, People
from engine.ports.position_orders import PositionOrders
from engine.ports.settings import SettingsStore
from engine.ports.signal_queue import SignalQueue
from engine.ports.terminals import Commands, Snapshots, Terminals


class Ideas(Protocol):
    """Ideas and the approvals asked for them."""

    async def add(self, idea: Idea) -> Idea:
        """Store a new idea; the answer carries its number."""
        ...

    async def get(self, idea_id: UUID) -> Idea:
        """One idea; raises ``NotFound``."""
        ...

    async def by_number(self, number: int) -> Idea:
        """One idea by the number people say; raises ``NotFound``."""
        ...

    async def list(self, *, status: IdeaStatus | None, limit: int) -> Sequence[Idea]:
        """Newest first."""
        ...

    async def swap(self, before: Idea, after: Idea) -> bool:
        """Save a status if the stored one is still ``before``'s; False when someone was first."""
        ...

    async def ask(self, approval: Approval) -> None:
        """Store a pending approval."""
        ...

    async def approval(self, idea_id: UUID) -> Approval | None:
        """The approval of an idea, if one was asked for."""
        ...

    async def end(self, approval: Approval, *, expired: bool = False) -> bool:
        """Close a pending approval by the database's clock.

        True for exactly one caller. Unless ``expired``, it must not be past its expiry; if
        ``expired``, it must be.
        """
        ...

    async def overdue(self) -> Sequence[UUID]:
        """Ideas whose pending approval is past its expiry by the database's clock."""
        ...

    async def pending(self) -> Sequence[UUID]:
        """Ideas waiting for a person, oldest first."""
        ...

    async def recent(self, after: datetime, until: datetime) -> tuple[PastIdea, ...]:
        """Ideas that were put to a person or executed, by market time, oldest first."""
        ...


class History(Protocol):
    """The decision history: append-only and chained."""

    async def append(self, entry: Entry) -> Decision:
        """Write a record behind the last one. Called last in a transaction: it locks the head."""
        ...

    async def extend(self, entries: Sequence[Entry]) -> tuple[Decision, ...]:
        """The same for several records, in their order, at the price of one."""
        ...

    async def get(self, seq: int) -> Decision:
        """One record; raises ``NotFound``."""
        ...

    async def list(
        self,
        *,
        symbol: str | None = None,
        actions: Sequence[Action] = (),
        idea_id: UUID | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Decision]:
        """Newest first; ``before`` a sequence number is the next page."""
        ...

    async def count(self, actions: Sequence[Action], since: datetime) -> dict[str, int]:
        """Records by ``action`` or, for refusals, by result since an instant of market time."""
        ...


class Bundles(Protocol):
    """Snapshot bundles by their hash."""

    async def put(self, bundle: Bundle) -> str:
        """Store a bundle, once; the answer is its hash."""
        ...

    async def get(self, hash_: str) -> Bundle:
        """A bundle; raises ``SnapshotNotFound``."""
        ...

    async def find(self, hashes: Collection[str]) -> Mapping[str, Bundle]:
        """Those of these bundles that can be read; ``get`` says what is wrong with another."""
        ...

    async def retire(self, cutoff: datetime, limit: int) -> Sequence[str]:
        """Remove bundles, at most so many, that only no-trades from before the cutoff rest on, and
        the parts nothing else needs; the answer is their hashes. The transaction must write a
        record of it, or it cannot commit.
        """
        ...


class Transaction(Protocol):
    """Everything that can change together. It commits as a whole or not at all."""

    @property
    def ideas(self) -> Ideas:
        """Ideas and approvals."""
        ...

    @property
    def orders(self) -> Orders:
        """Orders and trades."""
        ...

    @property
    def position_orders(self) -> PositionOrders:
        """What is wanted of open trades."""
        ...

    @property
    def history(self) -> History:
        """The decision history."""
        ...

    @property
    def bundles(self) -> Bundles:
        """Snapshot bundles."""
        ...

    @property
    def pages(self) -> Pages:
        """Lists, as columns."""
        ...

    @property
    def controls(self) -> Controls:
        """The trading state."""
        ...

    @property
    def settings(self) -> SettingsStore:
        """Settings, strategies and the day."""
        ...

    @property
    def people(self) -> People:
        """People."""
        ...

    @property
    def access(self) -> AccessStore:
        """Who comes in over HTTP."""
        ...

    @property
    def outbox(self) -> Outbox:
        """What is to be told."""
        ...

    @property
    def heartbeats(self) -> Heartbeats:
        """Who is alive."""
        ...

    @property
    def evaluations(self) -> Evaluations:
        """Candles that were judged."""
        ...

    @property
    def outcomes(self) -> Outcomes:
        """What the market did after each idea."""
        ...

    @property
    def terminals(self) -> Terminals:
        """Trading terminals."""
        ...

    @property
    def commands(self) -> Commands:
        """What terminals are told to do."""
        ...

    @property
    def operator_commands(self) -> OperatorCommands:
        """What the operator commands."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """What terminals show."""
        ...

    @property
    def signal_queue(self) -> SignalQueue:
        """Model signals on their way to an EA server."""
        ...

    @property
    def feeds(self) -> Feeds:
        """How feeds of today's world stand."""
        ...

    @property
    def feed_memory(self) -> FeedMemories:
        """What is remembered of the market's feeds."""
        ...

    @property
    def releases(self) -> Releases:
        """Announced economic releases."""
        ...

    @property
    def headlines(self) -> Headlines:
        """News."""
        ...

    @property
    def live(self) -> Confirmations:
        """Who confirmed real accounts."""
        ...

    @property
    def streams(self) -> Streams:
        """What is read from venues, and whose turn it is."""
        ...

    @property
    def candles(self) -> Candles:
        """Candles that were read from venues."""
        ...

    async def now(self) -> datetime:
        """The database's clock, which decides what is expired."""
        ...


class Store(Protocol):
    """The truth."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction: committed at the end of the block, rolled back by an exception."""
        ...
