"""What feeds of today's world say: how each stands, announced releases, headlines.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLES = {
    "feed": """(
        name varchar(500) PRIMARY KEY,
        checked_at timestamptz,
        good_at timestamptz,
        etag varchar(200) NOT NULL DEFAULT '',
        modified varchar(100) NOT NULL DEFAULT '',
        failures int NOT NULL DEFAULT 0,
        trouble varchar(20),
        covered_from timestamptz,
        covered_until timestamptz,
        not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
        leased_until timestamptz,
        CHECK ((covered_from IS NULL) = (covered_until IS NULL))
    )""",
    "calendar_release": """(
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source varchar(500) NOT NULL,
        at timestamptz NOT NULL,
        currency varchar(8) NOT NULL,
        title varchar(200) NOT NULL,
        impact varchar(8) NOT NULL CHECK (impact IN ('low', 'medium', 'high')),
        previous varchar(60) NOT NULL,
        forecast varchar(60) NOT NULL,
        actual varchar(60) NOT NULL,
        listed boolean NOT NULL,
        noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
    "news_item": """(
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        guid_key varchar(64),
        link_key varchar(64),
        words_key varchar(64) NOT NULL,
        headline varchar(300) NOT NULL,
        source varchar(100) NOT NULL,
        published_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
}

_INDEXES = {
    "calendar_release_slot": "calendar_release (source, at, currency, title, id)",
    "news_item_guid": "news_item (guid_key) WHERE guid_key IS NOT NULL",
    "news_item_link": "news_item (link_key) WHERE link_key IS NOT NULL",
    "news_item_words": "news_item (words_key)",
    "news_item_newest": "news_item (published_at, id)",
    "news_item_age": "news_item (seen_at)",
}


class Migration(migrations.Migration):
    """Three tables."""

    dependencies = [("storage", "0018_signals")]

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
