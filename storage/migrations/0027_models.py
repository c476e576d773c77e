"""The registry of models with their trees as bytes, and the trainings that were asked for.

Tables without models of the mapper: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_MODEL = """
CREATE TABLE model (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol varchar(24) NOT NULL,
    timeframe varchar(4) NOT NULL,
    version int NOT NULL CHECK (version > 0),
    status varchar(9) NOT NULL DEFAULT 'candidate'
        CHECK (status IN ('candidate', 'approved', 'retired')),
    hash char(64) NOT NULL,
    data_hash char(64) NOT NULL,
    report json NOT NULL,
    body bytea NOT NULL,
    trained_by varchar(80) NOT NULL,
    trained_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_by varchar(80),
    decided_at timestamptz,
    UNIQUE (symbol, timeframe, version)
)
"""
_TRAINING = """
CREATE TABLE training (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol varchar(24) NOT NULL,
    timeframe varchar(4) NOT NULL,
    wish json NOT NULL,
    state varchar(9) NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    by varchar(80) NOT NULL,
    person_id bigint,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    percent int NOT NULL DEFAULT 0 CHECK (percent BETWEEN 0 AND 100),
    attempts int NOT NULL DEFAULT 0,
    claim bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    model_id bigint REFERENCES model (id),
    reason varchar(500),
    finished_at timestamptz,
    CHECK ((state IN ('queued', 'running')) = (finished_at IS NULL))
)
"""
_INDEXES = {
    "model_approved": "UNIQUE INDEX model_approved ON model (symbol, timeframe)"
    " WHERE status = 'approved'",
    "training_open": "UNIQUE INDEX training_open ON training (symbol, timeframe)"
    " WHERE state IN ('queued', 'running')",
}


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("storage", "0026_missed_trades")]

    operations = [
        ops.RunSQL(_MODEL, "DROP TABLE model"),
        ops.RunSQL(_TRAINING, "DROP TABLE training"),
        *(ops.RunSQL(f"CREATE {made}", f"DROP INDEX {name}") for name, made in _INDEXES.items()),
    ]
