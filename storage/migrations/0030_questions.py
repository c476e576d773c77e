"""An index that questions about the record count by, and how often somebody has asked.

The table is without a model: it is written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

# Every column that is counted is in it, so that the records themselves, which are long, are not
# read. It takes the place of one that began with the time and had to walk over all actions.
_INDEX = """
CREATE INDEX decision_history_asked ON decision_history (action, market_time)
    INCLUDE (seq, symbol, risk_check_result) WHERE market_time IS NOT NULL
"""
_BEFORE = """
CREATE INDEX decision_history_market_time ON decision_history (market_time DESC, action)
"""

_BUDGET = """
CREATE TABLE question_budget (
    person_id bigint PRIMARY KEY,
    since timestamptz NOT NULL,
    asked integer NOT NULL CHECK (asked > 0)
)
"""


class Migration(migrations.Migration):
    """One index for another, and one table."""

    dependencies = [("storage", "0029_explanations")]

    operations = [
        ops.RunSQL(_INDEX, "DROP INDEX decision_history_asked"),
        ops.RunSQL("DROP INDEX decision_history_market_time", _BEFORE),
        ops.RunSQL(_BUDGET, "DROP TABLE question_budget"),
    ]
