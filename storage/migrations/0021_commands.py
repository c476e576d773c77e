"""The operator's commands (source 002 ``commands``), and the confirmations of live trading.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_COMMANDS = """CREATE TABLE commands (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type varchar(16) NOT NULL CHECK (type IN ('PAUSE_PAIR', 'RESUME_PAIR', 'PAUSE_ALL',
        'RESUME_ALL', 'CLOSE_PAIR', 'CLOSE_ALL', 'RELOAD_PARAMS')),
    payload jsonb NOT NULL DEFAULT '{}',
    status varchar(10) NOT NULL DEFAULT 'PENDING'
        CHECK (status IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'SKIPPED')),
    actor varchar(80) NOT NULL,
    actor_name varchar(200) NOT NULL DEFAULT '',
    person_id bigint,
    idempotency_key varchar(100) UNIQUE,
    control_version int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_at timestamptz,
    claimed_by varchar(80) NOT NULL DEFAULT '',
    claim int NOT NULL DEFAULT 0,
    attempts int NOT NULL DEFAULT 0,
    lease_until timestamptz,
    waits boolean NOT NULL DEFAULT false,
    finished_at timestamptz,
    result jsonb NOT NULL DEFAULT '{}',
    CHECK ((finished_at IS NOT NULL) = (status IN ('SUCCEEDED', 'FAILED', 'SKIPPED'))),
    CHECK ((status = 'RUNNING') = (lease_until IS NOT NULL))
)"""

# What has ended stays as it ended, whoever asks.
_ENDED = """
CREATE FUNCTION commands_end_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL THEN
        RAISE EXCEPTION 'command % has ended', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER commands_end_once BEFORE UPDATE ON commands
    FOR EACH ROW EXECUTE FUNCTION commands_end_once();
"""

_ENDED_BACK = """
DROP TRIGGER commands_end_once ON commands;
DROP FUNCTION commands_end_once();
"""

_LIVE = """CREATE TABLE live_confirmation (
    account_id varchar(60) PRIMARY KEY,
    confirmed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    document jsonb NOT NULL
)"""


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("storage", "0020_candles")]

    operations = [
        ops.RunSQL(_COMMANDS, "DROP TABLE commands"),
        ops.RunSQL(
            "CREATE INDEX commands_open ON commands (id) WHERE status IN ('PENDING', 'RUNNING')",
            "DROP INDEX commands_open",
        ),
        ops.RunSQL(
            "CREATE INDEX commands_ended ON commands (finished_at)", "DROP INDEX commands_ended"
        ),
        ops.RunSQL(_ENDED, _ENDED_BACK),
        ops.RunSQL(_LIVE, "DROP TABLE live_confirmation"),
    ]
