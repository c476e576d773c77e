"""Rows: columns and indexes only. What they mean is in ``engine.domain``."""

from storage.models.chat import (
    DialogueRow,
    FloodBudgetRow,
    HaltSeenRow,
    InboxRow,
    OutboxRow,
    PersonRow,
    SentMessageRow,
)
from storage.models.history import DecisionRow, HistoryHeadRow
from storage.models.market import (
    AccountSnapshotRow,
    BundleRow,
    CalendarSnapshotRow,
    IndicatorSnapshotRow,
    MarketSnapshotRow,
    NewsSnapshotRow,
    PartRow,
)
from storage.models.outcomes import OutcomeRow
from storage.models.settings import (
    ControlRow,
    DocumentRow,
    HeartbeatRow,
    SettingsVersionRow,
    StrategyRow,
    StrategyVersionRow,
    TradingDayRow,
)
from storage.models.trading import (
    ApprovalRow,
    EvaluationRow,
    FillRow,
    GateSnapshotRow,
    IdeaRow,
    OrderRow,
    PositionRow,
)

__all__ = [
    "AccountSnapshotRow",
    "ApprovalRow",
    "BundleRow",
    "CalendarSnapshotRow",
    "ControlRow",
    "DecisionRow",
    "DialogueRow",
    "DocumentRow",
    "EvaluationRow",
    "FillRow",
    "FloodBudgetRow",
    "GateSnapshotRow",
    "HaltSeenRow",
    "HeartbeatRow",
    "HistoryHeadRow",
    "IdeaRow",
    "InboxRow",
    "IndicatorSnapshotRow",
    "MarketSnapshotRow",
    "NewsSnapshotRow",
    "OrderRow",
    "OutboxRow",
    "OutcomeRow",
    "PartRow",
    "PersonRow",
    "PositionRow",
    "SentMessageRow",
    "SettingsVersionRow",
    "StrategyRow",
    "StrategyVersionRow",
    "TradingDayRow",
]
