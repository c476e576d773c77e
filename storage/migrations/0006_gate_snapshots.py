"""Every evaluation in a table of its own, and the market's time of an idea."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

# Like the history, what was evaluated is written once.
_APPEND_ONLY = """
CREATE TRIGGER gate_snapshots_rows BEFORE UPDATE OR DELETE ON gate_snapshots
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER gate_snapshots_truncate BEFORE TRUNCATE ON gate_snapshots
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE gate_snapshots ENABLE ALWAYS TRIGGER gate_snapshots_rows;
ALTER TABLE gate_snapshots ENABLE ALWAYS TRIGGER gate_snapshots_truncate;
"""

_APPEND_ONLY_BACK = """
DROP TRIGGER gate_snapshots_rows ON gate_snapshots;
DROP TRIGGER gate_snapshots_truncate ON gate_snapshots;
"""


class Migration(migrations.Migration):
    """``gate_snapshots`` (source 002) and ``trade_ideas.market_time``."""

    dependencies = [("storage", "0005_outcomes")]

    operations = [
        ops.CreateModel(
            name="GateSnapshotRow",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("ts_utc", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("pair", fields.CharField(max_length=24)),
                ("timeframe", fields.CharField(max_length=4)),
                ("strategy_id", fields.UUIDField()),
                ("strategy_version", fields.IntField()),
                ("strategy", fields.CharField(max_length=60)),
                ("final_signal", fields.CharField(max_length=4)),
                ("reason", fields.CharField(max_length=80)),
                (
                    "closed",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("signature", fields.CharField(max_length=16)),
                ("repeats", fields.IntField()),
                ("snapshot_ref", fields.CharField(max_length=64)),
            ],
            options={
                "table": "gate_snapshots",
                "app": "storage",
                "indexes": [Index(fields=["pair", "timeframe", "strategy_id", "id"])],
                "pk_attr": "id",
                "table_description": "One evaluation (source 002 ``gate_snapshots``); a repeated no"
                " is only here.",
            },
            bases=["Model"],
        ),
        # Of an idea that is there already only the wall's clock is known.
        ops.AddField(
            model_name="IdeaRow",
            name="market_time",
            field=fields.DatetimeField(
                null=True, db_index=True, auto_now=False, auto_now_add=False
            ),
        ),
        ops.RunSQL("UPDATE trade_ideas SET market_time = created_at", ops.RunSQL.noop),
        ops.AlterField(
            model_name="IdeaRow",
            name="market_time",
            field=fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunSQL(_APPEND_ONLY, _APPEND_ONLY_BACK),
    ]
