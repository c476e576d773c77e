"""What the market did after each idea."""

from typing import Any

from tortoise import fields
from tortoise.models import Model


class OutcomeRow(Model):
    """An idea as it is followed; ``result`` is empty till it ends.

    ``document`` is the domain's Progress or Outcome, ``seen`` the market time up to which it is
    known; both are empty till the first look.
    """

    idea_id = fields.UUIDField(primary_key=True)
    result = fields.CharField(12, null=True)
    r = fields.DecimalField(24, 4, null=True)
    seen = fields.DatetimeField(null=True)
    document: Any = fields.JSONField(null=True)

    class Meta:
        table = "idea_outcome"
