"""A strategy put in the place of itself, as a document (source 004 §6.3): edited, or switched."""

from dataclasses import dataclass, replace
from uuid import UUID

from engine.domain.access import Caller
from engine.domain.person import Role
from engine.domain.strategy import Strategy
from engine.flow.steering import caller_at_least
from engine.flow.strategies import EditStrategy, ReadStrategies, SwitchStrategy, must_be_at
from engine.strategies.documents import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class PutStrategy:
    """Put the text of a whole document in a strategy's place.

    One that differs only in ``is_active`` switches it, with the rights of :class:`SwitchStrategy`;
    any other is an edit, an admin's; one that differs in nothing changes nothing. ``expected`` is
    the version that was looked at, where it is known. Raises as those do.
    """

    read: ReadStrategies
    edit: EditStrategy
    switch: SwitchStrategy

    async def __call__(
        self, caller: Caller, id_: UUID, text: str, *, reason: str, expected: int | None = None
    ) -> Strategy:
        person_id = caller.person.id
        before = await self.read.one(person_id, id_)
        if expected is not None:
            must_be_at(before, expected)
        wanted = parse(id_, text, version=before.version, is_active=before.is_active)
        if wanted == before:
            return before
        version = before.version
        turns_off = replace(wanted, is_active=before.is_active) == before and before.is_active
        caller_at_least(caller, Role.TRADER if turns_off else Role.ADMIN)
        if replace(wanted, is_active=before.is_active) == before:
            made = await self.switch(
                person_id, id_, on=wanted.is_active, reason=reason, expected=version
            )
        else:
            made = await self.edit(person_id, id_, text, reason=reason, expected=version)
        return made.after
