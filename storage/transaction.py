"""The store: transactions over everything that can change together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from storage.access import AccessTable
from storage.analyst_books import BookTable
from storage.backtests import BacktestTable
from storage.bundles import BundleTable
from storage.candle_store import CandleTable
from storage.change_proposals import ChangeProposalTable
from storage.database import transaction
from storage.evaluations import EvaluationTable
from storage.explanations import ExplanationTable
from storage.feed_memory import FeedMemoryTable
from storage.feeds import FeedTable, HeadlineTable, ReleaseTable
from storage.heartbeats import HeartbeatTable
from storage.history import HistoryTable
from storage.ideas import IdeaTable
from storage.inquiries import InquiryTable
from storage.live import ConfirmationTable
from storage.missed_trades import MissedTable
from storage.model_registry import ModelTable, TrainingTable
from storage.models import DocumentRow
from storage.notices import OutboxTable
from storage.operator_commands import OperatorCommandTable
from storage.optimizer_runs import OptimizerRunTable
from storage.orders import OrderTable
from storage.outcomes import OutcomeTable
from storage.pages import PageTable
from storage.people import PersonTable
from storage.position_orders import PositionOrderTable
from storage.recorded import RecordedTable
from storage.sealing import KeyRing
from storage.secrets import ConnectionTable, VaultTable
from storage.settings import ControlTable, SettingsTable
from storage.signal_queue import SignalQueueTable
from storage.snapshots import SnapshotTable
from storage.streams import StreamTable
from storage.sweeps import SweepTable
from storage.terminal_commands import CommandTable
from storage.terminals import TerminalTable
from storage.webhooks import WebhookTable

#: Of a process that keeps no secrets: it stores none and opens none.
NO_KEYS = KeyRing()


class PostgresTransaction:
    """The port ``Transaction``: one connection, one table object each. ``keys`` open its vault."""

    def __init__(self, connection: BaseDBAsyncClient, keys: KeyRing) -> None:
        self._connection = connection
        self.ideas = IdeaTable(connection)
        self.orders = OrderTable(connection)
        self.position_orders = PositionOrderTable(connection)
        self.history = HistoryTable(connection)
        self.bundles = BundleTable(connection)
        self.pages = PageTable(connection)
        self.controls = ControlTable(connection)
        self.settings = SettingsTable(connection)
        self.people = PersonTable(connection)
        self.access = AccessTable(connection)
        self.outbox = OutboxTable(connection, self.people)
        self.heartbeats = HeartbeatTable(connection)
        self.evaluations = EvaluationTable(connection)
        self.outcomes = OutcomeTable(connection)
        self.terminals = TerminalTable(connection)
        self.commands = CommandTable(connection)
        self.operator_commands = OperatorCommandTable(connection)
        self.change_proposals = ChangeProposalTable(connection)
        self.optimizer_runs = OptimizerRunTable(connection)
        self.snapshots = SnapshotTable(connection)
        self.signal_queue = SignalQueueTable(connection)
        self.feeds = FeedTable(connection)
        self.missed = MissedTable(connection)
        self.feed_memory = FeedMemoryTable(connection)
        self.releases = ReleaseTable(connection)
        self.live = ConfirmationTable(connection)
        self.headlines = HeadlineTable(connection)
        self.streams = StreamTable(connection)
        self.candles = CandleTable(connection)
        self.secrets = VaultTable(connection, keys)
        self.providers = ConnectionTable(connection)
        self.webhooks = WebhookTable(connection)
        self.models = ModelTable(connection)
        self.sweeps = SweepTable(connection)
        self.trainings = TrainingTable(connection)
        self.explanations = ExplanationTable(connection)
        self.analyst_books = BookTable(connection)
        self.inquiries = InquiryTable(connection)
        self.recorded = RecordedTable(connection)
        self.backtests = BacktestTable(connection)

    async def alone(self, number: int) -> None:
        """Wait until no other transaction holds this number, and hold it to the end."""
        await self._connection.execute_query("SELECT pg_advisory_xact_lock($1)", [number])

    async def now(self) -> datetime:
        """The database's clock, read now and not when the transaction began."""
        rows = await self._connection.execute_query_dict("SELECT clock_timestamp() AS now")
        now: datetime = rows[0]["now"]
        return now


class PostgresStore:
    """The port ``Store``; the database must be open (``storage.database``)."""

    def __init__(self, keys: KeyRing = NO_KEYS) -> None:
        self._keys = keys

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresTransaction]:
        async with transaction() as connection:
            yield PostgresTransaction(connection, self._keys)


class PostgresLedger:
    """The port ``VenueLedger``: documents by name, locked while they are open."""

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[dict[str, Any]]:
        async with transaction() as connection:
            await connection.execute_query(
                "INSERT INTO document (name, document, updated_at)"
                " VALUES ($1, '{}', clock_timestamp()) ON CONFLICT DO NOTHING",
                [name],
            )
            row = await DocumentRow.select_for_update().using_db(connection).get(name=name)
            document: dict[str, Any] = row.document
            yield document
            await DocumentRow.filter(name=name).using_db(connection).update(document=document)

    async def read(self, name: str) -> dict[str, Any]:
        row = await DocumentRow.get_or_none(name=name)
        document: dict[str, Any] = {} if row is None else row.document
        return document
