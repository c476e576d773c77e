"""What the endpoint of the Expert Advisor keeps: terminals, their commands, what they show.

Tables without models: their keys have several columns, which models cannot say.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLES = {
    "ea_code": """(
        digest varchar(64) PRIMARY KEY,
        account_id varchar(60) NOT NULL,
        issued_by varchar(120) NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        used_by jsonb
    )""",
    "ea_guess": """(
        key varchar(120) NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
    "ea_terminal": """(
        account_id varchar(60) PRIMARY KEY,
        login bigint NOT NULL CHECK (login > 0),
        server varchar(64) NOT NULL,
        magic_base bigint NOT NULL UNIQUE CHECK (magic_base BETWEEN 1 AND 4503599627370496),
        last_seq bigint NOT NULL DEFAULT 0 CHECK (last_seq BETWEEN 0 AND 4503599627370495),
        token_digest varchar(64) UNIQUE,
        document jsonb NOT NULL,
        UNIQUE (login, server)
    )""",
    "ea_command": """(
        id varchar(48) PRIMARY KEY,
        account_id varchar(60) NOT NULL,
        seq bigint NOT NULL,
        magic bigint NOT NULL,
        type varchar(8) NOT NULL,
        rank smallint NOT NULL,
        state varchar(10) NOT NULL,
        client_id varchar(40),
        position bigint,
        fields jsonb NOT NULL,
        issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz,
        lease_until timestamptz,
        attempt int NOT NULL DEFAULT 0,
        offered_to jsonb NOT NULL DEFAULT '[]',
        lookup_only boolean NOT NULL DEFAULT false,
        result jsonb,
        finished_at timestamptz,
        UNIQUE (account_id, seq),
        UNIQUE (account_id, magic),
        CHECK ((state = 'finished') = (result IS NOT NULL)),
        CHECK (type <> 'OPEN' OR expires_at IS NOT NULL)
    )""",
    "ea_snapshot": """(
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        account_id varchar(60) NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        body bytea NOT NULL
    )""",
    "ea_shown": """(
        account_id varchar(60) PRIMARY KEY,
        at timestamptz NOT NULL,
        offset_seconds int NOT NULL,
        document jsonb NOT NULL
    )""",
    "ea_deal": """(
        account_id varchar(60) NOT NULL,
        ticket bigint NOT NULL,
        position bigint NOT NULL,
        entry smallint NOT NULL,
        at timestamptz NOT NULL,
        document jsonb NOT NULL,
        PRIMARY KEY (account_id, ticket)
    )""",
    "ea_symbol": """(
        account_id varchar(60) NOT NULL,
        name varchar(64) NOT NULL,
        document jsonb NOT NULL,
        PRIMARY KEY (account_id, name)
    )""",
    "ea_symbol_map": """(
        account_id varchar(60) NOT NULL,
        symbol varchar(24) NOT NULL,
        name varchar(64) NOT NULL,
        PRIMARY KEY (account_id, symbol),
        UNIQUE (account_id, name)
    )""",
    "ea_names": """(
        account_id varchar(60) PRIMARY KEY,
        names jsonb NOT NULL
    )""",
    "ea_candle": """(
        account_id varchar(60) NOT NULL,
        name varchar(64) NOT NULL,
        timeframe varchar(4) NOT NULL,
        time timestamptz NOT NULL,
        open numeric(20, 8) NOT NULL,
        high numeric(20, 8) NOT NULL,
        low numeric(20, 8) NOT NULL,
        close numeric(20, 8) NOT NULL,
        volume bigint NOT NULL,
        PRIMARY KEY (account_id, name, timeframe, time)
    )""",
    "ea_calendar": """(
        account_id varchar(60) PRIMARY KEY,
        document jsonb NOT NULL
    )""",
}

_INDEXES = {
    "ea_guess_recent": "ea_guess (key, at)",
    "ea_command_pending": "ea_command (account_id, rank, seq) WHERE state IN ('queued', 'leased')",
    "ea_command_order": "ea_command (client_id) WHERE client_id IS NOT NULL",
    "ea_snapshot_age": "ea_snapshot (received_at)",
    "ea_deal_position": "ea_deal (account_id, position)",
    "ea_deal_closing": "ea_deal (account_id, at) WHERE entry <> 0",
}


class Migration(migrations.Migration):
    """Twelve tables that begin with ``ea_``."""

    dependencies = [("storage", "0013_people")]

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
