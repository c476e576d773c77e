"""Candles of venues that are asked for them: streams and who reads them, revisions, gaps.

Tables without models: they are written by hand-made statements only. A candle has no foreign key to
its stream: it is only written while the stream's row is held, and a check for each row would cost
as much as the row. A price is a number of any scale up to 12, not of one: it keeps the digits that
the venue wrote, because a snapshot's hash is made of them.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLES = {
    "candle_stream": """(
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source varchar(120) NOT NULL,
        symbol varchar(60) NOT NULL,
        timeframe varchar(4) NOT NULL,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        leased_until timestamptz,
        holder varchar(120),
        claim bigint NOT NULL DEFAULT 0,
        checked_at timestamptz,
        good_at timestamptz,
        failures int NOT NULL DEFAULT 0,
        trouble varchar(20),
        latest timestamptz,
        filled_from timestamptz,
        filled_to timestamptz,
        filled_until timestamptz,
        UNIQUE (source, symbol, timeframe),
        CHECK (num_nulls(filled_from, filled_to, filled_until) IN (0, 3))
    )""",
    "candle": """(
        stream_id int NOT NULL,
        time timestamptz NOT NULL,
        revision smallint NOT NULL CHECK (revision > 0),
        open numeric NOT NULL,
        high numeric NOT NULL,
        low numeric NOT NULL,
        close numeric NOT NULL,
        volume bigint NOT NULL CHECK (volume >= 0),
        learnt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (stream_id, time, revision),
        CHECK (0 < low AND low <= least(open, close) AND greatest(open, close) <= high
            AND high <= 1000000000000
            AND greatest(scale(open), scale(high), scale(low), scale(close)) <= 12)
    )""",
    "candle_gap": """(
        stream_id int NOT NULL REFERENCES candle_stream (id),
        after timestamptz NOT NULL,
        before timestamptz NOT NULL,
        asked smallint NOT NULL DEFAULT 0,
        state varchar(8) NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'empty', 'beyond')),
        asked_at timestamptz,
        PRIMARY KEY (stream_id, after),
        CHECK (after < before)
    )""",
}


class Migration(migrations.Migration):
    """Three tables."""

    dependencies = [("storage", "0019_feeds")]

    operations = [
        *(
            ops.RunSQL(f"CREATE TABLE {name} {columns}", f"DROP TABLE {name}")
            for name, columns in _TABLES.items()
        ),
        ops.RunSQL(
            "CREATE INDEX candle_gap_open ON candle_gap (stream_id, after) WHERE state = 'open'",
            "DROP INDEX candle_gap_open",
        ),
    ]
