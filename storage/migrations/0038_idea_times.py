"""The index on ``trade_ideas.market_time`` that 0006 meant to make: adding a column makes none."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_ADD = "CREATE INDEX IF NOT EXISTS trade_ideas_market_time ON trade_ideas (market_time)"


class Migration(migrations.Migration):
    """What was put forward in the last day is looked for before each decision, tap and send."""

    dependencies = [("storage", "0037_replies_retire")]

    operations = [ops.RunSQL(_ADD, "DROP INDEX trade_ideas_market_time")]
