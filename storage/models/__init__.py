"""Rows: columns and indexes only. What they mean is in ``engine.domain``."""

from storage.models.chat import (
    DialogueRow,
    InboxRow,
    KnockRow,
    OutboxRow,
    PersonRow,
    SpentCodeRow,
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
    PositionOrderRow,
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
    "GateSnapshotRow",
    "HeartbeatRow",
    "HistoryHeadRow",
    "IdeaRow",
    "InboxRow",
    "IndicatorSnapshotRow",
    "KnockRow",
    "MarketSnapshotRow",
    "NewsSnapshotRow",
    "OrderRow",
    "OutboxRow",
    "OutcomeRow",
    "PartRow",
    "PersonRow",
    "PositionOrderRow",
    "PositionRow",
    "SettingsVersionRow",
    "SpentCodeRow",
    "StrategyRow",
    "StrategyVersionRow",
    "TradingDayRow",
]
