"""Every idea has its row among the outcomes from the start, so that an index knows what is due."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

_EVERY_IDEA = """
INSERT INTO idea_outcome (idea_id) SELECT id FROM trade_ideas ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    """``idea_outcome`` before its first look, and an index on the ones that have not ended."""

    dependencies = [("storage", "0006_gate_snapshots")]

    operations = [
        ops.AlterField(
            model_name="OutcomeRow",
            name="seen",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AlterField(
            model_name="OutcomeRow",
            name="document",
            field=fields.JSONField(
                null=True,
                encoder=functools.partial(dumps, separators=(",", ":")),
                decoder=loads,
            ),
        ),
        ops.RunSQL(_EVERY_IDEA, "DELETE FROM idea_outcome WHERE document IS NULL"),
        ops.RunSQL(
            "CREATE INDEX idea_outcome_open ON idea_outcome (seen) WHERE result IS NULL",
            "DROP INDEX idea_outcome_open",
        ),
    ]
