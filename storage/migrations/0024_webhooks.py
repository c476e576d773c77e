"""Endpoints that events are posted to, and what is on its way to them.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

# A delivery that is sent again by hand takes a new place at the end; its number stays.
_PLACES = "CREATE SEQUENCE webhook_place"

_TABLES = {
    "webhook_endpoint": """(
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        url varchar(500) NOT NULL,
        description varchar(200) NOT NULL DEFAULT '',
        types jsonb NOT NULL DEFAULT '[]',
        key uuid NOT NULL DEFAULT gen_random_uuid(),
        old_key uuid,
        old_until timestamptz,
        off varchar(10) CHECK (off IN ('person', 'gone', 'failing', 'settings')),
        from_settings boolean NOT NULL DEFAULT false,
        created_by varchar(80) NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        cursor bigint NOT NULL,
        failures int NOT NULL DEFAULT 0,
        failing_since timestamptz,
        not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
        claim uuid,
        leased_until timestamptz,
        CHECK ((claim IS NULL) = (leased_until IS NULL)),
        CHECK ((old_key IS NULL) = (old_until IS NULL))
    )""",
    "webhook_delivery": """(
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        endpoint_id bigint NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
        event_id varchar(64) NOT NULL,
        type varchar(40) NOT NULL,
        body text NOT NULL,
        state varchar(10) NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'delivered', 'failed', 'cancelled')),
        attempts int NOT NULL DEFAULT 0,
        forgiven int NOT NULL DEFAULT 0,
        place bigint NOT NULL DEFAULT nextval('webhook_place'),
        reason varchar(200) NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        finished_at timestamptz,
        UNIQUE (endpoint_id, event_id),
        CHECK ((state = 'waiting') = (finished_at IS NULL))
    )""",
    "webhook_attempt": """(
        delivery_id bigint NOT NULL REFERENCES webhook_delivery (id) ON DELETE CASCADE,
        number int NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        status int,
        outcome varchar(200),
        took_ms int,
        said varchar(300) NOT NULL DEFAULT '',
        PRIMARY KEY (delivery_id, number)
    )""",
}

_INDEXES = {
    "webhook_endpoint_settings": "UNIQUE INDEX {} ON webhook_endpoint (from_settings)"
    " WHERE from_settings",
    "webhook_delivery_waiting": "INDEX {} ON webhook_delivery (endpoint_id, place)"
    " WHERE state = 'waiting'",
    "webhook_delivery_log": "INDEX {} ON webhook_delivery (endpoint_id, id)",
    "webhook_delivery_state": "INDEX {} ON webhook_delivery (state, finished_at)",
}


class Migration(migrations.Migration):
    """Three tables."""

    dependencies = [("storage", "0023_access")]

    operations = [
        ops.RunSQL(_PLACES, "DROP SEQUENCE webhook_place"),
        *(
            ops.RunSQL(f"CREATE TABLE {name} {columns}", f"DROP TABLE {name}")
            for name, columns in _TABLES.items()
        ),
        *(
            ops.RunSQL(f"CREATE {what.format(name)}", f"DROP INDEX {name}")
            for name, what in _INDEXES.items()
        ),
    ]
