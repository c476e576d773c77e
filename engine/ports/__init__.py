"""What the use cases need of the world: each adapter fills one of these Protocols."""

from engine.ports.access import AccessStore, Passwords
from engine.ports.analyst import Analyst
from engine.ports.audit import Anchor, Anchors, Auditor, Break, Fault
from engine.ports.backtests import Backtests
from engine.ports.bell import Bell
from engine.ports.bundles import Bundles
from engine.ports.change_proposals import ChangeProposals
from engine.ports.controls import Controls
from engine.ports.evaluations import Evaluations
from engine.ports.explanations import AnalystBooks, Explanations
from engine.ports.feeds import (
    CalendarFeed,
    FeedMemories,
    Feeds,
    Headlines,
    NewsFeed,
    Releases,
    Watch,
)
from engine.ports.heartbeats import Heartbeat, Heartbeats
from engine.ports.ideas import Ideas
from engine.ports.ingest import Candles, CandleSource, Streams
from engine.ports.inquiries import Inquiries
from engine.ports.live import Confirmations, Identify, LookLive
from engine.ports.market import Calendar, Clock, ManyCandles, MarketData, News
from engine.ports.missed_trades import MissedTrades
from engine.ports.models import Models, Predict, Progress, Trainings
from engine.ports.operator_commands import OperatorCommands
from engine.ports.optimizer_runs import OptimizerRuns
from engine.ports.orders import Orders
from engine.ports.outcomes import Outcomes
from engine.ports.pages import Pages
from engine.ports.people import Outbox, People
from engine.ports.position_orders import PositionOrders
from engine.ports.provider import ModelServer, TokenServer
from engine.ports.recorded import Recorded
from engine.ports.secrets import Connections, Vault
from engine.ports.settings import SettingsStore
from engine.ports.signal_queue import SignalLine, SignalQueue, SignalServer
from engine.ports.store import (
    History,
    Store,
    Transaction,
)
from engine.ports.strategies import StrategyStore
from engine.ports.sweeps import Sweeps
from engine.ports.terminals import (
    COMMANDS_TOPIC,
    RESULTS_TOPIC,
    Commands,
    Look,
    Polls,
    Shown,
    Signals,
    Snapshots,
    Streamed,
    Terminals,
    Wait,
)
from engine.ports.venue import Books, Broker, Found, ManyLookUps, NotFound, VenueLedger
from engine.ports.webhooks import WebhookLine, Webhooks, WebhookSecrets

__all__ = [
    "COMMANDS_TOPIC",
    "RESULTS_TOPIC",
    "AccessStore",
    "Analyst",
    "AnalystBooks",
    "Anchor",
    "Anchors",
    "Auditor",
    "Backtests",
    "Bell",
    "Books",
    "Break",
    "Broker",
    "Bundles",
    "Calendar",
    "CalendarFeed",
    "CandleSource",
    "Candles",
    "ChangeProposals",
    "Clock",
    "Commands",
    "Confirmations",
    "Connections",
    "Controls",
    "Evaluations",
    "Explanations",
    "Fault",
    "FeedMemories",
    "Feeds",
    "Found",
    "Headlines",
    "Heartbeat",
    "Heartbeats",
    "History",
    "Ideas",
    "Identify",
    "Inquiries",
    "Look",
    "LookLive",
    "ManyCandles",
    "ManyLookUps",
    "MarketData",
    "MissedTrades",
    "ModelServer",
    "Models",
    "News",
    "NewsFeed",
    "NotFound",
    "OperatorCommands",
    "OptimizerRuns",
    "Orders",
    "Outbox",
    "Outcomes",
    "Pages",
    "Passwords",
    "People",
    "Polls",
    "PositionOrders",
    "Predict",
    "Progress",
    "Recorded",
    "Releases",
    "SettingsStore",
    "Shown",
    "SignalLine",
    "SignalQueue",
    "SignalServer",
    "Signals",
    "Snapshots",
    "Store",
    "StrategyStore",
    "Streamed",
    "Streams",
    "Sweeps",
    "Terminals",
    "TokenServer",
    "Trainings",
    "Transaction",
    "Vault",
    "VenueLedger",
    "Wait",
    "Watch",
    "WebhookLine",
    "WebhookSecrets",
    "Webhooks",
]
