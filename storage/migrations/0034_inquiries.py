"""Questions that a language model is asked, and what came of them.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLES = {
    "model_inquiry": """(
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key varchar(64) NOT NULL UNIQUE,
        person_id bigint NOT NULL,
        language varchar(8) NOT NULL,
        question varchar(400) NOT NULL,
        about int,
        code varchar(200),
        tries int NOT NULL DEFAULT 0,
        claimed_until timestamptz,
        is_stopped boolean NOT NULL DEFAULT FALSE,
        is_done boolean NOT NULL DEFAULT FALSE,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
    "model_reply": """(
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        person_id bigint,
        language varchar(8) NOT NULL,
        question varchar(400) NOT NULL,
        verdict varchar(12) NOT NULL CHECK (verdict IN ('shown', 'unsupported', 'unavailable')),
        reason varchar(200),
        looked_up text[] NOT NULL,
        said text NOT NULL,
        text varchar(2000) NOT NULL,
        model varchar(200),
        asked_tokens int NOT NULL,
        said_tokens int NOT NULL,
        at timestamptz NOT NULL,
        CHECK ((verdict = 'shown') = (text <> ''))
    )""",
}

_OPEN = "CREATE INDEX model_inquiry_open ON model_inquiry (id) WHERE NOT is_done"

# Like the history, what was said is written once.
_APPEND_ONLY = """
CREATE TRIGGER model_reply_rows BEFORE UPDATE OR DELETE ON model_reply
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER model_reply_truncate BEFORE TRUNCATE ON model_reply
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE model_reply ENABLE ALWAYS TRIGGER model_reply_rows;
ALTER TABLE model_reply ENABLE ALWAYS TRIGGER model_reply_truncate;
"""
_APPEND_ONLY_BACK = """
DROP TRIGGER model_reply_rows ON model_reply;
DROP TRIGGER model_reply_truncate ON model_reply;
"""


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("storage", "0032_sweeps")]

    operations = [
        *(
            ops.RunSQL(f"CREATE TABLE {name} {columns}", f"DROP TABLE {name}")
            for name, columns in _TABLES.items()
        ),
        ops.RunSQL(_OPEN, "DROP INDEX model_inquiry_open"),
        ops.RunSQL(_APPEND_ONLY, _APPEND_ONLY_BACK),
    ]
