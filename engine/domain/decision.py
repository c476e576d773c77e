"""One record of the decision history: append-only, chained by hash, replayable."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from engine.domain.market import Timeframe


class Action(StrEnum):
    """What happened. The first seven are source 004's ``decision_action``."""

    AI_PROPOSED = "ai_proposed"
    AI_AUTO_EXECUTED = "ai_auto_executed"
    HUMAN_APPROVED = "human_approved"
    HUMAN_REJECTED = "human_rejected"
    RISK_REJECTED = "risk_rejected"
    AI_HALTED = "ai_halted"
    AI_RESUMED = "ai_resumed"
    HUMAN_PROPOSED = "human_proposed"
    NO_TRADE = "no_trade"
    IDEA_EXPIRED = "idea_expired"
    ORDER_SENDING = "order_sending"
    ORDER_FILLED = "order_filled"
    ORDER_REJECTED = "order_rejected"
    ORDER_UNKNOWN = "order_unknown"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_ABSENT = "order_absent"
    POSITION_CLOSED = "position_closed"
    POSITION_ORDERED = "position_ordered"
    POSITION_SENDING = "position_sending"
    POSITION_CHANGED = "position_changed"
    POSITION_REFUSED = "position_refused"
    POSITION_UNKNOWN = "position_unknown"
    POSITION_ABSENT = "position_absent"
    POSITION_CANCELLED = "position_cancelled"
    POSITION_LOST = "position_lost"
    MODE_CHANGED = "mode_changed"
    SYMBOL_PAUSED = "symbol_paused"
    SYMBOL_RESUMED = "symbol_resumed"
    SETTINGS_CHANGED = "settings_changed"
    STRATEGY_CHANGED = "strategy_changed"
    BUNDLES_RETIRED = "bundles_retired"
    PERSON_JOINED = "person_joined"
    PERSON_REFUSED = "person_refused"
    PERSON_REMOVED = "person_removed"
    ROLE_CHANGED = "role_changed"
    CODE_REFUSED = "code_refused"
    COMMAND_QUEUED = "command_queued"
    COMMAND_CLAIMED = "command_claimed"
    COMMAND_STARTED = "command_started"
    COMMAND_ACTION = "command_action"
    COMMAND_FINISHED = "command_finished"
    LIVE_CONFIRMED = "live_confirmed"
    LIVE_REVOKED = "live_revoked"
    PROVIDER_CONNECTED = "provider_connected"
    PROVIDER_DISCONNECTED = "provider_disconnected"
    PROVIDER_CHANGED = "provider_changed"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_DELIVERY_FAILED = "webhook_delivery_failed"
    ACCESS_CHANGED = "access_changed"
    MODEL_TRAINED = "model_trained"
    MODEL_APPROVED = "model_approved"
    MODEL_RETIRED = "model_retired"
    PROPOSAL_MADE = "proposal_made"
    PROPOSAL_APPROVED = "proposal_approved"
    PROPOSAL_REJECTED = "proposal_rejected"
    PROPOSAL_EXPIRED = "proposal_expired"
    PROPOSAL_STALE = "proposal_stale"
    IDEA_EXPLAINED = "idea_explained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record about to be written. ``detail`` is everything else worth keeping: evaluation,
    gate report, approval, fill; it is made of plain JSON values.
    """

    action: Action
    occurred_at: datetime
    actor: str
    rationale: str
    symbol: str | None = None
    market_time: datetime | None = None
    confidence_score: Decimal | None = None
    risk_check_result: str | None = None
    strategy_id: UUID | None = None
    strategy_version: int | None = None
    idea_id: UUID | None = None
    bundle_hash: str | None = None
    human_override: bool = False
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A record as it stands in the history. ``seq`` is the number people say."""

    seq: int
    hash: str
    previous_hash: str
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSnapshot:
    """One evaluation of one strategy on one candle (source 002's ``gate_snapshots``).

    ``final_signal`` is buy, sell or none; ``closed`` are the codes of closed checks. A no-trade
    that repeats the one before it, ``signature`` for signature, is ``folded``: it is written here,
    with its bundle, and not again in the decision history. ``repeats`` counts how many in a row.
    """

    market_time: datetime
    symbol: str
    timeframe: Timeframe
    strategy_id: UUID
    strategy_version: int
    strategy_name: str
    final_signal: str
    reason: str
    closed: tuple[str, ...]
    signature: str
    repeats: int
    bundle_hash: str

    @property
    def folded(self) -> bool:
        """Whether the history holds this evaluation under an earlier one."""
        return self.repeats > 0


@dataclass(frozen=True, slots=True)
class Retirement:
    """What a record of removed bundles excuses: no-trades before it that are older than its cutoff
    may have lost theirs.
    """

    seq: int
    cutoff: datetime

    def covers(self, seq: int, action: str, occurred_at: datetime) -> bool:
        """Whether that record's bundle may be gone."""
        return seq < self.seq and action == Action.NO_TRADE and occurred_at < self.cutoff


def retirement_of(seq: int, detail: dict[str, Any]) -> Retirement:
    """The retirement that the record of that number and detail tells of."""
    return Retirement(seq, datetime.fromisoformat(detail["cutoff"]))
