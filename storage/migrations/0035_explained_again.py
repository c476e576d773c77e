"""An explanation that did not come is asked for again: several attempts for an idea, when the next
one is, and whether a person wants it.

The tables are without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_ATTEMPTS = """
ALTER TABLE idea_explanation ADD COLUMN attempt smallint NOT NULL DEFAULT 1 CHECK (attempt > 0);
ALTER TABLE idea_explanation DROP CONSTRAINT idea_explanation_pkey;
ALTER TABLE idea_explanation ADD PRIMARY KEY (idea_id, language, attempt);
"""
# Only the first attempt has a place in the table as it was.
_ATTEMPTS_BACK = """
ALTER TABLE idea_explanation DISABLE TRIGGER idea_explanation_rows;
DELETE FROM idea_explanation later USING idea_explanation earlier
WHERE later.idea_id = earlier.idea_id AND later.language = earlier.language
  AND later.attempt > earlier.attempt;
ALTER TABLE idea_explanation ENABLE ALWAYS TRIGGER idea_explanation_rows;
ALTER TABLE idea_explanation DROP CONSTRAINT idea_explanation_pkey;
ALTER TABLE idea_explanation ADD PRIMARY KEY (idea_id, language);
ALTER TABLE idea_explanation DROP COLUMN attempt;
"""
# Those that were asked for before have had their one attempt.
_TURNS = """
ALTER TABLE explanation_turn ADD COLUMN tries smallint NOT NULL DEFAULT 1;
ALTER TABLE explanation_turn ALTER COLUMN tries SET DEFAULT 0;
ALTER TABLE explanation_turn ADD COLUMN next_at timestamptz;
ALTER TABLE explanation_turn ADD COLUMN is_wanted boolean NOT NULL DEFAULT false;
CREATE INDEX explanation_turn_wanted ON explanation_turn (idea_id) WHERE is_wanted;
"""
_TURNS_BACK = """
ALTER TABLE explanation_turn DROP COLUMN tries, DROP COLUMN next_at, DROP COLUMN is_wanted;
"""


class Migration(migrations.Migration):
    """Columns of two tables."""

    dependencies = [("storage", "0034_inquiries")]

    operations = [
        ops.RunSQL(_ATTEMPTS, _ATTEMPTS_BACK),
        ops.RunSQL(_TURNS, _TURNS_BACK),
    ]
