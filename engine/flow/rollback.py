"""Back to an older version: its values as a new one, so that nothing is ever lost."""

from dataclasses import dataclass
from uuid import UUID

from engine.domain.change_proposal import FieldChange
from engine.domain.settings import SettingsVersion, back_to, differences, written
from engine.errors import InvalidInput, NotFound
from engine.flow.change_proposals import settings_changes
from engine.flow.settings import ChangeSettings, ReadSettings, must_be_in_force
from engine.flow.strategies import EditStrategy, ReadVersions, version_of
from engine.flow.strategy_records import Changed
from engine.strategies.documents import text

#: Versions of the settings that can be gone back to.
_VERSIONS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """What is different between two versions of the settings; raises :class:`NotFound`."""

    read: ReadSettings

    async def __call__(
        self, person_id: int | None, first: int, second: int
    ) -> tuple[FieldChange, ...]:
        before, after = await self.one(person_id, first), await self.one(person_id, second)
        return settings_changes(before.settings, after.settings)

    async def one(self, person_id: int | None, wanted: int) -> SettingsVersion:
        """One version; raises :class:`NotFound` with the newest one's number."""
        (now,) = await self.read(person_id)
        limit = min(_VERSIONS, now.version - wanted + 1)
        if 1 <= wanted <= now.version:
            for found in await self.read(person_id, limit=limit):
                if found.version == wanted:
                    return found
        raise NotFound(
            f"there is no version {wanted}; the newest is {now.version}",
            mistake="version_unknown",
            version=wanted,
            newest=now.version,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackSettings:
    """Put the values of an older version in force again; ``expected`` is the version that was
    looked at. Raises as :class:`ChangeSettings` does, and :class:`NotFound`; for values that are in
    force already :class:`InvalidInput`.
    """

    compare: CompareSettings
    change: ChangeSettings

    async def __call__(
        self, person_id: int | None, version: int, *, reason: str | None, expected: int
    ) -> tuple[int, tuple[str, ...]]:
        """The new version's number, and the names of the settings that changed."""
        wanted = (await self.compare.one(person_id, version)).settings
        (now,) = await self.compare.read(person_id)
        must_be_in_force(now.version, expected)
        names = differences(now.settings, wanted)
        changes = {name: written(getattr(wanted, name)) for name in names}
        if not changes:
            raise InvalidInput(
                f"version {expected} has the values of version {version} already",
                mistake="unchanged",
            )
        why = reason or back_to(version)
        return await self.change(person_id, changes, reason=why, expected=expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackStrategy:
    """Make the document of an older version the strategy's next one; whether it is on stays as it
    is. Raises as :class:`EditStrategy` does, and :class:`NotFound`.
    """

    read: ReadVersions
    edit: EditStrategy

    async def __call__(
        self, person_id: int | None, id_: UUID, version: int, *, reason: str | None, expected: int
    ) -> Changed:
        found = version_of(await self.read(person_id, id_), version)
        why = reason or back_to(version)
        return await self.edit(person_id, id_, text(found.strategy), reason=why, expected=expected)
