"""The store in memory: transactions that commit as a whole or not at all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from typing import Any

from engine.domain.snapshot import Bundle
from engine.ports import Clock
from storage.chain import GENESIS
from storage.sealing import KeyRing
from tests.memory.access import MemoryAccess
from tests.memory.backtests import MemoryBacktests
from tests.memory.change_proposals import MemoryChangeProposals
from tests.memory.explanations import MemoryBooks, MemoryExplanations
from tests.memory.feed_memory import MemoryFeedMemories
from tests.memory.feeds import MemoryFeeds, MemoryHeadlines, MemoryReleases
from tests.memory.ingest import MemoryCandles, MemoryStreams
from tests.memory.inquiries import MemoryInquiries
from tests.memory.live import MemoryConfirmations
from tests.memory.missed_trades import MemoryMissedTrades
from tests.memory.models import MemoryModels, MemoryTrainings
from tests.memory.operator_commands import MemoryOperatorCommands
from tests.memory.optimizer_runs import MemoryOptimizerRuns
from tests.memory.pages import MemoryPages
from tests.memory.position_orders import MemoryPositionOrders
from tests.memory.recorded import MemoryRecorded
from tests.memory.records import (
    MemoryBundles,
    MemoryHeartbeats,
    MemoryHistory,
    MemoryOutbox,
    MemoryPeople,
)
from tests.memory.rows import Change, Rows, View
from tests.memory.rules import MemoryControls, MemoryEvaluations, MemorySettings
from tests.memory.secrets import MemoryConnections, MemoryVault
from tests.memory.signal_queue import MemorySignalQueue
from tests.memory.snapshots import MemorySnapshots
from tests.memory.sweeps import MemorySweeps
from tests.memory.terminals import MemoryCommands, MemoryTerminals
from tests.memory.trading import MemoryIdeas, MemoryOrders
from tests.memory.webhooks import MemoryWebhooks


async def _yield(_: str) -> None:
    await asyncio.sleep(0)


class MemoryStore:
    """The port ``Store``. ``clock`` is the database's, moved by hand.

    ``pause`` is awaited where a database would let others go first: with ``begin`` before a
    transaction begins, with ``commit`` before it commits, and with ``committed`` while the answer
    to the commit is on its way. ``watchers`` are called with what each commit changed.
    """

    def __init__(self, clock: Clock, keys: KeyRing | None = None) -> None:
        self.clock = clock
        self.keys = keys or KeyRing()
        self.rows = Rows()
        self.rows.tables["head"][1] = (0, GENESIS)
        self.bundle_names: dict[Bundle, str] = {}
        #: Sequences are never rolled back, in PostgreSQL as little as here.
        self.idea_numbers, self.snapshot_numbers = count(1), count(1)
        self.signal_numbers, self.stream_numbers = count(1), count(1)
        self.command_numbers, self.webhook_numbers = count(1), count(1)
        self.key_numbers, self.proposal_numbers, self.run_numbers = count(1), count(1), count(1)
        self.model_numbers, self.training_numbers = count(1), count(1)
        self.inquiry_numbers = count(1)
        self.pause: Callable[[str], Awaitable[None]] = _yield
        self.watchers: list[Callable[[tuple[Change, ...]], None]] = []

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["MemoryTransaction"]:
        await self.pause("begin")
        view = View(self.rows)
        try:
            yield MemoryTransaction(self, view)
            await self.pause("commit")
            changes = view.commit()
            for watch in self.watchers:
                watch(changes)
        finally:
            view.release()
        await self.pause("committed")

    def all(self, table: str) -> list[Any]:
        """What is committed, for whoever checks it."""
        return list(self.rows.tables[table].values())


class MemoryTransaction:
    """The port ``Transaction``."""

    def __init__(self, store: MemoryStore, view: View) -> None:
        self._clock = store.clock
        self.ideas = MemoryIdeas(view, store.clock, store.idea_numbers)
        self.orders = MemoryOrders(view, store.clock)
        self.position_orders = MemoryPositionOrders(view, store.clock)
        self.history = MemoryHistory(view)
        self.bundles = MemoryBundles(view, store.bundle_names)
        self.controls = MemoryControls(view)
        self.settings = MemorySettings(view, store.clock)
        self.pages = MemoryPages(view, store.clock, self.controls, self.settings)
        self.people = MemoryPeople(view, store.clock)
        self.access = MemoryAccess(view, store.clock, store.key_numbers)
        self.outbox = MemoryOutbox(view, self.people, store.clock)
        self.heartbeats = MemoryHeartbeats(view, store.clock)
        self.evaluations = MemoryEvaluations(view, store.snapshot_numbers)
        self.terminals = MemoryTerminals(view, store.clock)
        self.commands = MemoryCommands(view, store.clock)
        self.operator_commands = MemoryOperatorCommands(view, store.clock, store.command_numbers)
        self.change_proposals = MemoryChangeProposals(view, store.clock, store.proposal_numbers)
        self.optimizer_runs = MemoryOptimizerRuns(view, store.clock, store.run_numbers)
        self.signal_queue = MemorySignalQueue(view, store.clock, store.signal_numbers)
        self.snapshots = MemorySnapshots(view, store.clock)
        self.feeds = MemoryFeeds(view, store.clock)
        self.missed = MemoryMissedTrades(view, store.clock)
        self.recorded = MemoryRecorded(view, store.clock)
        self.feed_memory = MemoryFeedMemories(view)
        self.releases = MemoryReleases(view)
        self.live = MemoryConfirmations(view)
        self.headlines = MemoryHeadlines(view, store.clock)
        self.streams = MemoryStreams(view, store.clock, store.stream_numbers)
        self.candles = MemoryCandles(view, store.clock)
        self.secrets = MemoryVault(view, store.clock, store.keys)
        self.providers = MemoryConnections(view)
        self.webhooks = MemoryWebhooks(view, store.clock, store.webhook_numbers)
        self.models = MemoryModels(view, store.clock, store.model_numbers)
        self.trainings = MemoryTrainings(view, store.clock, store.training_numbers)
        self.sweeps = MemorySweeps(view, store.clock)
        self.explanations = MemoryExplanations(view, store.clock)
        self.analyst_books = MemoryBooks(view, store.clock)
        self.inquiries = MemoryInquiries(view, store.clock, store.inquiry_numbers)
        self.backtests = MemoryBacktests(view, store.clock)

    async def now(self) -> datetime:
        return self._clock()
