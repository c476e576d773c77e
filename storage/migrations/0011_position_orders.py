"""What people want of open trades is written down before it is sent."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

_RULES = """
ALTER TABLE position_order
    ADD CONSTRAINT position_order_state CHECK (state IN ('asked', 'intent', 'sending', 'done',
        'rejected', 'unknown', 'absent', 'cancelled')),
    ADD CONSTRAINT position_order_deed CHECK (deed IN ('close', 'stop', 'targets', 'flatten'));
"""

_RULES_BACK = """
ALTER TABLE position_order
    DROP CONSTRAINT position_order_state, DROP CONSTRAINT position_order_deed;
"""


class Migration(migrations.Migration):
    """``position_order``, in which one close of a position may be under way at a time."""

    dependencies = [("storage", "0010_outbox")]

    operations = [
        ops.CreateModel(
            name="PositionOrderRow",
            fields=[
                (
                    "client_id",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=40),
                ),
                ("account_id", fields.CharField(max_length=60)),
                ("position_id", fields.CharField(max_length=60)),
                ("symbol", fields.CharField(max_length=24)),
                ("deed", fields.CharField(max_length=8)),
                ("state", fields.CharField(max_length=12)),
                (
                    "sending_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "position_order",
                "app": "storage",
                "indexes": [
                    Index(fields=["state", "created_at"]),
                    Index(fields=["account_id", "position_id"]),
                ],
                "pk_attr": "client_id",
                "table_description": "What a person wants of an open trade; only one close"
                " of a position is under way at a time.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(_RULES, _RULES_BACK),
        ops.RunSQL(
            "CREATE UNIQUE INDEX position_order_alone ON position_order (account_id, position_id)"
            " WHERE deed = 'close' AND state IN ('sending', 'unknown')",
            "DROP INDEX position_order_alone",
        ),
    ]
