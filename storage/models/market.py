"""What was seen: bundles, and the tables of source 004 §5.1 drawn from them."""

from typing import Any

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.indexes import Index
from tortoise.models import Model


class BundleRow(Model):
    """A snapshot bundle: its manifest under its hash; never changed, removed only by retention.

    ``parts`` repeats the names in the body, for searching, and is checked against them.
    """

    hash = fields.CharField(64, primary_key=True)
    symbol = fields.CharField(24)
    instant = fields.DatetimeField()
    body = fields.BinaryField()
    parts = ArrayField("text", default=list)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "snapshot_bundle"


class PartRow(Model):
    """What bundles share, under its hash; never changed, removed when nothing names it."""

    hash = fields.CharField(64, primary_key=True)
    body = fields.BinaryField()
    parts = ArrayField("text", default=list)

    class Meta:
        table = "snapshot_part"


class MarketSnapshotRow(Model):
    """A candle as it was when it was first seen; ``time`` is when it opened."""

    id = fields.BigIntField(primary_key=True)
    symbol = fields.CharField(24)
    timeframe = fields.CharField(4)
    time = fields.DatetimeField()
    open = fields.DecimalField(18, 6)
    high = fields.DecimalField(18, 6)
    low = fields.DecimalField(18, 6)
    close = fields.DecimalField(18, 6)
    volume = fields.BigIntField()
    captured_at = fields.DatetimeField()

    class Meta:
        table = "snapshot_market"


class IndicatorSnapshotRow(Model):
    """The indicators of that candle; ``values`` holds those source 004 has no column for."""

    id = fields.BigIntField(primary_key=True)
    symbol = fields.CharField(24)
    timeframe = fields.CharField(4)
    rsi_14 = fields.DecimalField(6, 2, null=True)
    sma_50 = fields.DecimalField(18, 6, null=True)
    sma_200 = fields.DecimalField(18, 6, null=True)
    macd: Any = fields.JSONField(null=True)
    atr = fields.DecimalField(18, 6, null=True)
    values: Any = fields.JSONField()
    captured_at = fields.DatetimeField()

    class Meta:
        table = "snapshot_indicators"


class CalendarSnapshotRow(Model):
    """An economic release as it was announced; a revision is a new row."""

    id = fields.BigIntField(primary_key=True)
    event_time = fields.DatetimeField()
    currency = fields.CharField(8)
    impact_level = fields.CharField(8)
    title = fields.CharField(200)
    previous_value = fields.CharField(60)
    forecast_value = fields.CharField(60)
    actual_value = fields.CharField(60)
    captured_at = fields.DatetimeField()

    class Meta:
        table = "snapshot_calendar"
        unique_together = (
            ("event_time", "currency", "title", "previous_value", "forecast_value", "actual_value"),
        )
        indexes = (Index(fields=("currency", "event_time")),)


class NewsSnapshotRow(Model):
    """A headline, as it was fetched; unique by the hash of its text, which may be long."""

    id = fields.BigIntField(primary_key=True)
    headline = fields.CharField(500)
    source = fields.CharField(200)
    symbols: Any = fields.JSONField()
    published_at = fields.DatetimeField()
    captured_at = fields.DatetimeField()

    class Meta:
        table = "snapshot_news"


class AccountSnapshotRow(Model):
    """The account at an instant."""

    id = fields.BigIntField(primary_key=True)
    account_id = fields.CharField(60)
    balance = fields.DecimalField(18, 2)
    equity = fields.DecimalField(18, 2)
    margin_used = fields.DecimalField(18, 2)
    margin_free = fields.DecimalField(18, 2)
    open_pl = fields.DecimalField(18, 2)
    open_positions = fields.IntField()
    captured_at = fields.DatetimeField()

    class Meta:
        table = "snapshot_account"
