"""Give the machine a command, and see what became of it; workers carry it out."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.domain.decision import Action, Decision
from engine.domain.operator_command import (
    AccountMode,
    CommandDraft,
    CommandStatus,
    CommandType,
    OperatorCommand,
    Payload,
    key_of,
    pair_of,
)
from engine.domain.person import Role
from engine.errors import IllegalMove, InvalidInput, NotFound
from engine.flow.command_records import record
from engine.flow.people import actor, person_at_least
from engine.ports import Bell, Store

#: The job that carries commands out.
JOB = "execute_commands"
#: The records that a command leaves (source 002's ``audit_log``).
_STEPS = (
    Action.COMMAND_QUEUED,
    Action.COMMAND_CLAIMED,
    Action.COMMAND_STARTED,
    Action.COMMAND_ACTION,
    Action.COMMAND_FINISHED,
)
_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveCommand:
    """Queue a command. ``person_id`` None is the operator of this machine."""

    store: Store
    bell: Bell
    symbols: tuple[str, ...]

    async def __call__(
        self,
        person_id: int | None,
        kind: CommandType,
        *,
        pair: str | None = None,
        mode: AccountMode | None = None,
        key: str | None = None,
    ) -> OperatorCommand:
        """The command as it stands; see :meth:`give`."""
        return (await self.give(person_id, kind, pair=pair, mode=mode, key=key))[0]

    async def give(
        self,
        person_id: int | None,
        kind: CommandType,
        *,
        pair: str | None = None,
        mode: AccountMode | None = None,
        key: str | None = None,
    ) -> tuple[OperatorCommand, bool]:
        """The command as it stands: a new one, or the one that was given under this key before;
        and whether it is new.

        Raises :class:`InvalidInput` for a pair that is missing or has no place here,
        :class:`NotAllowed` below a trader, or below an admin for RELOAD_PARAMS, and
        :class:`IllegalMove` when the key was given with something else.
        """
        payload = Payload(pair=self._pair(kind, pair), mode=mode)
        async with self.store.begin() as tx:
            name = "cli"
            if person_id is not None:
                person = await person_at_least(tx, person_id, role_for(kind))
                name = person.name
            # Held, so that nobody changes it between this look and the command's own instant.
            control = await tx.controls.hold()
            draft = CommandDraft(
                type=kind,
                payload=payload,
                actor=actor(person_id),
                actor_name=name,
                person_id=person_id,
                idempotency_key=key_of(key),
                control_version=control.version,
            )
            command, is_new = await tx.operator_commands.add(draft)
            if not is_new and not command.is_same(draft):
                raise IllegalMove(
                    f"the key {key} belongs to command {command.id}, which is another one:"
                    f" {command.type} {command.payload.pair or ''}".rstrip(),
                    command=command.id,
                )
            if is_new:
                told = record(Action.COMMAND_QUEUED, command, command.created_at, "given")
                await tx.history.append(told)
        if not command.status.is_over:
            await self.bell.ring(JOB)
        return command, is_new

    def _pair(self, kind: CommandType, pair: str | None) -> str | None:
        if kind.needs_pair is (pair is None):
            raise InvalidInput(f"{kind} {'needs a pair' if kind.needs_pair else 'takes no pair'}")
        return None if pair is None else pair_of(pair, self.symbols)


def role_for(kind: CommandType) -> Role:
    """The least role of a person who gives such a command."""
    return Role.ADMIN if kind is CommandType.RELOAD_PARAMS else Role.TRADER


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCommands:
    """The commands that were given. ``person_id`` None is the operator of this machine."""

    store: Store

    async def __call__(
        self, person_id: int | None, *, status: CommandStatus | None = None, limit: int = 20
    ) -> Sequence[OperatorCommand]:
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            return await tx.operator_commands.latest(status=status, limit=limit)

    async def one(self, person_id: int | None, id_: int) -> OperatorCommand:
        """One command; raises :class:`NotFound`."""
        async with self.store.begin() as tx:
            if person_id is not None:
                await person_at_least(tx, person_id, Role.VIEWER)
            found = await tx.operator_commands.get(id_)
        if found is None:
            raise NotFound(f"there is no command {id_}")
        return found

    async def audit(
        self, person_id: int | None, id_: int
    ) -> tuple[OperatorCommand, Sequence[Decision]]:
        """One command with the records of its steps, the oldest first; raises :class:`NotFound`."""
        command = await self.one(person_id, id_)
        steps: list[Decision] = []
        before = None
        async with self.store.begin() as tx:
            # The record of its giving is the first of them; nothing older is looked at.
            while not steps or steps[-1].entry.action is not Action.COMMAND_QUEUED:
                page = await tx.history.list(actions=_STEPS, before=before, limit=_PAGE)
                steps += [one for one in page if one.entry.detail.get("command_id") == id_]
                if len(page) < _PAGE:
                    break
                before = page[-1].seq
        return command, steps[::-1]
