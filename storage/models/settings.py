"""Settings, strategies, the trading state, the broker's day, and who is alive."""

from typing import Any

from tortoise import fields
from tortoise.models import Model


class StrategyRow(Model):
    """The current version of a strategy (source 004 ``strategies``)."""

    id = fields.UUIDField(primary_key=True)
    position = fields.IntField()
    version = fields.IntField()
    name = fields.CharField(60)
    is_active = fields.BooleanField()
    allowed_symbols: Any = fields.JSONField()
    session_windows: Any = fields.JSONField()
    entry_conditions: Any = fields.JSONField()
    exit_rules: Any = fields.JSONField()
    forbidden_conditions: Any = fields.JSONField()
    risk_caps: Any = fields.JSONField()
    rr_expectation = fields.DecimalField(5, 2)
    document: Any = fields.JSONField()
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "strategies"


class StrategyVersionRow(Model):
    """Every version a strategy ever had."""

    id = fields.BigIntField(primary_key=True)
    strategy_id = fields.UUIDField()
    version = fields.IntField()
    document: Any = fields.JSONField()
    changed_by = fields.CharField(60)
    reason = fields.CharField(200)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "strategy_version"
        unique_together = (("strategy_id", "version"),)


class SettingsVersionRow(Model):
    """Every version of the risk settings; the highest is in force."""

    version = fields.IntField(primary_key=True, generated=False)
    document: Any = fields.JSONField()
    changed_by = fields.CharField(60)
    reason = fields.CharField(200)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "settings_version"


class ControlRow(Model):
    """The trading state: one row."""

    id = fields.IntField(primary_key=True, generated=False)
    state = fields.CharField(16)
    reason = fields.CharField(60)
    mode = fields.CharField(12)
    version = fields.IntField()
    document: Any = fields.JSONField()

    class Meta:
        table = "control"


class TradingDayRow(Model):
    """The broker's day so far, per account."""

    account_id = fields.CharField(60, primary_key=True)
    day = fields.DateField()
    start_equity = fields.DecimalField(18, 2)
    peak_equity = fields.DecimalField(18, 2)

    class Meta:
        table = "trading_day"


class DocumentRow(Model):
    """A document some part keeps for itself: a simulated venue's books, a recording's place."""

    name = fields.CharField(80, primary_key=True)
    document: Any = fields.JSONField()
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "document"


class HeartbeatRow(Model):
    """When a process was last seen alive."""

    name = fields.CharField(80, primary_key=True)
    at = fields.DatetimeField()
    detail: Any = fields.JSONField()

    class Meta:
        table = "heartbeat"
