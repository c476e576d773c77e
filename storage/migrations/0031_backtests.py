"""Backtests: what was wanted, how far it is, and what it came to.

A table without a model: it is written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLE = """
CREATE TABLE backtest_run (
    id uuid PRIMARY KEY,
    person_id bigint,
    message_id bigint,
    wish jsonb NOT NULL,
    state varchar(20) NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz,
    done integer NOT NULL DEFAULT 0 CHECK (done >= 0),
    total integer NOT NULL DEFAULT 0 CHECK (total >= 0),
    cancelled boolean NOT NULL DEFAULT FALSE,
    report jsonb,
    problem varchar(400),
    page bytea,
    picture bytea
)
"""
# One run of a person at a time.
_ONE = """
CREATE UNIQUE INDEX backtest_run_one ON backtest_run (COALESCE(person_id, 0))
WHERE state IN ('waiting', 'running')
"""


class Migration(migrations.Migration):
    """One table."""

    dependencies = [("storage", "0030_questions")]

    operations = [
        ops.RunSQL(_TABLE, "DROP TABLE backtest_run"),
        ops.RunSQL(_ONE, "DROP INDEX backtest_run_one"),
    ]
