"""Proposals to change the configuration, and the searches of the optimizer.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_PROPOSAL = """CREATE TABLE change_proposal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject varchar(120) NOT NULL,
    mark varchar(64) NOT NULL,
    state varchar(8) NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'approved', 'rejected', 'expired', 'stale')),
    draft jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    stops boolean NOT NULL DEFAULT true,
    decided_at timestamptz,
    decided_by bigint,
    decided_name varchar(200),
    applied int,
    CHECK ((decided_at IS NULL) = (state = 'pending'))
)"""

# What has ended stays as it ended, whoever asks; and nobody changes what was proposed.
_ENDED = """
CREATE FUNCTION change_proposal_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'pending' OR NEW.draft <> OLD.draft OR NEW.subject <> OLD.subject THEN
        RAISE EXCEPTION 'proposal % has ended', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER change_proposal_ends_once BEFORE UPDATE ON change_proposal
    FOR EACH ROW EXECUTE FUNCTION change_proposal_ends_once();
"""

_ENDED_BACK = """
DROP TRIGGER change_proposal_ends_once ON change_proposal;
DROP FUNCTION change_proposal_ends_once();
"""

_RUN = """CREATE TABLE optimizer_run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    wish jsonb NOT NULL,
    state varchar(8) NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'done', 'failed')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until timestamptz,
    finished_at timestamptz,
    result jsonb,
    CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'failed')))
)"""


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("storage", "0027_models")]

    operations = [
        ops.RunSQL(_PROPOSAL, "DROP TABLE change_proposal"),
        ops.RunSQL(
            "CREATE UNIQUE INDEX change_proposal_waits ON change_proposal (subject)"
            " WHERE state = 'pending'",
            "DROP INDEX change_proposal_waits",
        ),
        ops.RunSQL(
            "CREATE INDEX change_proposal_mark ON change_proposal (mark)",
            "DROP INDEX change_proposal_mark",
        ),
        ops.RunSQL(_ENDED, _ENDED_BACK),
        ops.RunSQL(_RUN, "DROP TABLE optimizer_run"),
        ops.RunSQL(
            "CREATE UNIQUE INDEX optimizer_run_open ON optimizer_run ((true))"
            " WHERE state IN ('queued', 'running')",
            "DROP INDEX optimizer_run_open",
        ),
    ]
