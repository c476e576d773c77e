"""Retention of folded noes, a guard that does not fail open, and headlines of any length."""

from tortoise import migrations
from tortoise.migrations import operations as ops

# As before, but without a row, or with a value below a day, there is no way around it.
_GUARD = """
CREATE OR REPLACE FUNCTION refuse_wanted_bundle() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.created_at >= clock_timestamp() - make_interval(days => greatest(1, coalesce((
        SELECT (document ->> 'bundle_retention_days')::int
        FROM settings_version ORDER BY version DESC LIMIT 1), 90)))
    THEN
        RAISE EXCEPTION 'bundle % is younger than the retention in force', left(OLD.hash, 12)
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF EXISTS (SELECT FROM decision_history
               WHERE snapshot_ref = OLD.hash AND action <> 'no_trade')
        OR EXISTS (SELECT FROM trade_ideas WHERE snapshot_ref = OLD.hash)
    THEN
        RAISE EXCEPTION 'bundle % is what more than a no-trade rests on', left(OLD.hash, 12)
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
"""


class Migration(migrations.Migration):
    """What retention asks of every bundle is one look into an index."""

    dependencies = [("storage", "0007_outcomes_due")]

    operations = [
        ops.RunSQL(
            "CREATE INDEX gate_snapshots_snapshot ON gate_snapshots USING hash (snapshot_ref)",
            "DROP INDEX gate_snapshots_snapshot",
        ),
        # The stricter guard may stay: 0004 removes it.
        ops.RunSQL(_GUARD, ops.RunSQL.noop),
        # A btree takes no more than a third of a page; 700 letters may be 2,800 bytes.
        ops.RemoveConstraint("NewsSnapshotRow", fields=["source", "headline", "published_at"]),
        ops.RunSQL(
            "CREATE UNIQUE INDEX snapshot_news_once"
            " ON snapshot_news (source, md5(headline), published_at)",
            "DROP INDEX snapshot_news_once",
        ),
        ops.AlterModelOptions(
            "NewsSnapshotRow",
            {
                "table": "snapshot_news",
                "app": "storage",
                "pk_attr": "id",
                "table_description": "A headline, as it was fetched; unique by the hash of its"
                " text, which may be long.",
            },
        ),
    ]
