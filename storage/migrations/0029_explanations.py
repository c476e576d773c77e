"""What a language model said of ideas, what it cost by day, and answers that are kept.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_TABLES = {
    "idea_explanation": """(
        idea_id uuid NOT NULL,
        language varchar(8) NOT NULL,
        fate varchar(12) NOT NULL CHECK (fate IN ('shown', 'unsupported', 'unavailable')),
        reason varchar(200),
        evidence_hash varchar(64) NOT NULL,
        prompt text NOT NULL,
        answer text NOT NULL DEFAULT '',
        text varchar(2000) NOT NULL DEFAULT '',
        model varchar(200),
        asked_tokens int NOT NULL DEFAULT 0,
        said_tokens int NOT NULL DEFAULT 0,
        at timestamptz NOT NULL,
        PRIMARY KEY (idea_id, language),
        CHECK ((fate = 'shown') = (text <> ''))
    )""",
    "explanation_turn": """(
        idea_id uuid PRIMARY KEY,
        claimed_until timestamptz NOT NULL,
        is_done boolean NOT NULL DEFAULT false
    )""",
    "analyst_day": """(
        day date PRIMARY KEY,
        tokens bigint NOT NULL DEFAULT 0 CHECK (tokens >= 0),
        cost numeric(18, 6) NOT NULL DEFAULT 0 CHECK (cost >= 0),
        answered int NOT NULL DEFAULT 0,
        failed int NOT NULL DEFAULT 0,
        remembered int NOT NULL DEFAULT 0,
        unsupported int NOT NULL DEFAULT 0
    )""",
    "analyst_answer": """(
        key varchar(64) PRIMARY KEY,
        document jsonb NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )""",
}

# Like the history, what was said is written once.
_APPEND_ONLY = """
CREATE TRIGGER idea_explanation_rows BEFORE UPDATE OR DELETE ON idea_explanation
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER idea_explanation_truncate BEFORE TRUNCATE ON idea_explanation
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE idea_explanation ENABLE ALWAYS TRIGGER idea_explanation_rows;
ALTER TABLE idea_explanation ENABLE ALWAYS TRIGGER idea_explanation_truncate;
"""
_APPEND_ONLY_BACK = """
DROP TRIGGER idea_explanation_rows ON idea_explanation;
DROP TRIGGER idea_explanation_truncate ON idea_explanation;
"""


class Migration(migrations.Migration):
    """Four tables."""

    dependencies = [("storage", "0028_change_proposals")]

    operations = [
        *(
            ops.RunSQL(f"CREATE TABLE {name} {columns}", f"DROP TABLE {name}")
            for name, columns in _TABLES.items()
        ),
        ops.RunSQL(
            "CREATE INDEX analyst_answer_at ON analyst_answer (at)",
            "DROP INDEX analyst_answer_at",
        ),
        ops.RunSQL(_APPEND_ONLY, _APPEND_ONLY_BACK),
    ]
