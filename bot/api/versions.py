"""Versions of the configuration: what is different between two of them, and the way back."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from bot.api.changes import ChangeTold
from bot.api.fields import Given, Text, Told, Whole
from bot.api.routing import Call, Routes
from engine.domain.person import Role
from engine.flow.strategies import version_of
from engine.strategies.changes import diff

routes = Routes("versions")

Version = Annotated[int, Field(ge=1, le=10**9)]


class BackWanted(Given):
    """The version to go back to, and the one that was looked at: while another is in force the
    answer is OUTDATED.
    """

    to_version: Annotated[Whole, Field(ge=1, le=10**9)]
    version: Annotated[Whole, Field(ge=1, le=10**9)]
    reason: Annotated[Text, Field(min_length=1, max_length=200)] | None = None


class DifferenceTold(Told):
    """What changed from one version to another, field by field."""

    first: int
    second: int
    changes: list[ChangeTold]


class BackTold(Told):
    """The new version, which has the values of the old one, and the names that it changed."""

    version: int
    changed: list[str]


@routes.get("/v1/settings/risk/diff", role=Role.VIEWER, statuses=(404,))
async def settings_diff(call: Call, first: Version, second: Version) -> DifferenceTold:
    """What is different between two versions of the settings."""
    compare = call.uses.acts.changes.compare_settings
    changes = [
        ChangeTold(field=one.field, before=one.before, after=one.after)
        for one in await compare(call.person_id, first, second)
    ]
    return DifferenceTold(first=first, second=second, changes=changes)


@routes.post("/v1/settings/risk/rollback", role=Role.ADMIN, statuses=(404, 409))
async def settings_back(call: Call, body: BackWanted) -> BackTold:
    """Put the values of an older version in force, as a new one."""
    number, names = await call.uses.acts.changes.roll_back_settings(
        call.person_id, body.to_version, reason=body.reason, expected=body.version
    )
    return BackTold(version=number, changed=list(names))


@routes.get("/v1/strategies/{strategy_id}/diff", role=Role.VIEWER)
async def strategy_diff(
    call: Call, strategy_id: UUID, first: Version, second: Version
) -> DifferenceTold:
    """What is different between two versions of a strategy."""
    found = await call.uses.talk.read_versions(call.person_id, strategy_id)
    before, after = (version_of(found, number).strategy for number in (first, second))
    changes = [
        ChangeTold(field=one.path, before=one.before, after=one.after)
        for one in diff(before, after)
    ]
    return DifferenceTold(first=first, second=second, changes=changes)


@routes.post("/v1/strategies/{strategy_id}/rollback", role=Role.ADMIN, statuses=(409,))
async def strategy_back(call: Call, strategy_id: UUID, body: BackWanted) -> BackTold:
    """Make the document of an older version the next one; whether it is on stays as it is."""
    made = await call.uses.acts.changes.roll_back_strategy(
        call.person_id, strategy_id, body.to_version, reason=body.reason, expected=body.version
    )
    return BackTold(version=made.after.version, changed=[one.path for one in made.changes])
