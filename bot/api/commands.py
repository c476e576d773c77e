"""Source 002's commands: given once, carried out once by a worker, with the record of each step."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, RootModel, StringConstraints

from bot.api.fields import Given, Instant, Told
from bot.api.routing import Answer, Call, Routes
from engine.domain.decision import Decision
from engine.domain.operator_command import (
    AccountMode,
    CommandStatus,
    CommandType,
    OperatorCommand,
)
from engine.domain.person import Role
from engine.flow.operator_commands import role_for
from engine.flow.steering import caller_at_least

routes = Routes("commands")

#: ``EUR_USD``, ``eur/usd`` and ``EURUSD`` are one.
Pair = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/#+-]{1,23}$")
]
#: What makes a repeat known as one.
Key = Annotated[str, StringConstraints(strict=True, pattern=r"^[!-~]([ -~]{0,98}[!-~])?$")]
Account = Literal["PAPER", "LIVE"]


class AnyPair(Given):
    """``mode`` is the kind of account that is meant; on the other kind nothing is changed."""

    mode: Account | None = None


class OnePair(AnyPair):
    """The same for one symbol."""

    pair: Pair


class PairCommand(Given):
    """A command about one symbol."""

    type: Literal["PAUSE_PAIR", "RESUME_PAIR", "CLOSE_PAIR"]
    payload: OnePair
    idempotency_key: Key | None = None


class WholeCommand(Given):
    """A command about everything; RELOAD_PARAMS is for admins."""

    type: Literal["PAUSE_ALL", "RESUME_ALL", "CLOSE_ALL", "RELOAD_PARAMS"]
    payload: AnyPair = AnyPair()
    idempotency_key: Key | None = None


class CommandWanted(RootModel[Annotated[PairCommand | WholeCommand, Field(discriminator="type")]]):
    """A command to be given."""


class PayloadTold(Told):
    """What a command is about."""

    pair: str | None
    mode: AccountMode | None


class CommandTold(Told):
    """A command as it stands. ``result`` is what became of it: ``reason`` and ``actions``."""

    id: int
    type: CommandType
    payload: PayloadTold
    status: CommandStatus
    actor: str
    idempotency_key: str | None
    created_at: Instant
    finished_at: datetime | None
    result: dict[str, Any]


class StepTold(Told):
    """One step of a command, by the record of the history that holds it."""

    seq: int
    at: Instant
    actor: str
    action: str
    text: str


class AuditedTold(CommandTold):
    """A command with its steps, the oldest first."""

    audit: list[StepTold]


@routes.post("/v1/commands", role=Role.TRADER, status=201, also=(200,), statuses=(409,))
async def give(call: Call, body: CommandWanted) -> Answer[CommandTold]:
    """Queue a command for the workers.

    201 for a new one, 200 for a repeat under the same ``idempotency_key``, 409 for a key that
    belongs to another command.
    """
    wanted = body.root
    kind, pair = CommandType(wanted.type), getattr(wanted.payload, "pair", None)
    caller_at_least(call.caller, role_for(kind))
    mode = None if wanted.payload.mode is None else AccountMode(wanted.payload.mode)
    command, is_new = await call.uses.talk.give_command.give(
        call.person_id, kind, pair=pair, mode=mode, key=wanted.idempotency_key
    )
    return Answer(CommandTold(**_told(command)), status=201 if is_new else 200)


@routes.get("/v1/commands", role=Role.VIEWER)
async def commands(
    call: Call,
    status: Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "SKIPPED"] | None = None,
    limit: Annotated[int, Field(ge=1, le=500)] = 20,
) -> list[CommandTold]:
    """The last commands, newest first."""
    wanted = None if status is None else CommandStatus(status)
    found = await call.uses.talk.read_commands(call.person_id, status=wanted, limit=limit)
    return [CommandTold(**_told(one)) for one in found]


@routes.get("/v1/commands/{command_id}", role=Role.VIEWER)
async def command(call: Call, command_id: Annotated[int, Field(ge=1, le=2**31 - 1)]) -> AuditedTold:
    """One command with its result and the record of each step."""
    found, steps = await call.uses.talk.read_commands.audit(call.person_id, command_id)
    return AuditedTold(**_told(found), audit=[_step(one) for one in steps])


def _told(command: OperatorCommand) -> dict[str, Any]:
    return {
        "id": command.id,
        "type": command.type,
        "payload": PayloadTold(pair=command.payload.pair, mode=command.payload.mode),
        "status": command.status,
        "actor": command.actor,
        "idempotency_key": command.idempotency_key,
        "created_at": command.created_at,
        "finished_at": command.finished_at,
        "result": command.result,
    }


def _step(decision: Decision) -> StepTold:
    entry = decision.entry
    return StepTold(
        seq=decision.seq,
        at=entry.occurred_at,
        actor=entry.actor,
        action=str(entry.action),
        text=entry.rationale,
    )
