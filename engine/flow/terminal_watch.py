"""Tell people when the MetaTrader terminal that trades for us falls silent, and when it is back."""

from dataclasses import dataclass
from datetime import timedelta

from engine.domain.notice import Audience, Kind, Notice, Priority
from engine.domain.person import Role
from engine.ports import Store

#: Heartbeats that may fail to come, at the pace the endpoint asks for, before people are told.
MISSED, INTERVAL = 3, timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchTerminal:
    """Look once whether the account's terminal is heard: told once for each silence, while trading
    is on or a trade is open. Asked by a worker, so that it comes when no terminal speaks.
    """

    store: Store
    account_id: str
    silent_after: timedelta = MISSED * INTERVAL

    async def __call__(self) -> bool:
        """Whether it is silent when it matters."""
        async with self.store.begin() as tx:
            terminal = await tx.terminals.read(self.account_id)
            if terminal is None or not terminal.token_digest or terminal.beat_at is None:
                return False
            now, control = await tx.now(), await tx.controls.read()
            silent = now - terminal.beat_at
            is_lost = not silent <= self.silent_after
            if is_lost and not (control.may_open or terminal.open_positions):
                return False
            cause = f"terminal:{self.account_id}:lost"
            at = terminal.beat_at if is_lost else now
            await tx.outbox.tell(
                Notice(
                    kind=Kind.TERMINAL,
                    key=f"{cause}:{at.isoformat()}"
                    if is_lost
                    else f"{cause}:back:{at.isoformat()}",
                    priority=Priority.SAFETY,
                    detail={
                        "what": "lost",
                        "account_id": self.account_id,
                        "seconds": int(silent.total_seconds()),
                    },
                    cause=cause,
                    is_resolved=not is_lost,
                ),
                Audience(at_least=Role.TRADER),
            )
        return is_lost
