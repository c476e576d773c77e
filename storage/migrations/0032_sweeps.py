"""Sweeps: a grid of backtests, and what came of each.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_SWEEP = """
CREATE TABLE sweep (
    id uuid PRIMARY KEY,
    title varchar(200) NOT NULL,
    source varchar(200) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    cancelled boolean NOT NULL DEFAULT FALSE
)
"""
_SHARD = """
CREATE TABLE sweep_shard (
    sweep_id uuid NOT NULL REFERENCES sweep (id) ON DELETE CASCADE,
    number integer NOT NULL,
    point jsonb NOT NULL,
    plan jsonb NOT NULL,
    state varchar(10) NOT NULL DEFAULT 'waiting',
    claim integer NOT NULL DEFAULT 0,
    leased_until timestamptz,
    figures jsonb,
    problem varchar(400),
    PRIMARY KEY (sweep_id, number)
)
"""
_OPEN = """
CREATE INDEX sweep_shard_open ON sweep_shard (sweep_id, number)
WHERE state IN ('waiting', 'running')
"""


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("storage", "0031_backtests")]

    operations = [
        ops.RunSQL(_SWEEP, "DROP TABLE sweep"),
        ops.RunSQL(_SHARD, "DROP TABLE sweep_shard"),
        ops.RunSQL(_OPEN, "DROP INDEX sweep_shard_open"),
    ]
