"""What a terminal is asked to report, out of what is written whenever it is heard.

The wishes are most of a terminal's bytes and change with a snapshot only; a beat comes every few
seconds. ``json`` keeps their text, so that nobody has to write it anew for each look.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

_APART = """
UPDATE ea_terminal SET wishes = coalesce(document -> 'wishes', '{}')::json,
                       document = document - 'wishes'
"""
_TOGETHER = """
UPDATE ea_terminal SET document = document || jsonb_build_object('wishes', wishes::jsonb)
"""


class Migration(migrations.Migration):
    """``wishes`` of ``ea_terminal``, and room beside each row for its next version."""

    dependencies = [("storage", "0015_ea")]

    operations = [
        ops.RunSQL(
            "ALTER TABLE ea_terminal ADD COLUMN wishes json NOT NULL DEFAULT '{}'",
            "ALTER TABLE ea_terminal DROP COLUMN wishes",
        ),
        ops.RunSQL(_APART, _TOGETHER),
        ops.RunSQL(
            "ALTER TABLE ea_terminal SET (fillfactor = 50)",
            "ALTER TABLE ea_terminal RESET (fillfactor)",
        ),
    ]
