"""Bundles in parts: what successive bundles share is stored once; retention may remove old ones."""

from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.db_defaults import SqlDefault
from tortoise.migrations import operations as ops

# Without fastupdate, or each index would keep a list of what it has not yet put in order, four
# megabytes long.
_INDEXES = {
    "snapshot_bundle_parts": "snapshot_bundle USING gin (parts) WITH (fastupdate = off)",
    "snapshot_part_parts": "snapshot_part USING gin (parts) WITH (fastupdate = off)",
    "snapshot_bundle_created": "snapshot_bundle (created_at)",
    "decision_history_snapshot": "decision_history USING hash (snapshot_ref)",
    "trade_ideas_snapshot": "trade_ideas USING hash (snapshot_ref)",
}

# The functions look for tables in public first: a temporary table of the same name would otherwise
# stand in front of the real one. 90 days where the settings are older than that setting.
_GUARDS = """
CREATE FUNCTION refuse_wanted_bundle() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.created_at >= clock_timestamp() - make_interval(days => (
        SELECT coalesce((document ->> 'bundle_retention_days')::int, 90)
        FROM settings_version ORDER BY version DESC LIMIT 1))
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

CREATE FUNCTION refuse_silent_removal() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM decision_history
                   WHERE action = 'bundles_retired' AND xmin = pg_current_xact_id()::xid)
    THEN
        RAISE EXCEPTION 'bundle % was removed without a record', left(OLD.hash, 12)
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION refuse_wanted_part() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM snapshot_bundle WHERE parts @> ARRAY[OLD.hash::text])
        OR EXISTS (SELECT FROM snapshot_part WHERE parts @> ARRAY[OLD.hash::text])
    THEN
        RAISE EXCEPTION 'part % is needed', left(OLD.hash, 12)
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
"""

_GUARDS_BACK = """
DROP FUNCTION refuse_wanted_bundle();
DROP FUNCTION refuse_silent_removal();
DROP FUNCTION refuse_wanted_part();
"""

_TRIGGERS = {
    ("snapshot_bundle", "wanted"): "BEFORE DELETE {on} FOR EACH ROW EXECUTE FUNCTION"
    " refuse_wanted_bundle()",
    ("snapshot_bundle", "truncate"): "BEFORE TRUNCATE {on} FOR EACH STATEMENT EXECUTE FUNCTION"
    " refuse_change()",
    ("snapshot_part", "wanted"): "BEFORE DELETE {on} FOR EACH ROW EXECUTE FUNCTION"
    " refuse_wanted_part()",
    ("snapshot_part", "rows"): "BEFORE UPDATE {on} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    ("snapshot_part", "truncate"): "BEFORE TRUNCATE {on} FOR EACH STATEMENT EXECUTE FUNCTION"
    " refuse_change()",
}

_AT_COMMIT = """
CREATE CONSTRAINT TRIGGER snapshot_bundle_removal AFTER DELETE ON snapshot_bundle
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_silent_removal();
ALTER TABLE snapshot_bundle ENABLE ALWAYS TRIGGER snapshot_bundle_removal;
"""


def _guard(table: str, name: str, what: str) -> ops.RunSQL:
    """Without ALWAYS, session_replication_role = replica would switch it off for a session."""
    trigger = f"{table}_{name}"
    return ops.RunSQL(
        f"CREATE TRIGGER {trigger} {what.format(on=f'ON {table}')};"
        f" ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger};",
        f"DROP TRIGGER {trigger} ON {table}",
    )


class Migration(migrations.Migration):
    """The table of parts, who may remove what, and indexes that find what is still needed."""

    dependencies = [("storage", "0003_history")]

    operations = [
        ops.CreateModel(
            name="PartRow",
            fields=[
                (
                    "hash",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("body", fields.BinaryField()),
                ("parts", ArrayField("text", default=list)),
            ],
            options={
                "table": "snapshot_part",
                "app": "storage",
                "pk_attr": "hash",
                "table_description": "What bundles share, under its hash; never changed, removed"
                " when nothing names it.",
            },
            bases=["Model"],
        ),
        # Bundles that are there already have no parts; no UPDATE of them is allowed.
        ops.AddField(
            "BundleRow", "parts", ArrayField("text", default=list, db_default=SqlDefault("'{}'"))
        ),
        ops.AlterField("BundleRow", "parts", ArrayField("text", default=list)),
        ops.AlterModelOptions(
            "BundleRow",
            {
                "table": "snapshot_bundle",
                "app": "storage",
                "pk_attr": "hash",
                "table_description": "A snapshot bundle: its manifest under its hash; never"
                " changed, removed only by retention.",
            },
        ),
        # Compressed bytes do not become shorter; a manifest stays in its row.
        ops.RunSQL(
            "ALTER TABLE snapshot_bundle ALTER body SET STORAGE EXTERNAL,"
            " SET (toast_tuple_target = 8160);"
            "ALTER TABLE snapshot_part ALTER body SET STORAGE EXTERNAL,"
            " SET (toast_tuple_target = 8160)",
            "ALTER TABLE snapshot_bundle ALTER body SET STORAGE EXTENDED,"
            " RESET (toast_tuple_target)",
        ),
        *(
            ops.RunSQL(f"CREATE INDEX {name} ON {columns}", f"DROP INDEX {name}")
            for name, columns in _INDEXES.items()
        ),
        ops.RunSQL(_GUARDS, _GUARDS_BACK),
        *(_guard(table, name, what) for (table, name), what in _TRIGGERS.items()),
        ops.RunSQL(_AT_COMMIT, "DROP TRIGGER snapshot_bundle_removal ON snapshot_bundle"),
    ]
