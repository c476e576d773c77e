"""The queue of model signals and their acknowledgements, by the names of source 003.

Tables without models: the queue is written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

# NaN is above every number in PostgreSQL, so an upper bound refuses it.
_TABLES = {
    "signals_queue": """(
        signal_id uuid PRIMARY KEY,
        seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        ts timestamptz NOT NULL,
        symbol varchar(24) NOT NULL,
        timeframe varchar(4) NOT NULL,
        side varchar(4) NOT NULL CHECK (side IN ('BUY', 'SELL')),
        confidence numeric NOT NULL CHECK (confidence BETWEEN 0 AND 1),
        sl_pips numeric NOT NULL CHECK (sl_pips BETWEEN 0 AND 1e12),
        tp_pips numeric NOT NULL CHECK (tp_pips BETWEEN 0 AND 1e12),
        price numeric NOT NULL CHECK (price > 0 AND price <= 1e12),
        meta json NOT NULL,
        status varchar(8) NOT NULL DEFAULT 'PENDING'
            CHECK (status IN ('PENDING', 'SENT', 'FAILED', 'EXPIRED')),
        attempts int NOT NULL DEFAULT 0,
        reason varchar(500),
        not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
        claim uuid,
        leased_until timestamptz,
        attempted_at timestamptz,
        finished_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CHECK ((claim IS NULL) = (leased_until IS NULL)),
        CHECK ((status = 'PENDING') = (finished_at IS NULL))
    )""",
    "signals_ack": """(
        signal_id uuid PRIMARY KEY REFERENCES signals_queue (signal_id),
        ticket bigint,
        acked_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
}

_INDEXES = {
    "signals_queue_pending": "signals_queue (symbol, seq) WHERE status = 'PENDING'",
    "signals_queue_recent": "signals_queue (created_at, status)",
    "signals_queue_status": "signals_queue (status, seq)",
    "signals_ack_recent": "signals_ack (acked_at)",
}


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("storage", "0016_ea_wishes")]

    operations = [
        *(
            ops.RunSQL(f"CREATE TABLE {name} {columns}", f"DROP TABLE {name}")
            for name, columns in _TABLES.items()
        ),
        *(
            ops.RunSQL(f"CREATE INDEX {name} ON {columns}", f"DROP INDEX {name}")
            for name, columns in _INDEXES.items()
        ),
    ]
