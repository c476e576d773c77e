"""What the market did after each idea."""

import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# The upper bound keeps NaN out, which sorts above every number.
_BOUNDS = """
ALTER TABLE idea_outcome
    ADD CONSTRAINT idea_outcome_result CHECK (
        result IS NULL OR result IN ('target', 'stop', 'timed_out', 'unknown')),
    ADD CONSTRAINT idea_outcome_r CHECK (
        CASE WHEN result IN ('target', 'stop', 'timed_out')
             THEN r IS NOT NULL AND r > -1e18 AND r < 1e18 ELSE r IS NULL END);
"""

_BOUNDS_BACK = """
ALTER TABLE idea_outcome
    DROP CONSTRAINT idea_outcome_result, DROP CONSTRAINT idea_outcome_r;
"""


class Migration(migrations.Migration):
    """Each idea as it is followed through the market."""

    dependencies = [("storage", "0004_parts")]

    operations = [
        ops.CreateModel(
            name="OutcomeRow",
            fields=[
                (
                    "idea_id",
                    fields.UUIDField(primary_key=True, unique=True, db_index=True),
                ),
                ("result", fields.CharField(null=True, max_length=12)),
                ("r", fields.DecimalField(null=True, max_digits=24, decimal_places=4)),
                ("seen", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "document",
                    fields.JSONField(
                        encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads
                    ),
                ),
            ],
            options={
                "table": "idea_outcome",
                "app": "storage",
                "pk_attr": "idea_id",
                "table_description": "An idea as it is followed; ``result`` is empty till it ends.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(_BOUNDS, _BOUNDS_BACK),
    ]
