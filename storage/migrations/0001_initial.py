from tortoise import migrations
from tortoise.migrations import operations as ops
import functools
from json import dumps, loads
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="AccountSnapshotRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("account_id", fields.CharField(max_length=60)),
                ("balance", fields.DecimalField(max_digits=18, decimal_places=2)),
                ("equity", fields.DecimalField(max_digits=18, decimal_places=2)),
                ("margin_used", fields.DecimalField(max_digits=18, decimal_places=2)),
                ("margin_free", fields.DecimalField(max_digits=18, decimal_places=2)),
                ("open_pl", fields.DecimalField(max_digits=18, decimal_places=2)),
                ("open_positions", fields.IntField()),
                ("captured_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "snapshot_account",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "The account at an instant.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ApprovalRow",
            fields=[
                (
                    "idea_id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("ending", fields.CharField(max_length=16)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decided_by", fields.BigIntField(null=True)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
            ],
            options={
                "table": "approval",
                "app": "storage",
                "indexes": [Index(fields=["ending", "expires_at"])],
                "pk_attr": "idea_id",
                "table_description": "The one question an idea asks people, and its one answer.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BundleRow",
            fields=[
                (
                    "hash",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("symbol", fields.CharField(max_length=24)),
                ("instant", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("body", fields.BinaryField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "snapshot_bundle",
                "app": "storage",
                "pk_attr": "hash",
                "table_description": "A snapshot bundle: compressed canonical bytes under their hash. Never changed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CalendarSnapshotRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("event_time", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("currency", fields.CharField(max_length=8)),
                ("impact_level", fields.CharField(max_length=8)),
                ("title", fields.CharField(max_length=200)),
                ("previous_value", fields.CharField(max_length=60)),
                ("forecast_value", fields.CharField(max_length=60)),
                ("actual_value", fields.CharField(max_length=60)),
                ("captured_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "snapshot_calendar",
                "app": "storage",
                "unique_together": (
                    (
                        "event_time",
                        "currency",
                        "title",
                        "previous_value",
                        "forecast_value",
                        "actual_value",
                    ),
                ),
                "indexes": [Index(fields=["currency", "event_time"])],
                "pk_attr": "id",
                "table_description": "An economic release as it was announced; a revision is a new row.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ControlRow",
            fields=[
                ("id", fields.IntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("state", fields.CharField(max_length=16)),
                ("reason", fields.CharField(max_length=60)),
                ("mode", fields.CharField(max_length=12)),
                ("version", fields.IntField()),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
            ],
            options={
                "table": "control",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "The trading state: one row.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DecisionRow",
            fields=[
                ("seq", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("id", fields.UUIDField(unique=True)),
                ("occurred_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "market_time",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("symbol", fields.CharField(null=True, max_length=24)),
                ("action", fields.CharField(max_length=24)),
                ("actor", fields.CharField(max_length=60)),
                ("rationale", fields.TextField(unique=False)),
                (
                    "confidence_score",
                    fields.DecimalField(null=True, max_digits=5, decimal_places=2),
                ),
                ("risk_check_result", fields.CharField(null=True, max_length=60)),
                ("strategy_id", fields.UUIDField(null=True)),
                ("trade_idea_id", fields.UUIDField(null=True, db_index=True)),
                ("snapshot_ref", fields.CharField(null=True, max_length=64)),
                ("human_override", fields.BooleanField()),
                ("body", fields.TextField(unique=False)),
                ("previous_hash", fields.CharField(unique=True, max_length=64)),
                ("hash", fields.CharField(unique=True, max_length=64)),
            ],
            options={
                "table": "decision_history",
                "app": "storage",
                "pk_attr": "seq",
                "table_description": "A record (source 004 ``decision_history``). ``body`` is the canonical text that is hashed;",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DocumentRow",
            fields=[
                (
                    "name",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=80),
                ),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
            ],
            options={
                "table": "document",
                "app": "storage",
                "pk_attr": "name",
                "table_description": "A document some part keeps for itself: a simulated venue's books, a recording's place.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EvaluationRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("symbol", fields.CharField(max_length=24)),
                ("timeframe", fields.CharField(max_length=4)),
                ("candle_time", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "evaluation",
                "app": "storage",
                "unique_together": (("symbol", "timeframe", "candle_time"),),
                "pk_attr": "id",
                "table_description": "A candle that was judged.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="FillRow",
            fields=[
                (
                    "client_id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40),
                ),
                ("broker_id", fields.CharField(max_length=60)),
                ("price", fields.DecimalField(max_digits=20, decimal_places=8)),
                ("volume", fields.DecimalField(max_digits=20, decimal_places=8)),
                ("time", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "fill",
                "app": "storage",
                "pk_attr": "client_id",
                "table_description": "What the venue did with an order, once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HeartbeatRow",
            fields=[
                (
                    "name",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=80),
                ),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "detail",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
            ],
            options={
                "table": "heartbeat",
                "app": "storage",
                "pk_attr": "name",
                "table_description": "When a process was last seen alive.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HistoryHeadRow",
            fields=[
                ("id", fields.IntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("seq", fields.BigIntField()),
                ("hash", fields.CharField(max_length=64)),
            ],
            options={
                "table": "history_head",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "The last record's number and hash; locked by whoever appends.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdeaRow",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("number", fields.BigIntField(unique=True)),
                ("symbol", fields.CharField(max_length=24)),
                ("timeframe", fields.CharField(max_length=4)),
                ("direction", fields.CharField(max_length=4)),
                ("entry_price", fields.DecimalField(max_digits=18, decimal_places=6)),
                ("stop_loss", fields.DecimalField(max_digits=18, decimal_places=6)),
                (
                    "take_profit",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("rationale", fields.TextField(unique=False)),
                ("confidence_score", fields.DecimalField(max_digits=5, decimal_places=2)),
                ("status", fields.CharField(db_index=True, max_length=16)),
                ("strategy_id", fields.UUIDField()),
                ("snapshot_ref", fields.CharField(max_length=64)),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
            ],
            options={
                "table": "trade_ideas",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "A trade idea (source 004 ``trade_ideas``) with the number people say.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InboxRow",
            fields=[
                ("update_id", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                (
                    "payload",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("received_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("done_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("attempts", fields.IntField(default=0)),
                ("error", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "telegram_inbox",
                "app": "storage",
                "pk_attr": "update_id",
                "table_description": "A Telegram update, stored before it is handled; its id makes a repeat harmless.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IndicatorSnapshotRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("symbol", fields.CharField(max_length=24)),
                ("timeframe", fields.CharField(max_length=4)),
                ("rsi_14", fields.DecimalField(null=True, max_digits=6, decimal_places=2)),
                ("sma_50", fields.DecimalField(null=True, max_digits=18, decimal_places=6)),
                ("sma_200", fields.DecimalField(null=True, max_digits=18, decimal_places=6)),
                (
                    "macd",
                    fields.JSONField(
                        null=True,
                        encoder=functools.partial(dumps, separators=(",", ":")),
                        decoder=loads,
                    ),
                ),
                ("atr", fields.DecimalField(null=True, max_digits=18, decimal_places=6)),
                (
                    "values",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("captured_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "snapshot_indicators",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "The indicators of that candle; ``values`` holds those source 004 has no column for.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MarketSnapshotRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("symbol", fields.CharField(max_length=24)),
                ("timeframe", fields.CharField(max_length=4)),
                ("time", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("open", fields.DecimalField(max_digits=18, decimal_places=6)),
                ("high", fields.DecimalField(max_digits=18, decimal_places=6)),
                ("low", fields.DecimalField(max_digits=18, decimal_places=6)),
                ("close", fields.DecimalField(max_digits=18, decimal_places=6)),
                ("volume", fields.BigIntField()),
                ("captured_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "snapshot_market",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "A candle as it was when it was first seen; ``time`` is when it opened.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NewsSnapshotRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("headline", fields.CharField(max_length=500)),
                ("source", fields.CharField(max_length=200)),
                (
                    "symbols",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("published_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("captured_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "snapshot_news",
                "app": "storage",
                "unique_together": (("source", "headline", "published_at"),),
                "pk_attr": "id",
                "table_description": "A headline, as it was fetched.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrderRow",
            fields=[
                (
                    "client_id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40),
                ),
                ("idea_id", fields.UUIDField(unique=True)),
                ("account_id", fields.CharField(max_length=60)),
                ("symbol", fields.CharField(max_length=24)),
                ("state", fields.CharField(max_length=12)),
                ("sending_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "trade_order",
                "app": "storage",
                "indexes": [Index(fields=["state", "created_at"])],
                "pk_attr": "client_id",
                "table_description": "An order; its state moves only from the exact state that was read.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OutboxRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("key", fields.CharField(max_length=120)),
                ("person_id", fields.BigIntField()),
                ("chat_id", fields.BigIntField()),
                ("priority", fields.SmallIntField()),
                ("kind", fields.CharField(max_length=20)),
                (
                    "payload",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("state", fields.CharField(max_length=10)),
                ("attempts", fields.IntField(default=0)),
                ("not_before", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("message_id", fields.BigIntField(null=True)),
                ("error", fields.TextField(null=True, unique=False)),
            ],
            options={
                "table": "outbox",
                "app": "storage",
                "unique_together": (("key", "person_id"),),
                "indexes": [Index(fields=["state", "not_before", "priority", "id"])],
                "pk_attr": "id",
                "table_description": "Something to tell one person. ``key`` with the person is what makes it told once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PersonRow",
            fields=[
                ("id", fields.BigIntField(generated=False, primary_key=True, unique=True, db_index=True)),
                ("name", fields.CharField(max_length=120)),
                ("role", fields.CharField(max_length=12)),
                ("language", fields.CharField(max_length=12)),
                ("timezone", fields.CharField(max_length=60)),
                ("chat_id", fields.BigIntField()),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "person",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "A Telegram user who may talk to the bot, or has asked to.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PositionRow",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=60),
                ),
                ("client_id", fields.CharField(null=True, db_index=True, max_length=40)),
                ("symbol", fields.CharField(max_length=24)),
                ("is_open", fields.BooleanField()),
                ("opened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "closed_at",
                    fields.DatetimeField(
                        null=True, db_index=True, auto_now=False, auto_now_add=False
                    ),
                ),
                ("profit", fields.DecimalField(max_digits=18, decimal_places=2)),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
            ],
            options={
                "table": "trade_position",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "A trade at the venue, open or closed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SettingsVersionRow",
            fields=[
                ("version", fields.IntField(generated=False, primary_key=True, unique=True, db_index=True)),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("changed_by", fields.CharField(max_length=60)),
                ("reason", fields.CharField(max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "settings_version",
                "app": "storage",
                "pk_attr": "version",
                "table_description": "Every version of the risk settings; the highest is in force.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StrategyRow",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("position", fields.IntField()),
                ("version", fields.IntField()),
                ("name", fields.CharField(max_length=60)),
                ("is_active", fields.BooleanField()),
                (
                    "allowed_symbols",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                (
                    "session_windows",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                (
                    "entry_conditions",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                (
                    "exit_rules",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                (
                    "forbidden_conditions",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                (
                    "risk_caps",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("rr_expectation", fields.DecimalField(max_digits=5, decimal_places=2)),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("updated_at", fields.DatetimeField(auto_now=True, auto_now_add=False)),
            ],
            options={
                "table": "strategies",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "The current version of a strategy (source 004 ``strategies``).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StrategyVersionRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("strategy_id", fields.UUIDField()),
                ("version", fields.IntField()),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("changed_by", fields.CharField(max_length=60)),
                ("reason", fields.CharField(max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "strategy_version",
                "app": "storage",
                "unique_together": (("strategy_id", "version"),),
                "pk_attr": "id",
                "table_description": "Every version a strategy ever had.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="TradingDayRow",
            fields=[
                (
                    "account_id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=60),
                ),
                ("day", fields.DateField()),
                ("start_equity", fields.DecimalField(max_digits=18, decimal_places=2)),
                ("peak_equity", fields.DecimalField(max_digits=18, decimal_places=2)),
            ],
            options={
                "table": "trading_day",
                "app": "storage",
                "pk_attr": "account_id",
                "table_description": "The broker's day so far, per account.",
            },
            bases=["Model"],
        ),
    ]
