"""What keeps an operator's command from being carried out, and to which end it brings it then."""

from datetime import datetime
from typing import Any

from engine.domain.operator_command import (
    LIFE,
    AccountMode,
    CommandStatus,
    OperatorCommand,
)
from engine.domain.state import Control, TradingState
from engine.errors import NotAllowed
from engine.flow.operator_commands import role_for
from engine.flow.people import person_at_least
from engine.ports import Transaction


class Ends(Exception):
    """A command comes to this end: its status, the reason as a code, and facts of the reason."""

    def __init__(self, status: CommandStatus, reason: str, **facts: Any) -> None:
        super().__init__(reason)
        self.status, self.reason, self.facts = status, reason, facts


async def may_begin(
    tx: Transaction, command: OperatorCommand, now: datetime, *, is_live: bool, live_enabled: bool
) -> None:
    """Raise :class:`Ends` for a command that must not be begun: its person lost the right, it is
    too old, it was given for the other kind of account, or it closes trades of a real account
    (``is_live``) without LIVE_TRADING_ENABLED (``live_enabled``).
    """
    if command.person_id is not None:
        try:
            await person_at_least(tx, command.person_id, role_for(command.type))
        except NotAllowed as error:
            raise Ends(CommandStatus.FAILED, "not_allowed") from error
    kind = command.type
    if (kind.closes or kind.resumes) and not now - command.created_at <= LIFE:
        raise Ends(CommandStatus.SKIPPED, "expired")
    mode = AccountMode.LIVE if is_live else AccountMode.PAPER
    if command.payload.mode not in (None, mode):
        raise Ends(CommandStatus.SKIPPED, "other_mode", mode=str(mode))
    if kind.closes and is_live and not live_enabled:
        raise Ends(CommandStatus.SKIPPED, "live_trading_disabled")


async def version_to_lift(tx: Transaction, command: OperatorCommand, control: Control) -> int:
    """The version of the control that a command to trade again is bound to: the one it was given
    under, and what earlier commands made of that since. A pause of anybody else that came in
    between is not lifted unseen. Raises :class:`Ends` where nothing is paused, and for a halt,
    which needs the two steps of the chat.
    """
    pair = command.payload.pair
    if control.may_open if pair is None else pair not in control.paused_symbols:
        raise Ends(CommandStatus.SKIPPED, "already", state=str(control.state))
    stopped = (TradingState.HALTED, TradingState.EMERGENCY_STOP)
    if pair is None and control.state in stopped:
        raise Ends(CommandStatus.FAILED, "needs_confirmation", state=str(control.state))
    version = command.control_version
    for earlier in await tx.operator_commands.ended_since(command.created_at):
        moved = earlier.result.get("control")
        if earlier.id < command.id and moved is not None and moved["before"] == version:
            version = moved["after"]
    return version
