"""The decision history and the one row that serialises its writers."""

from tortoise import fields
from tortoise.models import Model


class DecisionRow(Model):
    """A record (source 004 ``decision_history``). ``body`` is the canonical text that is hashed;
    the other columns repeat parts of it for searching, and are hashed with it. Only the function
    ``append_decisions`` writes here.
    """

    seq = fields.BigIntField(primary_key=True, generated=False)
    id = fields.UUIDField()
    occurred_at = fields.DatetimeField()
    market_time = fields.DatetimeField(null=True)
    symbol = fields.CharField(24, null=True)
    action = fields.CharField(24)
    actor = fields.CharField(60)
    rationale = fields.TextField()
    confidence_score = fields.DecimalField(5, 2, null=True)
    risk_check_result = fields.CharField(60, null=True)
    strategy_id = fields.UUIDField(null=True)
    trade_idea_id = fields.UUIDField(null=True)
    snapshot_ref = fields.CharField(64, null=True)
    human_override = fields.BooleanField()
    body = fields.TextField()
    previous_hash = fields.CharField(64, unique=True)
    hash = fields.CharField(64)

    class Meta:
        table = "decision_history"


class HistoryHeadRow(Model):
    """The last record's number and hash; locked by whoever appends."""

    id = fields.IntField(primary_key=True, generated=False)
    seq = fields.BigIntField()
    hash = fields.CharField(64)

    class Meta:
        table = "history_head"
