"""What is remembered of each symbol's feed: facts of its venue, and trouble that lasts.

A table without a model: it is written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLE = """
CREATE TABLE feed_memory (
    symbol varchar(24) NOT NULL,
    timeframe varchar(4) NOT NULL,
    document jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (symbol, timeframe)
)
"""


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("storage", "0021_commands")]

    operations = [ops.RunSQL(_TABLE, "DROP TABLE feed_memory")]
