"""The truth: what is stored, and what can change together."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from engine.domain.decision import Action, Decision, Entry
from engine.ports.access import AccessStore
from engine.ports.backtests import Backtests
from engine.ports.bundles import Bundles
from engine.ports.change_proposals import ChangeProposals
from engine.ports.controls import Controls
from engine.ports.evaluations import Evaluations
from engine.ports.explanations import AnalystBooks, Explanations
from engine.ports.feeds import FeedMemories, Feeds, Headlines, Releases
from engine.ports.heartbeats import Heartbeats
from engine.ports.ideas import Ideas
from engine.ports.ingest import Candles, Streams
from engine.ports.inquiries import Inquiries
from engine.ports.live import Confirmations
from engine.ports.missed_trades import MissedTrades
from engine.ports.models import Models, Trainings
from engine.ports.operator_commands import OperatorCommands
from engine.ports.optimizer_runs import OptimizerRuns
from engine.ports.orders import Orders
from engine.ports.outcomes import Outcomes
from engine.ports.pages import Pages
from engine.ports.people import Outbox, People
from engine.ports.position_orders import PositionOrders
from engine.ports.recorded import Recorded
from engine.ports.secrets import Keeps
from engine.ports.settings import SettingsStore
from engine.ports.signal_queue import SignalQueue
from engine.ports.sweeps import Sweeps
from engine.ports.terminals import Commands, Snapshots, Terminals
from engine.ports.webhooks import Webhooks


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


class Transaction(Keeps, Protocol):
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
    def change_proposals(self) -> ChangeProposals:
        """What is proposed to be changed of the configuration."""
        ...

    @property
    def sweeps(self) -> Sweeps:
        """Sweeps and their shards."""
        ...

    @property
    def optimizer_runs(self) -> OptimizerRuns:
        """The optimizer's searches."""
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
    def missed(self) -> MissedTrades:
        """Open trades that the venue does not show."""
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

    @property
    def webhooks(self) -> Webhooks:
        """Endpoints that events are posted to."""
        ...

    @property
    def models(self) -> Models:
        """The registry of models."""
        ...

    @property
    def trainings(self) -> Trainings:
        """Trainings that were asked for."""
        ...

    @property
    def explanations(self) -> Explanations:
        """What a language model said of ideas."""
        ...

    @property
    def analyst_books(self) -> AnalystBooks:
        """What the language model costs."""
        ...

    @property
    def inquiries(self) -> Inquiries:
        """Questions that a language model is asked."""
        ...

    @property
    def recorded(self) -> Recorded:
        """Figures of the record, for questions."""
        ...

    @property
    def backtests(self) -> Backtests:
        """Backtests that people wanted."""
        ...

    async def now(self) -> datetime:
        """The database's clock, which decides what is expired."""
        ...


class Store(Protocol):
    """The truth."""

    def begin(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction: committed at the end of the block, rolled back by an exception."""
        ...
