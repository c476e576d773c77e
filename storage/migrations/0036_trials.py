"""Who watches a sweep or a search of the optimizer, how far the search is, if it was stopped."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_SWEEP = "ALTER TABLE sweep ADD COLUMN person_id bigint, ADD COLUMN message_id bigint"
_NO_SWEEP = "ALTER TABLE sweep DROP COLUMN person_id, DROP COLUMN message_id"
_RUN = """
ALTER TABLE optimizer_run
    ADD COLUMN message_id bigint,
    ADD COLUMN done integer NOT NULL DEFAULT 0 CHECK (done >= 0),
    ADD COLUMN total integer NOT NULL DEFAULT 0 CHECK (total >= 0),
    ADD COLUMN cancelled boolean NOT NULL DEFAULT FALSE
"""
_NO_RUN = """
ALTER TABLE optimizer_run
    DROP COLUMN message_id, DROP COLUMN done, DROP COLUMN total, DROP COLUMN cancelled
"""


class Migration(migrations.Migration):
    """Columns of two tables."""

    dependencies = [("storage", "0035_explained_again")]

    operations = [ops.RunSQL(_SWEEP, _NO_SWEEP), ops.RunSQL(_RUN, _NO_RUN)]
