"""Open trades of ours that the venue did not show: in how many looks, and since when.

A table without a model: it is written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLE = """
CREATE TABLE missed_trade (
    position_id varchar(60) PRIMARY KEY,
    looks integer NOT NULL CHECK (looks > 0),
    since timestamptz NOT NULL
)
"""


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("storage", "0025_secrets")]

    operations = [ops.RunSQL(_TABLE, "DROP TABLE missed_trade")]
