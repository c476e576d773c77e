"""Ideas, approvals, orders, fills and positions.

``document`` holds the domain object as it was made; the columns beside it are what is searched,
sorted and swapped.
"""

from typing import Any

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model


class IdeaRow(Model):
    """A trade idea (source 004 ``trade_ideas``) with the number people say."""

    id = fields.UUIDField(primary_key=True)
    number = fields.BigIntField(unique=True)
    symbol = fields.CharField(24)
    timeframe = fields.CharField(4)
    direction = fields.CharField(4)
    entry_price = fields.DecimalField(18, 6)
    stop_loss = fields.DecimalField(18, 6)
    take_profit: Any = fields.JSONField()
    rationale = fields.TextField()
    confidence_score = fields.DecimalField(5, 2)
    status = fields.CharField(16, db_index=True)
    strategy_id = fields.UUIDField()
    snapshot_ref = fields.CharField(64)
    document: Any = fields.JSONField()
    market_time = fields.DatetimeField(db_index=True)
    created_at = fields.DatetimeField()
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "trade_ideas"


class ApprovalRow(Model):
    """The one question an idea asks people, and its one answer."""

    idea_id = fields.UUIDField(primary_key=True)
    ending = fields.CharField(16)
    expires_at = fields.DatetimeField()
    decided_by = fields.BigIntField(null=True)
    decided_at = fields.DatetimeField(null=True)
    document: Any = fields.JSONField()

    class Meta:
        table = "approval"
        indexes = (Index(fields=("ending", "expires_at")),)


class OrderRow(Model):
    """An order; its state moves only from the exact state that was read."""

    client_id = fields.CharField(40, primary_key=True)
    idea_id = fields.UUIDField(unique=True)
    account_id = fields.CharField(60)
    symbol = fields.CharField(24)
    state = fields.CharField(12)
    sending_at = fields.DatetimeField(null=True)
    document: Any = fields.JSONField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "trade_order"
        indexes = (Index(fields=("state", "created_at")),)


class FillRow(Model):
    """What the venue did with an order, once."""

    client_id = fields.CharField(40, primary_key=True)
    broker_id = fields.CharField(60)
    price = fields.DecimalField(20, 8)
    volume = fields.DecimalField(20, 8)
    time = fields.DatetimeField()

    class Meta:
        table = "fill"


class PositionRow(Model):
    """A trade at the venue, open or closed."""

    id = fields.CharField(60, primary_key=True)
    client_id = fields.CharField(40, null=True, db_index=True)
    symbol = fields.CharField(24)
    is_open = fields.BooleanField()
    opened_at = fields.DatetimeField()
    closed_at = fields.DatetimeField(null=True, db_index=True)
    profit = fields.DecimalField(18, 2)
    document: Any = fields.JSONField()

    class Meta:
        table = "trade_position"


class PositionOrderRow(Model):
    """What a person wants of an open trade; only one close of a position is under way at a time."""

    client_id = fields.CharField(40, primary_key=True)
    account_id = fields.CharField(60)
    position_id = fields.CharField(60)
    symbol = fields.CharField(24)
    deed = fields.CharField(8)
    state = fields.CharField(12)
    sending_at = fields.DatetimeField(null=True)
    document: Any = fields.JSONField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "position_order"
        indexes = (
            Index(fields=("state", "created_at")),
            Index(fields=("account_id", "position_id")),
        )


class EvaluationRow(Model):
    """A candle that was judged."""

    id = fields.BigIntField(primary_key=True)
    symbol = fields.CharField(24)
    timeframe = fields.CharField(4)
    candle_time = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "evaluation"
        unique_together = (("symbol", "timeframe", "candle_time"),)


class GateSnapshotRow(Model):
    """One evaluation (source 002 ``gate_snapshots``); a repeated no is only here."""

    id = fields.BigIntField(primary_key=True)
    ts_utc = fields.DatetimeField()
    pair = fields.CharField(24)
    timeframe = fields.CharField(4)
    strategy_id = fields.UUIDField()
    strategy_version = fields.IntField()
    strategy = fields.CharField(60)
    final_signal = fields.CharField(4)
    reason = fields.CharField(80)
    closed: Any = fields.JSONField()
    signature = fields.CharField(16)
    repeats = fields.IntField()
    snapshot_ref = fields.CharField(64)

    class Meta:
        table = "gate_snapshots"
        indexes = (Index(fields=("pair", "timeframe", "strategy_id", "id")),)
