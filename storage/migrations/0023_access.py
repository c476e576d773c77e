"""Who comes in over HTTP: logins, sessions, keys, invitations, and how often was guessed.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLES = {
    "web_login": """(
    person_id bigint PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    email varchar(254) NOT NULL UNIQUE CHECK (email = lower(email)),
    password_hash varchar(200) NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
)""",
    "web_session": """(
    id varchar(64) PRIMARY KEY,
    person_id bigint NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK (expires_at > created_at)
)""",
    "api_key": """(
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(60) NOT NULL,
    prefix varchar(16) NOT NULL,
    digest char(64) NOT NULL UNIQUE,
    person_id bigint NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role varchar(12) NOT NULL CHECK (role IN ('viewer', 'trader', 'admin')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    used_at timestamptz,
    revoked_at timestamptz
)""",
    "web_invite": """(
    person_id bigint PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    digest char(64) NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL
)""",
    "web_try": """(
    name varchar(120) PRIMARY KEY,
    since timestamptz NOT NULL,
    tries int NOT NULL CHECK (tries >= 0)
)""",
}

_INDEXES = {
    "web_session_person": "web_session (person_id)",
    "web_session_over": "web_session (expires_at)",
    "api_key_person": "api_key (person_id)",
    "web_try_since": "web_try (since)",
}


class Migration(migrations.Migration):
    """Five tables."""

    dependencies = [("storage", "0022_feed_memory")]

    operations = [
        *(
            ops.RunSQL(f"CREATE TABLE {name} {columns}", f"DROP TABLE {name}")
            for name, columns in _TABLES.items()
        ),
        *(
            ops.RunSQL(f"CREATE INDEX {name} ON {where}", f"DROP INDEX {name}")
            for name, where in _INDEXES.items()
        ),
    ]
