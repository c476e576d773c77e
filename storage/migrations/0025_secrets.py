"""Secrets at rest, encrypted before they come here, and connections to providers of a model.

Tables without models: they are written by hand-made statements only.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

# A value is "key id:base64" of at least a nonce and a tag: plain text is not let in.
_VAULT = """
CREATE TABLE secret (
    name varchar(120) PRIMARY KEY CHECK (name <> ''),
    value text NOT NULL CHECK (value ~ '^[A-Za-z0-9_-]{1,32}:[A-Za-z0-9+/]{38,}={0,2}$'),
    expires_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""

_CONNECTION = """
CREATE TABLE provider_connection (
    provider varchar(20) PRIMARY KEY,
    document jsonb NOT NULL
)
"""


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("storage", "0023_access")]

    operations = [
        ops.RunSQL(_VAULT, "DROP TABLE secret"),
        ops.RunSQL(_CONNECTION, "DROP TABLE provider_connection"),
    ]
